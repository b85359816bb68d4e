"""The pump's control loop: one `tick` every 5 ms over the ports that it is given.

A tick reads time, inputs and pressure; ends motion if it must; reads from the host; runs the program; queues the
next slices; and only then sends events and writes records. While the pump moves it allocates nothing.
"""

from binascii import crc32

from flushlink.messages import (
    FLAG_AUDIO_PAUSED,
    FLAG_AUTHENTICATED,
    FLAG_DERATED,
    FLAG_LEASE,
    FLAG_MOVING,
    FLAG_PATH_SET,
    FLAG_SELF_TEST_PASSED,
    FLAG_SETTINGS_GOOD,
    LOG_BOOT,
    LOG_PROGRAM_END,
    LOG_SELF_TEST,
    TEST_CONFIGURATION,
)
from flushlink.viper_compat import const

from . import codes
from .alarms import Alarms
from .detection.detector import Detector
from .event_log import ENTRY_SIZE, EventLog
from .ledger import Ledger, Window
from .limiter import Limiter
from .line_model import LineModel
from .link.dispatch import Commands
from .link.server import ANSWERED, NOTHING, READ, LinkServer
from .link.telemetry import Telemetry
from .motion import Motion
from .pressure import RANGE, SILENT, Pressure
from .program import Program
from .relief import Relief
from .report import Report
from .runner import Runner
from .self_test import SelfTest
from .settings import Settings
from .supervision import Lease, Syringe
from .ticks import MASK, since

_INPUT_STOP = const(1)
_INPUT_HOME = const(4)
_INPUT_END = const(8)

_COUNTERS_SLOT = const(2)
_STORE_AGAIN_MS = const(1_000)
_MIRROR_TICKS = const(5)
_LATE_TICKS = const(3)
# Longest time between the last mirror of the volume and the last step before a watchdog reset: a mirror that waits for
# a tick with time, twice 25 ms and a tick, the queue of 20 ms, and the ticks of both ends.
_RESET_MARGIN_MS = const(85)
# A path and its program are for a run that begins soon, with the line that its host has just described.
_PATH_AGE_MS = const(600_000)


class Controller:
    """Ports: link, steps, counter, pressure sensor, indicators, journal, identity as docs/firmware.md lists them."""

    def __init__(self, board, link, steps, counter, pressure, indicators, journal, identity):
        self.board = board
        self.board_name = (board.name.encode() + bytes(16))[:16]
        self.steps = steps
        self._counter = counter
        self._indicators = indicators
        self.journal = journal
        self.identity = identity
        self._counters = bytearray(4)
        self.now_ms = 0
        self.boot_count = self._count_boot()
        self.settings = Settings(journal)
        self.motion = Motion(board, steps, counter)
        self.pressure = Pressure(board, pressure)
        self.line_model = LineModel()
        self.limiter = Limiter(self.line_model)
        self.detector = Detector(self.line_model, self.limiter)
        self.relief = Relief(self.motion, self.pressure, self.line_model)
        self.ledger = Ledger(self.line_model, journal)
        self.window = Window()
        self.log = EventLog(journal, self.boot_count)
        self.alarms = Alarms(self.log)
        self.program = Program(self.motion, self.line_model)
        self.report = Report()
        self.runner = Runner(self)
        self.syringe = Syringe(self.motion, self.line_model)
        self.lease = Lease()
        self.log_entry = bytearray(ENTRY_SIZE)
        self.self_test = SelfTest(steps, counter, self.pressure, indicators, self.settings)
        self.server = LinkServer(link, identity, Commands(self))
        self.telemetry = Telemetry(self)
        self.settings_fingerprint = bytes(4)
        self.settings_changed()
        self.path_set = False
        self._path_session = 0
        self._path_ms = 0
        self.central = True
        self.flow_cap_nl_per_s = 0
        self.tested = False
        self.request = 0
        self._exit_request = 0
        self._exit_ms = 0
        self.moving = False
        self._store_ms = 0
        self._last_us = -1
        self._carry_us = 0
        self._pressed = 0
        self._last_position = counter.position()
        self._mirror = 0
        self._late = 0
        self._booked = True
        steps.enable(False)
        self._begin_log()

    # Starting up

    def _count_boot(self):
        counters = self._counters
        if self.journal.load(_COUNTERS_SLOT, counters) != 4:
            counters[0] = counters[1] = counters[2] = counters[3] = 0
        count = (counters[0] | counters[1] << 8) % 65_535 + 1
        counters[0] = count & 0xFF
        counters[1] = count >> 8
        if self.identity.reset_cause == codes.RESET_COMMAND:
            counters[2] = 0
        self._stored = self.journal.save(_COUNTERS_SLOT, counters, 4)
        return count

    def _begin_log(self):
        cause = self.identity.reset_cause
        self.log.add(LOG_BOOT, cause, 0, self.boot_count)
        recovered = self.ledger.recover(self.settings.get(codes.SETTING_FLOW_CAP_NL_PER_S) // 1000 * _RESET_MARGIN_MS)
        # The pump was off for an unknown time: the volume in the window counts as driven now.
        self.window.add(self.now_ms, self.ledger.window_nl)
        if cause == codes.RESET_WATCHDOG:
            self._alarm(codes.ALARM_WATCHDOG_RESET, self.ledger.driven_nl)
        if recovered and (cause != codes.RESET_WATCHDOG or recovered == 2):
            self._alarm(codes.ALARM_POWER_LOST, self.ledger.uncertain_nl)
        if not self.settings.good:
            self._alarm(codes.ALARM_SETTINGS_CORRUPT, 0)
        if not self._stored:
            self.storage_failed()
        if self._counters[2]:
            self.alarms.locked = True
            self._alarm(codes.ALARM_LOCKED_OUT, 0)

    def _alarm(self, code, detail):
        self.alarms.raise_alarm(code, self.now_ms, detail)

    def storage_failed(self):
        """The journal takes no record any more: one alarm, and tried again every second."""
        self._stored = False
        self._store_ms = self.now_ms
        self.alarms.raise_once(codes.ALARM_STORAGE_FAILED, self.now_ms)

    def settings_changed(self):
        """Puts the settings in force; may allocate."""
        settings = self.settings
        board = self.board
        self.telemetry.interval_ms = settings.get(codes.SETTING_TELEMETRY_INTERVAL_MS)
        self.pressure.calibrate(
            settings.get(codes.SETTING_PRESSURE_OFFSET_PA), settings.get(codes.SETTING_PRESSURE_GAIN_PPM)
        )
        text = f"{board.name} {board.steps_per_mm} {board.travel_um} {board.range_max_pa}"
        crc = crc32(self.settings.record(), crc32(text.encode()))
        self.settings_fingerprint = (crc & 0xFFFFFFFF).to_bytes(4, "little")

    def set_path(self, diameter_um, hard_pa, working_pa, flow_nl_per_s, laminar, turbulent, compliance_nl_per_kpa):
        """Takes a checked path; returns the flow cap that applies. May allocate."""
        per_step_pl = max(self.board.volume_per_step_pl(diameter_um), 1)
        fastest = self.board.step_rate_max_per_s * per_step_pl // 1000
        flow = min(flow_nl_per_s, self.settings.get(codes.SETTING_FLOW_CAP_NL_PER_S), fastest)
        self.line_model.configure(per_step_pl, laminar, turbulent, compliance_nl_per_kpa)
        self.limiter.working_pa = working_pa
        self.runner.hard_pa = hard_pa
        self.runner.relief_cap_steps = self.line_model.steps_of(self.settings.get(codes.SETTING_RELIEF_VOLUME_CAP_NL))
        self.flow_cap_nl_per_s = flow
        self.program.clear()
        self.path_set = True
        self._path_session = self.server.session
        self._path_ms = self.now_ms
        if self.board.back_drives:
            # A line may hang on the syringe from now on: the motor holds the plunger until the pump is switched off.
            self.steps.enable(True)
        return flow

    def path_in_force(self):
        """Whether the session that asks has set a path."""
        return self.path_set and self._path_session == self.server.session

    def forget_path(self):
        """No path and no program any more: a new start needs both anew."""
        self.path_set = False
        self.program.clear()

    def run_self_test(self):
        """The whole self-test in one tick; nothing may move."""
        self.self_test.check_all(self.self_test.plausible(), self.motion.mismatch(self._counter.position()) == 0)
        self._finish_self_test()

    def request_exit(self, request):
        """SERVICE (1) or RESET (2), once the reply has had time to go out."""
        self._exit_request = request
        self._exit_ms = self.now_ms

    def exit_requested(self):
        """Whether SERVICE or RESET has been granted: no motion begins any more."""
        return self._exit_request != 0

    # Status

    def state(self):
        if self._exit_request == 1:
            return codes.STATE_SERVICE
        if not self.tested:
            return codes.STATE_BOOT
        if self.self_test.failed & ~TEST_CONFIGURATION:
            return codes.STATE_FAULT
        return self.runner.state

    def flags(self):
        flags = 0
        if not self.motion.idle():
            flags |= FLAG_MOVING
        if self.server.authenticated:
            flags |= FLAG_AUTHENTICATED
        if self.runner.active() and not self.lease.over(self.now_ms):
            flags |= FLAG_LEASE
        if self.settings.good:
            flags |= FLAG_SETTINGS_GOOD
        if self.tested and self.self_test.failed == 0:
            flags |= FLAG_SELF_TEST_PASSED
        if self.runner.derated():
            flags |= FLAG_DERATED
        if self.alarms.audio_paused:
            flags |= FLAG_AUDIO_PAUSED
        if self.path_set:
            flags |= FLAG_PATH_SET
        return flags

    # The loop

    def tick(self, now_us):
        """One tick at `now_us` (modulo 2**30)."""
        was_moving = self.moving
        # Calls are expensive here: `since` and `later` are written out.
        last_us = self._last_us
        tick_us = (now_us - last_us) & MASK if last_us >= 0 else 0
        self._last_us = now_us
        carry_us = self._carry_us + tick_us
        passed_ms = carry_us // 1000
        self._carry_us = carry_us - passed_ms * 1000
        now_ms = (self.now_ms - (MASK - passed_ms) - 1) & MASK
        self.now_ms = now_ms
        runner = self.runner
        runner.now_us = now_us
        runner.now_ms = now_ms
        self.pressure.sample()
        position = self._counter.position()
        made = position - self._last_position
        self._last_position = position
        rate = made * 100_000 // max(tick_us // 10, 1) if -8_000 < made < 8_000 else 0
        if self.tested:
            self._guard(now_ms)
        elif self.self_test.tick():
            self._finish_self_test()
        link_work = self.server.poll(was_moving)
        runner.tick(rate, tick_us, link_work != NOTHING)
        busy = self.motion.fill(now_us)
        self.moving = moving = busy or runner.moving()
        if moving or runner.active():
            self._booked = False
        # Events wait for a tick without a request, but not for long.
        busy_link = link_work == ANSWERED or (link_work == READ and moving)
        self._late = self._late + 1 if busy_link and self._late < _LATE_TICKS else 0
        free = not (self._late or runner.worked)
        mirror_late = self._mirror - _MIRROR_TICKS
        # One of both in a tick; the mirror waits for a tick with time, but not for ever.
        if free and (mirror_late < 2 or not moving):
            free = not self.telemetry.send_due(now_ms, rate)
        if self.tested:
            self.alarms.indicate(self._indicators, now_ms, moving)
        if moving:
            self._mirror += 1
            if mirror_late >= (-1 if free else _MIRROR_TICKS - 1):
                self._mirror = 0
                runner.refresh_ledger()
        elif not was_moving:
            # Not in the tick in which motion ended: the heap is locked around that one, and flash takes its time.
            self._at_rest(now_ms)

    def poll_for_stop(self, now_us):
        """Between two ticks, when a frame as long as a STOP has come: a STOP does not wait for the tick."""
        self.runner.now_us = now_us
        self.server.poll_for_stop()

    def _finish_self_test(self):
        self.tested = True
        failed = self.self_test.failed
        self.log.add(LOG_SELF_TEST, 0 if failed else 1, self.now_ms, failed)
        if failed & ~TEST_CONFIGURATION:
            self.alarms.raise_alarm(codes.ALARM_SELF_TEST_FAILED, self.now_ms, failed)

    def _guard(self, now_ms):
        """What ends motion whatever the program."""
        runner = self.runner
        pressed = self._indicators.inputs()
        if pressed != self._pressed:
            self._pressed = pressed
            self.alarms.set_condition(codes.ALARM_STOP_BUTTON, pressed & _INPUT_STOP)
        state = runner.state
        if state < codes.STATE_RUNNING or state > codes.STATE_RELIEVING:
            return
        if pressed & _INPUT_STOP:
            runner.stop(codes.OUTCOME_STOPPED, codes.ALARM_STOP_BUTTON)
        elif state < codes.STATE_STOPPING and (now_ms - self.lease.from_ms) & MASK > self.lease.length_ms:
            runner.stop(codes.OUTCOME_LINK_LOST, codes.ALARM_LEASE_LOST, 0, True)
        elif self.pressure.fault and (state != codes.STATE_STOPPING or not self.motion.idle()):
            self._sensor_fault(runner)
        elif state != codes.STATE_WAITING:
            self._guard_motion(pressed, runner)

    def _sensor_fault(self, runner):
        """Ends a run, a waiting one too: its answer would set it in motion again."""
        fault = self.pressure.fault
        code = codes.ALARM_SENSOR_STUCK
        if fault == SILENT:
            code = codes.ALARM_SENSOR_SILENT
        elif fault == RANGE:
            code = codes.ALARM_SENSOR_RANGE
        runner.stop(codes.OUTCOME_ALARM, code, self.pressure.value_pa)

    def _guard_motion(self, pressed, runner):
        motion = self.motion
        position = self._last_position
        lag = motion.mismatch(position)
        if lag:
            runner.stop(codes.OUTCOME_ALARM, codes.ALARM_STEP_MISMATCH, lag)
            motion.halt()
        elif motion.starved:
            motion.starved = False
            runner.stop(codes.OUTCOME_ALARM, codes.ALARM_MOTION_STARVED)
        elif motion.direction > 0:
            if pressed & _INPUT_END:
                runner.stop(codes.OUTCOME_ALARM, codes.ALARM_TRAVEL_LIMIT)
            elif position >= self.syringe.low_at:
                self._syringe_low(position, runner)
        elif pressed & _INPUT_HOME:
            runner.stop(codes.OUTCOME_ALARM, codes.ALARM_TRAVEL_LIMIT)

    def _syringe_low(self, position, runner):
        syringe = self.syringe
        if position >= syringe.empty_at:
            runner.stop(codes.OUTCOME_ALARM, codes.ALARM_SYRINGE_EMPTY, syringe.remaining_nl())
        else:
            self.alarms.raise_once(codes.ALARM_SYRINGE_LOW, self.now_ms, syringe.remaining_nl())

    def book_run(self):
        """Books a run that has ended in window, journal and log. Nothing may move; no run may begin before."""
        runner = self.runner
        if self._booked or runner.active():
            return
        self._booked = True
        now_ms = self.now_ms
        self.window.add(now_ms, self.ledger.forward_nl)
        if not self.ledger.flush(self.window.total_nl(now_ms, self.settings.get(codes.SETTING_WINDOW_S))):
            self.storage_failed()
        self.log.add(LOG_PROGRAM_END, runner.outcome, now_ms, self.ledger.delivered_nl)
        if self.alarms.locked != bool(self._counters[2]):
            self._counters[2] = 1 if self.alarms.locked else 0
            self.journal.save(_COUNTERS_SLOT, self._counters, 4)

    def _at_rest(self, now_ms):
        """What may take its time: averaging the rest pressure, the journal, the log, leaving the loop."""
        self.pressure.average_rest()
        self.book_run()
        if self.path_set and not self.runner.active() and since(now_ms, self._path_ms) > _PATH_AGE_MS:
            self.forget_path()
        if self._stored or since(now_ms, self._store_ms) >= _STORE_AGAIN_MS:
            self._stored = self.log.flush_one(now_ms)
            if not self._stored:
                self.storage_failed()
        if self._exit_request and since(now_ms, self._exit_ms) >= 50:
            self.request = self._exit_request
