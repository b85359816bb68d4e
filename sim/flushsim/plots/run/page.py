"""The HTML page of one run: the plot, which can be zoomed and read at the pointer, and its tables."""

import json
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from flushsim.plots.run import figure as run_figure
from flushsim.plots.run import panels
from flushsim.plots.run.timeline import SHOWN_LEAST_ML, Curve, RunTimeline
from flushsim.plots.shared import page
from flushsim.plots.shared.colours import LIGHT, verdict_colour
from flushsim.plots.shared.svg import inline_svg

# At most so many points are readable at the pointer: the plot is 950 px wide.
_POINTS_MOST = 5_000
_POINTS_PER_INCH = 72
_TOOLS = """<div class="tools" hidden>
<button type="button" data-act="in">zoom in</button><button type="button" data-act="out">zoom out</button>
<button type="button" data-act="back">earlier</button><button type="button" data-act="on">later</button>
<button type="button" data-act="all">whole run</button>
<span class="faint">or drag, double-click, Ctrl or Shift with the wheel, and + - 0 and the arrow keys</span>
</div>
"""


def run_page(timeline: RunTimeline) -> str:
    """The page of a run."""
    figure = run_figure.draw(timeline, heading=False)
    title = run_figure.title(timeline)
    picture = inline_svg(figure, title, description(timeline), "run")
    body = (
        f"<h1>{escape(title)}</h1>\n"
        f"<p>The pump: {escape(timeline.reported_text)}</p>\n<p>The plant: {escape(timeline.ground_truth_text)}</p>\n"
        f"<p>The fluids: {escape('; '.join(timeline.fluid_texts))}</p>\n"
        f'{_TOOLS}<div class="plot" tabindex="0" role="group" aria-label="plot of the run">\n{picture}\n'
        '<div class="readout" hidden></div>\n</div>\n'
        f"{_pulses(timeline)}{_happened(timeline)}{_segments(timeline)}"
        f'<script type="application/json" id="timeline">{_json(timeline, figure)}</script>\n'
    )
    return page.page(title, body, _zoom_script())


def description(timeline: RunTimeline) -> str:
    """The plot in words, for readers who cannot see it."""
    faults = ", ".join(f"{fault.text} from {fault.start_s:.2f} s" for fault in timeline.faults) or "none"
    alarms = ", ".join(f"{alarm.text} at {alarm.time_s:.2f} s" for alarm in timeline.alarms) or "none"
    verdicts = ", ".join(panels.verdict_word(pulse.result) for pulse in timeline.pulses) or "none"
    return (
        f"Flow, pressure, volume and pulses over {timeline.end_s:.1f} s. The pump: {timeline.reported_text}. "
        f"The plant: {timeline.ground_truth_text}. The fluids: {'; '.join(timeline.fluid_texts)}. "
        f"The working limit is {timeline.working_kpa:.0f} kPa, the hard limit "
        f"{timeline.hard_kpa:.0f} kPa. Faults: {faults}. Alarms: {alarms}. Verdicts of the pulses: {verdicts}."
    )


def _pulses(timeline: RunTimeline) -> str:
    if not timeline.pulses:
        return "<h2>Pulses</h2>\n<p>There were none.</p>\n"
    rows = [
        ["pulse", "verdict", "start, s", "driven for, s", "intended, mL", "delivered, mL"]
        + [label for label, _ in panels.PULSE_EVIDENCE]
    ]
    for pulse in timeline.pulses:
        result = pulse.result
        rows.append(
            [
                str(result.index + 1),
                f'<span class="verdict" style="background: {_variable(verdict_colour(result.verdict))}">'
                f"{escape(panels.verdict_word(result))}</span>",
                f"{pulse.start_s:.3f}",
                f"{result.duration_us / 1e6:.3f}",
                f"{result.intended_nl / 1e6:.3f}",
                f"{result.delivered_nl / 1e6:.3f}",
                *(text_of(result) for _, text_of in panels.PULSE_EVIDENCE),
            ]
        )
    return f"<h2>Pulses</h2>\n{page.table(rows, words=(1,), raw=(1,))}"


def _happened(timeline: RunTimeline) -> str:
    rows = [["from, s", "to, s", "what"]]
    rows += [[f"{fault.start_s:.2f}", f"{fault.end_s:.2f}", f"fault: {fault.text}"] for fault in timeline.faults]
    rows += [[f"{alarm.time_s:.2f}", "", alarm.text] for alarm in timeline.alarms]
    rows += [[f"{phase.start_s:.2f}", f"{phase.end_s:.2f}", phase.text] for phase in timeline.phases]
    rows[1:] = sorted(rows[1:], key=lambda row: float(row[0]))
    return f"<h2>What happened</h2>\n{page.table(rows, words=(2,))}"


def _segments(timeline: RunTimeline) -> str:
    if not timeline.segments:
        return ""
    fluids = list(dict.fromkeys(fluid for content in timeline.segments for fluid in content.shares))
    rows = [["segment", "volume, mL", *(f"{fluid}, %" for fluid in fluids)]]
    for content in timeline.segments:
        last = [f"{100 * float(content.shares[fluid][-1]):.1f}" if fluid in content.shares else "" for fluid in fluids]
        rows.append([content.segment, "" if content.volume_ml is None else f"{content.volume_ml:.2f}", *last])
    return f"<h2>What each segment holds at the end</h2>\n{page.table(rows)}"


def _json(timeline: RunTimeline, figure: Figure) -> str:
    """What zoom.js needs: where the panels lie (points from the top left), and the curves."""
    width, height = (float(inches) * _POINTS_PER_INCH for inches in figure.get_size_inches())
    boxes = [(axes, axes.get_position()) for axes in figure.axes]
    first = boxes[0][1]
    return json.dumps(
        {
            "left": round(first.x0 * width, 3),
            "right": round(first.x1 * width, 3),
            "bottom": round((1 - boxes[-1][1].y0) * height, 3),
            "panels": [
                {
                    "top": round((1 - box.y1) * height, 3),
                    "bottom": round((1 - box.y0) * height, 3),
                    "grid": axes.get_label() in run_figure.WITH_GRID,
                }
                for axes, box in boxes
            ],
            "every": panels.pulse_text_interval(timeline) if timeline.pulses else 1,
            "start": timeline.start_s,
            "end": timeline.end_s,
            "spans": _spans(timeline),
            "curves": _curves(timeline),
        },
        separators=(",", ":"),
        allow_nan=False,
    ).replace("<", "\\u003c")


def _spans(timeline: RunTimeline) -> list[dict[str, Any]]:
    spans = [(one.start_s, one.end_s, one.text) for one in timeline.phases]
    spans += [(one.start_s, one.end_s, f"fault: {one.text}") for one in timeline.faults]
    for pulse in timeline.pulses:
        verdict = panels.verdict_word(pulse.result)
        spans.append((pulse.start_s, pulse.end_s, f"pulse {pulse.result.index + 1}: {verdict}"))
    return [{"from": round(start_s, 4), "to": round(end_s, 4), "text": text} for start_s, end_s, text in spans]


def _curves(timeline: RunTimeline) -> list[dict[str, Any]]:
    shown: list[tuple[str, str, int, Curve]] = [
        ("pressure", "kPa", 1, timeline.pressure_kpa),
        ("sensor", "kPa", 1, timeline.reading_kpa),
        ("flow by the plunger", "mL/s", 2, timeline.flow_in_ml_per_s),
        ("flow out of the tip", "mL/s", 2, timeline.flow_out_ml_per_s),
        ("driven", "mL", 3, timeline.driven_ml),
        ("out of the tip", "mL", 3, timeline.out_ml),
    ]
    if float(np.max(timeline.leaked_ml)) >= SHOWN_LEAST_ML:
        shown.append(("leaked", "mL", 3, timeline.leaked_ml))
    curves = [_thinned(timeline.times_s, shown)]
    for content in timeline.segments:
        shares = [(name, "%", 0, 100 * share) for name, share in content.shares.items()]
        curves.append({"segment": content.segment, **_thinned(content.times_s, shares)})
    return curves


def _thinned(times_s: Curve, shown: list[tuple[str, str, int, Curve]]) -> dict[str, Any]:
    every = max(1, -(-len(times_s) // _POINTS_MOST))
    return {
        "times": [round(float(time_s), 4) for time_s in times_s[::every]],
        "values": [
            {
                "name": name,
                "unit": unit,
                "digits": digits,
                "data": [None if np.isnan(value) else round(float(value), digits + 1) for value in data[::every]],
            }
            for name, unit, digits, data in shown
        ],
    }


def _zoom_script() -> str:
    return files("flushsim.plots.run").joinpath("zoom.js").read_text(encoding="utf-8")


def _variable(colour: str) -> str:
    return next(f"var(--{name})" for name, value in LIGHT.items() if value == colour)
