"""How commands fail: one documented exit status, one sentence, and with --json one error object on stdout."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path as FilePath

import flushpump
import pytest
from click.testing import CliRunner
from flushpump import errors
from flushpump.cli.commands.records_due import INTERVAL
from flushpump.cli.top import cli
from flushpump.exit_status import MEANINGS, ExitStatus, kind_of

Command = Callable[..., "subprocess.CompletedProcess[str]"]
PICC = ["--line", "picc-4f", "--syringe", "bd-10"]
BUILT_IN = FilePath(flushpump.__file__).parent / "planning" / "data" / "sequences"
NATIVE = ["--port", "flushsim://?target=native"]


def subclasses(kind: type[errors.FlushPumpError]) -> Iterator[type[errors.FlushPumpError]]:
    for each in kind.__subclasses__():
        yield each
        yield from subclasses(each)


def test_the_exit_statuses_are_the_documented_ones_and_the_help_lists_each():
    assert [int(status) for status in ExitStatus] == [0, 1, 2, 3, 4, 5, 6, 7, 130]
    text = CliRunner().invoke(cli, ["--help"]).stdout
    for status, meaning in MEANINGS.items():
        assert f"{status:>3}  {meaning}" in text


def test_only_an_error_of_the_program_itself_has_status_1():
    unexpected = [kind for kind in subclasses(errors.FlushPumpError) if kind.exit_status == ExitStatus.INTERNAL]
    assert unexpected == [errors.ProgramError]


def test_no_code_raises_the_base_class_of_errors_or_exits_with_a_bare_1():
    for file in FilePath(flushpump.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called != "FlushPumpError", f"{file}:{node.lineno}"
                if called.endswith("exit"):
                    assert "1" not in map(ast.unparse, node.args), f"{file}:{node.lineno}"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["status", "--port", "/dev/ttyNOPE"], 3, "/dev/ttyNOPE cannot be opened"),
        (["plan", "port-maintenanc", *PICC], 2, "did you mean port-maintenance?"),
        (["plan", "picc-flush", "--line", "picc-4f", "--syringe", "bd-5"], 4, "narrower than a 10 mL syringe"),
        (["run", "picc-flush", *PICC, *NATIVE], 4, "--json leaves nobody to ask"),
        (["frobnicate"], 2, "no such command 'frobnicate'"),
        (["records", "show", "7"], 2, "there is no record 7"),
        (["status", "--prot", "x"], 2, "no such option"),
        (["sim", "campaign", "smal"], 2, "did you mean small?"),
        (["flash", "--board", "nowhere"], 2, "there is no board 'nowhere'"),
    ],
)
def test_with_json_a_failure_is_one_error_object_on_stdout_and_nothing_else(
    flushpump: Command, arguments: list[str], status: int, words: str
):
    done = flushpump(*arguments, "--json")
    assert done.returncode == status
    found = json.loads(done.stdout)
    assert list(found) == ["error"]
    assert list(found["error"]) == ["status", "kind", "message"]
    assert found["error"]["status"] == status
    assert found["error"]["kind"] == kind_of(status)
    assert words in found["error"]["message"]
    assert "\n" not in found["error"]["message"]
    assert done.stderr == f"flushpump: {found['error']['message']}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"], ["--version"], ["catalog"], ["catalog", "--json"], ["plan", "picc-flush", *PICC],
        ["records", "list"], ["records", "due", "--json"], ["records", "verify"], ["ports"], ["sim", "faults"],
        ["settings", "show", *NATIVE], ["log", *NATIVE], ["status", *NATIVE], ["info", *NATIVE], ["alarms", *NATIVE],
        ["monitor", "--for", "0.1", *NATIVE],
    ],
)  # fmt: skip
def test_a_full_disk_is_reported_and_gives_the_status_for_unusable_output(
    own_environment: dict[str, str], arguments: list[str]
):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "flushpump.cli.main", *arguments],
            env=own_environment, stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True, timeout=300,
            check=False,
        )  # fmt: skip
    assert done.stderr == "flushpump: the output cannot be written: No space left on device\n"
    assert done.returncode == ExitStatus.REFUSED


def test_a_pump_that_moved_but_whose_result_cannot_be_written_gives_outcome_unknown(own_environment: dict[str, str]):
    arguments = ["prime", *PICC, *NATIVE, "--yes", "--json"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "flushpump.cli.main", *arguments],
            env=own_environment, stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True, timeout=300,
            check=False,
        )  # fmt: skip
    assert done.returncode == ExitStatus.OUTCOME_UNKNOWN, done.stderr
    assert "the output cannot be written: No space left on device; completed: " in done.stderr


@pytest.mark.parametrize("arguments", [["catalog", "--json"], ["--help"], ["sim", "faults"]])
def test_a_reader_that_has_gone_is_no_failure(own_environment: dict[str, str], arguments: list[str]):
    read, write = os.pipe()
    os.close(read)
    with open(write, "w") as gone:
        done = subprocess.run(
            [sys.executable, "-m", "flushpump.cli.main", *arguments],
            env=own_environment, stdin=subprocess.DEVNULL, stdout=gone, stderr=subprocess.PIPE, text=True, timeout=300,
            check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (ExitStatus.DONE, "")


@pytest.mark.parametrize(
    "name", ["two\nlines", "colour \x1b[31m", "not UTF-8 \udcff", "", "  ", "x" * 81, "turned \u202e round"]
)
@pytest.mark.parametrize("option", ["--operator", "--label"])
def test_a_name_for_the_record_is_one_line_that_can_be_printed(flushpump: Command, option: str, name: str):
    done = flushpump("run", "picc-flush", *PICC, *NATIVE, "--yes", option, name)
    assert done.returncode == ExitStatus.USAGE
    assert "letters that can be printed" in done.stderr
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr


def test_an_operator_of_the_environment_is_checked_like_one_on_the_command_line(flushpump: Command):
    done = flushpump("run", "picc-flush", *PICC, *NATIVE, "--yes", FLUSHPUMP_OPERATOR="a\nb")
    assert done.returncode == ExitStatus.USAGE
    assert "'a\\nb' is no operator name" in done.stderr


def test_a_sentence_on_stderr_shows_what_cannot_be_printed_as_its_escape(flushpump: Command):
    done = flushpump("records", "show", "\x1b[2J")
    assert done.returncode == ExitStatus.USAGE
    assert "there is no record \\x1b[2J" in done.stderr


def test_a_wrong_unit_is_named_with_the_right_article():
    for name, words in (("3kg", "no unit of an interval"),):
        with pytest.raises(Exception, match=words):
            INTERVAL.convert(name, None, None)


@pytest.fixture(params=["fifo", "device", "folder", "large"])
def no_file(request: pytest.FixtureRequest, tmp_path: FilePath) -> tuple[FilePath, str]:
    """Something that is named like a TOML file, and the message about it."""
    place = tmp_path / "mine.toml"
    if request.param == "fifo":
        os.mkfifo(place)
        return place, "is a fifo, not a file"
    if request.param == "device":
        place.symlink_to("/dev/zero")
        return place, "is a device or a socket, not a file"
    if request.param == "folder":
        place.mkdir()
        return place, "is a folder, not a file"
    place.write_bytes(b"#" * 2_000_000)
    return place, "is larger than 1000 kB"


@pytest.mark.parametrize("command", [["plan"], ["run", "--yes"], ["sim", "campaign"], ["sim", "trace"]])
def test_what_is_no_file_is_refused_at_once_as_a_sequence_or_campaign(
    flushpump: Command, no_file: tuple[FilePath, str], command: list[str], tmp_path: FilePath
):
    place, words = no_file
    more = {"plan": PICC, "run": [*PICC, *NATIVE], "campaign": [], "trace": ["--output", str(tmp_path / "x.svg")]}
    done = flushpump(*command, str(place), *more[command[1 if command[0] == "sim" else 0]])
    assert done.returncode == ExitStatus.USAGE
    assert f"{place} {words}" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["rpi_pico2", "rpi_pico2_w", "RPI_PICO2", "waveshare_rp2350_zero"])
def test_a_board_with_an_rp2350_is_reported_as_unsupported(flushpump: Command, name: str):
    done = flushpump("flash", "--board", name)
    assert done.returncode == ExitStatus.USAGE
    assert f"'{name}' has an RP2350, which is not supported; use a board with an RP2040" in done.stderr
    assert "did you mean" not in done.stderr


def test_no_hint_names_an_index_on_which_this_program_is_not():
    for folder in ("host", "sim", "firmware", "protocol"):
        for file in (FilePath(__file__).parents[2] / folder).rglob("*.py"):
            if "tests" not in file.parts:
                assert "pip install 'flushpump" not in file.read_text(encoding="utf-8"), file


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["monitor", "--for", "nan", *NATIVE], 2, "'nan' is no number"),
        (["sim", "serve", "--speed", "nan"], 2, "'nan' is no number"),
        (["records", "due", "--ports-every", "1e308days"], 2, "1e308days is above 3650 days"),
        (["records", "due", "--ports-every", "1e308weeks"], 2, "1e308weeks is above 3650 days"),
        (["records", "show", ""], 2, "there is no record ''"),
        (["status", "--port", ""], 3, "no pump is plugged in"),
        (["flash", "--board", "rpi_pico", "--port", ""], 3, "no "),
        (["log", "--since", "9999999999", *NATIVE], 2, "from 0 to 1073741823, but is 9999999999"),
        (["plan", "picc-flush", *PICC, "--loaded", "1e300mL"], 2, "1e300mL is above 1e+09 mL"),
        (["status", "--port", "socket://localhost:99999"], 3, "host or number is wrong, as in socket://localhost:7000"),
        (["status", "--port", "flushsim://?target=native&trace=/nowhere/x"], 2, "the trace /nowhere/x cannot be"),
        (["status", "--port", "flushsim://?target=native&trace=/dev/zero"], 2, "would replace what is no file"),
        (["sim", "campaign", "small", "--case", "1", "--trace", "/dev/null"], 2, "would replace what is no file"),
    ],
)
def test_a_wrong_value_is_one_sentence_at_once(flushpump: Command, arguments: list[str], status: int, words: str):
    done = flushpump(*arguments)
    assert done.returncode == status
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize("kind", ["fifo", "folder", "device", "noise"])
@pytest.mark.parametrize("command", [["list"], ["due"], ["show"], ["verify"], ["export", "--format", "csv"]])
def test_what_holds_no_records_is_refused_in_one_sentence(
    flushpump: Command, tmp_path: FilePath, kind: str, command: list[str]
):
    place = tmp_path / "place"
    if kind == "fifo":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    elif kind == "device":
        place = FilePath("/dev/null")
    else:
        place.write_bytes(bytes(range(256)) * 20)
    done = flushpump("records", *command, FLUSHPUMP_RECORDS=str(place))
    assert done.returncode == ExitStatus.REFUSED
    assert str(place) in done.stderr
    assert (done.stderr.count("\n"), done.stdout) == (1, "")


def test_a_sequence_with_a_byte_order_mark_is_read(flushpump: Command, tmp_path: FilePath):
    file = tmp_path / "mine.toml"
    file.write_bytes(b"\xef\xbb\xbf" + (BUILT_IN / "picc-flush.toml").read_bytes())
    assert flushpump("plan", str(file), *PICC).returncode == 0
