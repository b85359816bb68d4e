"""An entry of the pump's event log in words: numbers become names, figures get their unit."""

from flushlink import messages

from flushpump.device.settings import all_settings
from flushpump.wire.codes import Outcome, ResetCause
from flushpump.wire.events import alarm_happened
from flushpump.wire.messages import LogEntry
from flushpump.wire.self_test import names_of

_MESSAGES = {row[0]: row[1] for row in messages.MESSAGES}
_STATUSES = {number: sentence for number, _, sentence in messages.STATUSES}
_ALARM_NAMES = {number: name for number, name, *_ in messages.ALARMS}
_CODE_NAMES = {number: name for number, name, _ in messages.LOG_CODES}
_DROPPED = 255

# The figure that comes with an alarm: factor to the unit that is shown.
_KPA, _ML = (1000, "kPa"), (1_000_000, "mL")
_FIGURES = {
    "OCCLUSION": _KPA, "HARD_LIMIT": _KPA, "SENSOR_SILENT": _KPA, "SENSOR_STUCK": _KPA, "SENSOR_RANGE": _KPA,
    "DISCONNECTED": _KPA, "LEAK": _KPA, "PARTIAL_OCCLUSION": _KPA, "RELIEF_INCOMPLETE": _KPA,
    "STEP_MISMATCH": (1, "steps"), "BUBBLE": (1000, "uL/kPa"), "PROGRAM_TIME": (1000, "s"),
    "SYRINGE_EMPTY": _ML, "SYRINGE_LOW": _ML, "WATCHDOG_RESET": _ML, "POWER_LOST": _ML,
}  # fmt: skip


def code_name(code: int) -> str:
    """The entry's kind as a word, as in self_test."""
    return _CODE_NAMES.get(code, f"code_{code}").lower()


def log_words(entry: LogEntry) -> str:
    """The entry as one line for a person."""
    words_of = _WORDS.get(entry.code)
    if words_of is None:
        return f"code {entry.code}, which this version does not know: {entry.argument}, {entry.detail}"
    return words_of(entry.argument, entry.detail)


def _boot(argument: int, detail: int) -> str:
    known = [cause.name.lower().replace("_", " ") for cause in ResetCause if cause == argument]
    return f"started by {known[0] if known else f'cause {argument}'}"


def _command(argument: int, detail: int) -> str:
    name = _MESSAGES.get(argument, f"message {argument}")
    return f"{name}: done" if detail == 0 else f"{name} refused: {_STATUSES.get(detail, f'status {detail}')}"


def _alarm(argument: int, detail: int) -> str:
    name = _ALARM_NAMES.get(argument, "")
    words = f"alarm: {alarm_happened(argument)}"
    if name == "SELF_TEST_FAILED":
        return f"{words} ({names_of(detail)})"
    if name not in _FIGURES or detail == 0:
        return words
    factor, unit = _FIGURES[name]
    return f"{words} ({detail / factor:.{0 if factor == 1 else 2}f} {unit})"


def _acknowledged(argument: int, detail: int) -> str:
    return f"acknowledged occurrence {detail}: {alarm_happened(argument)}"


def _program_end(argument: int, detail: int) -> str:
    known = [outcome.name.lower().replace("_", " ") for outcome in Outcome if outcome == argument]
    return f"ended, {known[0] if known else f'outcome {argument}'}: {detail / 1e6:.2f} mL delivered"


def _setting(argument: int, detail: int) -> str:
    known = [setting for setting in all_settings() if setting.index == argument]
    return f"setting {known[0].name} = {known[0].shown(detail)}" if known else f"setting {argument} = {detail}"


def _self_test(argument: int, detail: int) -> str:
    return "self-test passed" if argument else f"self-test failed: {names_of(detail)}"


def _fault(argument: int, detail: int) -> str:
    if argument == _DROPPED:
        return f"{detail} entries were lost: one motion gave more than the pump can store"
    return f"an error of the firmware ({argument}, {detail})"


_WORDS = {
    messages.LOG_BOOT: _boot,
    messages.LOG_COMMAND: _command,
    messages.LOG_ALARM: _alarm,
    messages.LOG_ACKNOWLEDGED: _acknowledged,
    messages.LOG_PROGRAM_END: _program_end,
    messages.LOG_SETTING: _setting,
    messages.LOG_SELF_TEST: _self_test,
    messages.LOG_FAULT: _fault,
}
