"""`flushpump sim campaign` as a user runs it: its own process, real workers, signals."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flushsim.campaign.config import shipped_names
from flushsim.campaign.results import read
from flushsim.cli.campaign import campaign_command

# One worker of the tests makes the small campaign for all of them.
pytestmark = pytest.mark.xdist_group("campaign")
COMMAND = [str(Path(sys.executable).parent / "flushpump"), "sim", "campaign"]


def run(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=300, check=False, cwd=folder)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> "tuple[Path, subprocess.CompletedProcess[str]]":
    """The small campaign that is shipped, once for all tests."""
    folder = tmp_path_factory.mktemp("campaign")
    return folder, run("small", "--runs", "20", folder=folder)


def figures(folder: Path) -> dict[str, Any]:
    done = run("small", "--runs", "20", "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.mark.requirement("REQ-OCCL-1", "REQ-OCCL-2", "REQ-OCCL-4")
def test_the_small_campaign_finds_what_is_wrong_and_gives_no_false_alarm(
    small: "tuple[Path, subprocess.CompletedProcess[str]]",
) -> None:
    folder, done = small
    assert done.returncode == 0, done.stderr
    assert "without a fault: 0 false alarms in 8 runs" in done.stdout
    assert "20 of 20 runs" in done.stderr
    found = figures(folder)
    assert found["healthy"]["false_alarms"]["count"] == 0
    rates = {group["group"]: group["found"] for group in found["faults"]}
    assert all(rate["of"] == 2 for rate in rates.values())
    for fault in ("occlusion", "partial", "growing", "disconnect"):
        assert rates[fault]["count"] == 2
    assert found["bolus_ml"]["worst"] < 0.1
    # Breathing alone moves some microlitres to and fro.
    assert found["drawn_in_relief_ml"]["worst"] < 0.005
    assert found["pressure_kpa"]["above_working_limit"]["worst"] < 15


def test_a_case_run_again_alone_is_the_run_of_the_campaign(
    small: "tuple[Path, subprocess.CompletedProcess[str]]",
) -> None:
    folder, _ = small
    alone = run("small", "--case", "7", "--json", folder=folder)
    assert alone.returncode == 0, alone.stderr
    row = json.loads(alone.stdout)
    kept = read((folder / "campaign-small-1").glob("part-*.parquet")).runs.loc[7]
    for name in ("seed", "line", "outcome", "peak_kpa", "tip_ml", "volume_error_ml"):
        assert row[name] == kept[name]
    assert (folder / "case-7.trace").read_text().count("\n") > 100
    assert "trace: case-7.trace" in run("small", "--case", "7", folder=folder).stderr


def test_ctrl_c_keeps_the_finished_runs_and_the_same_command_continues(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "small", "--runs", "40", "--jobs", "2"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        assert process.stderr.readline() == "4 of 40 runs\n"
        # As on a terminal: the workers get it too.
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert out == ""
    (sentence,) = [line for line in err.splitlines() if line.startswith("flushpump: ")]
    assert "stopped by the user; " in sentence
    kept = len(read((tmp_path / "campaign-small-1").glob("part-*.parquet")).runs)
    assert kept >= 4
    assert f"{kept} of 40 runs are kept in campaign-small-1" in sentence
    again = run("small", "--runs", str(kept + 1), folder=tmp_path)
    assert again.returncode == 0, again.stderr
    assert f"{kept} of {kept + 1} runs are already there" in again.stderr


def test_the_help_names_every_campaign_that_is_shipped() -> None:
    assert campaign_command.help is not None
    assert all(name in campaign_command.help for name in shipped_names())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("smal",), "there is no campaign 'smal'; did you mean small?"),
        (("small", "--trace", "x"), "--trace is for one case; choose it with --case"),
        (("small", "--case", "1", "--trace", "/nowhere/x"), "the trace /nowhere/x cannot be written: No such file"),
        (("small", "--output", "/dev/null"), "/dev/null cannot hold the results"),
        (("small", "--scheduler", "foo"), "'foo' is no address of a Dask scheduler; write it as in --scheduler tcp://"),
        (("small", "--scheduler", "tcp://"), "'tcp://' is no address of a Dask scheduler"),
        (("small", "--scheduler", "localhost:99999"), "'localhost:99999' is no address of a Dask scheduler"),
        (("small", "--case", "1", "--trace", "x.pdf"), "x.pdf has the suffix '.pdf', which names no kind of trace"),
        (("small", "--runs", "0"), "0 is below 1"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(
    run_flushpump: Callable[..., "subprocess.CompletedProcess[str]"],
    arguments: tuple[str, ...],
    sentence: str,
    tmp_path: Path,
) -> None:
    done = run_flushpump("sim", "campaign", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert not list(tmp_path.iterdir())


def test_a_missing_extra_is_named_with_the_way_to_get_it_before_anything_is_run(tmp_path: Path) -> None:
    without = (
        "import sys\n"
        "class Without:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'pyarrow': raise ModuleNotFoundError(name=name)\n"
        "sys.meta_path.insert(0, Without())\n"
        "sys.argv = ['flushpump', 'sim', 'campaign', 'small']\n"
        "from flushpump.cli.main import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", without], capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path
    )
    assert done.returncode == 2
    assert "a campaign needs pyarrow, which is not installed; pip install pyarrow" in done.stderr
    assert not list(tmp_path.iterdir())
