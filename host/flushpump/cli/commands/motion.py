"""What `flushpump prime` and `flushpump aspirate` share: checks, live display of the motion, report of its result."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from flushpump.access.access_path import AccessPath
from flushpump.cli.output import console_for, echo_error, echo_lines, print_json, shown_text, try_write
from flushpump.device.single_motion import SingleMotion
from flushpump.errors import RefusedError, StoppedByUserError
from flushpump.exit_status import ExitStatus
from flushpump.signals import StopSignals


def check_syringe(path: AccessPath, loaded_ml: float) -> None:
    """RefusedError for more than the syringe holds."""
    if loaded_ml > path.syringe.capacity_ml:
        raise RefusedError(f"{path.syringe.name} ends at {path.syringe.capacity_ml:g} mL", "check --loaded")


def perform(motion: SingleMotion, signals: StopSignals, console: Console) -> None:
    """Does it, with volume and pressure in one line that is redrawn, on a terminal."""
    with _shown(motion, console) as show:
        motion.perform(signals, show)


@contextlib.contextmanager
def _shown(motion: SingleMotion, console: Console) -> Iterator[Callable[[int], None]]:
    if not console.is_terminal:
        yield lambda pressure_pa: None
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield lambda pressure_pa: _draw(live, shown_text(f"{motion.so_far}, {pressure_pa / 1000:.0f} kPa"))


def _draw(live: Live, line: str) -> None:
    # A terminal that has gone hangs up, and that stops the pump.
    with contextlib.suppress(OSError, ValueError):
        live.update(Text(line), refresh=True)


def report_result(motion: SingleMotion, as_json: bool, sentence: str, more: dict[str, Any]) -> int:
    """Prints the result and returns the exit status; `sentence` is for a motion that was completed."""
    written = True
    if as_json:
        problem = motion.problem
        result = {
            "outcome": motion.outcome,
            **more,
            "intended_ml": motion.volume_ml,
            "interrupted": isinstance(problem, StoppedByUserError),
            "problem": None if problem is None else problem.message,
        }
        written = try_write(lambda: print_json(result), sentence)
    if motion.problem is not None:
        echo_error(str(motion.problem))
        return motion.problem.exit_status
    written = try_write(lambda: echo_lines(console_for(as_json), [sentence]), sentence) and written
    return ExitStatus.DONE if written else ExitStatus.OUTCOME_UNKNOWN
