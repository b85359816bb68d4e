"""`flushpump stop` beside another program at the same port: who reads, and what is known when replies are taken."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import serial
from flushlink import messages
from flushpump.device.pump import Pump
from flushpump.errors import OutcomeUnknownError
from flushpump.wire import codec
from flushpump.wire.messages import Outcome, ProgramEnd, State

from host.tests.support.scripted_program import end, start
from host.tests.support.scripted_pump import NAMES, ScriptedPort, ScriptedPump


@dataclass
class SharedPort(ScriptedPort):
    """A port that another program may have open, too: it has the lock while `others_lock`, and reads while `takes`."""

    others_lock: bool = False
    lends: bool = False
    takes: bool = False
    locked: bool = False
    reads_beside: int = 0
    slept_s: float = 0.0
    on_sleep: Callable[[], None] = lambda: None

    @property
    def exclusive(self) -> bool:
        return self.locked

    @exclusive.setter
    def exclusive(self, wanted: bool) -> None:
        if wanted and self.others_lock:
            raise serial.SerialException(11, "Could not exclusively lock port")
        self.locked = wanted

    def sleep(self, seconds: float) -> None:
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            self.now_s = round(self.now_s + 0.001, 6)
            self._deliver()
        self.slept_s += seconds
        self.on_sleep()

    def read(self, size: int = 1) -> bytes:
        self.reads_beside += self.others_lock
        return super().read(size)

    def _deliver(self) -> None:
        super()._deliver()
        if not self.takes or not self._ready:
            return
        names = [NAMES.get(codec.decode_frame(encoded).message) for encoded in self._ready.split(b"\0") if encoded]
        self._ready = b""
        if self.lends and "STOP" in names:
            self.others_lock = self.takes = False


def at_zero(size: int) -> bytes:
    """Random bytes for tests, so that the client counts its questions from 0."""
    return bytes(size)


@pytest.fixture
def device() -> ScriptedPump:
    """A scripted pump that another program has set going."""
    device = ScriptedPump()
    device.moving = True
    device.stops_to_stand = 3
    return device


@pytest.fixture
def port(device: ScriptedPump) -> SharedPort:
    """A port to it that the other program has."""
    return SharedPort(device, others_lock=True, takes=True)


@pytest.fixture
def stopping(port: SharedPort) -> Iterator[Pump]:
    """What `flushpump stop` has: no session, and a port that is not its own."""
    with Pump(port, "the scripted pump", None, at_zero, shared=True) as pump:
        yield pump


@pytest.mark.requirement("REQ-STOP-1")
def test_stop_lets_the_other_program_read_until_that_lends_the_port(
    stopping: Pump, port: SharedPort, device: ScriptedPump
) -> None:
    port.lends = True
    began_s = port.now_s
    assert stopping.stop().moving == 0
    assert not device.moving
    assert port.reads_beside == 0
    assert port.now_s - began_s < 0.2


@pytest.mark.requirement("REQ-STOP-1")
def test_stop_reaches_the_pump_before_the_port_is_lent(stopping: Pump, port: SharedPort, device: ScriptedPump) -> None:
    device.stops_to_stand = 1
    stopped_s: list[float] = []
    port.on_sleep = lambda: None if device.moving else stopped_s.append(port.now_s)
    began_s = port.now_s
    with pytest.raises(OutcomeUnknownError):
        stopping.stop()
    assert stopped_s[0] - began_s < 0.03


@pytest.mark.requirement("REQ-STOP-1")
def test_stop_reads_beside_a_program_that_hangs_after_a_second_and_has_its_proof(
    stopping: Pump, port: SharedPort
) -> None:
    port.takes = False
    began_s = port.now_s
    assert stopping.stop().moving == 0
    assert 1.0 <= port.now_s - began_s < 1.2


@pytest.mark.parametrize("heeds_the_lock", [True, False])
def test_stop_goes_on_while_another_program_takes_the_answers_and_reports_it(
    stopping: Pump, port: SharedPort, heeds_the_lock: bool
) -> None:
    port.others_lock = heeds_the_lock
    reported_s: list[float] = []

    def answers_come_after(seconds: float) -> Callable[[str], None]:
        until_s = port.now_s + seconds
        return lambda name: setattr(port, "takes", port.now_s < until_s)

    port.on_request = answers_come_after(4.0)
    began_s = port.now_s
    assert stopping.stop(lambda: reported_s.append(port.now_s)).moving == 0
    assert 4.0 < port.now_s - began_s < 4.5
    assert len(reported_s) == 1
    assert reported_s[0] - began_s < 2.0


@pytest.mark.parametrize(
    ("heeds_the_lock", "words"), [(True, "another program has the port"), (False, "does not answer STOP")]
)
def test_where_every_answer_is_taken_stop_reports_unknown_and_the_remedy(
    stopping: Pump, port: SharedPort, device: ScriptedPump, heeds_the_lock: bool, words: str
) -> None:
    port.others_lock = heeds_the_lock
    with pytest.raises(OutcomeUnknownError, match=f"{words}.*; .*stop button or cut its power"):
        stopping.stop()
    assert device.stops > 30


def stopped_by_another(device: ScriptedPump) -> Callable[[], bytes]:
    """What the pump answers to a STOP that this program did not send."""

    def answer() -> bytes:
        device.moving = False
        device.fields["STATUS"] = {"state": State.IDLE}
        for name in ("RESULT_READ", "PROGRAM_END"):
            device.fields[name] = {**device.fields.get(name, {}), "outcome": Outcome.STOPPED}
        payload = codec.RESPONSES["STOP"].pack({
            "state": State.IDLE, "moving": 0, "driven_nl": 0, "delivered_nl": 0, "device_time_ms": 5,
        })  # fmt: skip
        number = codec.REQUESTS["STOP"].number
        return codec.encode_frame(
            codec.Frame(messages.VERSION, messages.KIND_RESPONSE, number, 0, other_number, 0, payload)
        )

    # As far from the numbers of this program as a number can be.
    other_number = 0x8000
    return answer


def test_a_run_lends_the_port_to_the_program_that_stops_it_and_still_has_its_result(device: ScriptedPump) -> None:
    port = SharedPort(device, locked=True)
    device.moving = False
    while_lent: list[bool] = []

    def the_other_reads() -> None:
        while_lent.append(port.locked)
        # It has found the lock free, reads what there is, and ends half a second later.
        port.others_lock = port.takes = port.slept_s < 0.5
        port._deliver()

    port.on_sleep = the_other_reads
    with Pump.over(port, nonce=at_zero) as pump:
        start(pump, device)
        port.at(0.3, stopped_by_another(device))
        port.at(0.4, lambda: end(device))
        last = list(pump.follow())[-1]
        assert isinstance(last, ProgramEnd)
        assert last.outcome is Outcome.STOPPED
        assert pump.stopped_by_another
    assert while_lent
    assert not any(while_lent)
    assert port.reads_beside == 0
    assert port.locked


@pytest.mark.requirement("REQ-STOP-1")
def test_of_two_stops_the_one_that_has_the_port_keeps_it(stopping: Pump, port: SharedPort) -> None:
    port.others_lock = port.takes = False
    port.at(0.01, stopped_by_another(port.pump))
    assert stopping.stop().moving == 0
    assert stopping.stopped_by_another
    assert port.locked
    assert port.slept_s == 0


def test_a_port_that_is_never_given_back_is_read_all_the_same(device: ScriptedPump) -> None:
    port = SharedPort(device, locked=True)
    device.moving = False
    port.on_sleep = lambda: setattr(port, "others_lock", True)
    with Pump.over(port, nonce=at_zero) as pump:
        start(pump, device)
        port.at(0.3, stopped_by_another(device))
        last = list(pump.follow())[-1]
        assert isinstance(last, ProgramEnd)
        assert last.outcome is Outcome.STOPPED
    assert port.slept_s < 5


@pytest.mark.requirement("REQ-STOP-1")
def test_late_answers_to_a_programs_own_stops_are_nobody_elses(device: ScriptedPump) -> None:
    port = SharedPort(device, locked=True)
    with Pump.over(port, nonce=at_zero) as pump:
        pump.stop()
        before = device.stops
        for _ in range(3):
            pump.link.send_stop()
        pump.status()
        assert device.stops == before + 3
        assert not pump.stopped_by_another
    assert port.slept_s == 0


@pytest.mark.requirement("REQ-STOP-1")
def test_the_answer_to_a_stop_of_before_is_not_taken_for_the_answer_to_a_new_one(device: ScriptedPump) -> None:
    port = SharedPort(device, locked=True)
    with Pump.over(port, nonce=at_zero) as pump:
        pump.stop()
        old = codec.Frame(
            messages.VERSION, messages.KIND_RESPONSE, codec.REQUESTS["STOP"].number, 0, pump.link._query_counter, 0,
            codec.RESPONSES["STOP"].pack(
                {"state": State.IDLE, "moving": 0, "driven_nl": 0, "delivered_nl": 0, "device_time_ms": 5}
            ),
        )  # fmt: skip
        device.moving, device.stops, device.stops_to_stand = True, 0, 4
        port.deliver_to_host(codec.encode_frame(old))
        assert pump.stop().moving == 0
        assert device.stops == 4
