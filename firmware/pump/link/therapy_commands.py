"""The messages that set a path, load a program and make the pump move, and those that read the result."""

from flushlink.frames import get_u16, get_u32, put_u16, put_u32
from flushlink.messages import HEADER_SIZE, LINE_CENTRAL, LINE_HEPARIN_INTOLERANT, TEST_CONFIGURATION
from flushlink.viper_compat import const

from .. import codes
from ..message_layout import request, response
from ..ticks import MASK

# Narrower than any 10 mL barrel (14.43 mm) and wider than any 5 mL one (13.0 mm).
_BARREL_10ML_UM = const(14_000)
_RESERVE_NL = const(500_000)
# A vein at rest has 0.3 to 1.1 kPa, under strain 5 to 8, and sitting up adds 2 to 4 (docs/simulator.md).
_REST_MAX_PA = const(15_000)
_KNOWN_LEAST_PERMILLE = const(400)

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
_FIRST = HEADER_SIZE


class TherapyCommands:
    def __init__(self, pump):
        self._pump = pump

    def handlers(self):
        """{message number: handler} of this group."""
        return {
            codes.REQUEST_PATH_SET: self._path_set,
            codes.REQUEST_PROGRAM_BEGIN: self._program_begin,
            codes.REQUEST_PROGRAM_PHASE: self._program_phase,
            codes.REQUEST_PROGRAM_COMMIT: self._program_commit,
            codes.REQUEST_START: self._start,
            codes.REQUEST_CONTINUE: self._continue,
            codes.REQUEST_PRIME: self._prime,
            codes.REQUEST_ASPIRATE: self._aspirate,
            codes.REQUEST_PULSE_READ: self._pulse_read,
            codes.REQUEST_RESULT_READ: self._result_read,
        }

    def _path_set(self, frame, reply):
        pump = self._pump
        if pump.runner.active():
            return codes.STATUS_WRONG_STATE
        at = _PATH
        diameter_um = get_u16(frame, at["barrel_diameter_um"])
        line_flags = frame[at["line_flags"]]
        fluid = frame[at["fluid"]]
        loaded_nl = get_u32(frame, at["syringe_loaded_nl"])
        capacity_nl = get_u32(frame, at["syringe_capacity_nl"])
        hard_pa = get_u32(frame, at["hard_limit_pa"])
        working_pa = get_u32(frame, at["working_limit_pa"])
        if fluid == codes.FLUID_ANTIMICROBIAL_LOCK:
            return codes.STATUS_FLUID
        if line_flags & LINE_HEPARIN_INTOLERANT and codes.FLUID_HEPARIN_10 <= fluid <= codes.FLUID_HEPARIN_100:
            return codes.STATUS_FLUID
        known_permille = get_u16(frame, at["known_permille"])
        if 0 < known_permille < _KNOWN_LEAST_PERMILLE:
            return codes.STATUS_OUT_OF_RANGE
        if (line_flags & LINE_CENTRAL and diameter_um < _BARREL_10ML_UM) or working_pa >= hard_pa:
            return codes.STATUS_PATH_LIMIT
        # No syringe has a plunger travel longer than the drive's, and its steps could leave 31 bits.
        if loaded_nl > capacity_nl or capacity_nl * 1000 > pump.board.volume_pl(diameter_um):
            return codes.STATUS_SYRINGE
        board = pump.board
        hard_pa = min(
            hard_pa,
            pump.settings.get(codes.SETTING_PRESSURE_CEILING_PA),
            board.range_max_pa * 19 // 20,
            board.force_limit_pa(diameter_um),
        )
        working_pa = min(working_pa, hard_pa * 9 // 10)
        pump.central = line_flags & LINE_CENTRAL != 0
        pump.line_model.set_prior(
            known_permille,
            get_u16(frame, at["known_compliance_nl_per_kpa"]),
            get_u16(frame, at["open_permille"]),
        )
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
        put_u32(reply, _PATH_R["volume_per_step_pl"], pump.line_model.volume_per_step_pl)
        put_u32(reply, _PATH_R["hard_limit_pa"], hard_pa)
        put_u32(reply, _PATH_R["working_limit_pa"], working_pa)
        put_u32(reply, _PATH_R["flow_cap_nl_per_s"], flow)
        put_u32(reply, _PATH_R["syringe_loaded_nl"], loaded_nl)
        put_u32(reply, _PATH_R["device_time_ms"], pump.now_ms)
        return codes.STATUS_OK

    def _program_begin(self, frame, reply):
        pump = self._pump
        status = self._ready_to_program()
        if status != codes.STATUS_OK:
            return status
        at = _BEGIN
        max_ms = get_u32(frame, at["max_time_ms"])
        if max_ms > pump.settings.get(codes.SETTING_PROGRAM_TIME_CAP_S) * 1000:
            return codes.STATUS_DOSE_CAP
        total_nl = get_u32(frame, at["total_volume_nl"])
        if total_nl > pump.settings.get(codes.SETTING_PROGRAM_VOLUME_CAP_NL):
            return codes.STATUS_DOSE_CAP
        pump.program.start_loading(frame, frame[at["phase_count"]], total_nl, max_ms, _BEGIN[""])
        put_u16(reply, _BEGIN_R["program_id"], get_u16(frame, at["program_id"]))
        put_u32(reply, _BEGIN_R["max_time_ms"], max_ms)
        return codes.STATUS_OK

    def _program_phase(self, frame, reply):
        pump = self._pump
        status = self._ready_to_program()
        if status != codes.STATUS_OK:
            return status
        at = _PHASE
        index = frame[at["index"]]
        flow = min(get_u32(frame, at["flow_nl_per_s"]), pump.flow_cap_nl_per_s)
        volume_nl = get_u32(frame, at["volume_nl"])
        count = frame[at["count"]]
        if volume_nl * max(count, 1) > pump.settings.get(codes.SETTING_PROGRAM_VOLUME_CAP_NL):
            return codes.STATUS_DOSE_CAP
        if not pump.program.add_phase(
            index,
            frame[at["phase_kind"]],
            count,
            frame[at["question"]],
            volume_nl,
            flow,
            get_u16(frame, at["pause_ms"]),
        ):
            return codes.STATUS_OUT_OF_RANGE
        pump.program.add_to_crc(frame, _PHASE[""])
        reply[_PHASE_R["index"]] = index
        put_u32(reply, _PHASE_R["flow_nl_per_s"], flow)
        put_u32(reply, _PHASE_R["duration_ms"], min(pump.program.duration_ms[index], MASK))
        return codes.STATUS_OK

    def _program_commit(self, frame, reply):
        pump = self._pump
        status = self._ready_to_program()
        if status != codes.STATUS_OK:
            return status
        program = pump.program
        if pump.central and not program.asks_for_blood():
            program.clear()
            return codes.STATUS_BLOOD_RETURN
        if not program.commit(get_u16(frame, _COMMIT["program_crc"])):
            program.clear()
            return codes.STATUS_PROGRAM_CRC
        put_u16(reply, _COMMIT_R["program_crc"], program.crc)
        put_u32(reply, _COMMIT_R["total_volume_nl"], program.dose_nl)
        put_u32(reply, _COMMIT_R["duration_ms"], min(program.total_ms, MASK))
        return codes.STATUS_OK

    def _ready_to_program(self):
        pump = self._pump
        if pump.runner.active():
            return codes.STATUS_WRONG_STATE
        if not pump.path_in_force():
            return codes.STATUS_NO_PATH
        return codes.STATUS_OK

    def _therapy_status(self):
        """Why motion may not begin, or OK."""
        pump = self._pump
        if pump.exit_requested() or pump.server.stop_ahead():
            return codes.STATUS_WRONG_STATE
        if not pump.tested or pump.self_test.failed & ~TEST_CONFIGURATION:
            return codes.STATUS_SELF_TEST
        if not pump.settings.good:
            return codes.STATUS_SETTINGS
        status = self._ready_to_program()
        if status != codes.STATUS_OK:
            return status
        if pump.alarms.locked:
            return codes.STATUS_LOCKED
        if pump.alarms.blocks_start() or pump.pressure.fault:
            return codes.STATUS_ALARM_ACTIVE
        return codes.STATUS_OK

    def _pressure_allows(self, forwards, backwards):
        """Whether the line is near rest, so that motion in these directions does not add to what is in it.

        A line under pressure is closed or still relaxes; a run would take that pressure for the rest pressure.
        """
        value_pa = self._pump.pressure.value_pa
        return not ((forwards and value_pa > _REST_MAX_PA) or (backwards and value_pa < -_REST_MAX_PA))

    def _room(self):
        """Whether the syringe holds the program's volume above its reserve, and has room for what is drawn in."""
        pump = self._pump
        program = pump.program
        remaining = pump.syringe.remaining_nl()
        if remaining + program.highest_nl > pump.syringe.capacity_nl:
            return False
        return program.lowest_nl == 0 or program.changes_syringe() or remaining + program.lowest_nl >= _RESERVE_NL

    def _window_holds(self):
        """Whether all that the program drives forwards, prime included, fits into the rolling window.

        Call it before every start: it books a run that has ended a moment ago.
        """
        pump = self._pump
        pump.book_run()
        settings = pump.settings
        booked_nl = pump.window.total_nl(pump.now_ms, settings.get(codes.SETTING_WINDOW_S))
        forward_nl = pump.program.forward_nl
        return forward_nl == 0 or booked_nl + forward_nl <= settings.get(codes.SETTING_WINDOW_VOLUME_CAP_NL)

    def _start(self, frame, reply):
        pump = self._pump
        status = self._therapy_status()
        if status != codes.STATUS_OK:
            return status
        program = pump.program
        crc = get_u16(frame, _START["program_crc"])
        if not program.committed or crc != program.crc:
            return codes.STATUS_PROGRAM_CRC
        if not self._room():
            return codes.STATUS_SYRINGE
        if not self._window_holds():
            return codes.STATUS_DOSE_CAP
        if not self._pressure_allows(True, True):
            return codes.STATUS_PRESSURE
        program.committed = False
        put_u16(reply, _START_R["program_crc"], crc)
        put_u16(reply, _START_R["lease_ms"], get_u16(frame, _START["lease_ms"]))
        return self._go(get_u16(frame, _START["lease_ms"]), reply, _START_R)

    def _go(self, lease_ms, reply, at):
        pump = self._pump
        if not pump.runner.start():
            pump.storage_failed()
            return codes.STATUS_STORAGE
        pump.lease.renew(pump.server.session, lease_ms, pump.now_ms)
        put_u32(reply, at["device_time_ms"], pump.now_ms)
        return codes.STATUS_OK

    def _continue(self, frame, reply):
        pump = self._pump
        question = frame[_CONTINUE["question"]]
        if question == 0 or question != pump.runner.question:
            return codes.STATUS_NOT_ANSWERED
        if pump.lease.session != pump.server.session:
            return codes.STATUS_WRONG_STATE
        if not pump.motion.idle():
            return codes.STATUS_WRONG_STATE
        yes = frame[_CONTINUE["answer"]]
        loaded_nl = get_u32(frame, _CONTINUE["syringe_loaded_nl"])
        if question == codes.QUESTION_SYRINGE_CHANGED and yes:
            if loaded_nl > pump.syringe.capacity_nl or loaded_nl == 0:
                return codes.STATUS_SYRINGE
            pump.syringe.load(loaded_nl, pump.syringe.capacity_nl)
        pump.runner.answer(yes)
        reply[_CONTINUE_R["state"]] = pump.state()
        put_u32(reply, _CONTINUE_R["device_time_ms"], pump.now_ms)
        return codes.STATUS_OK

    def _prime(self, frame, reply):
        return self._move(frame, reply, codes.PHASE_PRIME)

    def _aspirate(self, frame, reply):
        return self._move(frame, reply, codes.PHASE_ASPIRATE)

    def _move(self, frame, reply, kind):
        pump = self._pump
        status = self._therapy_status()
        if status != codes.STATUS_OK:
            return status
        volume_nl = get_u32(frame, _MOVE["volume_nl"])
        if volume_nl > pump.settings.get(codes.SETTING_PROGRAM_VOLUME_CAP_NL):
            return codes.STATUS_DOSE_CAP
        flow = min(get_u32(frame, _MOVE["flow_nl_per_s"]), pump.flow_cap_nl_per_s)
        cap_ms = pump.settings.get(codes.SETTING_PROGRAM_TIME_CAP_S) * 1000
        if not pump.program.set_single_phase(kind, volume_nl, flow, cap_ms):
            return codes.STATUS_OUT_OF_RANGE
        if not self._room():
            return codes.STATUS_SYRINGE
        if not self._window_holds():
            return codes.STATUS_DOSE_CAP
        if not self._pressure_allows(kind == codes.PHASE_PRIME, kind == codes.PHASE_ASPIRATE):
            return codes.STATUS_PRESSURE
        put_u32(reply, _MOVE_R["volume_nl"], volume_nl)
        put_u32(reply, _MOVE_R["flow_nl_per_s"], flow)
        return self._go(get_u16(frame, _MOVE["lease_ms"]), reply, _MOVE_R)

    def _pulse_read(self, frame, reply):
        found = self._pump.report.copy_pulse(frame[_PULSE_READ["index"]], reply)
        return codes.STATUS_OK if found else codes.STATUS_NO_ENTRY

    def _result_read(self, frame, reply):
        report = self._pump.report
        if self._pump.runner.active() or not report.has_result():
            return codes.STATUS_NO_ENTRY
        report.copy_result(reply)
        return codes.STATUS_OK
