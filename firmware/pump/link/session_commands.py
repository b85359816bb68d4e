"""The messages of the link itself: HELLO, STATUS, STOP, KEEPALIVE, AUTHENTICATE, INFO."""

import hashlib

from flushlink.frames import put_u16, put_u32
from flushlink.messages import HEADER_SIZE
from flushlink.table_hash import table_hash
from flushlink.viper_compat import const, micropython

from .. import codes
from ..message_layout import Payload, request, response

_LEASE_MAX_MS = const(2_000)
_CAPABILITIES = const(0b1111)

_HELLO_R = response("HELLO")
_LEASE_AT = request("KEEPALIVE")["lease_ms"]
_AUTHENTICATE = request("AUTHENTICATE")
_INFO_R = response("INFO")
_STATUS = Payload(
    "STATUS",
    "state phase_index phase_kind pulse_index pulse_count question flags alarm_count last_session"
    " last_executed_sequence last_executed_status alarm_code alarm_occurrence device_time_ms pressure_pa"
    " intended_nl driven_nl relieved_nl delivered_nl uncertain_nl syringe_remaining_nl",
)
_STOP = Payload("STOP", "state moving driven_nl delivered_nl device_time_ms")
_KEEPALIVE = Payload("KEEPALIVE", "lease_ms device_time_ms")
_TABLE_HASH = table_hash()
# The board frees the table and all that was needed to read it.
del table_hash
_FIRST = HEADER_SIZE


class SessionCommands:
    def __init__(self, pump):
        self._pump = pump

    def handlers(self):
        """{message number: handler} of this group."""
        return {
            codes.REQUEST_HELLO: self._hello,
            codes.REQUEST_STATUS: self._status,
            codes.REQUEST_STOP: self._stop,
            codes.REQUEST_KEEPALIVE: self._keepalive,
            codes.REQUEST_AUTHENTICATE: self._authenticate,
            codes.REQUEST_INFO: self._info,
        }

    def _hello(self, frame, reply):
        pump = self._pump
        link = pump.server
        for index in range(8):
            reply[_HELLO_R["device_nonce"] + index] = link.device_nonce[index]
        for index in range(4):
            reply[_HELLO_R["table_hash"] + index] = _TABLE_HASH[index]
            reply[_HELLO_R["firmware_fingerprint"] + index] = pump.identity.firmware_fingerprint[index]
            reply[_HELLO_R["settings_fingerprint"] + index] = pump.settings_fingerprint[index]
            reply[_HELLO_R["firmware_version"] + index] = pump.identity.firmware_version[index] if index < 3 else 0
        put_u16(reply, _HELLO_R["capabilities"], _CAPABILITIES)
        put_u16(reply, _HELLO_R["boot_count"], pump.boot_count)
        put_u16(reply, _HELLO_R["last_session"], link.last_session)
        put_u16(reply, _HELLO_R["last_executed_sequence"], link.last_sequence)
        put_u16(reply, _HELLO_R["lease_max_ms"], _LEASE_MAX_MS)
        reply[_HELLO_R["reset_cause"]] = pump.identity.reset_cause
        reply[_HELLO_R["state"]] = pump.state()
        put_u32(reply, _HELLO_R["device_time_ms"], pump.now_ms)
        return codes.STATUS_OK

    @micropython.native
    def _status(self, frame, reply):
        pump = self._pump
        alarms = pump.alarms
        runner = pump.runner
        server = pump.server
        ledger = pump.ledger
        if not pump.moving:
            runner.refresh_figures()
        code = alarms.gravest()
        values = _STATUS.values
        values[0] = pump.state()
        values[1] = runner.phase
        values[2] = pump.program.kind[runner.phase] if runner.active() else 0
        values[3] = runner.pulse_index()
        values[4] = pump.program.pulses
        values[5] = runner.question
        values[6] = pump.flags()
        values[7] = alarms.pending
        values[8] = server.last_session
        values[9] = server.last_sequence
        values[10] = server.last_status
        values[11] = code
        values[12] = alarms.occurrence(code) if code else 0
        values[13] = pump.now_ms
        values[14] = pump.pressure.value_pa
        values[15] = ledger.intended_nl
        values[16] = ledger.driven_nl
        values[17] = ledger.relieved_nl
        values[18] = ledger.delivered_nl
        values[19] = ledger.uncertain_nl
        values[20] = max(pump.syringe.remaining_nl(), 0)
        _STATUS.put(reply)
        return codes.STATUS_OK

    def _stop(self, frame, reply):
        pump = self._pump
        stop_motion(pump)
        pump.runner.refresh_figures()
        values = _STOP.values
        values[0] = pump.state()
        values[1] = 0 if pump.motion.idle() and not pump.runner.moving() else 1
        values[2] = pump.ledger.driven_nl
        values[3] = pump.ledger.delivered_nl
        values[4] = pump.now_ms
        _STOP.put(reply)
        return codes.STATUS_OK

    def _keepalive(self, frame, reply):
        pump = self._pump
        session = pump.server.session
        if pump.lease.session != session and pump.runner.active():
            return codes.STATUS_WRONG_STATE
        now_ms = pump.now_ms
        values = _KEEPALIVE.values
        values[0] = lease_ms = frame[_LEASE_AT] | frame[_LEASE_AT + 1] << 8
        values[1] = now_ms
        pump.lease.renew(session, lease_ms, now_ms)
        _KEEPALIVE.put(reply)
        return codes.STATUS_OK

    def _authenticate(self, frame, reply):
        pump = self._pump
        if pump.moving:
            return codes.STATUS_WRONG_STATE
        link = pump.server
        text = bytes(link.host_nonce) + bytes(link.device_nonce) + bytes((link.session & 0xFF, link.session >> 8))
        proof = _hmac_sha256(pump.settings.key(), text)
        difference = 0
        for index in range(16):
            difference |= proof[index] ^ frame[_AUTHENTICATE["proof"] + index]
        link.authenticated = difference == 0
        reply[_FIRST] = 1 if link.authenticated else 0
        return codes.STATUS_OK if link.authenticated else codes.STATUS_NOT_AUTHENTICATED

    def _info(self, frame, reply):
        pump = self._pump
        board = pump.board
        name = pump.board_name
        for index in range(16):
            reply[_INFO_R["board"] + index] = name[index]
        for index in range(8):
            reply[_INFO_R["unit"] + index] = pump.identity.unit[index]
        put_u32(reply, _INFO_R["steps_per_mm"], board.steps_per_mm)
        put_u32(reply, _INFO_R["step_rate_max_per_s"], board.step_rate_max_per_s)
        put_u32(reply, _INFO_R["sensor_max_pa"], board.range_max_pa)
        put_u32(reply, _INFO_R["travel_um"], board.travel_um)
        return codes.STATUS_OK


def stop_motion(pump):
    """What STOP does, whoever asks."""
    pump.runner.stop(codes.OUTCOME_STOPPED)
    pump.motion.halt()


def _hmac_sha256(key, text):
    """HMAC-SHA256 (RFC 2104) of a key of at most 64 bytes; allocates."""
    inner = bytes(key[index] ^ 0x36 if index < len(key) else 0x36 for index in range(64))
    outer = bytes(key[index] ^ 0x5C if index < len(key) else 0x5C for index in range(64))
    return hashlib.sha256(outer + hashlib.sha256(inner + text).digest()).digest()
