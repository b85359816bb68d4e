"""Notes what the plant's volumes become, from the time it is switched on: see `flow_record`."""

from flushsim.plant.flow_record import FlowNotes, FlowRecord

Volumes = tuple[float, float, float, float, float]
"""mL driven, into the extension, past the needle, out of the tip, lost."""


class FlowMeter:
    """Counts from `volumes` on, which were there at `time_us`."""

    def __init__(self, time_us: float, volumes: Volumes) -> None:
        self._notes = FlowNotes(time_us)
        self._from = volumes

    def note(self, time_us: float, volumes: Volumes) -> None:
        """The volumes up to this time."""
        self._notes.add(time_us, *(now_ml - then_ml for now_ml, then_ml in zip(volumes, self._from, strict=True)))

    def record(self) -> FlowRecord:
        """Everything noted so far. ImportError without numpy."""
        return self._notes.record()
