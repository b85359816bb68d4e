"""Alarms stay until their own occurrence is acknowledged, and are shown and sounded by the gravest."""

import pytest
from flushlink.frames import get_u32
from flushlink.messages import ALARMS
from hypothesis import given
from hypothesis import strategies as st
from pump import codes
from pump.alarms import Alarms
from pump.message_layout import event, priorities

from firmware.tests.support.ports import Indicators

LOW, MEDIUM, HIGH = 1, 2, 3
LIGHTS = {HIGH: 1, MEDIUM: 2, LOW: 3}
PRIORITY = {row[0]: row[2] for row in ALARMS}
CODES = sorted(PRIORITY)


class Log:
    def __init__(self):
        self.entries = []

    def add(self, code, argument, now_ms, detail=0):
        self.entries.append((code, argument, now_ms, detail))


def make():
    return Alarms(Log())


def shown(alarms, now_ms=0, running=False):
    indicators = Indicators()
    alarms.indicate(indicators, now_ms, running)
    return indicators.shown[-1]


@pytest.mark.requirement("REQ-ALRM-1")
def test_acknowledging_one_occurrence_does_not_clear_a_newer_one():
    alarms = make()
    alarms.raise_alarm(codes.ALARM_OCCLUSION, 1)
    first = alarms.occurrence(codes.ALARM_OCCLUSION)
    alarms.raise_alarm(codes.ALARM_OCCLUSION, 2)
    assert alarms.acknowledge(first) == 0
    assert alarms.pending == 1
    assert alarms.acknowledge(alarms.occurrence(codes.ALARM_OCCLUSION)) == codes.ALARM_OCCLUSION
    assert (alarms.pending, alarms.gravest()) == (0, 0)


@pytest.mark.requirement("REQ-ALRM-1")
def test_occurrence_0_acknowledges_nothing():
    alarms = make()
    alarms.raise_alarm(codes.ALARM_LEAK, 1)
    assert alarms.acknowledge(0) == 0
    assert alarms.pending == 1


@pytest.mark.requirement("REQ-ALRM-1")
@given(st.lists(st.one_of(st.sampled_from(CODES), st.integers(-5, -1)), max_size=40), st.integers(0, 65_535))
def test_alarms_that_wait_are_counted_listed_and_the_gravest_and_oldest_comes_first(deeds, last):
    alarms = make()
    alarms._last = last
    waiting = []
    for deed in deeds:
        if deed > 0:
            alarms.raise_alarm(deed, 0)
            waiting = [code for code in waiting if code != deed] + [deed]
        elif waiting:
            code = waiting.pop(deed % len(waiting))
            assert alarms.acknowledge(alarms.occurrence(code)) == code
        assert alarms.pending == len(waiting)
        listed = [alarms.code_at(index) for index in range(len(waiting) + 1)]
        assert sorted(listed[:-1]) == sorted(waiting)
        assert listed[-1] == 0
        assert [PRIORITY[code] for code in listed[:-1]] == sorted((PRIORITY[code] for code in waiting), reverse=True)
        top = max((PRIORITY[code] for code in waiting), default=0)
        assert alarms.gravest() == next((code for code in waiting if PRIORITY[code] == top), 0)


@pytest.mark.requirement("REQ-ALRM-2")
@pytest.mark.parametrize("code", CODES)
def test_light_and_sound_follow_the_priority(code):
    alarms = make()
    assert shown(alarms) == (0, 0)
    assert shown(alarms, running=True) == (4, 0)
    alarms.raise_alarm(code, 0)
    assert shown(alarms, running=True) == (LIGHTS[PRIORITY[code]], PRIORITY[code])


@pytest.mark.requirement("REQ-ALRM-3")
def test_an_audio_pause_leaves_the_light_and_ends_after_two_minutes():
    alarms = make()
    alarms.raise_alarm(codes.ALARM_OCCLUSION, 1_000)
    assert alarms.pause_audio(2_000) == 120_000
    assert shown(alarms, 2_000) == (1, 0)
    assert shown(alarms, 121_999) == (1, 0)
    assert shown(alarms, 122_000) == (1, HIGH)


@pytest.mark.requirement("REQ-ALRM-3")
def test_an_audio_pause_ends_in_time_when_the_clock_goes_round():
    alarms = make()
    alarms.raise_alarm(codes.ALARM_OCCLUSION, 0)
    alarms.pause_audio(2**30 - 1_000)
    assert shown(alarms, 118_999) == (1, 0)
    assert shown(alarms, 119_000) == (1, HIGH)


@pytest.mark.requirement("REQ-ALRM-3")
@given(st.sampled_from(CODES), st.sampled_from(CODES))
def test_a_new_alarm_ends_the_pause_at_once_unless_its_priority_is_lower(first, second):
    alarms = make()
    alarms.raise_alarm(first, 0)
    alarms.pause_audio(0)
    alarms.raise_alarm(second, 10)
    assert alarms.audio_paused == (PRIORITY[second] < PRIORITY[first])


@pytest.mark.requirement("REQ-ALRM-3")
def test_a_new_alarm_is_sounded_when_those_of_the_pause_are_gone():
    alarms = make()
    alarms.raise_alarm(codes.ALARM_OCCLUSION, 0)
    alarms.pause_audio(0)
    alarms.acknowledge(alarms.occurrence(codes.ALARM_OCCLUSION))
    alarms.raise_alarm(codes.ALARM_OCCLUSION, 10)
    assert shown(alarms, 10) == (1, HIGH)


@pytest.mark.requirement("REQ-ALRM-4")
@given(st.lists(st.integers(0, 400_000), min_size=3, max_size=12), st.integers(0, 2**30 - 1))
def test_the_third_round_within_ten_minutes_locks_and_nothing_unlocks(gaps, start_ms):
    alarms = make()
    times = []
    now_ms = start_ms
    locked = False
    for gap_ms in gaps:
        now_ms += gap_ms
        times.append(now_ms)
        alarms.count_run(now_ms % 2**30)
        locked = locked or (len(times) >= 3 and times[-1] - times[-3] <= 600_000)
        assert alarms.locked == locked
        alarms.acknowledge(alarms.occurrence(codes.ALARM_LOCKED_OUT))
        assert alarms.locked == locked


def test_a_waiting_alarm_of_medium_priority_or_a_lasting_cause_forbids_a_start():
    alarms = make()
    alarms.raise_alarm(codes.ALARM_SYRINGE_LOW, 0)
    assert not alarms.blocks_start()
    alarms.raise_alarm(codes.ALARM_LEAK, 0)
    assert alarms.blocks_start()
    alarms.acknowledge(alarms.occurrence(codes.ALARM_LEAK))
    assert not alarms.blocks_start()
    alarms.set_condition(codes.ALARM_STOP_BUTTON, 1)
    assert alarms.blocks_start()
    alarms.set_condition(codes.ALARM_STOP_BUTTON, 0)
    assert not alarms.blocks_start()


@pytest.mark.requirement("REQ-LOG-1")
def test_every_raising_is_logged_and_once_means_once_while_it_waits():
    alarms = make()
    alarms.raise_once(codes.ALARM_BUBBLE, 5, 7)
    alarms.raise_once(codes.ALARM_BUBBLE, 6, 8)
    alarms.raise_alarm(codes.ALARM_BUBBLE, 7, 9)
    assert alarms._log.entries == [(3, codes.ALARM_BUBBLE, 5, 7), (3, codes.ALARM_BUBBLE, 7, 9)]
    frame = bytearray(64)
    alarms.write_alarm(frame, codes.ALARM_BUBBLE)
    at = event("ALARM")
    assert (get_u32(frame, at["device_time_ms"]), get_u32(frame, at["detail"])) == (7, 9)


def test_the_priorities_are_those_of_the_message_table():
    for code, _, priority, _, _ in ALARMS:
        assert priorities()[code] == priority
