"""An assembler for the part of MicroPython's `rp2.asm_pio` that the firmware uses (RP2040 datasheet, 3.4)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FunctionType
from typing import Any

SOURCES = {"pins": 0, "x": 1, "y": 2, "null": 3, "pindirs": 4, "pc": 5, "isr": 6, "osr": 7, "pin": 6}
CONDITIONS = {"not_x": 1, "x_dec": 2, "not_y": 3, "y_dec": 4, "x_not_y": 5, "not_osre": 7}
CONSTANTS = {**SOURCES, **CONDITIONS, "noblock": 0, "block": 1}


class PIO:
    """Names that a program's options use."""

    OUT_LOW = 2
    SHIFT_LEFT = 0
    SHIFT_RIGHT = 1


@dataclass
class Program:
    """Instructions whose jumps count from 0, and what the state machine must be set to."""

    words: list[int]
    jumps: set[int]
    wrap_target: int
    wrap: int
    side_count: int
    options: dict[str, Any]

    def at(self, offset: int) -> Iterator[int]:
        """The instructions as they lie in the instruction memory from `offset`."""
        for index, word in enumerate(self.words):
            yield word + offset if index in self.jumps else word


class _Instruction:
    """Takes `.side(level)` and `[delay]` behind an instruction."""

    def __init__(self, assembler: "_Assembler") -> None:
        self._words = assembler.words
        self._side_count = assembler.side_count

    def side(self, level: int) -> "_Instruction":
        assert self._side_count == 1
        self._words[-1] |= level << 12
        return self

    def __getitem__(self, delay: int) -> "_Instruction":
        assert 0 <= delay < 32 >> self._side_count
        self._words[-1] |= delay << 8
        return self


class _Assembler:
    def __init__(self, side_count: int) -> None:
        self.words: list[int] = []
        self.side_count = side_count
        self.labels: dict[str, int] = {}
        self.targets: dict[int, str] = {}
        self.first = 0
        self.last: int | None = None

    def names(self) -> dict[str, Any]:
        own = ("wrap_target", "wrap", "label", "jmp", "wait", "in_", "out", "push", "pull", "mov", "set")
        return {**CONSTANTS, **{name: getattr(self, name) for name in own}}

    def _word(self, word: int) -> _Instruction:
        self.words.append(word)
        return _Instruction(self)

    def wrap_target(self) -> None:
        self.first = len(self.words)

    def wrap(self) -> None:
        self.last = len(self.words) - 1

    def label(self, name: str) -> None:
        self.labels[name] = len(self.words)

    def jmp(self, condition: int | str, target: str | None = None) -> _Instruction:
        if target is None:
            condition, target = 0, str(condition)
        self.targets[len(self.words)] = target
        return self._word(int(condition) << 5)

    def wait(self, level: int, source: int, index: int) -> _Instruction:
        return self._word(0x2000 | level << 7 | (1 if source == SOURCES["pin"] else source) << 5 | index)

    def in_(self, source: int, bits: int) -> _Instruction:
        return self._word(0x4000 | source << 5 | bits & 31)

    def out(self, target: int, bits: int) -> _Instruction:
        return self._word(0x6000 | target << 5 | bits & 31)

    def push(self, block: int = 1) -> _Instruction:
        return self._word(0x8000 | block << 5)

    def pull(self, block: int = 1) -> _Instruction:
        return self._word(0x8080 | block << 5)

    def mov(self, target: int, source: int) -> _Instruction:
        return self._word(0xA000 | target << 5 | source)

    def set(self, target: int, value: int) -> _Instruction:
        return self._word(0xE000 | target << 5 | value)


def asm_pio(**options: Any) -> Callable[[FunctionType], Program]:
    """MicroPython's decorator of the same name."""

    def assemble(function: FunctionType) -> Program:
        assembler = _Assembler(1 if "sideset_init" in options else 0)
        FunctionType(function.__code__, assembler.names())()
        for index, label in assembler.targets.items():
            assembler.words[index] |= assembler.labels[label]
        assert len(assembler.words) <= 32
        last = len(assembler.words) - 1 if assembler.last is None else assembler.last
        jumps = set(assembler.targets)
        return Program(assembler.words, jumps, assembler.first, last, assembler.side_count, options)

    return assemble


def encode(text: str) -> int:
    """One instruction without side-set, as `StateMachine.exec` takes it."""
    assembler = _Assembler(0)
    eval(text, assembler.names())
    return assembler.words[0]
