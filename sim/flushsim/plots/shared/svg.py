"""A matplotlib figure as SVG text, with a title and a description for readers who cannot see it, and ready for a page.

Names given to artists set how they behave on a page whose time axis can be stretched: `zoom-...` stretches with it,
`at-TIME-...` keeps its size and moves with its time, `thin-TIME-...` too, but only where there is room for it,
`axis-...` is replaced by the page's own ticks. These words become classes, and the names go.
"""

import io
import re
import xml.etree.ElementTree as ElementTree

from matplotlib.figure import Figure

from flushsim.plots.shared.colours import LIGHT

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_LONG = re.compile(r"-?\d+\.\d{4,}")
_HREF = f"{{{_XLINK}}}href"
_FONT = "'DejaVu Sans'"
# Verdana is as wide as DejaVu Sans, so what does not overlap in one does not in the other.
_FONTS = "'DejaVu Sans', Verdana, sans-serif"


def svg_text(figure: Figure, title: str, description: str) -> str:
    """The figure as a file of its own."""
    root = _drawn(figure, title, description, "picture")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def inline_svg(figure: Figure, title: str, description: str, name: str) -> str:
    """The figure as part of an HTML page: it fills the width, and its colours are the page's variables `--NAME`.

    `name` keeps its ids apart from those of the page's other pictures.
    """
    root = _drawn(figure, title, description, name)
    for size in ("width", "height"):
        root.attrib.pop(size, None)
    text = ElementTree.tostring(root, encoding="unicode")
    for colour, value in LIGHT.items():
        text = text.replace(value, f"var(--{colour})")
    return text


def _drawn(figure: Figure, title: str, description: str, name: str) -> ElementTree.Element:
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)
    root = ElementTree.fromstring(file.getvalue().replace(_FONT, _FONTS))
    for metadata in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(metadata)
    _mark(root)
    _rename(root, name)
    _round(root)
    _prune(root)
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-desc")
    for at, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(f"{{{_SVG}}}{tag}", {"id": f"{name}-{tag}"})
        element.text = text
        root.insert(at, element)
    return root


def _mark(parent: ElementTree.Element) -> None:
    """Turns names into classes, and takes clipping from what is stretched to a group around it."""
    for place, element in enumerate(list(parent)):
        kind, _, rest = element.get("id", "").partition("-")
        if kind == "zoom":
            element.set("class", "zoom")
            parent[place] = _clipped(element)
        elif kind in ("at", "thin"):
            # The time may be negative: at--0.100000-name.
            sign, rest = ("-", rest[1:]) if rest.startswith("-") else ("", rest)
            element.set("class", "at" if kind == "at" else "at thin")
            if kind == "thin":
                element.set("visibility", "hidden")
            element.set("data-time", sign + rest.partition("-")[0])
        elif kind == "axis":
            element.set("class", "time-axis")
        else:
            _mark(element)


def _round(root: ElementTree.Element) -> None:
    """Coordinates to a thousandth of a point: a third of the size, and still exact when stretched a hundred times."""
    for element in root.iter(f"{{{_SVG}}}path"):
        if "d" in element.attrib:
            element.set("d", _LONG.sub(lambda found: f"{float(found[0]):.3f}", element.attrib["d"]).replace("\n", ""))


def _prune(parent: ElementTree.Element) -> None:
    """Takes out groups with nothing in them, and white space between elements."""
    for element in list(parent):
        _prune(element)
        element.tail = "\n"
        if element.tag == f"{{{_SVG}}}g" and not len(element):
            parent.remove(element)
    if len(parent):
        parent.text = "\n"


def _clipped(element: ElementTree.Element) -> ElementTree.Element:
    clips = [one.attrib.pop("clip-path") for one in element.iter() if "clip-path" in one.attrib]
    group = ElementTree.Element(f"{{{_SVG}}}g", {"clip-path": clips[0]} if clips else {})
    group.append(element)
    return group


def _rename(root: ElementTree.Element, name: str) -> None:
    """Ids that are referred to get the picture's name, all others go."""
    for element in root.iter():
        own = element.attrib.pop("id", None)
        if own is not None and element.tag in (f"{{{_SVG}}}clipPath", f"{{{_SVG}}}path", f"{{{_SVG}}}pattern"):
            element.set("id", f"{name}-{own}")
        if _HREF in element.attrib:
            element.set(_HREF, f"#{name}-{element.attrib[_HREF][1:]}")
        for key, value in element.attrib.items():
            if "url(#" in value:
                element.set(key, value.replace("url(#", f"url(#{name}-"))
