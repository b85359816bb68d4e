"""What starting a command costs: CPU time, beside that of `mpremote --version` on the same machine."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path as FilePath

from measurements import heading, report

_TRIES = 10
_BIN = FilePath(sys.executable).parent


def main() -> None:
    heading("Starting (CPU time, user and system, best of ten)")
    beside_s = _cpu_s("mpremote", "--version")
    report("mpremote --version, for comparison", beside_s, "s of CPU")
    version_s = _cpu_s("flushpump", "--version")
    report("flushpump --version", version_s, "s of CPU", 0.2)
    report("flushpump --version, as a share of mpremote --version", version_s / beside_s, "", 1.0)
    with _served_pump() as port:
        report("flushpump stop on a pseudo-terminal, to its end", _cpu_s("flushpump", "stop", "--port", port),
               "s of CPU", 0.2)  # fmt: skip


def _cpu_s(program: str, *arguments: str) -> float:
    """The least of several: what else the machine does only ever adds."""
    return min(_once_s(program, *arguments) for _ in range(_TRIES))


def _once_s(program: str, *arguments: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([_BIN / program, *arguments], stdout=subprocess.DEVNULL, check=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@contextmanager
def _served_pump() -> Iterator[str]:
    """The path of a simulated pump on a pseudo-terminal."""
    command = [_BIN / "flushpump", "sim", "serve", "--target", "native"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as served:
        try:
            assert served.stdout is not None
            yield served.stdout.readline().strip()
        finally:
            served.terminate()
