"""The runs that the tests of plots draw, by name."""

from pathlib import Path

from flushsim.scenario import Case

DENSE = str(Path(__file__).parents[1] / "dense.toml")
CASES = {
    "dense": Case(DENSE),
    "healthy": Case(),
    "occlusion": Case(faults=("occlusion@6s",)),
    "many pulses": Case("sash", faults=("bubble:0.2@4s", "leak:0.3@20s~3s")),
    "narrow line": Case("picc-flush", "picc-3f", "none", faults=("partial:3@5s",)),
    "sensor": Case(faults=("sensor-drift:6@1s", "stop-button@4s")),
    "at the pulse's start": Case(faults=("occlusion@6.2s",)),
    "too late": Case("lock", faults=("bubble@30s", "sensor-offset@30s", "link-delay@0s")),
    "link": Case(faults=("link-loss@3s",)),
    "deaf": Case(faults=("link-loss@0s",)),
    "power": Case(faults=("power-cut@3s",)),
}
