"""`flushpump sim trace` as a user calls it: its own process, its files, its sentences and its exit statuses."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def trace(run_flushpump: Command) -> Command:
    return partial(run_flushpump, "sim", "trace")


def test_a_run_is_drawn_in_every_kind_of_file_and_reported(trace: Command, tmp_path: Path) -> None:
    names = ["run.svg", "run.png", "run.html"]
    outputs = [word for name in names for word in ("--output", name)]
    done = trace("--fault", "occlusion@3s", *outputs, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    assert done.stdout.startswith("occluded: the line is blocked; ")
    assert done.stderr == "".join(f"drawn in {name}\n" for name in names)
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "run.svg").read_text(encoding="utf-8").startswith("<?xml")
    assert (tmp_path / "run.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_line_without_a_needle_needs_no_option_for_it_and_json_is_the_runs_result(
    trace: Command, tmp_path: Path
) -> None:
    done = trace("picc-flush", "--line", "picc-4f", "--json", "--output", "run.svg", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["outcome"] == "completed"
    assert report["plan"]["path"]["needle"] == "none"


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["--output", "run.pdf"], 2, "run.pdf has the suffix '.pdf', which names no kind of plot; end it in .svg, "),
        (["--output", "run"], 2, "run has no suffix, which names no kind of plot; "),
        (["--output", "nowhere/run.svg"], 4, "there is no folder nowhere for run.svg; make it first, or name another"),
        (["--output", "folder.svg"], 2, "folder.svg is a folder; name a file in it"),
        (["--line", "picc-9f", "--output", "run.svg"], 2, "there is no line 'picc-9f'; did you mean picc-5f?"),
        (["--syringe", "bd-3", "--output", "run.svg"], 4, "bd-3 has a barrel narrower than a 10 mL syringe"),
        (["--fault", "oclusion@3s", "--output", "run.svg"], 2, "there is no fault 'oclusion': did you mean occlusion?"),
        (["nothing", "--output", "run.svg"], 2, "there is no sequence 'nothing'; known are "),
        ([], 2, "missing option '--output'; see flushpump sim trace --help"),
    ],
)
def test_bad_input_is_one_sentence_with_its_exit_status_and_no_file(
    trace: Command, arguments: list[str], status: int, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "folder.svg").mkdir()
    done = trace(*arguments, cwd=tmp_path)
    assert done.returncode == status
    assert done.stderr.startswith(f"flushpump: {sentence}")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["folder.svg"]


def test_a_folder_that_may_not_be_written_to_is_one_sentence(trace: Command, tmp_path: Path) -> None:
    if os.geteuid():
        folder = tmp_path
        folder.chmod(0o500)
    else:
        # Nothing is forbidden to root but what the kernel keeps for itself.
        folder = Path("/proc")
    done = trace("--output", str(folder / "run.svg"), cwd=tmp_path)
    assert done.returncode == 4
    assert done.stderr.startswith("flushpump: ")
    assert done.stderr.count("\n") == 1
    assert str(folder) in done.stderr


def test_without_matplotlib_one_sentence_names_what_to_install(tmp_path: Path) -> None:
    program = "import sys; sys.modules['matplotlib'] = None; from flushpump.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "sim", "trace", "--output", "run.svg"],
        capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == ("flushpump: a picture needs matplotlib, which is not installed; pip install matplotlib\n")


def test_the_commands_of_the_simulator_load_no_matplotlib(tmp_path: Path) -> None:
    program = "import sys; import flushsim.cli.main; print({'matplotlib', 'numpy', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout == "set()\n"
