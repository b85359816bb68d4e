"""What a person does at a pump, done at a simulated one: fill the syringe, disconnect the line, connect a gauge.

On any other port these functions do nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flushpump.device.pump import Pump


def fill_syringe(pump: Pump, loaded_ml: float) -> None:
    """Inserts a syringe with this content."""
    plant = _plant(pump)
    if plant is not None:
        plant.change_syringe(loaded_ml)


@contextmanager
def line_taken_off(pump: Pump) -> Iterator[None]:
    """The extension set is off the line while the block lasts, for priming."""
    plant = _plant(pump)
    if plant is not None:
        plant.connect(False)
    try:
        yield
    finally:
        if plant is not None:
            plant.connect(True)


@contextmanager
def held_at(pump: Pump, pressure_kpa: float) -> Iterator[None]:
    """The sensor is held at this gauge pressure while the block lasts, for calibrating it; 0 is open to the air."""
    plant = _plant(pump)
    if plant is not None:
        plant.hold(pressure_kpa)
    try:
        yield
    finally:
        if plant is not None:
            plant.hold(None)


def _plant(pump: Pump) -> Any:
    return getattr(getattr(pump.port, "rig", None), "plant", None)
