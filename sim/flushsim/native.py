"""Target `native`: the firmware's files in CPython, in one process with the plant, over the records of the VM."""

import importlib
import os
import sys
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader
from typing import Any, ClassVar

from flushsim.boot import FirmwareError
from flushsim.journal import Journal
from flushsim.simboard import Exchange, SimulatedBoard


class JournalExchange(Exchange):
    """A journal call is a function call."""

    def __init__(self, journal: Journal) -> None:
        self.call = journal.serve  # type: ignore[method-assign]


class NativeTarget:
    """One start of the firmware; a reset is a new one, with `pump` imported anew."""

    def __init__(self, boot: dict[str, Any], journal: Journal) -> None:
        self._boot = boot
        self._controller: Any = None
        self._board_type, self._controller_type = _import_firmware(boot["import_paths"])
        self._board = SimulatedBoard(boot, JournalExchange(journal))
        self.input = self._board.input

    def begin(self) -> None:
        """Runs one step on `input`. Raises FirmwareError when the firmware raises anything."""
        try:
            if self._controller is None:
                board = self._board
                self._controller = self._controller_type(
                    self._board_type(self._boot["board"]), board.link, board.steps, board.counter, board.pressure,
                    board.indicators, board.journal, board.identity,
                )  # fmt: skip
            self._controller.step(self._board.begin())
        except Exception as error:
            raise FirmwareError(f"the firmware failed: {type(error).__name__}: {error}") from error
        self._board.finish(self._controller.moving, self._controller.request)

    def finish(self) -> bytearray:
        """The output record of the step begun last."""
        return self._board.output

    def close(self) -> None:
        """Forgets the controller."""
        self._controller = None


def _import_firmware(import_paths: list[str]) -> tuple[Any, Any]:
    with _modules_apart("pump", "micropython"):
        sys.modules["micropython"] = _micropython_stand_in()
        finder = _FirmwareFinder(import_paths)
        sys.path[:0] = import_paths
        sys.meta_path.insert(0, finder)
        try:
            board = importlib.import_module("pump.board")
            controller = importlib.import_module("pump.controller")
        except Exception as error:
            raise FirmwareError(f"the firmware cannot be imported: {type(error).__name__}: {error}") from error
        finally:
            sys.meta_path.remove(finder)
            del sys.path[: len(import_paths)]
        return board.Board, controller.Controller


class _CompiledOnce(SourceFileLoader):
    """Compiles a file once in this process, however often the firmware is started; anew when the file has changed."""

    _known: ClassVar[dict[tuple[str, int, int], types.CodeType]] = {}

    def get_code(self, fullname: str) -> types.CodeType | None:
        file = os.stat(self.path)
        key = (self.path, file.st_mtime_ns, file.st_size)
        if key not in self._known:
            code = super().get_code(fullname)
            assert code is not None
            self._known[key] = code
        return self._known[key]


class _FirmwareFinder:
    """Finds the package `pump` under the import paths."""

    _folders: ClassVar[dict[str, FileFinder]] = {}

    def __init__(self, import_paths: list[str]) -> None:
        self._import_paths = import_paths

    def find_spec(self, name: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:
        """The module's spec; None for what is not of the firmware."""
        if name.split(".")[0] != "pump":
            return None
        for place in self._import_paths if path is None else path:
            folder = self._folders.setdefault(place, FileFinder(place, (_CompiledOnce, [".py"])))
            spec = folder.find_spec(name)
            if spec is not None:
                return spec
        return None


@contextmanager
def _modules_apart(*packages: str) -> Iterator[None]:
    """Inside, the packages are not yet imported; afterwards whoever imported them before finds them as they were."""

    def take_out() -> dict[str, types.ModuleType]:
        names = [name for name in sys.modules if name.split(".")[0] in packages]
        return {name: sys.modules.pop(name) for name in names}

    before = take_out()
    try:
        yield
    finally:
        take_out()
        sys.modules.update(before)


def _micropython_stand_in() -> types.ModuleType:
    """What the firmware may use of MicroPython's own module, as CPython can do it."""

    def same(value: Any) -> Any:
        return value

    module = types.ModuleType("micropython")
    for name in ("const", "native", "viper"):
        setattr(module, name, same)
    return module
