"""The ledger counts every step once, calls uncertain what it cannot know, and outlives resets as far as it can."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pump import codes
from pump.ledger import Ledger, Window
from pump.line_model import LineModel
from pump.program import is_dose

from firmware.tests.support.ports import Journal

MARGIN_NL = 250_000


def make(journal: Journal | None = None) -> tuple[Ledger, Journal, LineModel]:
    journal = journal or Journal()
    path = LineModel()
    path.configure(102_214, 2_000, 10_000, 2_000)
    return Ledger(path, journal), journal, path


@pytest.mark.requirement("REQ-DOSE-3")
def test_prime_and_aspirated_volume_are_no_dose():
    doses = [codes.PHASE_PULSES, codes.PHASE_STEADY, codes.PHASE_LOCK, codes.PHASE_FINISH]
    assert [kind for kind in range(8) if is_dose(kind)] == doses
    assert not any(is_dose(kind) for kind in (codes.PHASE_ASPIRATE, codes.PHASE_WAIT, codes.PHASE_PRIME))


@pytest.mark.requirement("REQ-DOSE-3")
@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 20_000), st.integers(0, 300_000)), max_size=20))
def test_an_interrupted_burst_is_counted_once_however_often_the_figures_are_refreshed(bursts):
    ledger, _, path = make()
    ledger.start_run(9_000_000, 9_000_000)
    made = 0
    for steps, observed, stored_nl in bursts:
        for running in (observed * steps // 20_000, steps):
            ledger.refresh(running, stored_nl)
            assert ledger.driven_nl == path.volume_nl(made + running)
            assert ledger.delivered_nl == max(ledger.driven_nl - min(stored_nl, ledger.driven_nl), 0)
        ledger.add_dose(steps)
        made += steps
    ledger.close(0)
    assert ledger.driven_nl == ledger.delivered_nl == path.volume_nl(made)
    assert ledger.uncertain_nl == 0


@given(st.integers(0, 100_000), st.integers(0, 500_000), st.integers(0, 500_000), st.integers(0, 20_000))
def test_a_closed_ledger_always_adds_up(steps, stored_nl, relieved_nl, lost_steps):
    ledger, _, path = make()
    ledger.start_run(9_000_000, 9_000_000)
    ledger.add_dose(steps)
    if lost_steps <= steps:
        ledger.add_uncertain(path.volume_nl(lost_steps))
    ledger.relieved_nl = min(relieved_nl, ledger.driven_nl)
    ledger.close(stored_nl)
    assert ledger.driven_nl == ledger.delivered_nl + ledger.relieved_nl + ledger.uncertain_nl


def test_what_was_driven_into_a_leak_stays_uncertain():
    ledger, _, path = make()
    ledger.start_run(2_000_000, 2_000_000)
    ledger.add_dose(10_000)
    ledger.add_uncertain(path.volume_nl(4_000))
    ledger.close(0)
    assert ledger.uncertain_nl == path.volume_nl(4_000)
    assert ledger.delivered_nl == path.volume_nl(6_000)


@pytest.mark.requirement("REQ-DOSE-4")
def test_a_watchdog_reset_keeps_the_volume_and_names_what_is_uncertain():
    ledger, journal, path = make()
    ledger.start_run(9_000_000, 9_000_000)
    ledger.add_dose(20_000)
    ledger.add_uncertain(path.volume_nl(1_000))
    ledger.refresh(3_000, 150_000)
    ledger.mirror()
    restarted, _, _ = make(journal)
    assert restarted.recover(MARGIN_NL) == 1
    assert restarted.intended_nl == 9_000_000
    assert restarted.driven_nl == path.volume_nl(23_000)
    assert restarted.delivered_nl == path.volume_nl(22_000) - 150_000
    assert restarted.uncertain_nl == path.volume_nl(1_000) + 150_000 + MARGIN_NL
    again, _, _ = make(journal)
    assert again.recover(MARGIN_NL) == 0, "reported once"


@pytest.mark.requirement("REQ-DOSE-4")
def test_after_a_power_cut_the_whole_intent_is_uncertain():
    ledger, journal, _ = make()
    ledger.start_run(9_000_000, 9_000_000)
    ledger.add_dose(20_000)
    ledger.mirror()
    journal.power_cut()
    restarted, _, _ = make(journal)
    assert restarted.recover(MARGIN_NL) == 2
    assert (restarted.intended_nl, restarted.uncertain_nl, restarted.delivered_nl) == (9_000_000, 9_000_000, 0)
    again, _, _ = make(journal)
    assert again.recover(MARGIN_NL) == 0


@pytest.mark.requirement("REQ-DOSE-4")
def test_a_ledger_record_that_was_cut_in_the_writing_is_reported():
    ledger, journal, _ = make()
    ledger.start_run(9_000_000, 9_000_000)
    journal.power_cut()
    journal.corrupt.add(1)
    restarted, _, _ = make(journal)
    assert restarted.recover(MARGIN_NL) == 2
    again, _, _ = make(journal)
    assert again.recover(MARGIN_NL) == 0


def test_a_run_that_ended_is_not_reported_as_interrupted():
    ledger, journal, _ = make()
    ledger.start_run(9_000_000, 9_000_000)
    ledger.add_dose(20_000)
    ledger.close(0)
    ledger.flush(2_044_280)
    restarted, _, _ = make(journal)
    assert restarted.recover(MARGIN_NL) == 0
    assert restarted.window_nl == 2_044_280


@given(st.lists(st.tuples(st.integers(0, 900_000), st.integers(0, 60_000_000)), max_size=60), st.integers(60, 86_400))
def test_the_window_never_forgets_a_volume_before_its_time(runs, window_s):
    window = Window()
    now_ms = 0
    for gap_ms, volume_nl in runs:
        now_ms += gap_ms
        window.add(now_ms, volume_nl)
    booked, at_ms = 0, 0
    for gap_ms, volume_nl in runs:
        at_ms += gap_ms
        booked += volume_nl if now_ms - at_ms <= window_s * 1000 else 0
    assert window.total_nl(now_ms, window_s) >= booked


@pytest.mark.requirement("REQ-DOSE-5")
def test_the_window_forgets_a_volume_when_its_time_is_over():
    window = Window()
    window.add(1_000, 5_000_000)
    window.add(31_000, 7_000_000)
    assert window.total_nl(61_000, 60) == 12_000_000
    assert window.total_nl(61_001, 60) == 7_000_000
    assert window.total_nl(91_001, 60) == 0


def test_many_runs_that_drive_nothing_push_no_volume_out_of_the_window():
    window = Window()
    window.add(0, 5_000_000)
    for number in range(40):
        window.add(number, 0)
    assert window.total_nl(1_000, 3_600) == 5_000_000
