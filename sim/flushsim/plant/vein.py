"""The vein's pressure over time: its mean, breathing, heartbeat, and coughs.

Breathing is a sine: an awake patient draws the pressure down as much as it goes up again. A heartbeat has the a wave
and, half as high and later, the v wave of a central vein. A bout of coughs is three, each half a sine in time.
"""

from math import pi, sin

from flushsim.plant.parameters import PlantPath

COUGH_S = 0.3
COUGH_EVERY_S = 0.6
COUGHS = 3


class Vein:
    """Pressure at the tip in kPa gauge at a time in s since power-on."""

    def __init__(self, path: PlantPath) -> None:
        self._mean_kpa = path.vein_kpa
        self._breath_kpa = path.breath_kpa
        self._beat_kpa = path.beat_kpa
        self._breath_per_s = 2 * pi * path.breaths_per_min / 60
        self._beat_per_s = 2 * pi * path.beats_per_min / 60
        self._phase = 2 * pi * path.vein_phase
        self.quiet = not (self._breath_kpa or self._beat_kpa)

    def kpa(self, time_s: float) -> float:
        """The pressure without coughs."""
        if self.quiet:
            return self._mean_kpa
        beat = self._beat_per_s * time_s + 3 * self._phase
        return (
            self._mean_kpa
            + self._breath_kpa * sin(self._breath_per_s * time_s + self._phase)
            + self._beat_kpa * (0.75 * sin(beat) + 0.25 * sin(2 * beat - 1.0))
        )


def cough_kpa(peak_kpa: float, on_for_s: float) -> float:
    """The added pressure of a bout of coughs, `on_for_s` after its start."""
    number, into_s = divmod(on_for_s, COUGH_EVERY_S)
    if number >= COUGHS or into_s >= COUGH_S:
        return 0.0
    return peak_kpa * sin(pi * into_s / COUGH_S)
