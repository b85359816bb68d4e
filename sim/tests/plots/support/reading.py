"""Reads a picture as an eye would: which words are drawn, and where."""

from itertools import combinations
from typing import Any

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox


class _Reader(RendererAgg):
    """A renderer that notes every text it draws."""

    def __init__(self, figure: Figure) -> None:
        super().__init__(figure.bbox.width, figure.bbox.height, figure.dpi)
        self.texts: list[Text] = []
        self.lines: list[tuple[str, Bbox]] = []

    def draw_text(
        self, gc: Any, x: float, y: float, s: str, prop: Any, angle: float, ismath: Any = False,
        mtext: Text | None = None,
    ) -> None:  # fmt: skip
        super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)
        if mtext is not None:
            self.texts.append(mtext)
            return
        # Of a text with several lines each comes by itself; `y` is its base, counted from the top.
        assert not angle
        width, height, descent = self.get_text_width_height_descent(s, prop, ismath)
        self.lines.append((s, Bbox.from_bounds(x, self.height - y - descent, width, height)))


def written(figure: Figure) -> list[tuple[str, Bbox]]:
    """Every text that is drawn, line by line, with the pixels that it covers. Call it within `plot_style`."""
    reader = _Reader(figure)
    figure.draw(reader)
    texts = [(text.get_text(), text.get_window_extent(reader)) for text in reader.texts] + reader.lines
    return [(text, box) for text, box in texts if text.strip()]


def hard_to_read(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts of which one overlaps the other, and texts that leave the picture."""
    texts = written(figure)
    page = figure.bbox
    outside = [
        (text, "the picture's edge")
        for text, box in texts
        if box.x0 < page.x0 or box.x1 > page.x1 or box.y0 < page.y0 or box.y1 > page.y1
    ]
    # A pixel of their boxes is not yet a letter.
    boxes = [(text, box.padded(-1)) for text, box in texts]
    return outside + [(one, other) for (one, a), (other, b) in combinations(boxes, 2) if a.overlaps(b)]
