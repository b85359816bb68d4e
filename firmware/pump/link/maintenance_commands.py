"""The messages that look after the pump: settings, pairing, alarms, log, self-test, service, reset."""

from flushlink.frames import get_i32, get_u16, get_u32, put_u16, put_u32
from flushlink.messages import HEADER_SIZE, LOG_ACKNOWLEDGED, LOG_SETTING

from .. import codes
from ..message_layout import request, response

_PATH_SETTINGS = (
    codes.SETTING_PRESSURE_CEILING_PA,
    codes.SETTING_PROGRAM_VOLUME_CAP_NL,
    codes.SETTING_PROGRAM_TIME_CAP_S,
    codes.SETTING_RELIEF_VOLUME_CAP_NL,
    codes.SETTING_FLOW_CAP_NL_PER_S,
)

_SETTING = request("SETTINGS_SET")
_ACK = request("ALARM_ACK")
_ACK_R = response("ALARM_ACK")
_LOG_R = response("LOG_READ")
_TEST_R = response("SELF_TEST")
_FIRST = HEADER_SIZE


class MaintenanceCommands:
    def __init__(self, pump):
        self._pump = pump

    def handlers(self):
        """{message number: handler} of this group."""
        return {
            codes.REQUEST_SETTINGS_GET: self._settings_get,
            codes.REQUEST_SETTINGS_SET: self._settings_set,
            codes.REQUEST_PAIR: self._pair,
            codes.REQUEST_ALARM_READ: self._alarm_read,
            codes.REQUEST_ALARM_ACK: self._alarm_ack,
            codes.REQUEST_AUDIO_PAUSE: self._audio_pause,
            codes.REQUEST_LOG_READ: self._log_read,
            codes.REQUEST_SELF_TEST: self._self_test,
            codes.REQUEST_SERVICE: self._service,
            codes.REQUEST_RESET: self._reset,
        }

    # Settings

    def _settings_get(self, frame, reply):
        index = frame[_SETTING["index"]]
        if not self._pump.settings.known(index):
            return codes.STATUS_NO_ENTRY
        reply[_SETTING["index"]] = index
        put_u32(reply, _SETTING["value"], self._pump.settings.get(index))
        return codes.STATUS_OK

    def _settings_set(self, frame, reply):
        pump = self._pump
        if pump.runner.active():
            return codes.STATUS_WRONG_STATE
        index = frame[_SETTING["index"]]
        if not pump.settings.known(index):
            return codes.STATUS_NO_ENTRY
        value = get_i32(frame, _SETTING["value"])
        status = pump.settings.set(index, value)
        if status != codes.STATUS_OK:
            return status
        pump.settings_changed()
        if index in _PATH_SETTINGS:
            # Path and program were checked against the old limits.
            pump.forget_path()
        pump.log.add(LOG_SETTING, index, pump.now_ms, value)
        reply[_SETTING["index"]] = index
        put_u32(reply, _SETTING["value"], pump.settings.get(index))
        return codes.STATUS_OK

    def _pair(self, frame, reply):
        if self._pump.runner.active():
            return codes.STATUS_WRONG_STATE
        # The record would be stored whole, and defaults that nobody has looked at would pass for settings.
        if not self._pump.settings.good:
            return codes.STATUS_SETTINGS
        return self._pump.settings.pair(frame, _FIRST)

    # Alarms and log

    def _alarm_read(self, frame, reply):
        alarms = self._pump.alarms
        code = alarms.code_at(frame[_FIRST])
        if code == 0:
            return codes.STATUS_NO_ENTRY
        alarms.write_alarm(reply, code)
        return codes.STATUS_OK

    def _alarm_ack(self, frame, reply):
        pump = self._pump
        occurrence = get_u16(frame, _ACK["occurrence"])
        code = pump.alarms.acknowledge(occurrence)
        if code == 0:
            return codes.STATUS_NO_ENTRY
        pump.log.add(LOG_ACKNOWLEDGED, code, pump.now_ms, occurrence)
        pump.runner.acknowledged()
        reply[_ACK_R["pending"]] = pump.alarms.pending
        reply[_ACK_R["state"]] = pump.state()
        return codes.STATUS_OK

    def _audio_pause(self, frame, reply):
        put_u32(reply, _FIRST, self._pump.alarms.pause_audio(self._pump.now_ms))
        return codes.STATUS_OK

    def _log_read(self, frame, reply):
        pump = self._pump
        if pump.moving:
            return codes.STATUS_WRONG_STATE
        entry = pump.log_entry
        number_found = pump.journal.entry(get_u32(frame, _FIRST), entry)
        if number_found < 0:
            return codes.STATUS_NO_ENTRY
        put_u32(reply, _LOG_R["number"], number_found)
        put_u32(reply, _LOG_R["newest"], pump.journal.newest())
        for index in range(12):
            reply[_LOG_R["boot_count"] + index] = entry[index]
        return codes.STATUS_OK

    # Service

    def _self_test(self, frame, reply):
        pump = self._pump
        # The power-on test takes twenty ticks; it is not cut short.
        if pump.runner.active() or not pump.tested:
            return codes.STATUS_WRONG_STATE
        pump.run_self_test()
        put_u16(reply, _TEST_R["passed"], pump.self_test.passed)
        put_u16(reply, _TEST_R["failed"], pump.self_test.failed)
        return codes.STATUS_OK

    def _service(self, frame, reply):
        return self._leave(reply, 1)

    def _reset(self, frame, reply):
        return self._leave(reply, 2)

    def _leave(self, reply, request):
        pump = self._pump
        if pump.runner.active() or not pump.motion.idle():
            return codes.STATUS_WRONG_STATE
        pump.request_exit(request)
        reply[_FIRST] = pump.state()
        return codes.STATUS_OK
