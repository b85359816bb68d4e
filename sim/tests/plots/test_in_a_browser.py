"""The page of a run in a real browser, where there is one: visible, dark where dark is wished, zoomed and read."""

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from flushsim.plots.run.files import write_run
from flushsim.plots.run.timeline import RunTimeline

from sim.tests.plots.support import browser

pytestmark = pytest.mark.skipif(browser.found() is None, reason=browser.MISSING)

# What is done to the page, and what is then written into it for the test.
DRIVE = """
const press = (act) => document.querySelector(`[data-act=${act}]`).click();
const ticks = () => [...document.querySelectorAll("svg > g > g:nth-child(2) > text")].map((text) => text.textContent);
const visible = () => [...document.querySelectorAll(".at")].filter((one) => one.getAttribute("visibility") !== "hidden")
  .map((one) => Number(one.dataset.time));
const result = { errors: [], whole: ticks(), all: visible().length };
addEventListener("error", (event) => result.errors.push(event.message));
press("in"); press("in"); press("on");
result.zoomed = ticks();
result.visible = visible();
const plot = document.querySelector(".plot"), box = plot.querySelector("svg").getBoundingClientRect();
plot.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + box.width * 0.5, clientY: box.top + 200 }));
result.readout = plot.querySelector(".readout").textContent;
result.fits = plot.querySelector(".readout").getBoundingClientRect().right <= document.documentElement.clientWidth;
press("all");
result.again = ticks();
result.wide = document.documentElement.scrollWidth <= document.documentElement.clientWidth;
document.body.dataset.result = JSON.stringify(result);
"""


@pytest.fixture
def page(timeline: Callable[[str], RunTimeline], tmp_path: Path) -> Path:
    write_run(timeline("occlusion"), tmp_path / "run.html")
    return tmp_path / "run.html"


def test_a_page_is_zoomed_and_read_under_the_pointer(page: Path) -> None:
    shown = browser.text_of(page, DRIVE)
    found = re.search(r'data-result="([^"]*)"', shown)
    assert found is not None, "the page's script has failed"
    result: dict[str, Any] = json.loads(unescape(found[1]))
    assert result["errors"] == []
    assert result["whole"][0] == "0"
    assert result["again"] == result["whole"]
    zoomed = [float(text) for text in result["zoomed"]]
    assert 0 < zoomed[0] < zoomed[-1] < 7
    assert zoomed[-1] - zoomed[0] < 2
    assert 0 < len(result["visible"]) < result["all"]
    assert all(zoomed[0] - 0.5 < time_s < zoomed[-1] + 0.5 for time_s in result["visible"])
    lines = result["readout"].split("\n")
    assert zoomed[0] < float(lines[0].removesuffix(" s")) < zoomed[-1]
    assert any(re.fullmatch(r"pressure: \d+\.\d kPa", line) for line in lines)
    assert any(re.fullmatch(r"pulse \d: patent", line) for line in lines)
    assert result["fits"]
    assert result["wide"]


def test_words_without_room_are_visible_when_there_is_room(
    timeline: Callable[[str], RunTimeline], tmp_path: Path
) -> None:
    write_run(timeline("dense"), tmp_path / "run.html")
    script = """
      const words = () => [...document.querySelectorAll(".at")].filter((one) => one.textContent.trim() === "patent")
        .map((one) => [Number(one.dataset.time), one.getAttribute("visibility") !== "hidden"]);
      const result = { whole: words() };
      for (let n = 0; n < 3; n++) document.querySelector("[data-act=in]").click();
      for (let n = 0; n < 20; n++) document.querySelector("[data-act=back]").click();
      result.zoomed = words();
      document.body.dataset.result = JSON.stringify(result);
    """
    found = re.search(r'data-result="([^"]*)"', browser.text_of(tmp_path / "run.html", script))
    assert found is not None, "the page's script has failed"
    result = json.loads(unescape(found[1]))
    assert len(result["whole"]) == 60
    assert 5 < sum(visible for _, visible in result["whole"]) < 30
    within = [time_s for time_s, visible in result["zoomed"] if visible]
    assert len(within) > 3
    # None of those between the first and the last of them is left out.
    assert len(within) == sum(within[0] <= time_s <= within[-1] for time_s, _ in result["zoomed"])


def test_a_page_is_light_or_dark_as_the_reader_wishes(page: Path, tmp_path: Path) -> None:
    lightness = {}
    for dark in (False, True):
        browser.screenshot(page, tmp_path / "shot.png", dark)
        pixels = np.asarray(matplotlib.image.imread(tmp_path / "shot.png"))[..., :3]
        lightness[dark] = float(np.median(pixels))
        # A picture is visible: more than the paper's colour.
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 100
    assert lightness[False] > 0.95
    assert lightness[True] < 0.15
