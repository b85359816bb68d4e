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

    def draw_text(self, *args: Any, mtext: Text | None = None, **kwargs: Any) -> None:
        super().draw_text(*args, mtext=mtext, **kwargs)
        if mtext is not None:
            self.texts.append(mtext)


def written(figure: Figure) -> list[tuple[str, Bbox]]:
    """Every text that is drawn, with the pixels that it covers. To be called within `style.looks`."""
    reader = _Reader(figure)
    figure.draw(reader)
    return [(text.get_text(), text.get_window_extent(reader)) for text in reader.texts if text.get_text().strip()]


def hard_to_read(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts of which one lies over the other, and texts that leave the picture."""
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
