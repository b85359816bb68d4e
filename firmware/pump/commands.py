"""What each message does: reads its fields, checks the pump's state, acts, and fills in the values applied."""

import hashlib

from flushlink import messages as table
from flushlink.fingerprint import table_hash
from flushlink.frames import get_i32, get_u16, get_u32, put_u16, put_u32
from flushlink.messages import HEADER_SIZE

from . import settings as setting
from .layout import number, request, response
from .program import ASPIRATE, PRIME
from .report import put_ledger
from .ticks import MASK

OK = 0
WRONG_STATE = 7
OUT_OF_RANGE = 8
PATH_LIMIT = 9
NO_PATH = 10
PROGRAM_CRC = 11
ALARM_ACTIVE = 12
LOCKED = 13
DOSE_CAP = 14
SELF_TEST = 15
SETTINGS = 16
NO_ENTRY = 17
SYRINGE = 18
NOT_ANSWERED = 19
FLUID = 20

LEASE_MAX_MS = 2_000
# Narrower than any 10 mL barrel (14.43 mm) and wider than any 5 mL one (13.0 mm).
_BARREL_10ML_UM = 14_000
_RESERVE_NL = 500_000
_ANTIMICROBIAL_LOCK = 4
_HEPARIN_FIRST = 2
_HEPARIN_LAST = 3
_CAPABILITIES = 0b1111
_OUTCOME_STOPPED = 2
_PATH_SETTINGS = (
    setting.PRESSURE_CEILING_PA,
    setting.PROGRAM_VOLUME_CAP_NL,
    setting.PROGRAM_TIME_CAP_S,
    setting.RELIEF_VOLUME_CAP_NL,
    setting.FLOW_CAP_NL_PER_S,
)

_HELLO = request("HELLO")
_HELLO_R = response("HELLO")
_STATUS_R = response("STATUS")
_STOP_R = response("STOP")
_KEEPALIVE = request("KEEPALIVE")
_KEEPALIVE_R = response("KEEPALIVE")
_AUTHENTICATE = request("AUTHENTICATE")
_INFO_R = response("INFO")
_PATH = request("PATH_SET")
_PATH_R = response("PATH_SET")
_BEGIN = request("PROGRAM_BEGIN")
_BEGIN_R = response("PROGRAM_BEGIN")
_PHASE = request("PROGRAM_PHASE")
_PHASE_R = response("PROGRAM_PHASE")
_COMMIT = request("PROGRAM_COMMIT")
_COMMIT_R = response("PROGRAM_COMMIT")
_START = request("START")
_START_R = response("START")
_CONTINUE = request("CONTINUE")
_CONTINUE_R = response("CONTINUE")
_MOVE = request("PRIME")
_MOVE_R = response("PRIME")
_PULSE_READ = request("PULSE_READ")
_SETTING = request("SETTINGS_SET")
_ALARM_R = response("ALARM_READ")
_ACK = request("ALARM_ACK")
_ACK_R = response("ALARM_ACK")
_LOG_R = response("LOG_READ")
_TEST_R = response("SELF_TEST")
_FIRST = HEADER_SIZE
# Asking changes nothing, and a lease is renewed twice a second: neither is worth a place in the log.
_UNLOGGED = frozenset(
    number(name)
    for name in (
        "HELLO", "STATUS", "KEEPALIVE", "INFO", "PULSE_READ", "RESULT_READ", "SETTINGS_GET", "ALARM_READ", "LOG_READ",
    )
)


def _in_range(frame, name):
    """Whether every integer field of a request lies in the table's range; import-time table, no allocation in use."""
    for at, kind, minimum, maximum in _RANGES[name]:
        if kind == 1:
            value = frame[at]
        elif kind == 2:
            value = get_u16(frame, at)
        elif kind == 4:
            value = get_u32(frame, at)
        else:
            value = get_i32(frame, at)
        if value < minimum or value > maximum:
            return False
    return True


_KINDS = {"u8": 1, "u16": 2, "u32": 4, "i32": 5}
_RANGES = {
    row[0]: [
        (request(row[1])[field[0]], _KINDS[field[1]], field[2], field[3]) for field in row[3] if field[1] in _KINDS
    ]
    for row in table.MESSAGES
}


class Commands:
    """`execute` is called by the link server with a request that it has admitted."""

    def __init__(self, pump):
        self._pump = pump
        self._table_hash = table_hash()
        self._handlers = {
            number("HELLO"): self._hello,
            number("STATUS"): self._status,
            number("STOP"): self._stop,
            number("KEEPALIVE"): self._keepalive,
            number("AUTHENTICATE"): self._authenticate,
            number("INFO"): self._info,
            number("PATH_SET"): self._path_set,
            number("PROGRAM_BEGIN"): self._program_begin,
            number("PROGRAM_PHASE"): self._program_phase,
            number("PROGRAM_COMMIT"): self._program_commit,
            number("START"): self._start,
            number("CONTINUE"): self._continue,
            number("PRIME"): self._prime,
            number("ASPIRATE"): self._aspirate,
            number("PULSE_READ"): self._pulse_read,
            number("RESULT_READ"): self._result_read,
            number("SETTINGS_GET"): self._settings_get,
            number("SETTINGS_SET"): self._settings_set,
            number("PAIR"): self._pair,
            number("ALARM_READ"): self._alarm_read,
            number("ALARM_ACK"): self._alarm_ack,
            number("AUDIO_PAUSE"): self._audio_pause,
            number("LOG_READ"): self._log_read,
            number("SELF_TEST"): self._self_test,
            number("SERVICE"): self._service,
            number("RESET"): self._reset,
        }

    def execute(self, message, frame, reply):
        """Runs one request; returns its status and leaves the response's payload in `reply`."""
        status = self._handlers[message](frame, reply) if _in_range(frame, message) else OUT_OF_RANGE
        if message not in _UNLOGGED:
            self._pump.log.add(table.LOG_COMMAND, message, self._pump.now_ms, status)
        return status

    def stop_motion(self):
        """What STOP does, whoever asks; the link server calls it as soon as it sees one coming."""
        self._pump.runner.stop(_OUTCOME_STOPPED)
        self._pump.motion.halt()

    # Link

    def _hello(self, frame, reply):
        pump = self._pump
        link = pump.server
        for index in range(8):
            reply[_HELLO_R["device_nonce"] + index] = link.device_nonce[index]
        for index in range(4):
            reply[_HELLO_R["table_hash"] + index] = self._table_hash[index]
            reply[_HELLO_R["firmware_fingerprint"] + index] = pump.identity.firmware_fingerprint[index]
            reply[_HELLO_R["settings_fingerprint"] + index] = pump.settings_fingerprint[index]
            reply[_HELLO_R["firmware_version"] + index] = pump.identity.firmware_version[index] if index < 3 else 0
        put_u16(reply, _HELLO_R["capabilities"], _CAPABILITIES)
        put_u16(reply, _HELLO_R["boot_count"], pump.boot_count)
        put_u16(reply, _HELLO_R["last_session"], link.last_session)
        put_u16(reply, _HELLO_R["last_executed_sequence"], link.last_sequence)
        put_u16(reply, _HELLO_R["lease_max_ms"], LEASE_MAX_MS)
        reply[_HELLO_R["reset_cause"]] = pump.identity.reset_cause
        reply[_HELLO_R["state"]] = pump.state()
        put_u32(reply, _HELLO_R["device_time_ms"], pump.now_ms)
        return OK

    def _status(self, frame, reply):
        pump = self._pump
        at = _STATUS_R
        alarms = pump.alarms
        pump.runner.refresh_ledger()
        code = alarms.gravest()
        reply[at["state"]] = pump.state()
        reply[at["phase_index"]] = pump.runner.phase
        reply[at["phase_kind"]] = pump.program.kind[pump.runner.phase] if pump.runner.active() else 0
        reply[at["pulse_index"]] = pump.runner.pulse_index()
        reply[at["pulse_count"]] = pump.program.pulses
        reply[at["question"]] = pump.runner.question
        reply[at["flags"]] = pump.flags()
        reply[at["alarm_count"]] = alarms.pending
        put_u16(reply, at["last_session"], pump.server.last_session)
        put_u16(reply, at["last_executed_sequence"], pump.server.last_sequence)
        reply[at["last_executed_status"]] = pump.server.last_status
        reply[at["alarm_code"]] = code
        put_u16(reply, at["alarm_occurrence"], alarms.occurrence(code) if code else 0)
        put_u32(reply, at["device_time_ms"], pump.now_ms)
        put_u32(reply, at["pressure_pa"], pump.pressure.value_pa)
        put_ledger(reply, at, pump.ledger)
        put_u32(reply, at["syringe_remaining_nl"], max(pump.syringe.remaining_nl(), 0))
        return OK

    def _stop(self, frame, reply):
        pump = self._pump
        self.stop_motion()
        pump.runner.refresh_ledger()
        reply[_STOP_R["state"]] = pump.state()
        reply[_STOP_R["moving"]] = 0 if pump.motion.idle() and not pump.runner.moving() else 1
        put_u32(reply, _STOP_R["driven_nl"], pump.ledger.driven_nl)
        put_u32(reply, _STOP_R["delivered_nl"], pump.ledger.delivered_nl)
        put_u32(reply, _STOP_R["device_time_ms"], pump.now_ms)
        return OK

    def _keepalive(self, frame, reply):
        pump = self._pump
        if pump.runner.active() and pump.lease.session != pump.server.session:
            return WRONG_STATE
        lease_ms = get_u16(frame, _KEEPALIVE["lease_ms"])
        pump.lease.renew(pump.server.session, lease_ms, pump.now_ms)
        put_u16(reply, _KEEPALIVE_R["lease_ms"], lease_ms)
        put_u32(reply, _KEEPALIVE_R["device_time_ms"], pump.now_ms)
        return OK

    def _authenticate(self, frame, reply):
        pump = self._pump
        if pump.moving:
            return WRONG_STATE
        link = pump.server
        text = bytes(link.host_nonce) + bytes(link.device_nonce) + bytes((link.session & 0xFF, link.session >> 8))
        proof = _hmac_sha256(pump.settings.key(), text)
        difference = 0
        for index in range(16):
            difference |= proof[index] ^ frame[_AUTHENTICATE["proof"] + index]
        link.authenticated = difference == 0
        reply[_FIRST] = 1 if link.authenticated else 0
        return OK if link.authenticated else 6

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
        return OK

    # Path and program

    def _path_set(self, frame, reply):
        pump = self._pump
        if pump.runner.active():
            return WRONG_STATE
        at = _PATH
        diameter_um = get_u16(frame, at["barrel_diameter_um"])
        line_flags = frame[at["line_flags"]]
        fluid = frame[at["fluid"]]
        loaded_nl = get_u32(frame, at["syringe_loaded_nl"])
        capacity_nl = get_u32(frame, at["syringe_capacity_nl"])
        hard_pa = get_u32(frame, at["hard_limit_pa"])
        working_pa = get_u32(frame, at["working_limit_pa"])
        if fluid == _ANTIMICROBIAL_LOCK:
            return FLUID
        if line_flags & table.LINE_HEPARIN_INTOLERANT and _HEPARIN_FIRST <= fluid <= _HEPARIN_LAST:
            return FLUID
        if (line_flags & table.LINE_CENTRAL and diameter_um < _BARREL_10ML_UM) or working_pa >= hard_pa:
            return PATH_LIMIT
        # A plunger's way longer than the drive's is no such syringe, and its steps could leave 31 bits.
        if loaded_nl > capacity_nl or capacity_nl * 1000 > pump.board.volume_pl(diameter_um):
            return SYRINGE
        board = pump.board
        hard_pa = min(
            hard_pa,
            pump.settings.get(setting.PRESSURE_CEILING_PA),
            board.range_max_pa * 19 // 20,
            board.force_limit_pa(diameter_um),
        )
        working_pa = min(working_pa, hard_pa * 9 // 10)
        flow = pump.set_path(
            diameter_um,
            hard_pa,
            working_pa,
            get_u32(frame, at["flow_cap_nl_per_s"]),
            get_u32(frame, at["resistance_pa_s_per_ml"]),
            get_u32(frame, at["turbulence_pa_s2_per_ml2"]),
            get_u16(frame, at["compliance_nl_per_kpa"]),
        )
        pump.syringe.load(loaded_nl, capacity_nl)
        put_u32(reply, _PATH_R["volume_per_step_pl"], pump.hydraulics.volume_per_step_pl)
        put_u32(reply, _PATH_R["hard_limit_pa"], hard_pa)
        put_u32(reply, _PATH_R["working_limit_pa"], working_pa)
        put_u32(reply, _PATH_R["flow_cap_nl_per_s"], flow)
        put_u32(reply, _PATH_R["syringe_loaded_nl"], loaded_nl)
        put_u32(reply, _PATH_R["device_time_ms"], pump.now_ms)
        return OK

    def _program_begin(self, frame, reply):
        pump = self._pump
        status = self._ready_to_program()
        if status != OK:
            return status
        at = _BEGIN
        max_ms = get_u32(frame, at["max_time_ms"])
        if max_ms > pump.settings.get(setting.PROGRAM_TIME_CAP_S) * 1000:
            return DOSE_CAP
        total_nl = get_u32(frame, at["total_volume_nl"])
        if total_nl > pump.settings.get(setting.PROGRAM_VOLUME_CAP_NL):
            return DOSE_CAP
        pump.program.begin(frame, frame[at["phase_count"]], total_nl, max_ms, _BEGIN[""])
        put_u16(reply, _BEGIN_R["program_id"], get_u16(frame, at["program_id"]))
        put_u32(reply, _BEGIN_R["max_time_ms"], max_ms)
        return OK

    def _program_phase(self, frame, reply):
        pump = self._pump
        status = self._ready_to_program()
        if status != OK:
            return status
        at = _PHASE
        index = frame[at["index"]]
        flow = min(get_u32(frame, at["flow_nl_per_s"]), pump.flow_cap_nl_per_s)
        volume_nl = get_u32(frame, at["volume_nl"])
        count = frame[at["count"]]
        if volume_nl * max(count, 1) > pump.settings.get(setting.PROGRAM_VOLUME_CAP_NL):
            return DOSE_CAP
        if not pump.program.add(
            index,
            frame[at["phase_kind"]],
            count,
            frame[at["question"]],
            volume_nl,
            flow,
            get_u16(frame, at["pause_ms"]),
        ):
            return OUT_OF_RANGE
        pump.program.take(frame, _PHASE[""])
        reply[_PHASE_R["index"]] = index
        put_u32(reply, _PHASE_R["flow_nl_per_s"], flow)
        put_u32(reply, _PHASE_R["duration_ms"], min(pump.program.duration_ms[index], MASK))
        return OK

    def _program_commit(self, frame, reply):
        pump = self._pump
        status = self._ready_to_program()
        if status != OK:
            return status
        program = pump.program
        if not program.commit(get_u16(frame, _COMMIT["program_crc"])):
            program.clear()
            return PROGRAM_CRC
        put_u16(reply, _COMMIT_R["program_crc"], program.crc)
        put_u32(reply, _COMMIT_R["total_volume_nl"], program.dose_nl)
        put_u32(reply, _COMMIT_R["duration_ms"], min(program.total_ms, MASK))
        return OK

    def _ready_to_program(self):
        pump = self._pump
        if pump.runner.active():
            return WRONG_STATE
        if not pump.path_set:
            return NO_PATH
        return OK

    def _therapy_status(self):
        """Why motion may not begin, or OK."""
        pump = self._pump
        if pump.leaving() or pump.server.stop_ahead():
            return WRONG_STATE
        if not pump.tested or pump.self_test.failed & ~table.TEST_CONFIGURATION:
            return SELF_TEST
        if not pump.settings.good:
            return SETTINGS
        status = self._ready_to_program()
        if status != OK:
            return status
        if pump.alarms.locked:
            return LOCKED
        if pump.alarms.blocks_start() or pump.pressure.fault:
            return ALARM_ACTIVE
        return OK

    def _room(self):
        """Whether the syringe holds the program's volume above its reserve, and has room for what is drawn in."""
        pump = self._pump
        program = pump.program
        remaining = pump.syringe.remaining_nl()
        if remaining + program.highest_nl > pump.syringe.capacity_nl:
            return False
        return program.lowest_nl == 0 or program.changes_syringe() or remaining + program.lowest_nl >= _RESERVE_NL

    def _start(self, frame, reply):
        pump = self._pump
        status = self._therapy_status()
        if status != OK:
            return status
        program = pump.program
        crc = get_u16(frame, _START["program_crc"])
        if not program.committed or crc != program.crc:
            return PROGRAM_CRC
        if not self._room():
            return SYRINGE
        settings = pump.settings
        booked = pump.window.total_nl(pump.now_ms, settings.get(setting.WINDOW_S))
        if booked + program.dose_nl > settings.get(setting.WINDOW_VOLUME_CAP_NL):
            return DOSE_CAP
        program.committed = False
        put_u16(reply, _START_R["program_crc"], crc)
        self._go(get_u16(frame, _START["lease_ms"]), reply, _START_R)
        put_u16(reply, _START_R["lease_ms"], get_u16(frame, _START["lease_ms"]))
        return OK

    def _go(self, lease_ms, reply, at):
        pump = self._pump
        pump.lease.renew(pump.server.session, lease_ms, pump.now_ms)
        pump.runner.start()
        put_u32(reply, at["device_time_ms"], pump.now_ms)

    def _continue(self, frame, reply):
        pump = self._pump
        question = frame[_CONTINUE["question"]]
        if question == 0 or question != pump.runner.question:
            return NOT_ANSWERED
        if pump.lease.session != pump.server.session:
            return WRONG_STATE
        if not pump.motion.idle():
            return WRONG_STATE
        yes = frame[_CONTINUE["answer"]]
        loaded_nl = get_u32(frame, _CONTINUE["syringe_loaded_nl"])
        if question == 2 and yes:
            if loaded_nl > pump.syringe.capacity_nl or loaded_nl == 0:
                return SYRINGE
            pump.syringe.load(loaded_nl, pump.syringe.capacity_nl)
        pump.runner.answer(yes)
        reply[_CONTINUE_R["state"]] = pump.state()
        put_u32(reply, _CONTINUE_R["device_time_ms"], pump.now_ms)
        return OK

    def _prime(self, frame, reply):
        return self._move(frame, reply, PRIME)

    def _aspirate(self, frame, reply):
        return self._move(frame, reply, ASPIRATE)

    def _move(self, frame, reply, kind):
        pump = self._pump
        status = self._therapy_status()
        if status != OK:
            return status
        volume_nl = get_u32(frame, _MOVE["volume_nl"])
        if volume_nl > pump.settings.get(setting.PROGRAM_VOLUME_CAP_NL):
            return DOSE_CAP
        flow = min(get_u32(frame, _MOVE["flow_nl_per_s"]), pump.flow_cap_nl_per_s)
        cap_ms = pump.settings.get(setting.PROGRAM_TIME_CAP_S) * 1000
        if not pump.program.single(kind, volume_nl, flow, cap_ms):
            return OUT_OF_RANGE
        if not self._room():
            return SYRINGE
        put_u32(reply, _MOVE_R["volume_nl"], volume_nl)
        put_u32(reply, _MOVE_R["flow_nl_per_s"], flow)
        self._go(get_u16(frame, _MOVE["lease_ms"]), reply, _MOVE_R)
        return OK

    def _pulse_read(self, frame, reply):
        return OK if self._pump.report.copy_pulse(frame[_PULSE_READ["index"]], reply) else NO_ENTRY

    def _result_read(self, frame, reply):
        report = self._pump.report
        if self._pump.runner.active() or not report.has_result():
            return NO_ENTRY
        report.copy_result(reply)
        return OK

    # Settings

    def _settings_get(self, frame, reply):
        index = frame[_SETTING["index"]]
        if not self._pump.settings.known(index):
            return NO_ENTRY
        reply[_SETTING["index"]] = index
        put_u32(reply, _SETTING["value"], self._pump.settings.get(index))
        return OK

    def _settings_set(self, frame, reply):
        pump = self._pump
        if pump.runner.active():
            return WRONG_STATE
        index = frame[_SETTING["index"]]
        if not pump.settings.known(index):
            return NO_ENTRY
        value = get_i32(frame, _SETTING["value"])
        if not pump.settings.set(index, value):
            return OUT_OF_RANGE
        pump.settings_changed()
        if index in _PATH_SETTINGS:
            # Path and program were checked against the old limits.
            pump.path_set = False
            pump.program.clear()
        pump.log.add(table.LOG_SETTING, index, pump.now_ms, value)
        reply[_SETTING["index"]] = index
        put_u32(reply, _SETTING["value"], pump.settings.get(index))
        return OK

    def _pair(self, frame, reply):
        if self._pump.runner.active():
            return WRONG_STATE
        # The record would be stored whole, and defaults that nobody has looked at would pass for settings.
        if not self._pump.settings.good:
            return SETTINGS
        self._pump.settings.pair(frame, _FIRST)
        return OK

    # Alarms and log

    def _alarm_read(self, frame, reply):
        alarms = self._pump.alarms
        code = alarms.nth(frame[_FIRST])
        if code == 0:
            return NO_ENTRY
        put_alarm(reply, _ALARM_R, alarms, code)
        return OK

    def _alarm_ack(self, frame, reply):
        pump = self._pump
        occurrence = get_u16(frame, _ACK["occurrence"])
        code = pump.alarms.acknowledge(occurrence)
        if code == 0:
            return NO_ENTRY
        pump.log.add(table.LOG_ACKNOWLEDGED, code, pump.now_ms, occurrence)
        pump.runner.acknowledged()
        reply[_ACK_R["pending"]] = pump.alarms.pending
        reply[_ACK_R["state"]] = pump.state()
        return OK

    def _audio_pause(self, frame, reply):
        put_u32(reply, _FIRST, self._pump.alarms.pause_audio(self._pump.now_ms))
        return OK

    def _log_read(self, frame, reply):
        pump = self._pump
        if pump.moving:
            return WRONG_STATE
        entry = pump.log_entry
        number_found = pump.journal.entry(get_u32(frame, _FIRST), entry)
        if number_found < 0:
            return NO_ENTRY
        put_u32(reply, _LOG_R["number"], number_found)
        put_u32(reply, _LOG_R["newest"], pump.journal.newest())
        for index in range(12):
            reply[_LOG_R["boot_count"] + index] = entry[index]
        return OK

    # Service

    def _self_test(self, frame, reply):
        pump = self._pump
        # The power-on test takes twenty turns; it is not cut short.
        if pump.runner.active() or not pump.tested:
            return WRONG_STATE
        pump.run_self_test()
        put_u16(reply, _TEST_R["passed"], pump.self_test.passed)
        put_u16(reply, _TEST_R["failed"], pump.self_test.failed)
        return OK

    def _service(self, frame, reply):
        return self._leave(reply, 1)

    def _reset(self, frame, reply):
        return self._leave(reply, 2)

    def _leave(self, reply, wish):
        pump = self._pump
        if pump.runner.active() or not pump.motion.idle():
            return WRONG_STATE
        pump.leave(wish)
        reply[_FIRST] = pump.state()
        return OK


def put_alarm(frame, at, alarms, code):
    """One alarm's fields into a frame; `at` are the message's offsets."""
    frame[at["code"]] = code
    frame[at["priority"]] = alarms.priority(code)
    frame[at["condition"]] = alarms.lasts(code)
    frame[at["pending"]] = alarms.pending
    put_u16(frame, at["occurrence"], alarms.occurrence(code))
    put_u32(frame, at["device_time_ms"], alarms.raised_ms(code))
    put_u32(frame, at["detail"], alarms.detail(code))


def _hmac_sha256(key, text):
    """HMAC-SHA256 (RFC 2104) of a key of at most 64 bytes; allocates."""
    inner = bytes(key[index] ^ 0x36 if index < len(key) else 0x36 for index in range(64))
    outer = bytes(key[index] ^ 0x5C if index < len(key) else 0x5C for index in range(64))
    return hashlib.sha256(outer + hashlib.sha256(inner + text).digest()).digest()

