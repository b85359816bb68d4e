"""Hypothesis profiles for the tests of every folder. `flushhil.plugin` gives them target, markers and fixtures."""

import gc
import multiprocessing
import os
import pkgutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# No deadline anywhere: how long an example takes depends on the load of the machine.
settings.register_profile("test", derandomize=True, deadline=None, database=None)
settings.register_profile("long", settings.get_profile("test"), max_examples=1_000)
settings.register_profile("fuzz", deadline=None, max_examples=1_000, print_blob=True)
settings.load_profile("test")


# No test depends on the configuration of who runs it.
os.environ["FLUSHPUMP_CONFIG"] = tempfile.mkdtemp(prefix="flushpump-no-config-")


# Tests send signals to commands; a shell that started the tests in the background lets them ignore these.
for _number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """The tests and what they import stay; a collection of garbage need not look through them."""
    gc.collect()
    gc.freeze()


# Runs in a process that the fork server has forked; what it needs is imported there already.
_COMMAND = """
import os, sys, time
os.chdir(cwd)
for number, name in ((0, os.devnull), (1, out), (2, err)):
    descriptor = os.open(name, os.O_RDWR)
    os.dup2(descriptor, number)
    os.close(descriptor)
sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")
os.environ.clear()
os.environ.update(environment)
time.tzset()
sys.argv = ["flushpump", *arguments]
from flushpump.cli.main import main
main()
"""
_IMPORTED = [
    "pytest",
    "flushpump.cli.top",
    "flushsim.url.serial_urls.protocol_flushsim",
    *(
        found.name
        for package in ("flushpump.cli.commands", "flushsim.cli")
        for found in pkgutil.iter_modules(import_module(package).__path__, f"{package}.")
    ),
]
_HANGS_S = 300


@pytest.fixture(scope="session")
def run_flushpump(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs a command in a process of its own, with nobody at the keyboard: `run_flushpump(*arguments, cwd=, env=)`.

    The processes are forked from one that has imported the command line: that takes longer than most commands do.
    """
    folder = tmp_path_factory.mktemp("commands")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED)

    def run(*arguments: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> Any:
        out, err = folder / "out", folder / "err"
        out.write_bytes(b"")
        err.write_bytes(b"")
        values = {
            "arguments": arguments,
            "cwd": str(cwd or Path.cwd()),
            "environment": dict(os.environ if env is None else env),
            "out": str(out),
            "err": str(err),
        }
        process = context.Process(target=exec, args=(_COMMAND, values))
        process.start()
        process.join(_HANGS_S)
        if process.exitcode is None:
            process.kill()
            process.join()
            pytest.fail(f"{' '.join(arguments)} does not end")
        texts = [file.read_text(encoding="utf-8") for file in (out, err)]
        return subprocess.CompletedProcess(arguments, process.exitcode, *texts)

    return run
