"""A story written as the kind of file that its suffix names."""

import io
from pathlib import Path

from flushsim.plots.run import figure as run_picture
from flushsim.plots.run.page import description, run_page
from flushsim.plots.run.timeline import RunTimeline
from flushsim.plots.shared.saving import check_target, write
from flushsim.plots.shared.style import looks
from flushsim.plots.shared.svg import svg_text


def write_run(story: RunTimeline, file: Path) -> None:
    """Draws the run into the file. UsageProblem, PictureError."""
    check_target(file)
    with looks():
        kind = file.suffix.lower()
        if kind == ".html":
            data = run_page(story).encode()
        elif kind == ".svg":
            figure = run_picture.draw(story)
            data = svg_text(figure, run_picture.title(story), description(story)).encode()
        else:
            drawn = io.BytesIO()
            run_picture.draw(story).savefig(drawn, format="png", metadata={"Software": None})
            data = drawn.getvalue()
    write(file, data)
