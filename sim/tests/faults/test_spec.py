"""The text of faults: what is read, and the sentence for what is not."""

import pytest
from flushsim.faults.spec import KINDS, Fault, FaultError, parse_fault, parse_faults


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("occlusion@3s", Fault("occlusion", 1.0, 3_000_000)),
        ("partial:5@3s", Fault("partial", 5.0, 3_000_000)),
        ("bubble:0.1@250ms", Fault("bubble", 0.1, 250_000)),
        ("leak@1.5s~200ms", Fault("leak", 0.1, 1_500_000, 200_000)),
        ("link-delay:30ms@0s", Fault("link-delay", 30.0, 0)),
        ("link-delay:2s@0s", Fault("link-delay", 2000.0, 0)),
        ("bubble:0.2mL@2s", Fault("bubble", 0.2, 2_000_000)),
        ("sensor-drift:-3@2s", Fault("sensor-drift", -3.0, 2_000_000)),
    ],
)
def test_a_fault_is_read_as_written(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault
    assert parse_fault(fault.text) == fault


def test_every_kind_can_be_written_by_name_and_time_alone() -> None:
    for name in KINDS:
        assert parse_fault(f"{name}@1s").at_us == 1_000_000


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("oclusion@3s", "there is no fault 'oclusion': did you mean occlusion?"),
        ("zzz@3s", "there is no fault 'zzz': known are occlusion, "),
        ("occlusion", "is not name[:severity]@time[~duration], for instance occlusion@3s"),
        ("", "is not name[:severity]@time[~duration]"),
        ("occlusion@3", "time '3' of fault 'occlusion@3' is not a number of s or ms"),
        ("occlusion@-3s", "time '-3s' of fault"),
        ("occlusion@3s~soon", "time 'soon' of fault"),
        ("occlusion@3s~0s", "has a duration of 0"),
        ("occlusion:2@3s", "occlusion takes no severity, write occlusion@time"),
        ("leak:much@3s", "severity 'much' of fault 'leak:much@3s' is not a number (share of the flow"),
        ("leak:2@3s", "severity 2 of fault 'leak:2@3s' is outside 0 to 1 share"),
        ("partial:0.5@3s", "is outside 1 to 1e+06 times"),
        ("link-delay:3h@0s", "severity '3h' of fault"),
    ],
)
def test_a_fault_that_cannot_be_read_is_refused_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(FaultError) as caught:
        parse_fault(text)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_faults_come_in_order_of_time() -> None:
    assert [fault.name for fault in parse_faults(["stall@2s", "leak@1s"])] == ["leak", "stall"]


def test_a_fault_is_on_from_its_time_to_its_end_and_never_before_the_first_step() -> None:
    fault = parse_fault("leak@1s~500ms")
    on = [fault.is_active(at) for at in (None, 0, 999_999, 1_000_000, 1_499_999, 1_500_000)]
    assert on == [False, False, False, True, True, False]
