"""What MicroPython's viper means where there is none: the decorator and its pointer types, for CPython.

A viper function is machine code: it checks no bounds, its integers have the machine's width, it takes at most four
arguments. A native one is any function as machine code, faster than bytecode and longer. On MicroPython the compiler
knows all these names by itself. What viper reads through `ptr32` has a sign only on a 32-bit machine;
`value << SIGN >> SIGN` gives it one everywhere.
"""

import sys

try:  # noqa: SIM105 - MicroPython has no contextlib
    from typing import Any
except ImportError:
    pass  # MicroPython has no typing, and reads over annotations

__all__ = ["SIGN", "const", "micropython", "ptr8", "ptr16", "ptr32"]

if sys.implementation.name == "micropython":
    import micropython  # type: ignore[import-not-found,unused-ignore]

    SIGN = 32 if sys.maxsize >> 32 else 0
else:
    SIGN = 0

    class micropython:  # type: ignore[no-redef]  # noqa: N801 - the decorator must have this name
        @staticmethod
        def viper(function):  # type: ignore[no-untyped-def]
            return function

        native = viper


def const(value: int) -> int:
    return value


def ptr8(buffer: "Any") -> "Any":
    return buffer


ptr16 = ptr32 = ptr8
