"""Light and sound keep the times of IEC 60601-1-8; switches act when they must."""

from itertools import groupby

import pytest

PINS = {
    "led_red": 10, "led_green": 11, "led_blue": 12, "buzzer": 13, "stop_button": 14, "syringe_switch": 15,
    "clutch_switch": 16, "home_switch": 17, "end_switch": 18, "service_strap": 22,
}  # fmt: skip
DATA = {"active_low": ["syringe_switch", "clutch_switch", "service_strap"], "buzzer_hz": 523}
# Stop, home and end open when they act; the others close to ground.
QUIET = {14: 0, 17: 0, 18: 0, 15: 0, 16: 0, 22: 1}
NOTHING, STOP, SYRINGE, HOME, END, CLUTCH, STRAP = 0, 1, 2, 4, 8, 16, 32
READY = SYRINGE | CLUTCH
RED, YELLOW, CYAN, GREEN = 1, 2, 3, 4
COLOURS = {0: "dark", 1: "red", 3: "yellow", 6: "cyan", 2: "green"}
MINUTE = 12_000


@pytest.fixture
def made(bench):
    bench.levels.update(QUIET)
    return bench, bench.load("indicators").Indicators(PINS, DATA)


def stretches(bench, indicators, light, sound, ticks):
    """What is observed and sounded: lists of (colour, ms) and (sounding, ms)."""
    observed, sounded = [], []
    for _ in range(ticks):
        indicators.show(light, sound)
        bench.machine.now_us += 5_000
        observed.append(COLOURS[bench.levels[10] | bench.levels[11] << 1 | bench.levels[12] << 2])
        sounded.append(bench.duty > 0)
    return [[(what, 5 * len(list(run))) for what, run in groupby(found)] for found in (observed, sounded)]


@pytest.mark.requirement("REQ-ALRM-2")
@pytest.mark.parametrize(
    ("light", "colour", "least_hz", "most_hz"), [(RED, "red", 1.4, 2.8), (YELLOW, "yellow", 0.4, 0.8)]
)
def test_a_flashing_light_has_the_colour_and_rate_of_its_priority_and_is_lit_from_the_first_tick(
    made, light, colour, least_hz, most_hz
):
    observed, _ = stretches(*made, light, 0, MINUTE)
    assert observed[0][0] == colour
    assert {what for what, _ in observed} == {colour, "dark"}
    for (_, lit_ms), (_, dark_ms) in zip(observed[:-2:2], observed[1:-1:2], strict=True):
        assert least_hz <= 1000 / (lit_ms + dark_ms) <= most_hz
        assert 0.2 <= lit_ms / (lit_ms + dark_ms) <= 0.6


@pytest.mark.requirement("REQ-ALRM-2")
@pytest.mark.parametrize(("light", "colour"), [(0, "dark"), (CYAN, "cyan"), (GREEN, "green")])
def test_a_steady_light_stays(made, light, colour):
    assert stretches(*made, light, 0, 4000)[0] == [(colour, 20_000)]


@pytest.mark.requirement("REQ-ALRM-2")
@pytest.mark.parametrize(
    ("sound", "pulses", "pulse_ms", "gap_ms", "rest_ms"),
    [
        (3, 10, (75, 200), (50, 1300), (2500, 15_000)),
        (2, 3, (125, 250), (125, 250), (2500, 30_000)),
        (1, 2, (125, 250), (125, 250), (15_000, 60_000)),
    ],
)
def test_a_burst_has_the_pulses_and_pauses_of_its_priority(made, sound, pulses, pulse_ms, gap_ms, rest_ms):
    _, sounded = stretches(*made, 0, sound, 5 * MINUTE)
    assert sounded[0][0]
    for start in range(0, len(sounded) - 2 * pulses, 2 * pulses):
        burst = sounded[start : start + 2 * pulses]
        assert all(pulse_ms[0] <= time_ms <= pulse_ms[1] for _, time_ms in burst[::2])
        assert all(gap_ms[0] <= time_ms <= gap_ms[1] for _, time_ms in burst[1:-1:2])
        assert rest_ms[0] <= burst[-1][1] <= rest_ms[1]
    assert len(sounded) > 4 * pulses


@pytest.mark.requirement("REQ-ALRM-2")
def test_the_burst_of_high_priority_is_three_and_two_pulses_twice(made):
    _, sounded = stretches(*made, 0, 3, MINUTE)
    gaps = [time_ms for _, time_ms in sounded[1:18:2]]
    short = gaps[0]
    assert 50 <= short <= 125
    third = 2 * short + sounded[0][1]
    assert gaps == [short, short, third, short, gaps[4], short, short, third, short]
    assert 350 <= gaps[4] <= 1300


@pytest.mark.requirement("REQ-ALRM-2")
def test_a_graver_alarm_is_sounded_at_once_and_a_silenced_one_falls_silent_at_once(made):
    bench, indicators = made
    stretches(bench, indicators, CYAN, 1, 130)
    assert not bench.duty
    assert stretches(bench, indicators, RED, 3, 20) == [[("red", 100)], [(True, 100)]]
    assert stretches(bench, indicators, RED, 0, 1)[1] == [(False, 5)]


@pytest.mark.requirement("REQ-ALRM-2")
def test_ticks_that_take_long_or_jitter_do_not_lengthen_pulses_nor_flashes(made):
    bench, indicators = made
    changes, before, drawn = [], None, 0
    for tick in range(2_000):
        indicators.show(RED, 3)
        now = (bench.duty > 0, bench.levels[10])
        if now != before:
            changes.append((drawn, now))
            before = now
        late_us = 35_000 if tick == 2 else (-700, 0, 1_300)[tick % 3]
        bench.machine.now_us += 5_000 + late_us
        drawn = bench.machine.now_us
    pulse_ends = [time_us for time_us, (sounding, _) in changes if not sounding]
    assert pulse_ends[0] == pytest.approx(100_000, abs=7_500)
    dark = next(time_us for time_us, (_, red) in changes if not red)
    assert dark == pytest.approx(250_000, abs=7_500)
    bursts = [time_us for time_us, (sounding, _) in changes if sounding]
    assert bursts[1] == pytest.approx(180_000, abs=7_500)


def test_the_buzzer_has_the_boards_tone_and_is_silent_at_the_start(made):
    assert made[0].tone_hz == 523
    assert made[0].duty == 0


def test_switches_read_right_from_the_start(made):
    bench, indicators = made
    assert indicators.inputs() == READY
    bench.levels.update({22: 0, 15: 1})
    again = bench.load("indicators").Indicators(PINS, DATA)
    assert again.inputs() == CLUTCH | STRAP


@pytest.mark.requirement("REQ-STOP-2")
@pytest.mark.parametrize(("pin", "bit"), [(14, STOP), (17, HOME), (18, END)])
def test_what_ends_motion_acts_in_the_tick_that_sees_it_and_its_release_must_last_four(made, pin, bit):
    bench, indicators = made
    bench.levels[pin] = 1
    assert indicators.inputs() == READY | bit
    for level in (0, 1, 0, 0, 0, 1, 0, 0, 0):
        bench.levels[pin] = level
        assert indicators.inputs() == READY | bit
    assert indicators.inputs() == READY


@pytest.mark.parametrize(("pin", "bit"), [(15, SYRINGE), (16, CLUTCH), (22, STRAP)])
def test_another_switch_must_last_four_ticks_either_way(made, pin, bit):
    bench, indicators = made
    for target in (READY ^ bit, READY):
        bench.levels[pin] ^= 1
        for _ in range(3):
            assert indicators.inputs() == target ^ bit
        bench.levels[pin] ^= 1
        assert indicators.inputs() == target ^ bit
        bench.levels[pin] ^= 1
        for _ in range(3):
            assert indicators.inputs() == target ^ bit
        assert indicators.inputs() == target


@pytest.mark.requirement("REQ-STOP-2")
def test_a_broken_wire_to_the_stop_button_stops(made):
    bench, indicators = made
    bench.levels = dict.fromkeys(range(30), 1)
    assert indicators.inputs() & (STOP | HOME | END) == STOP | HOME | END


def test_a_board_without_a_switch_reports_what_lets_the_pump_run(bench):
    bench.levels.update(QUIET)
    pins = {name: pin for name, pin in PINS.items() if not name.endswith(("switch", "strap"))}
    indicators = bench.load("indicators").Indicators(pins, {**DATA, "active_low": []})
    bench.levels.update({15: 1, 16: 1, 17: 1, 18: 1, 22: 0})
    for _ in range(10):
        assert indicators.inputs() == READY
