"""The firmware in MicroPython itself: every file compiles, a whole run allocates nothing in motion, and words of 32
bits make the same of it as those of 64."""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import flushlink
import flushsim
import pytest
from flushpump.access.access_path import AccessPath
from flushpump.wire.messages import Phase, PhaseKind, Question
from flushsim.firmware.vm import HEAP_SIZE, find_micropython
from flushsim.rig.lockstep import Rig

from firmware.tests.support.recording import Recording, recording
from firmware.tests.support.run import perform, wire_path

pytestmark = pytest.mark.slow

HERE = Path(__file__).resolve().parent
FIRMWARE = HERE.parent
ALLOWED = {"array", "binascii", "flushlink", "hashlib"}
FILES = sorted((FIRMWARE / "pump").rglob("*.py"))
# The clock goes round 1.2 s after power-on.
NEAR_WRAP_US = 2**30 - 1_200_000
# Short, because a replay in WebAssembly takes its time: an aspirate check, three pulses, a lock.
SHORT = (
    Phase(PhaseKind.ASPIRATE, 200_000, 500_000, question=Question.BLOOD_RETURN),
    Phase(PhaseKind.PULSES, 900_000, 2_000_000, count=3, pause_ms=400),
    Phase(PhaseKind.LOCK, 300_000, 500_000),
)
RUNS = {"open line": [], "line closed in a pulse": ["occlusion@1500ms"], "narrow line": ["partial:5@0s"]}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_controller_imports_no_machine_no_clock_and_no_asyncio(file: Path):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            assert {name.name.split(".")[0] for name in node.names} <= ALLOWED
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            assert str(node.module).split(".")[0] in ALLOWED


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_controller_makes_no_float(file: Path):
    for node in ast.walk(ast.parse(file.read_text())):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), node.lineno
        assert not (isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div)), node.lineno


def test_every_file_of_the_firmware_compiles_in_micropython():
    files = [str(file) for file in sorted(FIRMWARE.rglob("*.py")) if HERE not in file.parents]
    assert len(files) > 20
    code = "import sys\nfor name in sys.argv[1:]:\n    compile(open(name).read(), name, 'exec')\nprint('compiled')"
    program = [find_micropython(), "-c", code, *files]
    done = subprocess.run(program, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.endswith("compiled\n"), done.stdout + done.stderr


def record(faults: list[str]) -> Recording:
    path = wire_path(AccessPath.of("smartport-ct-8f", "huber-20g", "bd-10"))
    with recording() as kept, Rig("record", faults=faults, device_clock_us=NEAR_WRAP_US) as rig:
        reported = perform(rig, path, SHORT)
    assert reported.end.driven_nl > 100_000
    return kept


@pytest.fixture(scope="module", params=RUNS)
def recorded(request: pytest.FixtureRequest) -> Recording:
    return record(RUNS[request.param])


def check(output: str, recorded: Recording) -> dict:
    assert output.startswith("{"), output
    result = json.loads(output.splitlines()[0])
    assert result["sum"] == recorded.sum(), "it did not do the same as CPython"
    assert result["ticks"] == len(recorded.inputs)
    assert result["moving_ticks"] > 100
    assert result["moving_ticks_that_allocated"] == 0
    return result


def test_a_whole_run_allocates_nothing_while_it_moves(recorded: Recording, tmp_path: Path):
    recorded.write(tmp_path / "recording")
    program = [
        find_micropython(), "-X", f"heapsize={HEAP_SIZE}", str(HERE / "support" / "replay_vm.py"),
        str(tmp_path / "recording"),
    ]  # fmt: skip
    done = subprocess.run(program, capture_output=True, text=True, timeout=300, check=False)
    check(done.stdout, recorded)


def test_a_machine_with_words_of_32_bits_does_the_same_with_its_heap_locked(recorded: Recording, tmp_path: Path):
    shutil.copytree(FIRMWARE / "pump", tmp_path / "pump")
    shutil.copytree(Path(flushlink.__file__).parent, tmp_path / "flushlink")
    # This build makes no machine code: its functions run as they do in CPython.
    for source in tmp_path.rglob("*.py"):
        lines = source.read_text().splitlines(keepends=True)
        source.write_text("".join(line for line in lines if not line.lstrip().startswith("@micropython.")))
    (tmp_path / "flushsim" / "firmware").mkdir(parents=True)
    for name in ("__init__.py", "firmware/__init__.py", "firmware/exchange.py", "firmware/ports.py"):
        shutil.copy(Path(flushsim.__file__).parent / name, tmp_path / "flushsim" / name)
    shutil.copy(HERE / "support" / "replay_vm.py", tmp_path)
    recorded.write(tmp_path / "recording", ["/input"])
    program = [sys.executable, str(HERE / "support" / "wasm.py"), str(tmp_path)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=300, check=False)
    assert check(done.stdout + done.stderr, recorded)["words_of_32_bits"]
