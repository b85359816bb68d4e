"""A picture as a file: SVG that can be read aloud, a page that needs nothing else, and whole files or none."""

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flushsim.plots.run.files import write_run
from flushsim.plots.run.timeline import RunTimeline
from flushsim.plots.shared import colours
from flushsim.plots.shared.saving import PlotError, write

Timelines = Callable[[str], RunTimeline]
SVG = "{http://www.w3.org/2000/svg}"


class Parts(HTMLParser):
    """Every start tag with its attributes, and the table rows' cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] += data.strip()


@pytest.fixture
def page(timeline: Timelines, tmp_path: Path) -> str:
    write_run(timeline("occlusion"), tmp_path / "run.html")
    return (tmp_path / "run.html").read_text(encoding="utf-8")


def test_the_svg_has_a_title_and_a_description_of_the_run(timeline: Timelines, tmp_path: Path) -> None:
    write_run(timeline("occlusion"), tmp_path / "run.svg")
    root = ElementTree.parse(tmp_path / "run.svg").getroot()
    named = {element.get("id"): element.text or "" for element in root.iter() if element.get("id")}
    title, description = (named[name] for name in str(root.get("aria-labelledby")).split())
    assert title.startswith("port-maintenance on smartport-ct-8f")
    for words in ("the line is blocked", "occlusion from 6.00 s", "hard limit 172 kPa", "patent, occluded"):
        assert words in description


@pytest.mark.parametrize("suffix", ["svg", "png", "html"])
def test_the_same_run_gives_the_same_file_byte_for_byte(suffix: str, timeline: Timelines, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_run(timeline("healthy"), tmp_path / f"{name}.{suffix}")
    assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_the_page_fetches_nothing(page: str) -> None:
    parts = Parts(page)
    policy = [values for tag, values in parts.tags if tag == "meta" and values.get("http-equiv")]
    assert str(policy[0]["content"]).startswith("default-src 'none';")
    for tag, values in parts.tags:
        assert tag not in ("link", "img", "iframe", "object", "embed")
        for key in ("src", "href", "xlink:href"):
            assert str(values.get(key, "#")).startswith("#")
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "@import" not in page
    assert re.findall(r"url\((?!#)", page) == []


def test_no_colour_of_the_pages_picture_is_fixed_so_that_it_can_be_dark(page: str) -> None:
    picture = page[page.index("<svg") : page.index("</svg>")]
    assert re.findall(r"#[0-9a-f]{6}\b", picture) == []
    for name in set(re.findall(r"var\(--([a-z]+)\)", page)):
        assert name in colours.LIGHT
        assert name in colours.DARK
    assert len(set(colours.LIGHT.values())) == len(colours.LIGHT)


def test_every_reference_within_the_page_has_its_target_once(page: str) -> None:
    parts = Parts(page)
    ids = [values["id"] for _, values in parts.tags if "id" in values]
    assert len(ids) == len(set(ids))
    referred = {str(values["xlink:href"])[1:] for _, values in parts.tags if "xlink:href" in values}
    referred |= set(re.findall(r"url\(#([^)]+)\)", page))
    assert referred
    assert referred <= set(ids)


def test_the_page_has_the_table_of_pulses_and_what_happened(page: str, timeline: Timelines) -> None:
    rows = Parts(page).rows
    assert [row[1] for row in rows if row[0].isdigit()] == ["patent"] * 6 + ["occluded"]
    heading = rows[0]
    assert heading[:2] == ["pulse", "verdict"]
    assert all(len(row) == len(heading) for row in rows if row[0].isdigit())
    run_timeline = timeline("occlusion")
    (fault,) = run_timeline.faults
    # To the end of the run; the picture may go on, where the last pulse's words need room.
    assert 0 <= run_timeline.times_s[-1] - fault.end_s < 0.05
    assert ["6.00", f"{fault.end_s:.2f}", "fault: occlusion"] in rows
    assert any(row[-1] == "alarm: the line is blocked" for row in rows)


def test_the_pages_figures_are_json_and_cannot_end_the_script(page: str) -> None:
    text = page[page.index('id="timeline">') + len('id="timeline">') :]
    figures = json.loads(text[: text.index("</script>")])
    assert "<" not in text[: text.index("</script>")]
    lengths = {len(values["data"]) for values in figures["curves"][0]["values"]}
    assert lengths == {len(figures["curves"][0]["times"])}
    assert figures["panels"][0]["top"] < figures["panels"][-1]["bottom"] == figures["bottom"]


def test_a_picture_that_cannot_be_written_leaves_the_older_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "run.svg"
    file.write_text("older")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(PlotError, match=r"run\.svg cannot be written: No space left on device; name"):
        write(file, b"newer")
    assert file.read_text() == "older"
    assert list(tmp_path.iterdir()) == [file]
