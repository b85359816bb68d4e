"""The loop of main.py: every way out ends the steps and switches the driver off before anything else."""

import builtins
import importlib.util
import sys
import types
from pathlib import Path

import pytest
from flushlink import messages

MAIN = Path(__file__).resolve().parents[2] / "main.py"
STRAP = 32


class Parts:
    """Ports that note what is done to them, and a controller that moves, asks to leave or fails at a given tick."""

    def __init__(self):
        self.done = []
        self.complaint = ""
        self.pressed = 0
        self.error = None
        self.ticks = 3
        self.request_at_end = 1
        self.moving_from = 1
        self.new_fault = False
        self.logged = []
        self.interrupts = []
        self.short_frames = 0

    # Port calls

    def stop(self):
        self.done.append("stop")

    def enable(self, on):
        self.done.append("enable" if on else "disable")

    def show(self, light, sound):
        self.done.append(f"show {light} {sound}")

    def inputs(self):
        return self.pressed

    def open(self):
        self.done.append("open")

    def close(self):
        self.done.append("close")

    # Watchdog and fault log

    def start(self):
        self.done.append("watchdog")

    def feed(self):
        self.done.append("feed")

    def end_watchdog(self):
        self.done.append("watchdog off")

    def keep(self, error):
        self.done.append(f"kept {type(error).__name__}")

    def note(self, sentence):
        self.done.append(f"noted {sentence}")

    def take_new(self):
        return self.new_fault


@pytest.fixture
def loop(monkeypatch):
    """The module main, its parts, and the clock that its sleeping advances."""
    parts = Parts()
    clock = types.SimpleNamespace(now_us=0, tick_us=1_000, locked=0)

    class Controller:
        def __init__(self, *ports):
            self.request = 0
            self.moving = False
            self.log = types.SimpleNamespace(add=lambda *entry: parts.logged.append(entry))
            self._tick = 0

        def tick(self, now_us):
            self._tick += 1
            parts.done.append(f"tick {now_us} {'locked' if clock.locked else 'free'}")
            clock.now_us += clock.tick_us
            self.moving = self._tick >= parts.moving_from
            clock.short_frames = parts.short_frames
            if self._tick == parts.ticks:
                if parts.error is not None:
                    raise parts.error
                self.request = parts.request_at_end

        def poll_for_stop(self, now_us):
            parts.done.append(f"poll {now_us} {'locked' if clock.locked else 'free'}")

    controller = types.ModuleType("pump.controller")
    controller.Controller = Controller
    micropython = types.ModuleType("micropython")
    micropython.const = lambda value: value
    micropython.heap_lock = lambda: setattr(clock, "locked", clock.locked + 1)
    micropython.heap_unlock = lambda: setattr(clock, "locked", clock.locked - 1)
    micropython.kbd_intr = lambda code: parts.interrupts.append(code)
    machine = types.ModuleType("machine")
    machine.reset = lambda: parts.done.append("reset")
    identity = types.ModuleType("hardware.identity")
    identity.mark_command = lambda: parts.done.append("marked")
    for module in (controller, micropython, machine, identity):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    # The loop lets go of them, and other tests of this process need them.
    for name in ("messages", "fingerprint"):
        monkeypatch.delitem(sys.modules, "flushlink." + name, raising=False)
    monkeypatch.setattr("gc.threshold", lambda size: None, raising=False)
    monkeypatch.setattr("time.ticks_us", lambda: clock.now_us, raising=False)
    monkeypatch.setattr("time.ticks_add", lambda ticks, delta: ticks + delta, raising=False)
    monkeypatch.setattr("time.ticks_diff", lambda later, earlier: later - earlier, raising=False)
    clock.short_frames = 0

    def listen(due_us):
        if clock.short_frames:
            clock.short_frames -= 1
            clock.now_us += 300
            return True
        clock.now_us = max(clock.now_us, due_us)
        return False

    parts.check_bus = lambda: None
    parts.listen = listen
    spec = importlib.util.spec_from_file_location("flushpump_main", MAIN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.MANIFEST = __file__
    # Here the same modules serve other tests; what is let go of on a board, its own suite shows.
    module.START_ONLY = module.START_ONLY_METHODS = ()
    return module, parts, clock


def run(loop):
    module, parts, _ = loop
    watchdog = types.SimpleNamespace(start=parts.start, feed=parts.feed, stop=parts.end_watchdog)
    module.run((None, parts, parts, None, None, parts, None, parts), watchdog, parts)
    return parts.done


def ticks(done):
    return [entry for entry in done if entry.startswith("tick")]


def test_a_service_command_leaves_for_the_prompt_with_driver_lights_and_watchdog_off(loop):
    done = run(loop)
    assert len(ticks(done)) == 3
    last = done.index(ticks(done)[-1])
    assert done[last + 1 :] == ["feed", "stop", "disable", "show 0 0", "close", "marked", "watchdog off"]


def test_a_reset_command_marks_its_cause_and_restarts_the_chip_with_the_driver_off(loop):
    loop[1].request_at_end = 2
    assert run(loop)[-6:] == ["stop", "disable", "show 0 0", "close", "marked", "reset"]


@pytest.mark.requirement("REQ-LOG-1")
@pytest.mark.parametrize("new", [False, True])
def test_the_exception_that_ended_the_last_loop_is_an_entry_of_the_log(loop, new):
    loop[1].new_fault = new
    run(loop)
    assert loop[1].logged == ([(messages.LOG_FAULT, 1, 0)] if new else [])


@pytest.mark.requirement("REQ-STOP-4")
@pytest.mark.parametrize("error", [MemoryError(), ValueError("odd"), KeyboardInterrupt(), SystemExit()])
def test_whatever_ends_the_loop_the_driver_is_off_before_the_fault_is_kept_and_the_watchdog_runs_on(loop, error):
    loop[1].error = error
    with pytest.raises(type(error)):
        run(loop)
    done = loop[1].done
    last = done.index(ticks(done)[-1])
    assert done[last + 1 : last + 4] == ["stop", "disable", f"kept {type(error).__name__}"]
    assert done[-1] == "close"
    assert "watchdog off" not in done
    assert loop[2].locked == 0


def test_the_heap_is_locked_around_a_tick_when_the_pump_moved_after_the_last_one(loop):
    loop[1].ticks = 4
    loop[1].moving_from = 2
    assert [entry.split()[2] for entry in ticks(run(loop))] == ["free", "free", "locked", "locked"]


@pytest.mark.requirement("REQ-STOP-1")
def test_a_frame_as_long_as_a_stop_is_sounded_between_the_ticks_with_the_heap_locked_as_in_them(loop):
    loop[1].ticks = 2
    loop[1].moving_from = 2
    loop[1].short_frames = 2
    calls = [entry for entry in run(loop) if entry[:4] in ("tick", "poll")]
    assert calls == [
        "tick 0 free", "poll 1300 free", "poll 1600 free", "tick 5000 free", "poll 6300 locked", "poll 6600 locked",
    ]  # fmt: skip


def test_a_tick_comes_every_5_ms_and_ticks_that_were_lost_are_not_caught_up_with(loop):
    loop[1].ticks = 3
    assert [entry.split()[1] for entry in ticks(run(loop))] == ["0", "5000", "10000"]
    loop[1].done.clear()
    loop[2].now_us = 0
    loop[2].tick_us = 400_000
    assert [entry.split()[1] for entry in ticks(run(loop))] == ["0", "400000", "800000"]


@pytest.mark.requirement("REQ-STOP-4")
def test_the_watchdog_starts_with_the_loop_and_is_fed_once_a_tick(loop):
    done = run(loop)
    assert done.index("watchdog") < done.index(ticks(done)[0])
    assert done.count("feed") == 3


@pytest.mark.parametrize(("pressed", "complaint"), [(STRAP, ""), (0, "the files are not those of its manifest")])
def test_a_set_strap_or_a_half_flashed_board_keeps_the_prompt_and_nothing_moves(loop, capsys, pressed, complaint):
    loop[1].pressed, loop[1].complaint = pressed, complaint
    assert run(loop) == ["stop", "disable", "show 0 0", "close"]
    assert complaint in capsys.readouterr().out


def start(loop, monkeypatch, error):
    """main() on a board whose `hardware` has ports() that fails."""

    def ports(report, feed):
        raise error

    package = types.ModuleType("hardware")
    package.ports = ports
    names = {"fault_log": "FaultLog", "watchdog": "Watchdog"}
    monkeypatch.setitem(sys.modules, "hardware", package)
    for name, made in names.items():
        module = types.ModuleType(f"hardware.{name}")
        setattr(module, made, lambda **_: loop[1])
        monkeypatch.setitem(sys.modules, f"hardware.{name}", module)
    loop[0].main()


@pytest.mark.parametrize(
    "error", [ValueError("board data: 'pins' is missing"), ImportError("no module named 'pump.board'")]
)
def test_a_board_that_cannot_start_reports_why_in_a_sentence_and_stays_at_the_prompt(loop, monkeypatch, capsys, error):
    start(loop, monkeypatch, error)
    sentence = capsys.readouterr().out
    assert sentence.startswith("flushpump: the pump does not start: ")
    assert str(error) in sentence
    assert sentence.count("\n") == 1
    assert loop[1].done == []


@pytest.mark.parametrize("error", [ImportError("no module named 'hardware'"), ValueError("incompatible .mpy file")])
def test_a_firmware_that_cannot_be_loaded_is_reported_in_one_sentence(loop, monkeypatch, capsys, error):
    def refuse(name, *_):
        raise error

    monkeypatch.setattr(builtins, "__import__", refuse)
    loop[0].main()
    monkeypatch.undo()
    assert f"the firmware cannot be loaded ({error}); flash the board again" in capsys.readouterr().out


@pytest.mark.requirement("REQ-START-3")
def test_a_half_flashed_board_loads_no_module_and_reports_so(loop, monkeypatch, capsys):
    loop[0].MANIFEST = "/no-such-folder/manifest.json"
    # It would raise if the hardware were looked for.
    start(loop, monkeypatch, KeyError("two releases"))
    assert capsys.readouterr().out == (
        "flushpump: the pump does not start: flashing was not completed; flash the board again\n"
    )
    assert loop[1].done == []


def test_a_ctrl_c_is_only_a_byte_while_the_pump_starts(loop, monkeypatch):
    start(loop, monkeypatch, ValueError("board data"))
    assert loop[1].interrupts == [-1]


def test_an_exception_of_the_start_is_kept_in_the_fault_log(loop, monkeypatch):
    with pytest.raises(OSError, match="no such pin"):
        start(loop, monkeypatch, OSError("no such pin"))
    assert loop[1].done == ["kept OSError"]
