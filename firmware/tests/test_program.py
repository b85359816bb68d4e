"""A program is taken only as it was sent, in order, whole, and within what its phases may be."""

from itertools import pairwise

import pytest
from flushpump.wire import codec
from hypothesis import given
from hypothesis import strategies as st
from pump import codes
from pump.board import Board
from pump.line_model import LineModel
from pump.motion import Motion
from pump.program import Program

from firmware.tests.support.ports import Drive, board_data


def make():
    path = LineModel()
    path.configure(102_214, 2_000, 10_000, 2_000)
    drive = Drive()
    return Program(Motion(Board(board_data()), drive, drive), path), path


def frame(payload=b""):
    return bytearray(9) + payload


def begun(phases, total_nl=0, payload=b"begin"):
    program, path = make()
    program.start_loading(frame(payload), phases, total_nl, 60_000, len(payload))
    return program, path


def row(**changes):
    values = {
        "index": 0, "kind": codes.PHASE_PULSES, "count": 10, "question": 0, "volume_nl": 900_000,
        "flow_nl_per_s": 2_000_000, "pause_ms": 400,
    }  # fmt: skip
    return {**values, **changes}


def test_a_complete_program_is_closed_by_the_crc_over_all_payloads():
    program, _ = begun(2, 9_500_000)
    for index, kind, count, volume in ((0, codes.PHASE_PULSES, 10, 900_000), (1, codes.PHASE_LOCK, 1, 500_000)):
        assert program.add_phase(**row(index=index, kind=kind, count=count, volume_nl=volume))
        program.add_to_crc(frame(b"phase%d" % index), 6)
    crc = codec.crc16(b"beginphase0phase1")
    assert not program.commit(crc ^ 1)
    assert program.commit(crc)
    assert program.committed
    assert (program.dose_nl, program.pulses, program.lowest_nl) == (9_500_000, 10, -9_500_000)


def test_a_missing_or_surplus_or_doubled_phase_is_refused():
    program, _ = begun(2, 9_000_000)
    assert not program.add_phase(**row(index=1))
    assert program.add_phase(**row(index=0))
    assert not program.add_phase(**row(index=0))
    assert not program.commit(codec.crc16(b"begin"))
    assert program.add_phase(**row(index=1, kind=codes.PHASE_LOCK, count=1))
    assert not program.add_phase(**row(index=2))


def test_the_dose_must_be_what_was_announced():
    program, _ = begun(1, 8_999_999)
    program.add_phase(**row())
    assert not program.commit(codec.crc16(b"begin"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 0},
        {"volume_nl": 0},
        {"count": 101},
        {"flow_nl_per_s": 9_999},
        {"kind": codes.PHASE_STEADY, "count": 2},
        {"kind": codes.PHASE_ASPIRATE, "count": 1, "volume_nl": 5_000_001},
        {"kind": codes.PHASE_WAIT, "count": 0, "volume_nl": 0, "question": 0},
        {"kind": codes.PHASE_WAIT, "count": 1, "volume_nl": 0, "question": 4},
        {"kind": codes.PHASE_WAIT, "count": 0, "volume_nl": 1, "question": 4},
        {"count": 100, "volume_nl": 60},
    ],
)
def test_a_phase_that_makes_no_sense_is_refused(wrong):
    program, _ = begun(1)
    assert not program.add_phase(**row(**wrong))
    assert program.phases == 0


def test_more_than_a_hundred_pulses_in_all_are_refused():
    program, _ = begun(2, 2_000_000 * 60)
    for index in range(2):
        assert program.add_phase(**row(index=index, count=60, volume_nl=1_000_000))
    assert not program.commit(codec.crc16(b"begin"))


KINDS = st.sampled_from(
    [
        codes.PHASE_ASPIRATE,
        codes.PHASE_PULSES,
        codes.PHASE_STEADY,
        codes.PHASE_LOCK,
        codes.PHASE_FINISH,
        codes.PHASE_PRIME,
    ]
)


@given(st.lists(st.tuples(KINDS, st.integers(1, 20), st.integers(10_000, 900_000)), min_size=1, max_size=12))
def test_sums_follow_the_phases(phases):
    program, path = begun(len(phases))
    net = low = high = dose = 0
    for index, (kind, count, volume) in enumerate(phases):
        count = count if kind == codes.PHASE_PULSES else 1
        assert program.add_phase(**row(index=index, kind=kind, count=count, volume_nl=volume))
        net += volume * count if kind == codes.PHASE_ASPIRATE else -volume * count
        low, high = min(low, net), max(high, net)
        dose += 0 if kind in (codes.PHASE_ASPIRATE, codes.PHASE_PRIME) else volume * count
        assert abs(path.volume_nl(program.steps[index]) - volume * count) <= 103 / 2 + 1
    assert (program.net_nl, program.lowest_nl, program.highest_nl, program.dose_nl) == (net, low, high, dose)


@given(st.integers(1, 100), st.integers(1, 100_000))
def test_the_pulses_of_a_phase_share_its_steps_without_a_rest(count, steps):
    from pump.burst import share

    bounds = [share(steps, part, count) for part in range(count + 1)]
    assert (bounds[0], bounds[-1]) == (0, steps)
    lengths = [after - before for before, after in pairwise(bounds)]
    assert max(lengths) - min(lengths) <= 1


def test_a_single_move_forgets_the_program_before_it():
    program, _ = begun(1, 9_000_000)
    program.add_phase(**row())
    assert program.commit(codec.crc16(b"begin"))
    assert program.set_single_phase(codes.PHASE_PRIME, 500_000, 500_000, 60_000)
    assert not program.committed
    assert (program.dose_nl, program.crc, program.phases) == (0, 0, 1)
    assert not program.set_single_phase(codes.PHASE_ASPIRATE, 6_000_000, 500_000, 60_000)
