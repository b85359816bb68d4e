"""An HTML page that needs nothing else: no network, light and dark, tables, and a policy that forbids anything else."""

from html import escape
from importlib.resources import files

from flushsim.plots.shared.colours import DARK, LIGHT

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
_WARNING = "For bench and research use only: flushpump is no medical device, and this is a simulation."


def page(title: str, body: str, script: str = "") -> str:
    """The page; `body` is HTML, `script` JavaScript that may be missing where scripts are not run."""
    end = f"<script>\n{script}</script>\n" if script else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n<meta name="color-scheme" content="light dark">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n<title>{escape(title)}</title>\n'
        f"<style>\n{_variables()}{_stylesheet()}</style>\n</head>\n<body>\n{body}"
        f"<footer>{_WARNING}</footer>\n{end}</body>\n</html>\n"
    )


def table(rows: list[list[str]], words: tuple[int, ...] = (0,), raw: tuple[int, ...] = ()) -> str:
    """A table, its first row the heading; columns `words` are set to the left, those in `raw` are HTML already."""
    head = "".join(f"<th{_class(at, words)}>{escape(cell)}</th>" for at, cell in enumerate(rows[0]))
    lines = "".join(
        "<tr>"
        + "".join(f"<td{_class(at, words)}>{cell if at in raw else escape(cell)}</td>" for at, cell in enumerate(row))
        + "</tr>\n"
        for row in rows[1:]
    )
    return f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{lines}</tbody></table></div>\n'


def _stylesheet() -> str:
    return files("flushsim.plots.shared").joinpath("page.css").read_text(encoding="utf-8")


def _class(at: int, words: tuple[int, ...]) -> str:
    return ' class="word"' if at in words else ""


def _variables() -> str:
    def block(colours: dict[str, str]) -> str:
        return ":root { " + "; ".join(f"--{name}: {value}" for name, value in colours.items()) + " }\n"

    return f"{block(LIGHT)}@media (prefers-color-scheme: dark) {{ {block(DARK)}}}\n"
