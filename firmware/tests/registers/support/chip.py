"""An emulated RP2040 (rp2040py) without a processor: registers, PIO, DMA and pins, moved cycle by cycle.

The emulator's own loop follows the instructions of a processor; here nothing but the machines runs, each exactly one
instruction a cycle. Waiting loops (`jmp x-- here`) are taken in one stride, as long as nothing else is due.
"""

from collections.abc import Callable
from random import Random
from typing import Any

from rp2040py.clock.simulation_clock import SimulationClock
from rp2040py.gpio_pin import GPIOPinState
from rp2040py.rp2040 import RP2040

CYCLES_PER_US = 125
NANOS_PER_CYCLE = 8.0


class Chip:
    """`cycle` is the time. Each access to a register or a word of memory takes `access_cycles` beforehand.

    What PIO and DMA do between two accesses is what makes appending delicate: with a `seed`, each access takes a random
    time up to `access_cycles`, at least one.
    """

    def __init__(self, access_cycles: int = 4, seed: int | None = None, strides: bool = True) -> None:
        self.clock = SimulationClock()
        self.rp = RP2040(self.clock)
        # Without a simulator, PIO would start a loop of its own.
        self.rp.simulator = self
        self.cycle = 0
        self.access_cycles = access_cycles
        self.edges: list[tuple[int, int, int]] = []
        self.accesses = 0
        self.memory_used = 0
        self._random = None if seed is None else Random(seed)
        self._strides = strides

    def wire(self, pin: int, observed: Callable[[int, int], None] | None = None) -> None:
        """A pin whose level the chip's own inputs see, with all edges in `edges` (cycle, pin, level)."""
        gpio = self.rp.gpio[pin]

        def changed(state: GPIOPinState, _before: GPIOPinState) -> None:
            level = int(state == GPIOPinState.HIGH)
            if observed is not None:
                observed(self.cycle, level)
            else:
                self.edges.append((self.cycle, pin, level))
            gpio.set_input_value(bool(level))

        gpio.add_listener(changed)

    def level(self, pin: int) -> int:
        """1 when the pin is driven high."""
        return int(self.rp.gpio[pin].value == GPIOPinState.HIGH)

    def access(self, address: int, value: int | None = None) -> int:
        """One read, or one write of `value`, by the program on the board."""
        self.accesses += 1
        self.run(self._random.randint(1, self.access_cycles) if self._random else self.access_cycles)
        if value is None:
            return int(self.rp.read_uint32(address))
        self.rp.write_uint32(address, value & 0xFFFF_FFFF)
        # The DMA starts in the cycles between two accesses, even when the test gives them none.
        self.clock.tick(0.0)
        # The emulator reports of pins that a written instruction has changed only with the machine's next one.
        for pio in self.rp.pio:
            pio.check_changed_pins()
        return 0

    def run(self, cycles: int) -> None:
        """Moves time."""
        end = self.cycle + cycles
        first, second = self.rp.pio
        machine = first.machines[0]
        tick = self.clock.tick
        strides = self._strides
        while self.cycle < end:
            now = self.cycle
            due = first.next_due_fp >> 8
            until = second.next_due_fp >> 8
            if until > end:
                until = end
            if due > now + 1:
                stride = (due if due < until else until) - now
            elif strides and machine.x > 0 and not machine.waiting and is_loop(machine):
                stride = min(machine.x, until - now - 1)
                if stride > 0:
                    machine.x -= stride
                    machine.next_due_fp += stride << 8
                    first.recompute_due()
            else:
                stride = 1
            if stride < 1:
                stride = 1
            self.cycle = now + stride
            first.advance(stride)
            second.advance(stride)
            tick(stride * NANOS_PER_CYCLE)


def is_loop(machine: Any) -> bool:
    """Whether a machine is at an instruction `jmp x-- here` without delay, whatever its side-set."""
    place = machine.pc
    return machine.pio.instructions[place] & 0xEFFF == 0x0040 | place
