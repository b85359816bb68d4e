"""What is asked of a pump besides flushing: results, alarms, settings, log, self-test, service.

Part of class Pump. None of it moves anything.
"""

from __future__ import annotations

from flushpump.device.settings import setting_named
from flushpump.errors import RefusedError
from flushpump.link.session import Session, Values
from flushpump.wire.messages import (
    Alarm,
    AlarmAcknowledged,
    AudioPaused,
    Info,
    LogEntry,
    ProgramEnd,
    PulseResult,
    SelfTest,
    SettingValue,
    StateReport,
)

_NO_ENTRY = 17


class MaintenanceApi:
    """The reading and keeping half of Pump."""

    link: Session

    def info(self) -> Info:
        """What the pump is."""
        return Info.from_wire(self.link.command("INFO"))

    def pulse(self, index: int) -> PulseResult | None:
        """The result of a pulse of the last program; None when there is none."""
        values = self._entry("PULSE_READ", {"index": index})
        return None if values is None else PulseResult.from_wire(values)

    def result(self) -> ProgramEnd | None:
        """The result of the last program; None when there is none."""
        values = self._entry("RESULT_READ", {})
        return None if values is None else ProgramEnd.from_wire(values)

    def alarms(self) -> list[Alarm]:
        """The alarms that wait to be acknowledged, gravest first."""
        found: list[Alarm] = []
        while len(found) < 256 and (values := self._entry("ALARM_READ", {"index": len(found)})) is not None:
            found.append(Alarm.from_wire(values))
        return found

    def acknowledge(self, occurrence: int) -> AlarmAcknowledged:
        """Acknowledges one occurrence; a newer one of the same alarm stays."""
        return AlarmAcknowledged.from_wire(self.link.command("ALARM_ACK", {"occurrence": occurrence}))

    def audio_pause(self) -> AudioPaused:
        """Silences the sound for two minutes at most."""
        return AudioPaused.from_wire(self.link.command("AUDIO_PAUSE"))

    def get_setting(self, name: str) -> int:
        """The value in force, in the unit of the name. UsageError for a name that the table does not have."""
        values = self.link.command("SETTINGS_GET", {"index": setting_named(name).index})
        return SettingValue.from_wire(values).value

    def set_setting(self, name: str, value: int) -> int:
        """Changes one setting and returns what applies. UsageError for a value outside the setting's range."""
        setting = setting_named(name)
        setting.check(value)
        values = self.link.command("SETTINGS_SET", {"index": setting.index, "value": value})
        return SettingValue.from_wire(values).value

    def log_entry(self, number: int) -> LogEntry | None:
        """The oldest stored entry of the event log whose number is at least `number`; None when there is none."""
        values = self._entry("LOG_READ", {"number": number})
        return None if values is None else LogEntry.from_wire(values)

    def log(self, first: int = 0) -> list[LogEntry]:
        """The stored entries of the event log from number `first` on, oldest first."""
        found: list[LogEntry] = []
        while (entry := self.log_entry(first)) is not None:
            found.append(entry)
            if entry.number >= entry.newest:
                break
            first = entry.number + 1
        return found

    def self_test(self) -> SelfTest:
        """Runs the self-test; only while nothing moves."""
        return SelfTest.from_wire(self.link.command("SELF_TEST"))

    def service(self) -> StateReport:
        """Leaves the pump's loop for the Python prompt; the session ends with it."""
        return self._leave("SERVICE")

    def reset(self) -> StateReport:
        """Restarts the board; the session ends with it."""
        return self._leave("RESET")

    def _leave(self, name: str) -> StateReport:
        report = StateReport.from_wire(self.link.command(name))
        self.link.superseded = True
        return report

    def _entry(self, name: str, values: Values) -> Values | None:
        try:
            return self.link.command(name, values)
        except RefusedError as refusal:
            if refusal.status == _NO_ENTRY:
                return None
            raise
