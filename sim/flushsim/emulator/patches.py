"""Time and pins of the emulated chip: corrections of rp2040py 0.3.6 from outside.

Each could be offered to rp2040py; sim/tests/emulator/test_patches.py proves it.

`PioClock`: PIO must follow the clock, not the processor. `execute_batch` lets each machine do at most one instruction
for each instruction of the processor, and one for each jump of an idle clock: a train of pulses is stretched while the
processor works, and nearly stops while it sleeps. Here a clock alarm at the next machine's due time moves both
blocks, exact to the cycle in either case; a loop that only counts (`jmp x-- here`) is skipped in one stride, so PIO
costs nothing while a machine waits for its time.

`PadInputs`: what a pin puts out is what its input sees. rp2040py's inputs see only what is driven from outside, so
that one PIO machine cannot watch the pin of another.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rp2040py.gpio_pin import GPIOPinState
from rp2040py.rp2040 import RP2040

NANOS_PER_CYCLE = 8
_PIO_PLACES = (0x50200, 0x50300)
_FOREVER = 1 << 60
_RXF0, _RXF3 = 0x20, 0x2C


@dataclass
class _Stride:
    """Iterations of a loop that counts X (`register` 0) or Y (1) down, taken at once: from `start` on, each `cost`.

    Both are in 1/256 of a cycle, as rp2040py counts PIO's time.
    """

    start: int
    cost: int
    iterations: int
    register: int

    @property
    def end(self) -> int:
        """When the loop's last iteration is due, which the machine executes."""
        return self.start + self.iterations * self.cost


class PioClock:
    """Moves both PIO blocks by the clock. Made after the Simulator, which must not move them as well."""

    def __init__(self, rp2040: RP2040) -> None:
        self._clock = rp2040.clock
        self._pios: list[Any] = list(rp2040.pio)
        self._alarm = self._clock.create_alarm(self._due)
        self._cycle = self._now()
        self._strides: dict[Any, _Stride] = {}
        self._last_state: dict[Any, tuple[int, int, int]] = {}
        for place, pio in zip(_PIO_PLACES, self._pios, strict=True):
            pio.stopped = True
            rp2040.peripherals[place] = _Registers(self, pio)  # type: ignore[assignment]
        reset: Callable[[], None] | None = rp2040.usb_ctrl.on_reset

        def forget() -> None:
            self._strides.clear()
            self._last_state.clear()
            self._alarm.cancel()
            if reset is not None:
                reset()

        rp2040.usb_ctrl.on_reset = forget

    def catch_up(self) -> None:
        """Brings the blocks' own count of cycles up to the clock, and lets run what is due."""
        now = self._now()
        cycles = now - self._cycle
        self._cycle = now
        for pio in self._pios:
            pio.advance(cycles)

    def arm(self) -> None:
        """Sets the alarm to the next due time of any machine."""
        wait = _FOREVER
        for pio in self._pios:
            pio.stopped = True
            if pio.next_due_fp < _FOREVER:
                self._stride(pio)
                wait = min(wait, max(0, -(-(pio.next_due_fp - pio.cycle_fp) >> 8)))
        if wait < _FOREVER:
            self._alarm.schedule(wait * NANOS_PER_CYCLE)
        else:
            self._alarm.cancel()

    def update_machines(self, pio: Any) -> None:
        """Puts registers and due times of machines in a stride to what they are now, before a change of them."""
        for machine in pio.machines:
            stride = self._strides.pop(machine, None)
            if stride is not None and pio.cycle_fp < stride.end:
                done = max(0, (pio.cycle_fp - stride.start) // stride.cost + 1)
                if stride.register == 0:
                    machine.x = stride.iterations - done
                else:
                    machine.y = stride.iterations - done
                machine.next_due_fp = stride.start + done * stride.cost
        pio.recompute_due()

    def _due(self) -> None:
        self.catch_up()
        self.arm()

    def _now(self) -> int:
        return int(self._clock.nanos) // NANOS_PER_CYCLE

    def _stride(self, pio: Any) -> None:
        """Machines that have jumped to where they were, one count lower, are moved to the loop's last iteration."""
        moved = False
        for machine in pio.machines:
            if not machine.enabled or machine.waiting:
                continue
            stride = self._strides.get(machine)
            if stride is not None:
                if pio.cycle_fp < stride.end:
                    continue
                del self._strides[machine]
            pc = machine.pc
            instruction = pio.instructions[pc]
            counts = (machine.x, machine.y)
            register = _COUNTING.get(instruction & 0xE0E0)
            if register is None or instruction & 0x1F != pc:
                self._last_state.pop(machine, None)
                continue
            before = self._last_state.get(machine)
            self._last_state[machine] = (pc, *counts)
            iterations = counts[register]
            if iterations and before is not None and before[0] == pc and before[1 + register] == iterations + 1:
                delay = instruction >> 8 & (1 << 5 - machine.sideset_count) - 1
                cost = (1 + delay) * machine.div_fp
                self._strides[machine] = _Stride(machine.next_due_fp, cost, iterations, register)
                if register == 0:
                    machine.x = 0
                else:
                    machine.y = 0
                machine.next_due_fp += iterations * cost
                moved = True
        if moved:
            pio.recompute_due()


# jmp x-- and jmp y--, without delay and target: the register that they count.
_COUNTING = {0x0040: 0, 0x0080: 1}


class _Registers:
    """A PIO block as the bus sees it: up to date when it is read or written, and waited for afterwards."""

    def __init__(self, clock: PioClock, pio: Any) -> None:
        self._clock = clock
        self._pio = pio

    def read_uint32(self, offset: int) -> int:
        if _RXF0 <= offset <= _RXF3:
            # Takes a word out of a FIFO, for which a machine may wait.
            self._clock.catch_up()
            value = int(self._pio.read_uint32(offset))
            self._clock.arm()
            return value
        return int(self._pio.read_uint32(offset))

    def write_uint32(self, offset: int, value: int) -> None:
        self.write_uint32_atomic(offset, value, 0)

    def write_uint32_atomic(self, offset: int, value: int, atomic_type: int) -> None:
        self._clock.catch_up()
        self._clock.update_machines(self._pio)
        self._pio.write_uint32_atomic(offset, value, atomic_type)
        self._clock.arm()


class PadInputs:
    """Lets inputs see outputs, and keeps what is driven from outside apart from them."""

    def __init__(self, rp2040: RP2040, changed: Callable[[], None]) -> None:
        self._pins = rp2040.gpio
        self._changed = changed
        self._outside: dict[int, bool] = {}
        for index, pin in enumerate(self._pins):
            pin.add_listener(self._listener(index))

    def drive(self, index: int, level: bool | None) -> None:
        """Puts a level on a pin from outside; None lets it go to its pull resistor."""
        if level is None:
            self._outside.pop(index, None)
            self._pins[index].release_input()
        else:
            self._outside[index] = level
            self._pins[index].set_input_value(level)
        self._changed()

    def _listener(self, index: int) -> Callable[[GPIOPinState, GPIOPinState], None]:
        pin = self._pins[index]

        def changed(state: GPIOPinState, before: GPIOPinState) -> None:
            if state in (GPIOPinState.LOW, GPIOPinState.HIGH):
                pin.set_input_value(state == GPIOPinState.HIGH)
            elif before in (GPIOPinState.LOW, GPIOPinState.HIGH):
                level = self._outside.get(index)
                if level is None:
                    pin.release_input()
                else:
                    pin.set_input_value(level)

        return changed
