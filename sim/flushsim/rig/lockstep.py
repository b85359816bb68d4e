"""The rig: one clock for the firmware's tick, the link's bytes and the plant.

A tick is 5 ms. Pressure, switches and received bytes are 1.5 ms old when the firmware reads them, as on a board that
needs this long from sample to action. The step counter is read, and the outputs take effect, at the time of the tick,
so that a stop and the count after it agree, as in hardware. The same seed gives the same trace on both targets and at
any speed.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from flushsim.faults.routing import split
from flushsim.faults.spec import Fault
from flushsim.firmware import image
from flushsim.firmware.exchange import RX_MAX, TX_MAX
from flushsim.firmware.journal import Journal
from flushsim.firmware.native import DirectTarget
from flushsim.firmware.target import Target
from flushsim.firmware.vm import VmTarget
from flushsim.plant.plant import Plant, PlantPath
from flushsim.rig.base import HOST_BUFFER, POWER_CUT_US, TICK_US, PumpRig, path_of
from flushsim.rig.trace import TraceRow

LOOP_LATENCY_US = 1_500
WATCHDOG_US = 1_000_000
BOOT_US = 300_000
"""From a reset to the first step; about what a Pico needs to reach main.py (recalled, low confidence)."""

REQUEST_SERVICE = 1
REQUEST_RESET = 2

_CLOCK_MASK = 2**30 - 1

TARGETS: dict[str, Callable[[dict[str, Any], Journal], Target]] = {"sim": VmTarget, "native": DirectTarget}


class Rig(PumpRig):
    """A simulated pump with its line, from power-on at `now_us` 0.

    `faults` are texts as in `occlusion@3s`; `trace` is a list that gets a `TraceRow` each tick, or a path that gets
    the same as text; `journal` is the flash of an earlier rig; `device_clock_us` is what the device's clock shows at
    power-on, to test its wrap; `path` replaces the catalog's elements, `firmware` is an already loaded one,
    instead of `board` and `firmware_root`. Raises ValueError with one sentence for an unknown target, board or fault,
    UnknownNameError for an element that is not in the catalog, FirmwareError when the firmware cannot start or fails.
    """

    def __init__(
        self,
        target: str = "sim",
        board: str = "rpi_pico",
        line: str = "smartport-ct-8f",
        needle: str = "huber-20g",
        syringe: str = "bd-10",
        extension: str = "extension-20cm",
        faults: Sequence[str | Fault] = (),
        seed: int = 1,
        trace: list[TraceRow] | str | Path | None = None,
        journal: Journal | None = None,
        firmware_root: Path | None = None,
        device_clock_us: int = 0,
        path: PlantPath | None = None,
        firmware: image.Firmware | None = None,
    ) -> None:
        if target not in TARGETS:
            raise ValueError(f"there is no target '{target}'; known are {', '.join(TARGETS)}")
        plant_faults, link_faults, rig_faults = split(faults)
        self._target_type = TARGETS[target]
        self._firmware = image.load_firmware(board, firmware_root) if firmware is None else firmware
        self._seed = seed
        path = path_of(line, needle, syringe, extension) if path is None else path
        plant = Plant(path, self._firmware.board, plant_faults, seed)
        super().__init__(plant, link_faults, rig_faults, seed, trace)
        self.journal = Journal() if journal is None else journal
        self._sampled_inputs = self._inputs
        self._scratch: tuple[int, ...] = (0, 0, 0, 0)
        self._clock_origin_us = -device_clock_us
        self._position_origin = 0
        self._stalled_since_us: int | None = None
        self._stalled_until_us: int | None = None
        self._boot_at_us = 0
        self._boot_cause = image.RESET_POWER_ON
        self._target: Target | None = None
        self._serviced = False
        self._start_target()

    @property
    def up(self) -> bool:
        return self._target is not None and not self._serviced

    def step(self) -> None:
        """Advances the simulation by one tick of 5 ms. Raises FirmwareError when the firmware fails."""
        now_us = self.now_us
        if self._has_pending_faults():
            self._start_due_faults()
        if self._runs(now_us):
            assert self._target is not None
            self._tick_firmware(self._target, now_us)
        self.plant.advance(now_us + TICK_US - LOOP_LATENCY_US)
        self.reading = self.plant.read_sensor()
        self._sampled_inputs = self._inputs
        self.plant.advance(now_us + TICK_US)
        self.now_us = now_us + TICK_US
        self._trace_tick()

    def reset(self, cause: int = image.RESET_BUTTON) -> None:
        """Restarts the board: motion ends at once, scratch values and journal stay."""
        self._shut_down(self.now_us + BOOT_US, cause)

    def power_cut(self, off_us: int = POWER_CUT_US) -> None:
        """Switches the power off for `off_us`: as a reset, and the scratch values are lost."""
        self._shut_down(self.now_us + off_us + BOOT_US, image.RESET_POWER_ON)
        self._scratch = (0, 0, 0, 0)

    def kill_loop(self, duration_us: int | None = None) -> None:
        """The firmware's loop hangs, for ever or for `duration_us`; after 1 s the watchdog resets the board."""
        self._stalled_since_us = self.now_us
        self._stalled_until_us = None if duration_us is None else self.now_us + duration_us

    def close(self) -> None:
        """Ends the firmware; the plant can still be read."""
        if self._target is not None:
            self._target.close()
            self._target = None
        super().close()

    def _can_receive(self) -> bool:
        return self._target is not None

    def _runs(self, now_us: int) -> bool:
        """Whether the firmware runs in this tick; restarts the board when its boot time is over."""
        if self._stalled_since_us is not None:
            if self._stalled_until_us is not None and now_us >= self._stalled_until_us:
                self._stalled_since_us = None
            elif now_us - self._stalled_since_us >= WATCHDOG_US:
                self._shut_down(now_us + BOOT_US, image.RESET_WATCHDOG)
            else:
                return False
        if self._target is None:
            if now_us < self._boot_at_us:
                return False
            self._clock_origin_us = now_us
            self._start_target()
        return not self._serviced

    def _start_target(self) -> None:
        self.boots += 1
        self._serviced = False
        self._position_origin = self.plant.stepper.position
        self._target = self._target_type(
            image.boot_config(
                self._firmware,
                unit=b"SIM%05d" % (self._seed % 100_000),
                reset_cause=self._boot_cause,
                entropy_seed=(self._seed * 2_654_435_761 + self.boots * 40_503) & 0xFFFFFFFF,
                scratch=self._scratch,
            ),
            self.journal,
        )

    def _shut_down(self, boot_at_us: int, cause: int) -> None:
        if self._target is not None:
            self._scratch = self._target.scratch
            self._target.close()
            self._target = None
        self.plant.stepper.stop()
        self.plant.stepper.enable(False)
        self._to_device.clear()
        self._stalled_since_us = None
        self.moving = False
        self.light = self.sound = 0
        self._boot_at_us = boot_at_us
        self._boot_cause = cause

    def _tick_firmware(self, target: Target, now_us: int) -> None:
        """One tick of the firmware: sets its inputs and applies its outputs."""
        stepper = self.plant.stepper
        inputs = target.inputs
        inputs.now_us = now_us - self._clock_origin_us & _CLOCK_MASK
        inputs.switches = self._sampled_inputs
        inputs.counts = self.reading
        inputs.received = received = self._to_device.arrived(now_us - LOOP_LATENCY_US)
        inputs.count = min(len(received), RX_MAX) if received else 0
        held = self._to_host.held()
        inputs.room = min(TX_MAX, max(0, HOST_BUFFER - held)) if held else TX_MAX
        inputs.slots_used = stepper.slots_used
        inputs.queued_us = stepper.queued_us()
        inputs.position = stepper.position - self._position_origin
        target.tick()
        out = target.outputs
        self.moving = out.moving
        self.light = out.light
        self.sound = out.sound
        if out.stopped:
            stepper.stop()
        stepper.enable(out.enabled)
        slices = out.slices
        for at in range(0, len(slices), 3):
            stepper.queue(slices[at], slices[at + 1], slices[at + 2])
        if out.taken:
            self._to_device.take_bytes(out.taken)
        if out.sent:
            self._sent(out.sent)
        if out.request == REQUEST_RESET:
            self._shut_down(now_us + BOOT_US, image.RESET_COMMAND)
        elif out.request == REQUEST_SERVICE:
            # The firmware leaves its loop for the prompt, which the rig does not have; only a reset restarts the pump.
            self._serviced = True
