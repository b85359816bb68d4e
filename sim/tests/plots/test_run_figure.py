"""The picture of a run: what has to stand in it, and that all of it can be read."""

from collections.abc import Callable

import numpy as np
import pytest
from flushsim.plots.run import figure as run_figure
from flushsim.plots.run import panels
from flushsim.plots.run.build import timeline_of
from flushsim.plots.run.timeline import RunTimeline
from flushsim.plots.shared.style import DPI, plot_style
from flushsim.scenario import Scenario, run
from matplotlib.figure import Figure

from sim.tests.plots.support.cases import CASES
from sim.tests.plots.support.reading import hard_to_read, written

Timelines = Callable[[str], RunTimeline]


def drawn(timeline: RunTimeline) -> Figure:
    with plot_style():
        return run_figure.draw(timeline)


@pytest.mark.parametrize("name", CASES)
def test_no_word_of_a_picture_covers_another_or_outside_of_it(name: str, timeline: Timelines) -> None:
    with plot_style():
        figure = run_figure.draw(timeline(name))
        assert len(written(figure)) > 15
        assert hard_to_read(figure) == []


def test_words_that_overlap_or_leave_the_picture_are_found() -> None:
    with plot_style():
        figure = Figure(figsize=(4, 2))
        for x, text in ((0.3, "under"), (0.32, "over"), (0.99, "leaving")):
            figure.text(x, 0.5, text)
        assert hard_to_read(figure) == [("leaving", "the picture's edge"), ("under", "over")]


def test_a_picture_is_1200_pixels_wide(timeline: Timelines) -> None:
    assert drawn(timeline("healthy")).get_size_inches()[0] * DPI == 1200


def test_every_axis_has_its_unit(timeline: Timelines) -> None:
    with plot_style():
        figure = run_figure.draw(timeline("occlusion"))
        texts = [text for text, _ in written(figure)]
    for label in (
        "flow, mL/s", "pressure at the syringe, kPa", "volume, mL", "thousand steps", "peak, kPa",
        "resistance, kPa s/mL", "compliance, µL/kPa", "time since the pump's first step, s",
    ):  # fmt: skip
        assert label in texts


def test_every_pulse_has_its_verdict_in_its_place(timeline: Timelines) -> None:
    run_timeline = timeline("occlusion")
    with plot_style():
        figure = run_figure.draw(run_timeline)
        texts = written(figure)
        axes = next(axes for axes in figure.axes if axes.get_label() == "pulses")
        pixels = axes.transData.transform([(pulse.start_s, 0) for pulse in run_timeline.pulses])[:, 0]
    words = sorted((box.x0 + box.x1, text) for text, box in texts if text in ("patent", "occluded"))
    assert [text for _, text in words] == ["patent"] * 6 + ["occluded"]
    assert all(start < middle / 2 for start, (middle, _) in zip(pixels, words, strict=True))


def test_a_faults_onset_and_the_alarm_are_at_their_times_in_every_panel_with_curves(timeline: Timelines) -> None:
    run_timeline = timeline("occlusion")
    assert [(fault.text, fault.start_s) for fault in run_timeline.faults] == [("occlusion", 6.0)]
    assert 6.0 < run_timeline.alarms[0].time_s < 7.0
    for axes in drawn(run_timeline).axes:
        if axes.get_label() in run_figure.WITH_GRID:
            upright = [line.get_xdata()[0] for line in axes.get_lines() if len(set(line.get_xdata())) == 1]
            assert upright == [6.0, run_timeline.alarms[0].time_s]


def test_a_fault_after_the_end_of_the_run_is_named_and_not_drawn(timeline: Timelines) -> None:
    run_timeline = timeline("too late")
    assert [(fault.text, fault.start_s) for fault in run_timeline.faults] == [
        ("link-delay 30 ms", run_timeline.start_s),
        # It is there from power-on, whatever time is written.
        ("sensor-offset 3 kPa", run_timeline.start_s),
    ]
    assert run_timeline.ground_truth_text.endswith("; the run ended before: bubble 0.1 mL")


def test_a_pulse_without_room_for_its_words_has_them_on_the_page(timeline: Timelines) -> None:
    run_timeline = timeline("dense")
    with plot_style():
        picture, page = (run_figure.draw(run_timeline, heading=heading) for heading in (True, False))
        shown = [text for text, _ in written(picture)].count("patent")
        there = [text for text, _ in written(page)].count("patent")
    assert shown == -(-60 // panels.pulse_text_interval(run_timeline)) < there == 60


def test_the_limits_are_those_that_the_pump_has(timeline: Timelines) -> None:
    run_timeline = timeline("healthy")
    axes = next(axes for axes in drawn(run_timeline).axes if axes.get_label() == "pressure")
    level = {str(line.get_label()): line.get_ydata()[0] for line in axes.get_lines()}
    assert level["hard limit 172"] == run_timeline.hard_kpa == 172.0
    assert level["working limit 138"] == run_timeline.working_kpa
    assert axes.get_ylim()[1] > run_timeline.hard_kpa


def test_a_sensor_with_an_error_is_drawn_beside_the_true_pressure(timeline: Timelines) -> None:
    for name, beside in (("healthy", False), ("sensor", True)):
        axes = next(axes for axes in drawn(timeline(name)).axes if axes.get_label() == "pressure")
        assert beside == ("sensor reading" in [line.get_label() for line in axes.get_lines()])


def test_the_curves_are_those_of_the_trace() -> None:
    result = run(Scenario(), [], flows=True)
    run_timeline = timeline_of(result)
    assert result.trace is not None
    rows = [row for row in result.trace if row.now_us >= (result.ground_truth.first_step_us or 0) - 100_000]
    assert len(run_timeline.times_s) == len(rows)
    assert run_timeline.pressure_kpa[-1] == rows[-1].pressure_pa / 1000
    assert run_timeline.out_ml[-1] == pytest.approx(result.ground_truth.tip_ml)
    assert run_timeline.driven_ml[-1] == pytest.approx(result.ground_truth.driven_ml, abs=0.001)
    # The flow that is drawn is the volume that was driven.
    assert np.trapezoid(run_timeline.flow_in_ml_per_s, run_timeline.times_s) == pytest.approx(
        run_timeline.driven_ml[-1], abs=0.005
    )
    pulse = run_timeline.pulses[3]
    middle = np.argmin(np.abs(run_timeline.times_s - (pulse.start_s + pulse.driven_s) / 2))
    assert run_timeline.flow_in_ml_per_s[middle] == pytest.approx(2.0, abs=0.05)
    assert abs(run_timeline.flow_in_ml_per_s[np.argmin(np.abs(run_timeline.times_s - pulse.driven_s - 0.1))]) < 0.01


def test_what_each_segment_holds_is_drawn_in_the_order_of_the_way_through_it(timeline: Timelines) -> None:
    run_timeline = timeline("healthy")
    names = [filling.segment for filling in run_timeline.segments]
    assert names == ["extension", "needle", "chamber", "catheter", "at the tip"]
    without_chamber = [filling.segment for filling in timeline("narrow line").segments]
    assert without_chamber == ["extension", "needle", "catheter", "at the tip"]
    for filling in run_timeline.segments:
        whole = np.sum(list(filling.shares.values()), axis=0)
        assert whole == pytest.approx(np.ones(len(whole)), abs=0.002)
        assert filling.times_s[0] == run_timeline.start_s
    catheter = run_timeline.segments[3].shares
    # Old content, then blood that was drawn in by the aspirate check, then saline.
    assert [catheter["old lock"][0], catheter["saline"][0]] == [1.0, 0.0]
    assert catheter["blood"].max() > 0.1
    assert catheter["saline"][-1] > 0.9
    with plot_style():
        texts = [text for text, _ in written(run_figure.draw(run_timeline))]
    assert texts.count("old lock") == 1
    assert "chamber, 0.50 mL" in texts


def test_what_leaks_is_drawn_where_it_leaks_alone(timeline: Timelines) -> None:
    for name, leaks in (("healthy", False), ("many pulses", True)):
        axes = next(axes for axes in drawn(timeline(name)).axes if axes.get_label() == "volume")
        assert leaks == ("leaked" in [line.get_label() for line in axes.get_lines()])
    assert timeline("many pulses").leaked_ml[-1] > 0.1


def test_a_case_without_a_trace_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="list for its trace, and with flows"):
        timeline_of(run(Scenario(faults=("occlusion@1s",))))
