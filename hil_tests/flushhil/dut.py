"""The device under test: a pump on the target of the tests, with its client and its syringe.

On a simulated target `plant` has the ground truth, and `rig` presses buttons and pulls plugs.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest
from flushlink import messages
from flushpump.access.access_path import AccessPath
from flushpump.device.bench_hooks import fill_syringe
from flushpump.device.drive import ProgramEvents, answer_and_follow
from flushpump.device.pump import DEFAULT_KEY, LEASE_MS, Pump
from flushpump.errors import FlushPumpError, RefusedError
from flushpump.link.ports import READ_WAIT_S, open_port
from flushpump.planning.plan import path_settings
from flushpump.wire.messages import (
    Event,
    Fluid,
    LineFlag,
    PathApplied,
    PathSettings,
    Phase,
    PhaseKind,
    Program,
    Question,
    State,
)

_REBOOT_S = 15.0
_SELF_TEST_S = 0.3
_RETURN_NL = 4_000_000
MOVING = (State.RUNNING, State.STOPPING, State.RELIEVING)
ASPIRATE = Phase(PhaseKind.ASPIRATE, 500_000, 500_000, question=Question.BLOOD_RETURN)
LOCK = Phase(PhaseKind.LOCK, 500_000, 500_000)


def pulses(count: int, volume_nl: int = 900_000, flow_nl_per_s: int = 2_000_000, pause_ms: int = 400) -> Phase:
    """Pulses, by default those of port-maintenance."""
    return Phase(PhaseKind.PULSES, volume_nl, flow_nl_per_s, count=count, pause_ms=pause_ms)


def steady(volume_nl: int, flow_nl_per_s: int) -> Phase:
    """One even flow."""
    return Phase(PhaseKind.STEADY, volume_nl, flow_nl_per_s)


def refused_as(command: Callable[[], object]) -> str:
    """The name of the status with which the device refuses the command."""
    with pytest.raises(RefusedError) as refused:
        command()
    return refused.value.status_name


class SharedPort:
    """A port that several clients share: it stays open when one of them closes it."""

    def __init__(self, port: Any) -> None:
        self._port = port

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)

    def close(self) -> None:
        """Does nothing."""


def _port_on(board: Any, line: str, needle: str, syringe: str, faults: Sequence[str], seed: int) -> Any:
    """The console of an emulated board that has been started, with a line at its pump."""
    from flushsim.emulator.rig import EmulatorRig
    from flushsim.url.serial_urls.protocol_flushsim import Serial

    rig = EmulatorRig(line=line, needle=needle, syringe=syringe, faults=faults, seed=seed, on=board)
    return Serial.over(rig, timeout=READ_WAIT_S)


class DeviceUnderTest:
    """A pump on `target` ("sim", "native", "emulator" or "serial:DEVICE"), opened unless `greet` is False.

    `faults`, `seed`, `line`, `needle` and `syringe` set up the simulator; on a real board the test needs that line.
    `board` is a started one for the target emulator.
    """

    def __init__(
        self,
        target: str,
        line: str = "smartport-ct-8f",
        needle: str = "huber-20g",
        syringe: str = "bd-10",
        faults: Sequence[str] = (),
        seed: int = 1,
        key: bytes | None = DEFAULT_KEY,
        greet: bool = True,
        board: Any = None,
    ) -> None:
        self.target = target
        self.path = AccessPath.of(line, needle, syringe)
        self.key = key
        if self.on_board:
            self.url = target.removeprefix("serial:")
        else:
            options = {"target": target, "line": line, "needle": needle, "syringe": syringe, "seed": str(seed)}
            self.url = "flushsim://?" + urlencode([*options.items(), *(("fault", fault) for fault in faults)])
        self.port: Any = open_port(self.url) if board is None else _port_on(board, line, needle, syringe, faults, seed)
        self._pump: Pump | None = None
        self._loaded_nl = 0
        self._fastest_ml_per_s = 0.0
        if greet:
            self.greet()

    @property
    def on_board(self) -> bool:
        """Whether this is a real board."""
        return self.target.startswith("serial:")

    def close(self) -> None:
        """Closes the port; a real pump is stopped, and its plunger moved back to where it was."""
        try:
            if self.on_board and self._pump is not None:
                self._pump = self.second_host()
                self._return_volume()
        finally:
            self.port.close()

    # Ground truth and physical inputs, on simulated targets only

    @property
    def rig(self) -> Any:
        return self.port.rig

    @property
    def plant(self) -> Any:
        return self.port.rig.plant

    def simulate_until(self, condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
        """Simulates until the condition holds, ticks at a time; the host neither reads nor writes."""
        until_us = self.rig.now_us + round(timeout_s * 1e6)
        while not condition():
            assert self.rig.now_us < until_us, f"the condition did not hold within {timeout_s:g} s"
            self.rig.step()

    def simulate(self, seconds: float) -> None:
        """Simulates so long; the host neither reads nor writes."""
        self.rig.run_until(self.rig.now_us + round(seconds * 1e6))

    def restart(self, by: Callable[[], None]) -> None:
        """Restarts the pump and waits until it runs again; the session is lost, and the client does not know it yet."""
        boots = self.rig.boots
        by()
        self.simulate_until(lambda: self.rig.boots > boots and self.rig.up, _REBOOT_S)
        self.simulate(_SELF_TEST_S)

    # The client

    @property
    def pump(self) -> Pump:
        assert self._pump is not None
        return self._pump

    def greet(self) -> Pump:
        """Opens a session, which ends an older one. A real pump is reset to its state after power-on."""
        self._pump = Pump.over(SharedPort(self.port), self.url, self.key)
        if self.on_board:
            self._reset_to_defaults()
        return self._pump

    def _reset_to_defaults(self) -> None:
        """A real pump still has the state of the test before: sets default settings, restarts, acknowledges alarms."""
        self.pump.stop()
        for _, name, _, _, default, _ in messages.SETTINGS:
            if self.pump.get_setting(name) != default:
                self.pump.set_setting(name, default)
        self.pump.reset()
        self.port.close()
        self._pump = self._after_restart()
        self.acknowledge_all()

    def _after_restart(self) -> Pump:
        """Opens the pump as soon as it answers again; its USB port disappears meanwhile."""
        until_s = time.monotonic() + _REBOOT_S
        while True:
            time.sleep(0.5)
            try:
                self.port = open_port(self.url)
                return Pump.over(SharedPort(self.port), self.url, self.key)
            except FlushPumpError:
                self.port.close()
                if time.monotonic() > until_s:
                    raise

    def _return_volume(self) -> None:
        """Draws back the driven volume from the beaker at the line's end: nobody refills a real syringe."""
        self.pump.stop()
        self.acknowledge_all()
        missing_nl = self._loaded_nl - self.pump.status().syringe_remaining_nl
        while missing_nl > 1_000:
            self.pump.aspirate(min(missing_nl, _RETURN_NL) / 1e6, 1.0)
            self.pump.wait_until_still()
            missing_nl -= _RETURN_NL
        self._loaded_nl = 0

    def second_host(self, key: bytes | None = DEFAULT_KEY) -> Pump:
        """Another client on the same port, with its own session; the port stays open when this client closes it."""
        return Pump.over(SharedPort(self.port), self.url, key)

    def path_settings(self, loaded_ml: float = 10.0, fluid: Fluid = Fluid.SALINE, **changes: Any) -> PathSettings:
        """PATH_SET of this path. The tip is in a beaker, so the line is not central and needs no blood return."""
        path = self.path.fitted_to(self._fastest_ml_per_s)
        return replace(path_settings(path, fluid, loaded_ml), **{"line_flags": LineFlag.NONE, **changes})

    def set_path(self, loaded_ml: float = 10.0, fluid: Fluid = Fluid.SALINE, **changes: Any) -> PathApplied:
        """Inserts a full syringe and sends PATH_SET; `changes` replace its fields."""
        if self.on_board and self._loaded_nl:
            self._return_volume()
        fill_syringe(self.pump, loaded_ml)
        applied = self.pump.set_path(self.path_settings(loaded_ml, fluid, **changes))
        self._loaded_nl = applied.syringe_loaded_nl
        return applied

    def load(self, *phases: Phase, max_time_ms: int = 60_000) -> int:
        return self.pump.load(Program(phases, max_time_ms))

    def start(self, *phases: Phase, lease_ms: int = LEASE_MS, max_time_ms: int = 60_000, **path: Any) -> None:
        """Sends path, program and START."""
        # As a plan does: PATH_SET has the resistance at the flow of the fastest phase.
        self._fastest_ml_per_s = max((phase.flow_nl_per_s for phase in phases), default=0) / 1e6
        self.set_path(**path)
        self.load(*phases, max_time_ms=max_time_ms)
        self.pump.start(lease_ms)

    @property
    def moves(self) -> tuple[Callable[[], object], ...]:
        """Every command that moves the plunger; START starts the loaded program."""
        return self.pump.start, partial(self.pump.prime, 0.1, 0.5), partial(self.pump.aspirate, 0.1, 0.5)

    def follow(self, answers: Mapping[Question, bool] | None = None, loaded_ml: float = 10.0) -> ProgramEvents:
        """Collects all events until the program's end and answers its questions, by default with yes."""
        return answer_and_follow(self.pump, loaded_ml, lambda question: True if answers is None else answers[question])

    def run(self, *phases: Phase, **path: Any) -> ProgramEvents:
        """Sends path, program and START, and collects all events until the end."""
        self.start(*phases, **path)
        return self.follow()

    def wait(self, seconds: float) -> list[Event]:
        """Lets time pass; the client renews its lease, if it has one."""
        until_s = self.pump.now_s + seconds
        events: list[Event] = []
        while self.pump.now_s < until_s:
            events += self.pump.poll(min(0.05, until_s - self.pump.now_s))
        return events

    def silence(self, seconds: float) -> None:
        """Lets time pass; the host sends nothing."""
        self.pump.link.listen(self.pump.now_s + seconds)

    def acknowledge_all(self) -> None:
        for alarm in self.pump.alarms():
            self.pump.acknowledge(alarm.occurrence)

    def alarm_names(self) -> list[str]:
        """The pending alarms, highest priority first."""
        return [alarm.name for alarm in self.pump.alarms()]
