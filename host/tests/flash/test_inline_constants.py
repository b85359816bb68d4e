"""What is compiled for a board does what the sources do, with the numbers of other modules in their places."""

from dataclasses import replace
from pathlib import Path

import flushlink
import pytest
from flushpump.access.access_path import AccessPath
from flushpump.device.pump import Pump
from flushpump.flash import image
from flushpump.flash.inline_constants import inline_constants
from flushpump.planning.plan import path_settings
from flushpump.wire.messages import Fluid, LineFlag, Outcome, Phase, PhaseKind, Program, ProgramEnd, State
from flushsim.rig.lockstep import Rig
from flushsim.rig.trace import TraceRow
from flushsim.url.serial_urls.protocol_flushsim import Serial


def folded(**sources: str) -> dict[str, str]:
    """By module name of a package p."""
    done = inline_constants({f"p/{name}.py": text for name, text in sources.items()})
    return {path[2:-3]: text for path, text in done.items()}


def test_a_number_of_another_module_replaces_its_name() -> None:
    done = folded(a="SIZE = 3\nSIZES = [SIZE]", b="from .a import SIZE, SIZES as all_of\nprint(SIZE + 1, all_of)")
    assert done == {"a": "pass\nSIZES = [3]", "b": "from .a import SIZES as all_of\nprint(3 + 1, all_of)"}


def test_a_number_is_found_through_the_modules_alias_by_arithmetic_and_over_several_modules() -> None:
    done = folded(
        a="from micropython import const\nBITS = const(1 << 4)\nLEAST = -BITS // 2 + BITS",
        b="from .a import LEAST\nDEEPER = LEAST * 2",
        c="from . import b as far\nprint(far.DEEPER)",
    )
    assert done["c"].splitlines()[-1] == "print(16)"
    assert done["a"] == "pass\npass\npass"


@pytest.mark.parametrize(
    "user",
    [
        "from .a import SIZE\ndef f(SIZE):\n    return SIZE",
        "from .a import SIZE\nSIZE = SIZE + 1",
        "from . import a\nprint(getattr(a, 'SIZE'))",
        "import p.a\nprint(p.a.SIZE)",
        "from .a import SIZE\nprint(f'of {SIZE}')",
        "from . import a\nprint(f'of {a.SIZE}')",
    ],
)
def test_a_name_that_may_mean_something_else_or_is_asked_for_in_another_way_stays(user: str) -> None:
    done = folded(a="SIZE = 3", b=user)
    assert done == {"a": "SIZE = 3", "b": user}


def test_what_was_imported_for_numbers_only_is_imported_no_more() -> None:
    done = folded(
        a="from micropython import const\nimport sys\nfrom . import c\nSIZE = const(3)",
        b="from . import a as far, c\nprint(far.SIZE, c.f)",
        c="from micropython import const\n_SIZE = const(4)\ndef f(x): return const(x)",
    )
    assert done["a"] == "pass\nimport sys\nfrom . import c\npass"
    assert done["b"] == "from . import c\nprint(3, c.f)"
    assert done["c"] == "from micropython import const\npass\ndef f(x): return const(x)"


@pytest.mark.parametrize("user", ["from .a import const\nconst(1)", "from . import a\na.const(1)"])
def test_what_another_module_takes_from_there_is_imported_still(user: str) -> None:
    source = "from micropython import const\n_SIZE = const(3)"
    assert folded(a=source, b=user)["a"] == "from micropython import const\npass"


def test_all_other_text_stays_as_it_is() -> None:
    text = "from .a import (\n    SIZE,\n    f,\n)\nx, y, z = SIZE, 'ü' * SIZE, f(-SIZE)  # why\n"
    done = folded(a="SIZE = -3\ndef f(x): return x", b=text)["b"]
    assert done == "from .a import f\nx, y, z = (-3), 'ü' * (-3), f(-(-3))  # why\n"


@pytest.mark.parametrize("value", ["True", "1.5", "'3'", "2**30", "f()", "len('abc')"])
def test_only_small_integers_that_are_known_are_put_in(value: str) -> None:
    user = "from .a import SIZE\nprint(SIZE)"
    assert folded(a=f"SIZE = {value}", b=user)["b"] == user


def test_what_a_file_that_is_loaded_as_text_imports_stays() -> None:
    assert inline_constants({"p/a.py": "SIZE = 3"}, ["from p.a import SIZE"]) == {"p/a.py": "SIZE = 3"}


def test_the_firmware_compiled_for_a_board_runs_as_its_sources_do_to_the_byte(tmp_path: Path) -> None:
    """In the MicroPython VM: a run with pulses, an occlusion, its relief, and all its reports."""
    root = image.firmware_root()
    sources = {
        path.relative_to(place).as_posix(): path.read_text()
        for package, place in (("pump", root), ("flushlink", Path(flushlink.__file__).parents[1]))
        for path in sorted((place / package).rglob("*.py"))
    }
    texts = inline_constants(sources)
    assert sum(map(len, texts.values())) < sum(map(len, sources.values()))
    for path, text in texts.items():
        (tmp_path / path).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "main.py").write_text("")
    plain, compiled = run(None), run(tmp_path)
    assert len(plain) > 300
    assert plain == compiled


def run(firmware: Path | None) -> list[tuple[object, ...]]:
    """Every turn of a flush whose line closes: all but the checksum of what was sent, which has the fingerprint."""
    trace: list[TraceRow] = []
    with Rig("sim", faults=("occlusion@1500ms",), firmware_root=firmware, trace=trace) as rig:
        pump = Pump.over(Serial.over(rig, timeout=0.01), "rig", nonce=lambda count: bytes(range(1, count + 1)))
        while pump.status().state is State.BOOT:
            pump.poll(0.05)
        settings = path_settings(AccessPath.of("smartport-ct-8f", "huber-20g", "bd-10"), Fluid.SALINE, 10.0)
        pump.set_path(replace(settings, line_flags=LineFlag.NONE))
        pump.load(Program((Phase(PhaseKind.PULSES, 900_000, 2_000_000, count=3, pause_ms=400),), 60_000))
        pump.start()
        (end,) = [event for event in pump.follow() if isinstance(event, ProgramEnd)]
    assert end.outcome is Outcome.OCCLUDED
    return [row[:-1] for row in trace]
