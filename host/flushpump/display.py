"""How a run is shown: a live panel on a terminal, and one line per phase, pulse and alarm where there is none."""

from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from flushpump.plan import Plan
from flushpump.report import alarm_sentence
from flushpump.types import Alarm, PhaseChange, PhaseKind, PulseResult, Question, Telemetry

_BAR_CELLS = 40
_KIND_WORDS = {
    PhaseKind.ASPIRATE: "aspirate check",
    PhaseKind.PULSES: "pulses",
    PhaseKind.STEADY: "steady flow",
    PhaseKind.LOCK: "lock",
    PhaseKind.WAIT: "waiting",
    PhaseKind.FINISH: "finish",
}


class Display(Protocol):
    """Is told what happens. `pause` and `resume` frame a question, so that it can be read and answered."""

    def begin(self, plan: Plan) -> None: ...
    def telemetry(self, telemetry: Telemetry) -> None: ...
    def phase(self, change: PhaseChange) -> None: ...
    def pulse(self, pulse: PulseResult) -> None: ...
    def alarm(self, alarm: Alarm) -> None: ...
    def note(self, text: str) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def end(self) -> None: ...


def display_for(console: Console) -> Display:
    """The live panel on a terminal, plain lines elsewhere."""
    return LiveDisplay(console) if console.is_terminal else PlainDisplay(console)


class PlainDisplay:
    """One line per event, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._plan: Plan | None = None

    def begin(self, plan: Plan) -> None:
        """A line with what begins."""
        self._plan = plan
        self.note(f"{plan.sequence.name}: {plan.dose_ml:.2f} mL in about {plan.duration_s:.0f} s")

    def telemetry(self, telemetry: Telemetry) -> None:
        """Nothing: twenty lines a second help nobody."""

    def phase(self, change: PhaseChange) -> None:
        """A line with the phase that begins."""
        if change.question is Question.NONE and self._plan is not None:
            self.note(phase_words(self._plan, change.phase_index))

    def pulse(self, pulse: PulseResult) -> None:
        """A line with the pulse's result."""
        count = self._plan.pulse_count if self._plan is not None else 0
        self.note(pulse_words(pulse, count))

    def alarm(self, alarm: Alarm) -> None:
        """A line with the alarm and what to do."""
        self.note(alarm_sentence(alarm))

    def note(self, text: str) -> None:
        """A line of its own."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def pause(self) -> None:
        """Nothing to do."""

    def resume(self) -> None:
        """Nothing to do."""

    def end(self) -> None:
        """Nothing to do."""


class LiveDisplay(PlainDisplay):
    """Pulse, volume, pressure against its limits and time left, redrawn in place; alarms stay above it."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._telemetry: Telemetry | None = None
        self._phase_index = 0
        self._pulse: PulseResult | None = None
        self._live = Live(console=console, refresh_per_second=10, get_renderable=self._panel)

    def begin(self, plan: Plan) -> None:
        """Shows the panel."""
        self._plan = plan
        self._live.start()

    def telemetry(self, telemetry: Telemetry) -> None:
        """Moves bars and figures."""
        self._telemetry = telemetry
        self._phase_index = telemetry.phase_index

    def phase(self, change: PhaseChange) -> None:
        """Names the phase."""
        self._phase_index = change.phase_index

    def pulse(self, pulse: PulseResult) -> None:
        """Shows the last pulse's result."""
        self._pulse = pulse

    def pause(self) -> None:
        """Takes the panel away for a question."""
        self._live.stop()

    def resume(self) -> None:
        """Shows the panel again."""
        self._live.start()

    def end(self) -> None:
        """Leaves the last panel standing."""
        self._live.stop()

    def _panel(self) -> RenderableType:
        plan, telemetry = self._plan, self._telemetry
        if plan is None:
            return Text()
        path = plan.path
        lines = [Text(phase_words(plan, self._phase_index))]
        driven_ml = telemetry.driven_nl / 1e6 if telemetry else 0.0
        pressure_kpa = telemetry.pressure_pa / 1000 if telemetry else 0.0
        left_s = telemetry.remaining_ms / 1000 if telemetry else plan.duration_s
        done = self._pulse.index + 1 if self._pulse is not None else 0
        lines.append(Text(f"pulse     {done} of {plan.pulse_count} done, {left_s:.0f} s left"))
        lines.append(Text(f"volume    {_bar(driven_ml, plan.dose_ml)} {driven_ml:.2f} of {plan.dose_ml:.2f} mL"))
        bar = _bar(pressure_kpa, path.hard_limit_kpa, mark=path.working_limit_kpa)
        style = "bold red" if pressure_kpa > path.working_limit_kpa else ""
        lines.append(
            Text(
                f"pressure  {bar} {pressure_kpa:.0f} kPa (working limit {path.working_limit_kpa:.0f}, hard limit "
                f"{path.hard_limit_kpa:.0f})",
                style=style,
            )
        )
        if self._pulse is not None:
            lines.append(Text(pulse_words(self._pulse, plan.pulse_count), style="dim"))
        title = f"{plan.sequence.name} - {', '.join(name for name in path.names if name != 'none')}"
        return Panel(Group(*lines), title=title, title_align="left")


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


def pulse_words(pulse: PulseResult, count: int) -> str:
    """A pulse's result in one line."""
    words = (
        f"pulse {pulse.index + 1} of {count}: {pulse.delivered_nl / 1e6:.3f} mL in {pulse.duration_us / 1e6:.3f} s, "
        f"peak {pulse.peak_pa / 1000:.0f} kPa, {pulse.verdict.name.lower().replace('_', ' ')}"
    )
    if pulse.derated_percent:
        words += f", flow lowered by up to {pulse.derated_percent} %"
    return words


def _bar(value: float, full: float, mark: float | None = None) -> str:
    """A bar of fixed width, `mark` drawn as an upright line in it."""
    cells = max(0, min(_BAR_CELLS, round(_BAR_CELLS * value / full))) if full > 0 else 0
    bar = "█" * cells + "·" * (_BAR_CELLS - cells)
    if mark is not None:
        at = min(_BAR_CELLS - 1, round(_BAR_CELLS * mark / full))
        bar = bar[:at] + "|" + bar[at + 1 :]
    return bar
