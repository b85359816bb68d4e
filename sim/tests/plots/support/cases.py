"""The runs that the tests of plots draw, by name."""

from pathlib import Path

from flushsim.scenario import Scenario

DENSE = str(Path(__file__).parents[1] / "dense.toml")
CASES = {
    "dense": Scenario(DENSE),
    "healthy": Scenario(),
    "occlusion": Scenario(faults=("occlusion@6s",)),
    "many pulses": Scenario("sash", faults=("bubble:0.2@4s", "leak:0.3@20s~3s")),
    "narrow line": Scenario("picc-flush", "picc-3f", "none", faults=("partial:3@5s",)),
    "sensor": Scenario(faults=("sensor-drift:6@1s", "stop-button@4s")),
    "at the pulse's start": Scenario(faults=("occlusion@6.2s",)),
    "too late": Scenario("lock", faults=("bubble@30s", "sensor-offset@30s", "link-delay@0s")),
    "link": Scenario(faults=("link-loss@3s",)),
    "deaf": Scenario(faults=("link-loss@0s",)),
    "power": Scenario(faults=("power-cut@3s",)),
}
