"""Writes a timeline as the kind of file that its suffix names."""

import io
from pathlib import Path

from flushsim.plots.run import figure as run_figure
from flushsim.plots.run.page import description, run_page
from flushsim.plots.run.timeline import RunTimeline
from flushsim.plots.shared.saving import check_target, write
from flushsim.plots.shared.style import plot_style
from flushsim.plots.shared.svg import svg_text


def write_run(timeline: RunTimeline, file: Path) -> None:
    """Draws the run into the file. UsageError, PlotError."""
    check_target(file)
    with plot_style():
        kind = file.suffix.lower()
        if kind == ".html":
            data = run_page(timeline).encode()
        elif kind == ".svg":
            figure = run_figure.draw(timeline)
            data = svg_text(figure, run_figure.title(timeline), description(timeline)).encode()
        else:
            drawn = io.BytesIO()
            run_figure.draw(timeline).savefig(drawn, format="png", metadata={"Software": None})
            data = drawn.getvalue()
    write(file, data)
