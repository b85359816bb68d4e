"""The pump as a Python object: blocking calls, typed replies, and a `with` block that never leaves the pump moving.

    with Pump.open("flushsim://") as pump:
        print(pump.status())

Leaving the block by an exception sends STOP until the pump reports that nothing moves.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from flushpump.device.follow import follow, status_while_leased, under_way
from flushpump.device.maintenance import MaintenanceApi
from flushpump.device.retry import retry_idempotent
from flushpump.device.stop import stop
from flushpump.errors import FlushPumpError, NoDeviceError, NoReplyError, RefusedError, UsageError, refusal_of
from flushpump.link.framing import FrameStream
from flushpump.link.lease import Lease
from flushpump.link.pending import ResolvedCommand
from flushpump.link.port_lock import PortLock
from flushpump.link.ports import Port, find_pump, is_local, open_port
from flushpump.link.session import Session, Values
from flushpump.wire.messages import (
    Authenticated,
    Continued,
    Event,
    Hello,
    LeaseRenewed,
    Loaded,
    MotionBegun,
    PathApplied,
    PathSettings,
    PhaseTaken,
    Program,
    ProgramBegun,
    ProgramCommitted,
    ProgramEnd,
    Question,
    Started,
    State,
    Status,
    StopReport,
)

DEFAULT_KEY = b"flushpump-bench!"
"""The pairing key of a pump that was never paired. It is public: pair every pump that is not on a bench."""

LEASE_MS = 1500
# A pump that was switched on just now tests itself first; opening waits for that, at most this long.
SELF_TEST_S = 3.0

_NOT_AUTHENTICATED = 6
_WRONG_STATE = 7
_PROGRAM_CRC = 11


class Pump(MaintenanceApi):
    """A pump over one port. Made by Pump.open or Pump.observe.

    Every call waits for the reply and raises a FlushPumpError: RefusedError, LinkLostError, UsageError, or
    OutcomeUnknownError (no answer to a command: until status() has resolved it, only status() and stop() work).
    """

    def __init__(
        self,
        port: Port,
        name: str,
        key: bytes | None,
        nonce: Callable[[int], bytes] = secrets.token_bytes,
        *,
        shared: bool = False,
    ) -> None:
        if key is not None and len(key) != 16:
            raise UsageError(f"a pairing key has 16 bytes, not {len(key)}", "give the one it was paired with")
        self.port = port
        self._key = key
        self._stream = FrameStream(port, name)
        self._name = name
        self.link = Session(self._stream, PortLock(port, shared=shared), name, nonce)
        self.link.prove = self._authenticate
        self.lease = Lease(self.link)
        self.hello: Hello | None = None
        self.loaded: Loaded | None = None
        # CRC of the motion under way or last begun; PRIME and ASPIRATE have 0.
        self.motion_crc: int | None = None
        self.stop_report: StopReport | None = None
        self.stop_problem: FlushPumpError | None = None

    @classmethod
    def open(
        cls,
        url: str | None = None,
        key: bytes | None = DEFAULT_KEY,
        *,
        nonce: Callable[[int], bytes] = secrets.token_bytes,
    ) -> Self:
        """Opens a session on the pump at `url`, or on the one pump found. Older sessions end.

        `key` None: without authentication, for commands that are no therapy. NoDeviceError, RefusedError.
        """
        url = url or find_pump()
        return cls.over(open_port(url), url, key, nonce=nonce)

    @classmethod
    def over(
        cls,
        port: Port,
        name: str = "the port",
        key: bytes | None = DEFAULT_KEY,
        *,
        nonce: Callable[[int], bytes] = secrets.token_bytes,
    ) -> Self:
        """As open(), over a port that is open already."""
        pump = cls(port, name, key, nonce)
        try:
            pump.reopen()
            pump._wait_for_self_test()
        except BaseException as problem:
            pump.close()
            if isinstance(problem, NoReplyError) and not pump.link.session:
                raise pump._not_a_pump() from problem
            raise
        return pump

    @classmethod
    def observe(cls, url: str | None = None, *, shared: bool = False) -> Self:
        """Opens no session, so that no other session ends: only status(), stop() and poll() work.

        `shared` opens the port even while another program uses it, for a STOP.
        """
        url = url or find_pump()
        pump = cls(open_port(url, shared=shared), url, None, shared=shared and is_local(url))
        if shared:
            return pump
        try:
            pump.status()
        except NoReplyError as problem:
            pump.close()
            raise pump._not_a_pump() from problem
        return pump

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is not None and self.link.session:
                self._stop_because_of(error)
        finally:
            self.close()

    def _stop_because_of(self, error: BaseException) -> None:
        for _ in range(3):
            try:
                self.stop()
            except FlushPumpError as problem:
                self.stop_problem = problem
                error.add_note(f"STOP was not confirmed: {problem}")
            except KeyboardInterrupt:
                # A second Ctrl-C must not skip the stop.
                continue
            return

    def close(self) -> None:
        """Closes the port; motion, if any, ends with the lease."""
        self.link.close()

    @property
    def now_s(self) -> float:
        """Seconds of the port's clock: simulated time for a simulated pump, else time.monotonic()."""
        return self.link.now_s

    @property
    def keep_alive(self) -> bool:
        """Whether poll() renews the lease; start, prime and aspirate switch it on, stop and the end off."""
        return self.lease.keep_alive

    @keep_alive.setter
    def keep_alive(self, on: bool) -> None:
        self.lease.keep_alive = on

    @property
    def resolved(self) -> ResolvedCommand | None:
        """What became of the last command whose outcome was unknown, as status() or reopen() found out."""
        return self.link.resolved

    def reopen(self) -> Hello:
        """Opens a new session; resolves a pending command as status() does. NoReplyError, RefusedError."""
        self.hello = self.link.hello()
        return self.hello

    def status(self) -> Status:
        """What the pump does and has done; resolves a pending command.

        Raises NoReplyError (a LinkLostError) when nothing answers.
        """
        return self.link.status()

    def resolve_pending(self, timeout_s: float = 2.0) -> ResolvedCommand | None:
        """Reads the status until it shows what became of a command with an unknown outcome. NoReplyError."""
        until_s = self.now_s + timeout_s
        while True:
            try:
                self.status()
            except NoReplyError:
                if self.now_s >= until_s:
                    raise
                continue
            return self.link.resolved

    @property
    def stopped_by_another(self) -> bool:
        """Whether another program has stopped the pump, as the pump's answers to it show, since the last start."""
        return self.link.stopped_by_another

    def stop(self, still_trying: Callable[[], None] = lambda: None) -> StopReport:
        """Stops all motion; returns when the pump reports that nothing moves. LinkLostError, OutcomeUnknownError.

        `still_trying` is called once when no answer has come for a while; STOP is repeated meanwhile.
        """
        self.stop_report = stop(self.link, self.lease, still_trying)
        return self.stop_report

    def keepalive(self, lease_ms: int = LEASE_MS) -> LeaseRenewed:
        """Renews the lease of the motion under way."""
        return self.lease.renew(lease_ms)

    def poll(self, timeout_s: float) -> list[Event]:
        """The events that have come; waits for one up to `timeout_s`, and renews the lease meanwhile.

        LinkLostError when the pump was silent beyond its lease, restarted, or was taken over.
        """
        until_s = self.now_s + timeout_s
        while True:
            self.lease.renew_if_due()
            events = self.link.events(min(until_s, self.lease.wake_s))
            if any(isinstance(event, ProgramEnd) and event.program_crc == self.motion_crc for event in events):
                self.keep_alive = False
            if events or self.now_s >= until_s:
                return events

    def follow(self, poll_s: float = 0.05) -> Iterator[Event]:
        """Every event until the program has ended, lost ones recovered; the last one is its ProgramEnd.

        The same after prime and aspirate. LinkLostError as poll(); OutcomeUnknownError when the pump has no result.
        """
        return follow(self, poll_s)

    def wait_until_still(self, poll_s: float = 0.1) -> Status:
        """Renews the lease until nothing moves and no program runs; the events until then are dropped."""
        while under_way(status := status_while_leased(self)):
            self.poll(poll_s)
        self.keep_alive = False
        return status

    def set_path(self, path: PathSettings) -> PathApplied:
        """Sends syringe, limits and expected hydraulics; clears any program."""
        self.loaded = None
        return PathApplied.from_wire(self.link.command("PATH_SET", path.to_wire()))

    def load(self, program: Program) -> int:
        """Loads a program and returns its expected duration in ms, waiting not counted; details in `loaded`."""
        self.loaded = None
        ProgramBegun.from_wire(self.link.command("PROGRAM_BEGIN", program.begin_values()))
        taken = tuple(
            PhaseTaken.from_wire(self.link.command("PROGRAM_PHASE", program.phase_values(index)))
            for index in range(len(program.phases))
        )
        committed = ProgramCommitted.from_wire(self.link.command("PROGRAM_COMMIT", {"program_crc": program.crc}))
        if committed.program_crc != program.crc:
            raise refusal_of("PROGRAM_COMMIT", _PROGRAM_CRC)
        self.loaded = Loaded(committed.program_crc, committed.total_volume_nl, committed.duration_ms, taken)
        return committed.duration_ms

    def start(self, lease_ms: int = LEASE_MS) -> Started:
        """Starts the loaded program, once; poll() renews the lease from now on."""
        if self.loaded is None:
            raise UsageError("there is no program to start", "load one first")
        crc = self.loaded.program_crc
        started = self._move("START", {"program_crc": crc, "lease_ms": lease_ms}, lease_ms, crc)
        return Started.from_wire(started)

    def answer(self, question: Question, yes: bool, syringe_loaded_ml: float = 0.0) -> Continued:
        """Answers the question that a program waits with; no ends it. The volume applies to SYRINGE_CHANGED."""
        values: Values = {"question": question, "answer": int(yes), "syringe_loaded_nl": _nl(syringe_loaded_ml)}
        return Continued.from_wire(self.link.command("CONTINUE", values))

    def prime(self, volume_ml: float, flow_ml_per_s: float, lease_ms: int = LEASE_MS) -> MotionBegun:
        """Drives forwards with the line not yet connected; not dose. Clears a loaded program; use follow()."""
        return self._single_motion("PRIME", volume_ml, flow_ml_per_s, lease_ms)

    def aspirate(self, volume_ml: float, flow_ml_per_s: float, lease_ms: int = LEASE_MS) -> MotionBegun:
        """Draws back, bounded. Clears a loaded program; use follow()."""
        return self._single_motion("ASPIRATE", volume_ml, flow_ml_per_s, lease_ms)

    def pair(self, key: bytes) -> None:
        """Replaces the pairing key; it applies from the next session on."""
        self.link.command("PAIR", {"key": key})
        self._key = key

    def _single_motion(self, name: str, volume_ml: float, flow_ml_per_s: float, lease_ms: int) -> MotionBegun:
        values: Values = {"volume_nl": _nl(volume_ml), "flow_nl_per_s": _nl(flow_ml_per_s), "lease_ms": lease_ms}
        self.loaded = None
        return MotionBegun.from_wire(self._move(name, values, lease_ms, 0))

    def _move(self, name: str, values: Values, lease_ms: int, crc: int) -> Values:
        # Events until now belong to an earlier motion.
        self.link.events(self.now_s)
        sent_s = self.now_s
        self.lease.expect(lease_ms)
        # Set before the reply: if the reply is lost, the motion that ends is still this one.
        self.motion_crc = crc
        self.link.stopped_by_another = False
        reply = self.link.command(name, values)
        self.lease.granted(sent_s)
        return reply

    def _authenticate(self, nonces: bytes) -> bool:
        if self._key is None:
            return True
        proof = hmac.digest(self._key, nonces, "sha256")[:16]
        try:
            # It moves nothing, so it may be repeated until it is answered.
            reply = retry_idempotent(self, lambda: self.link.command("AUTHENTICATE", {"proof": proof}))
        except RefusedError as refusal:
            if refusal.status == _WRONG_STATE:
                # The pump moves. STOP needs no proof; the next therapy command tries again.
                return False
            if refusal.status != _NOT_AUTHENTICATED:
                raise
        else:
            if Authenticated.from_wire(reply).authenticated:
                return True
        raise RefusedError(
            "the pump does not accept this pairing key", "use the key that it was paired with", _NOT_AUTHENTICATED
        )

    def _wait_for_self_test(self) -> None:
        until_s = self.now_s + SELF_TEST_S
        state = State.BOOT
        while state is State.BOOT and self.now_s < until_s:
            with contextlib.suppress(NoReplyError):
                state = self.status().state
            self.link.listen(self.now_s + 0.02)

    def _not_a_pump(self) -> NoDeviceError:
        if self._stream.frames_received:
            return NoDeviceError(
                f"a pump answers on {self._name}, but too little of it arrives", "check cable and plugs"
            )
        what = "does not speak the pump's protocol" if self._stream.bytes_received else "does not answer"
        return NoDeviceError(
            f"{self._name} {what}", "check that it is the pump's port, its cable, and that the pump is on"
        )


def _nl(millilitres: float) -> int:
    """mL to nL, or mL/s to nL/s."""
    return round(millilitres * 1_000_000)
