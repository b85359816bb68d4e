"""The parts of the pump's self-test in words, each with what to do when it fails."""

from dataclasses import dataclass

from flushlink import messages


@dataclass(frozen=True)
class Part:
    """One bit of the self-test."""

    bit: int
    name: str
    remedy: str


_SERVICE = "switch the pump off and on; if it fails again, have the pump serviced"
PARTS = (
    Part(messages.TEST_MEMORY, "memory", _SERVICE),
    Part(messages.TEST_CONFIGURATION, "stored settings", "look at flushpump settings show and set them again"),
    Part(
        messages.TEST_SENSOR,
        "pressure sensor",
        "open the line to the air and check the sensor's cable; if it fails again, calibrate or replace the sensor",
    ),
    Part(messages.TEST_DRIVER, "motor driver", "check the motor's supply and wiring, then switch off and on"),
    Part(messages.TEST_COUNTER, "step counter", "check motor, driver and lead screw, then switch off and on"),
    Part(messages.TEST_INDICATORS, "light, sound and switches", _SERVICE),
)
_KNOWN = sum(part.bit for part in PARTS)


def parts_of(bits: int) -> list[Part]:
    """The parts of these bits; one that this version does not know is named by its bit."""
    unknown = [1 << place for place in range(16) if bits & ~_KNOWN & 1 << place]
    return [part for part in PARTS if part.bit & bits] + [Part(bit, f"part {bit}", _SERVICE) for bit in unknown]


def names_of(bits: int) -> str:
    """As in `pressure sensor, step counter`."""
    return ", ".join(part.name for part in parts_of(bits))
