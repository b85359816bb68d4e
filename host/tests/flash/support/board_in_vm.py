"""A board at MicroPython's prompt: the real unix VM on a pseudo-terminal, with a LittleFS as the Pico has it."""

import ast
import os
import subprocess
import tty
from pathlib import Path
from types import TracebackType
from typing import Self

from flushsim.firmware.vm import find_micropython

SECTOR = 4096
SECTORS = 352
RP2040 = "Raspberry Pi Pico with RP2040"
# Version 6, sub-version 3, armv6m.
MPY = 6 | 3 << 8 | 4 << 10
RESET = 42


class BoardInVm:
    """`image` keeps the file system from one start to the next; a file of `sectors` is made where there is none."""

    def __init__(
        self,
        image: Path,
        *,
        sectors: int = SECTORS,
        release: str = "1.28.0",
        mpy: int = MPY,
        machine: str = RP2040,
    ) -> None:
        _erase_new(image, sectors)
        master, slave = os.openpty()
        self._ends: tuple[int, ...] = (master, slave)
        tty.setraw(slave)
        self.port = os.ttyname(slave)
        script = Path(__file__).parent / "vm_board.py"
        command = [find_micropython(), "-i", str(script), str(image), release, str(mpy), machine]
        self._process = subprocess.Popen(command, stdin=master, stdout=master, stderr=master)
        output = b""
        while not output.endswith(b">>> "):
            output += os.read(slave, 1000)
        if not output.startswith(b"board\r\n"):
            self.pull_cable()
            # At its prompt it would be this computer's file system that is written to.
            raise RuntimeError(f"the VM is no board: {output.decode(errors='replace')}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pull_cable()

    def pull_cable(self) -> None:
        """The VM ends at once, in the middle of anything, and the port is gone."""
        self._process.kill()
        self._process.wait()
        for descriptor in self._ends:
            os.close(descriptor)
        self._ends = ()

    @property
    def far_end(self) -> int:
        """Where the other side of the port can be read and written."""
        return self._ends[1]

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def ended_with(self) -> int:
        """Waits for the VM to end: RESET when the board was reset."""
        return self._process.wait(300)


def put(image: Path, contents: dict[str, bytes]) -> None:
    """Writes files of somebody else to the board's file system."""
    lines = []
    for name, data in contents.items():
        folder = name.rpartition("/")[0]
        if folder:
            lines.append(f"if {folder!r} not in os.listdir('/'): os.mkdir('/' + {folder!r})")
        lines.append(f"with open({'/' + name!r}, 'wb') as file: file.write({data!r})")
    _run(image, "\n".join(lines))


def state_of(image: Path) -> tuple[dict[str, bytes], str]:
    """Every file on the board's file system, and the complaint of the firmware's identity: "" for whole ones."""
    root = Path(__file__).resolve().parents[4]
    listing = f"""
def _all(folder):
    for entry in os.ilistdir("/" + folder):
        name = folder + entry[0]
        if name == "host":
            continue
        if entry[1] == 0x4000:
            _all(name + "/")
        else:
            with open("/" + name, "rb") as file:
                print((name, file.read()))
_all("")
# Before the board's own folder, whose files may be none that run.
sys.path[:0] = ["/host{root}/firmware/hardware", "/host{root}/firmware", "/host{root}/protocol"]
import identity
print(repr(identity.Identity().complaint))
"""
    *files, complaint = map(ast.literal_eval, _run(image, listing).splitlines())
    return dict(files), complaint


def complaint(image: Path) -> str:
    """The complaint of the firmware's identity about the files on the board; "" when they are whole."""
    return state_of(image)[1]


def files_on(image: Path) -> dict[str, bytes]:
    """Every file on the board's file system, as another start of it reads it."""
    return state_of(image)[0]


def _erase_new(image: Path, sectors: int) -> None:
    if not image.exists():
        image.write_bytes(b"\xff" * SECTOR * sectors)


def _run(image: Path, code: str) -> str:
    """What the code prints on the board. Without a terminal, which would pass every byte by itself."""
    _erase_new(image, SECTORS)
    program = image.with_suffix(".py")
    program.write_text((Path(__file__).parent / "vm_board.py").read_text(encoding="utf-8") + code, encoding="utf-8")
    command = [find_micropython(), str(program), str(image), "1.28.0", str(MPY), RP2040]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    greeting, _, printed = done.stdout.replace("\r\n", "\n").partition("\n")
    assert (done.returncode, greeting) == (0, "board"), done.stdout + done.stderr
    return printed
