"""How a run is shown: a live panel on a terminal, and one line per phase, pulse and alarm where there is none."""

import os
import time
from collections.abc import Callable

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from flushpump.access.access_path import AccessPath
from flushpump.cli.output import shown_text
from flushpump.planning.plan import Plan
from flushpump.runs.ports import RunDisplay
from flushpump.runs.report import alarm_sentence
from flushpump.runs.verdict_text import evidence_words
from flushpump.wire.events import verdict_words
from flushpump.wire.messages import Alarm, PhaseChange, PhaseKind, PulseResult, Telemetry

_REDRAW_S = 0.1
_BAR_CELLS = 40
_LABEL_CELLS = 10
_FIGURES_CELLS = 17
_LIMITS_CELLS = 49
_KIND_WORDS = {
    PhaseKind.ASPIRATE: "aspirate check",
    PhaseKind.PULSES: "pulses",
    PhaseKind.STEADY: "steady flow",
    PhaseKind.LOCK: "lock",
    PhaseKind.WAIT: "waiting",
    PhaseKind.FINISH: "finish",
}


def display_for(console: Console, lost: Callable[[], None]) -> RunDisplay:
    """The live panel on a terminal, plain lines elsewhere; `lost` is called once when nobody can see them any more."""
    return _Surviving(LiveDisplay(console) if console.is_terminal else PlainDisplay(console), lost)


class PlainDisplay:
    """One line per event, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._plan: Plan | None = None

    def run_started(self, plan: Plan) -> None:
        """A line with what begins."""
        self._plan = plan
        self.note(f"{plan.sequence.name}: {plan.dose_ml:.2f} mL in about {plan.duration_s:.0f} s")

    def telemetry(self, telemetry: Telemetry) -> None:
        """Nothing: twenty lines a second help nobody."""

    def phase(self, change: PhaseChange) -> None:
        """A line with the phase that begins."""
        if self._plan is not None:
            self.note(phase_words(self._plan, change.phase_index))

    def pulse(self, pulse: PulseResult) -> None:
        """A line with the pulse's result."""
        plan = self._plan
        self.note(pulse_words(pulse, plan.pulse_count if plan else 0, plan.path if plan else None))

    def alarm(self, alarm: Alarm) -> None:
        """A line with the alarm and what to do."""
        self.note(alarm_sentence(alarm))

    def note(self, text: str) -> None:
        """A line of its own."""
        self._console.print(shown_text(text), highlight=False, markup=False, soft_wrap=not self._console.is_terminal)

    def pause(self) -> None:
        """Nothing to do."""

    def resume(self) -> None:
        """Nothing to do."""

    def run_ended(self) -> None:
        """Nothing to do."""


class LiveDisplay(PlainDisplay):
    """Pulse, volume, pressure against its limits and time left, redrawn in place; alarms stay above it."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._telemetry: Telemetry | None = None
        self._phase_index = 0
        self._pulse: PulseResult | None = None
        self._live: Live | None = None
        self._drawn_s = 0.0

    def run_started(self, plan: Plan) -> None:
        """Shows the panel."""
        self._plan = plan
        self.resume()

    def telemetry(self, telemetry: Telemetry) -> None:
        """Moves bars and figures."""
        self._telemetry = telemetry
        self._phase_index = telemetry.phase_index
        if time.monotonic() - self._drawn_s >= _REDRAW_S:
            self._draw()

    def phase(self, change: PhaseChange) -> None:
        """Names the phase."""
        self._phase_index = change.phase_index
        self._draw()

    def pulse(self, pulse: PulseResult) -> None:
        """Shows the last pulse's result."""
        self._pulse = pulse
        self._draw()

    def pause(self) -> None:
        """Takes the panel away for a question."""
        if self._live is not None:
            self._live.transient = True
            self._live.stop()
            self._live = None

    def resume(self) -> None:
        """Shows the panel below what was written meanwhile."""
        # Drawn by hand, not by a thread: when the terminal goes, it is the run that has to hear of it.
        self._live = Live(self._panel(), console=self._console, auto_refresh=False)
        self._live.start()
        self._draw()

    def run_ended(self) -> None:
        """Leaves the last panel standing."""
        self._draw()
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _draw(self) -> None:
        self._drawn_s = time.monotonic()
        if self._live is not None:
            self._live.update(self._panel(), refresh=True)

    def _panel(self) -> RenderableType:
        plan, telemetry = self._plan, self._telemetry
        if plan is None:
            return Text()
        path = plan.path
        # Two columns stay free for the ^C that a terminal echoes: if it broke the line, the panel would be drawn twice.
        width = self._console.width - 2
        room = width - 4 - _LABEL_CELLS - _FIGURES_CELLS
        limits = shown_text(f"working limit {path.working_limit_kpa:.0f} kPa, hard limit {path.hard_limit_kpa:.0f} kPa")
        wide = room >= _LIMITS_CELLS + _BAR_CELLS // 2
        bars = _Bars(max(0, min(_BAR_CELLS, room - _LIMITS_CELLS if wide else room)), _only_ascii(self._console))
        driven_ml = telemetry.driven_nl / 1e6 if telemetry else 0.0
        pressure_kpa = telemetry.pressure_pa / 1000 if telemetry else 0.0
        left_s = telemetry.remaining_ms / 1000 if telemetry else plan.duration_s
        done = self._pulse.index + 1 if self._pulse is not None else 0
        style = "bold red" if pressure_kpa > path.working_limit_kpa else ""
        lines = [Text(shown_text(phase_words(plan, self._phase_index)))]
        lines.append(Text(f"pulse     {done} of {plan.pulse_count} done, {left_s:.0f} s left"))
        lines.append(Text(f"volume    {bars.drawn(driven_ml, plan.dose_ml)}{driven_ml:.2f} of {plan.dose_ml:.2f} mL"))
        bar = bars.drawn(pressure_kpa, path.hard_limit_kpa, mark=path.working_limit_kpa)
        pressure = shown_text(f"{round(pressure_kpa)} kPa")  # rounded to an integer, so that there is no -0
        lines.append(Text(f"pressure  {bar}{pressure}{f' ({limits})' if wide else ''}", style=style))
        if not wide:
            lines.append(Text(limits))
        if self._pulse is not None:
            lines.append(Text(shown_text(pulse_words(self._pulse, plan.pulse_count)), style="dim"))
        title = f"{plan.sequence.name} - {', '.join(name for name in path.names if name != 'none')}"
        border = box.ASCII if _only_ascii(self._console) else box.ROUNDED
        return Panel(Group(*lines), title=title[: width - 6], title_align="left", box=border, width=width)


class _Surviving:
    """Passes everything on to a display until its terminal or pipe has gone, and then nothing more."""

    def __init__(self, display: RunDisplay, lost: Callable[[], None]) -> None:
        self._display = display
        self._lost = lost
        self._gone = False

    def _show(self, show: Callable[[], None]) -> None:
        if self._gone:
            return
        try:
            show()
        except (OSError, ValueError):
            self._gone = True
            self._lost()

    def run_started(self, plan: Plan) -> None:
        self._show(lambda: self._display.run_started(plan))

    def telemetry(self, telemetry: Telemetry) -> None:
        self._show(lambda: self._display.telemetry(telemetry))

    def phase(self, change: PhaseChange) -> None:
        self._show(lambda: self._display.phase(change))

    def pulse(self, pulse: PulseResult) -> None:
        self._show(lambda: self._display.pulse(pulse))

    def alarm(self, alarm: Alarm) -> None:
        self._show(lambda: self._display.alarm(alarm))

    def note(self, text: str) -> None:
        self._show(lambda: self._display.note(text))

    def pause(self) -> None:
        self._show(self._display.pause)

    def resume(self) -> None:
        self._show(self._display.resume)

    def run_ended(self) -> None:
        self._show(self._display.run_ended)


def phase_words(plan: Plan, index: int) -> str:
    """Which phase, and what it does."""
    if index >= len(plan.phases):
        return f"phase {index + 1}"
    phase = plan.phases[index]
    words = f"phase {index + 1} of {len(plan.phases)}, {_KIND_WORDS[phase.kind]}"
    if phase.kind is PhaseKind.PULSES:
        return f"{words}: {phase.count} of {phase.volume_ml:g} mL at {phase.flow_ml_per_s:g} mL/s"
    if phase.kind is PhaseKind.WAIT:
        return words
    return f"{words}: {phase.volume_ml:g} mL at {phase.flow_ml_per_s:g} mL/s"


def pulse_words(pulse: PulseResult, count: int, path: AccessPath | None = None) -> str:
    """A pulse's result in one line; on a path that is known with what a verdict rests on."""
    words = (
        f"pulse {pulse.index + 1} of {count}: {pulse.delivered_nl / 1e6:.3f} mL in {pulse.duration_us / 1e6:.3f} s, "
        f"peak {pulse.peak_pa / 1000:.0f} kPa, {verdict_words(pulse.verdict.name)}"
    )
    if pulse.derated_percent:
        words += f", flow lowered by up to {pulse.derated_percent} %"
    why = evidence_words(pulse, path) if path is not None else ""
    return f"{words}: {why}" if why else words


class _Bars:
    """Bars of one width, each with a blank after it; none at all where there is no room."""

    def __init__(self, cells: int, only_ascii: bool) -> None:
        self._cells = cells
        self._full, self._empty = ("#", ".") if only_ascii else ("█", "·")

    def drawn(self, value: float, full: float, mark: float | None = None) -> str:
        """`mark` is drawn as an upright line in it."""
        if self._cells < 1:
            return ""
        cells = max(0, min(self._cells, round(self._cells * value / full))) if full > 0 else 0
        bar = self._full * cells + self._empty * (self._cells - cells)
        if mark is not None:
            at = min(self._cells - 1, round(self._cells * mark / full))
            bar = bar[:at] + "|" + bar[at + 1 :]
        return f"{bar} "


def _only_ascii(console: Console) -> bool:
    # Python writes UTF-8 in the C locale too, but whoever set it means a terminal that shows ASCII.
    named = os.environ.get("LC_ALL") or os.environ.get("LANG")
    return console.options.ascii_only or named in ("C", "POSIX")
