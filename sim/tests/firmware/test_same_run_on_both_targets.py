"""The real firmware under the real client: the same run, byte for byte, in CPython, in the VM and at any speed."""

from pathlib import Path

import flushsim.url.serial_urls  # noqa: F401 - makes flushsim:// known
import pytest
import serial  # type: ignore[import-untyped]
from flushpump.access.access_path import AccessPath
from flushpump.device.pump import Pump
from flushpump.planning.plan import Plan
from flushpump.planning.sequence import load_sequence
from flushpump.wire.messages import Outcome, PhaseChange, ProgramEnd, PulseResult, Question, State


def flush(query: str, trace: Path) -> tuple[bytes, list[PulseResult], ProgramEnd]:
    path = AccessPath.of("smartport-ct-8f", "huber-20g", "bd-10", "extension-20cm")
    plan = Plan.of(load_sequence("port-maintenance"), path)
    port = serial.serial_for_url(f"flushsim://?{query}&trace={trace}", timeout=0.01)
    pulses, end = [], None
    with Pump.over(port, nonce=lambda count: bytes(range(1, count + 1))) as pump:
        while pump.status().state is State.BOOT:
            pump.poll(0.05)
        pump.set_path(plan.settings())
        pump.load(plan.program())
        pump.start()
        for event in pump.follow():
            if isinstance(event, PhaseChange) and event.question is not Question.NONE:
                pump.answer(event.question, yes=True)
            elif isinstance(event, PulseResult):
                pulses.append(event)
            elif isinstance(event, ProgramEnd):
                end = event
    assert end is not None
    return trace.read_bytes(), pulses, end


def test_a_whole_flush_is_the_same_in_cpython_and_in_the_vm_with_the_heap_locked(tmp_path: Path) -> None:
    native, pulses, end = flush("target=native", tmp_path / "native")
    assert end.outcome is Outcome.COMPLETED
    assert [pulse.index for pulse in pulses] == list(range(10))
    assert (native, pulses, end) == flush("target=sim", tmp_path / "sim")


def test_an_occluded_flush_over_a_bad_link_is_the_same_on_both_targets(tmp_path: Path) -> None:
    query = "fault=link-drop:0.05@0s&fault=link-duplicate:0.05@0s&fault=occlusion@3s&seed=4"
    native, _, end = flush(f"target=native&{query}", tmp_path / "native")
    assert end.outcome is Outcome.OCCLUDED
    assert native == flush(f"target=sim&{query}", tmp_path / "sim")[0]


@pytest.mark.parametrize("target", ["native", "sim"])
def test_a_flush_takes_the_same_course_when_its_clock_keeps_to_the_wall(tmp_path: Path, target: str) -> None:
    _, pulses, end = flush(f"target={target}", tmp_path / "free")
    _, paced_pulses, paced_end = flush(f"target={target}&speed=5", tmp_path / "paced")
    assert paced_end.outcome is end.outcome
    assert [pulse.driven_nl for pulse in paced_pulses] == pytest.approx([pulse.driven_nl for pulse in pulses], rel=0.01)
