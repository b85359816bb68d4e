"""The pictures of a campaign: there, legible, with the statistics of the table, and for campaigns of every kind."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest
from flushsim.campaign.results import Results
from flushsim.campaign.statistics import statistics_of
from flushsim.campaign.text_report import detection_rows
from flushsim.plots.campaign import rates, roc, spreads
from flushsim.plots.campaign.index import PAGE, draw
from flushsim.plots.shared.saving import PlotError
from flushsim.plots.shared.style import plot_style
from matplotlib.figure import Figure

from sim.tests.plots.support.campaign_rows import results
from sim.tests.plots.support.reading import hard_to_read, written

NAMES = ("detection", "severity", "time", "false-alarms", "amounts", "roc")


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return results(tmp_path_factory.mktemp("campaign"), 600)


PICTURES: dict[str, Callable[[Results], Figure | None]] = {
    "detection": lambda found: rates.detection(statistics_of(found)),
    "severity": lambda found: rates.severity(statistics_of(found)),
    "time": lambda found: spreads.time_to_detection(found.runs),
    "false alarms": lambda found: rates.false_alarms(found.runs),
    "amounts": lambda found: spreads.amounts(found.runs),
    "roc": roc.curves,
}


@pytest.mark.parametrize("name", PICTURES)
def test_no_word_of_a_campaigns_picture_covers_another_or_outside_of_it(name: str, campaign: Results) -> None:
    with plot_style():
        figure = PICTURES[name](campaign)
        assert figure is not None
        assert len(written(figure)) > 5
        assert hard_to_read(figure) == []


def test_every_picture_is_drawn_as_svg_and_png_and_is_on_the_page(campaign: Results, tmp_path: Path) -> None:
    files = draw(campaign, tmp_path, "a <campaign>")
    assert files[0] == tmp_path / PAGE
    assert sorted(path.name for path in files) == sorted(path.name for path in tmp_path.iterdir())
    for name in NAMES:
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert ElementTree.parse(tmp_path / f"{name}.svg").getroot().get("role") == "img"
    page = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert page.count("<svg ") == len(NAMES)
    assert "<h1>a &lt;campaign&gt;</h1>" in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert "<script" not in page


def test_the_rates_that_are_drawn_are_those_of_the_figures(campaign: Results) -> None:
    statistics = statistics_of(campaign)
    with plot_style():
        figure = rates.detection(statistics)
        texts = [text for text, _ in written(figure)]
    axes = figure.axes[0]
    for row, fault in enumerate(statistics["faults"]):
        rate = fault["within_two_pulses"]
        assert f"within two pulses: {rates.rate_words(rate)}" in texts
        ends = [list(line.get_xdata()) for line in axes.get_lines() if row < float(line.get_ydata()[0]) < row + 1]
        assert [rate["low"], rate["high"]] in ends
        assert [rate["count"] / rate["of"]] in ends


def test_six_severities_with_many_runs_each_can_be_read(campaign: Results) -> None:
    statistics = statistics_of(campaign)
    fault = next(fault for fault in statistics["faults"] if fault["group"] == "partial")
    rate = {"count": 61_728, "of": 123_456, "low": 0.497, "high": 0.503}
    part = {**fault["by_severity"][0], "found": rate}
    fault["by_severity"] = [{**part, "severity": severity} for severity in ("0.0125", "2", "3", "5", "7", "10")]
    with plot_style():
        figure = rates.severity(statistics)
        assert figure is not None
        assert sum(text == "n = 123456" for text, _ in written(figure)) == 6
        assert hard_to_read(figure) == []


def test_a_fault_that_the_pump_does_not_claim_to_find_is_shown_with_any_detection(campaign: Results) -> None:
    statistics = statistics_of(campaign)
    with plot_style():
        detection, by_severity = rates.detection(statistics), rates.severity(statistics)
        assert by_severity is not None
        texts = {text for figure in (detection, by_severity) for text, _ in written(figure)}
        times = " ".join(text for text, _ in written(spreads.time_to_detection(campaign.runs)))
    assert {"extravasation:", "any detection", "extravasation: any detection, %", "growing: found, %"} <= texts
    assert "extravasation" not in times
    assert "growing" in times
    table = [row[0] for row in detection_rows(statistics["faults"])]
    assert "extravasation: any detection" in table
    assert "growing" in table


def test_the_interval_of_the_false_alarms_is_shown_when_there_was_none(tmp_path: Path) -> None:
    found = results(tmp_path, 300, false_alarms=False)
    with plot_style():
        figure = rates.false_alarms(found.runs)
        texts = [text for text, _ in written(figure)]
        assert hard_to_read(figure) == []
    high = statistics_of(found)["healthy"]["false_alarms"]["high"]
    assert f"0 of 100, at most {high:.2g}" in texts
    ends = [line.get_xdata() for line in figure.axes[0].get_lines()]
    assert any(high in list(xs) for xs in ends)


@pytest.mark.parametrize(("runs", "names"), [(1, ["amounts", "false-alarms"]), (3, None)])
def test_a_campaign_of_a_few_runs_is_drawn(runs: int, names: list[str] | None, tmp_path: Path) -> None:
    found = results(tmp_path / "parts", runs)
    files = draw(found, tmp_path)
    assert all(path.stat().st_size > 500 for path in files)
    if names is not None:
        assert sorted(path.stem for path in files if path.suffix == ".svg") == names


def test_the_same_results_give_the_same_files(tmp_path: Path) -> None:
    found = results(tmp_path / "parts", 30)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        draw(found, tmp_path / name)
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_a_folder_that_takes_no_plot_is_refused_in_one_sentence(tmp_path: Path) -> None:
    found = results(tmp_path / "parts", 3)
    with pytest.raises(PlotError, match=r"campaign\.html cannot be written: No such file or directory; name a file"):
        draw(found, tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("trace", "status", "sentence"),
    [("case.html", 0, "trace: case.html"), ("nowhere/case.svg", 4, "there is no folder")],
)
def test_a_single_case_of_a_campaign_is_drawn(trace: str, status: int, sentence: str, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).parent / "flushpump"), "sim", "campaign", "small", "--case", "5"]
    command += ["--trace", trace]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path)
    assert (done.returncode, sentence in done.stderr) == (status, True), done.stderr
    if not status:
        assert "<h2>Pulses</h2>" in (tmp_path / trace).read_text(encoding="utf-8")
