"""Draws the README's picture of two simulated runs: `python hil_tests/bench/picture.py FILE.svg`. Needs matplotlib."""

import sys

import matplotlib
from figures import run
from flushsim.trace import TraceRow

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "flushpump"
from matplotlib import pyplot  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402


def main(file: str) -> None:
    figure, (above, below) = pyplot.subplots(2, 1, figsize=(10, 5.6), sharex=True, layout="constrained")
    _draw(above, (), "8F port, 20G needle: aspirate check, 10 pulses of 0.9 mL at 2 mL/s, lock")
    _draw(below, ("occlusion@3s",), "the same, line blocked 3 s after the first step: stop, relief, no retry")
    below.set_xlabel("time since START, s")
    figure.savefig(file, metadata={"Date": None})


def _draw(axes: Axes, faults: tuple[str, ...], title: str) -> None:
    trace: list[TraceRow] = []
    outcome = run(target="sim", faults=faults, trace=trace)
    end = outcome.end
    assert end is not None
    start_us = next(row.now_us for row in trace if row.moving)
    rows = [row for row in trace if row.now_us >= start_us - 100_000]
    times = [(row.now_us - start_us) / 1e6 for row in rows]
    limits = outcome.plan.settings()
    axes.axhline(limits.hard_limit_pa / 1000, color="tab:red", linewidth=1, label="hard limit")
    working_kpa = limits.working_limit_pa / 1000
    axes.axhline(working_kpa, color="tab:orange", linestyle="--", linewidth=1, label="working limit")
    axes.plot(times, [row.pressure_pa / 1000 for row in rows], color="tab:blue", linewidth=1.2, label="pressure")
    axes.set_ylabel("pressure, kPa")
    told = f"{end.outcome.name.lower()}, the pump says {end.delivered_nl / 1e6:.2f} mL delivered"
    axes.set_title(f"{title}\n{told}", fontsize=10, loc="left")
    volume = axes.twinx()
    delivered_ml = [row.delivered_ul / 1000 for row in rows]
    volume.plot(times, delivered_ml, color="tab:green", linewidth=1.2, label="out of the tip")
    volume.set_ylabel("out of the tip, mL")
    volume.set_ylim(-1, 11)
    handles = [*axes.get_lines(), *volume.get_lines()]
    labels = [str(line.get_label()) for line in handles]
    axes.legend(handles, labels, fontsize=8, ncols=4, loc="upper left", framealpha=0.9)
    axes.set_ylim(-15, 215)


if __name__ == "__main__":
    main(sys.argv[1])
