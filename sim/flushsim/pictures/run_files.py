"""A story written as the kind of file that its suffix names."""

import io
from pathlib import Path

from flushsim.pictures import run_picture
from flushsim.pictures.run_page import description, run_page
from flushsim.pictures.saving import check_target, write
from flushsim.pictures.story import Story
from flushsim.pictures.style import looks
from flushsim.pictures.svg import svg_text


def write_run(story: Story, file: Path) -> None:
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
