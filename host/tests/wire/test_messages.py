"""The typed records and enumerations, held against the message table, their only source."""

from dataclasses import fields
from enum import IntEnum, IntFlag

import pytest
from flushlink import messages
from flushpump import errors
from flushpump.wire import codec, codes, events
from flushpump.wire import messages as types
from flushpump.wire.messages import WireRecord
from flushpump.wire.program import PhaseTaken

REPLIES: dict[str, type[WireRecord]] = {
    "HELLO": types.Hello, "STATUS": types.Status, "STOP": types.StopReport, "KEEPALIVE": types.LeaseRenewed,
    "AUTHENTICATE": types.Authenticated, "INFO": types.Info, "PATH_SET": types.PathApplied,
    "PROGRAM_BEGIN": types.ProgramBegun, "PROGRAM_PHASE": PhaseTaken, "PROGRAM_COMMIT": types.ProgramCommitted,
    "START": types.Started, "CONTINUE": types.Continued, "PRIME": types.MotionBegun, "ASPIRATE": types.MotionBegun,
    "PULSE_READ": types.PulseResult, "RESULT_READ": types.ProgramEnd, "SETTINGS_GET": types.SettingValue,
    "SETTINGS_SET": types.SettingValue, "ALARM_READ": types.Alarm, "ALARM_ACK": types.AlarmAcknowledged,
    "AUDIO_PAUSE": types.AudioPaused, "LOG_READ": types.LogEntry, "SELF_TEST": types.SelfTest,
    "SERVICE": types.StateReport, "RESET": types.StateReport,
}  # fmt: skip


def names(record: type[WireRecord]) -> list[str]:
    return [field.name for field in fields(record)]


@pytest.mark.parametrize("name", [name for name, layout in codec.RESPONSES.items() if layout.size])
def test_a_reply_has_the_fields_of_the_table(name: str) -> None:
    layout = codec.RESPONSES[name]
    assert names(REPLIES[name]) == [field[0] for field in layout.fields]
    for edge in (2, 3):
        values = {field[0]: bytes(int(field[1][1:])) if field[1][0] == "b" else field[edge] for field in layout.fields}
        assert REPLIES[name].from_wire(values).to_wire() == values


@pytest.mark.parametrize("layout", codec.EVENTS.values(), ids=lambda layout: layout.name)
def test_an_event_has_the_fields_of_the_table(layout: codec.Layout) -> None:
    for edge in (2, 3):
        event = events.event_from_wire(layout.name, {field[0]: field[edge] for field in layout.fields})
        assert names(type(event)) == [field[0] for field in layout.fields]


def test_the_path_has_the_fields_of_the_table() -> None:
    assert names(types.PathSettings) == [field[0] for field in codec.REQUESTS["PATH_SET"].fields]


@pytest.mark.parametrize(
    ("enumeration", "table"),
    [
        (codes.State, messages.STATES), (codes.Question, messages.QUESTIONS), (codes.Outcome, messages.OUTCOMES),
        (codes.Verdict, messages.VERDICTS), (codes.Fluid, messages.FLUIDS),
        (codes.Evidence, tuple(row[:2] for row in messages.EVIDENCE)),
        (codes.ResetCause, messages.RESET_CAUSES), (codes.PhaseKind, ((0, "NONE"), *messages.PHASE_KINDS)),
    ],
)  # fmt: skip
def test_an_enumeration_has_the_numbers_of_the_table(
    enumeration: type[IntEnum], table: tuple[tuple[int, str], ...]
) -> None:
    assert [(member.value, member.name) for member in enumeration] == list(table)


@pytest.mark.parametrize(("flags", "prefix"), [(codes.Flag, "FLAG_"), (codes.LineFlag, "LINE_")])
def test_flags_have_the_bits_of_the_table(flags: type[IntFlag], prefix: str) -> None:
    table = {name.removeprefix(prefix): bit for name, bit in vars(messages).items() if name.startswith(prefix)}
    assert {member.name: member.value for member in flags} == table


def test_an_alarm_has_what_happened_and_a_remedy() -> None:
    assert events.alarm_name(1) == "OCCLUSION"
    assert events.alarm_happened(1) == "the line is blocked"
    assert "do not push" in events.alarm_remedy(1)
    assert events.alarm_name(200) == "ALARM_200"
    assert "200" in events.alarm_happened(200)


def test_each_status_is_a_sentence() -> None:
    for number, name, sentence in messages.STATUSES:
        refusal = errors.refusal_of("START", number)
        assert str(refusal) == f"the pump refused START: {sentence}"
        assert refusal.status_name == name
    assert "status 99" in str(errors.refusal_of("START", 99))


def test_each_error_has_its_exit_status() -> None:
    kinds = (
        errors.UsageError, errors.NoDeviceError, errors.RefusedError, errors.StoppedByAlarmError, errors.LinkLostError,
        errors.OutcomeUnknownError, errors.StoppedByUserError,
    )  # fmt: skip
    assert [kind.exit_status for kind in kinds] == [2, 3, 4, 5, 6, 7, 130]
