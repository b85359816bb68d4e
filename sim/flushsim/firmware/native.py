"""Target `native`: the firmware's files in CPython, in one process with the plant, with the adapters of the VM."""

import importlib
import os
import struct
import sys
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, SourceFileLoader
from typing import Any, ClassVar

from flushsim.firmware.exchange import TX_MAX
from flushsim.firmware.image import FirmwareError
from flushsim.firmware.journal import Journal
from flushsim.firmware.ports import Exchange, Ports, SimulatedBoard
from flushsim.firmware.target import Inputs, Outputs, RecordTarget

_SCRATCH = struct.Struct("<4I")


class JournalExchange(Exchange):
    """A journal call is a function call."""

    def __init__(self, journal: Journal) -> None:
        self.call = journal.serve  # type: ignore[method-assign]


class DirectTarget:
    """One start of the firmware; a reset is a new one, with `pump` imported anew. Its ports are set directly."""

    def __init__(self, boot: dict[str, Any], journal: Journal) -> None:
        self._firmware = _Firmware(boot)
        self._record = bytearray(TX_MAX + _SCRATCH.size)
        self._ports = Ports(boot, JournalExchange(journal), self._record, 0, TX_MAX)
        self.inputs = Inputs()
        self.outputs = Outputs()

    @property
    def scratch(self) -> tuple[int, ...]:
        """See Target."""
        return _SCRATCH.unpack_from(self._record, TX_MAX)

    def tick(self) -> None:
        """See Target."""
        ports, inputs, out = self._ports, self.inputs, self.outputs
        link, steps = ports.link, ports.steps
        link.begin_tick(inputs.received, 0, inputs.count, inputs.room)
        steps.begin_tick(inputs.slots_used, inputs.queued_us)
        ports.counter.begin_tick(inputs.position)
        ports.pressure.begin_tick(inputs.counts)
        ports.indicators.begin_tick(inputs.switches)
        controller = self._firmware.tick(ports, inputs.now_us)
        out.moving = bool(controller.moving)
        out.request = controller.request
        out.taken = link.taken
        out.sent = bytes(self._record[: link.written]) if link.written else b""
        out.stopped = steps.stopped
        out.enabled = steps.enabled
        out.slices = steps.slices[: 3 * steps.count]
        out.light = ports.indicators.light
        out.sound = ports.indicators.sound

    def close(self) -> None:
        """Drops the controller."""
        self._firmware.close()


class NativeTarget(RecordTarget):
    """The same over records, for a recorder of the firmware's inputs."""

    def __init__(self, boot: dict[str, Any], journal: Journal) -> None:
        super().__init__(boot["scratch"])
        self._firmware = _Firmware(boot)
        self._board = SimulatedBoard(boot, JournalExchange(journal))
        self.input = self._board.input

    def begin_tick(self) -> None:
        """See RecordTarget."""
        now_us = self._board.begin_tick()
        controller = self._firmware.tick(self._board, now_us)
        self._board.finish_tick(controller.moving, controller.request)

    def finish_tick(self) -> bytearray:
        """See RecordTarget."""
        return self._board.output

    def close(self) -> None:
        """Drops the controller."""
        self._firmware.close()


class _Firmware:
    """The firmware, imported anew; its controller is made at the first tick, when the first inputs are there."""

    def __init__(self, boot: dict[str, Any]) -> None:
        self._board = boot["board"]
        self._controller: Any = None
        self._board_type, self._controller_type = _import_firmware(boot["import_paths"])

    def tick(self, ports: Ports, now_us: int) -> Any:
        """One tick; returns the controller. FirmwareError for any exception of the firmware."""
        try:
            controller = self._controller
            if controller is None:
                controller = self._controller = self._controller_type(
                    self._board_type(self._board), ports.link, ports.steps, ports.counter, ports.pressure,
                    ports.indicators, ports.journal, ports.identity,
                )  # fmt: skip
            controller.tick(now_us)
        except Exception as error:
            raise FirmwareError(f"the firmware failed: {type(error).__name__}: {error}") from error
        return controller

    def close(self) -> None:
        """Ends it."""
        self._controller = None


def _import_firmware(import_paths: list[str]) -> tuple[Any, Any]:
    with _separate_modules("pump", "micropython"):
        sys.modules["micropython"] = _micropython_substitute()
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


class _Loader(Loader):
    """Runs a file of the firmware; it is compiled once in this process, and again when it has changed."""

    _known: ClassVar[dict[tuple[str, int, int], types.CodeType]] = {}

    def __init__(self, path: str) -> None:
        self._path = path

    def create_module(self, spec: ModuleSpec) -> None:
        """As usual."""

    def exec_module(self, module: types.ModuleType) -> None:
        """Fills the module."""
        file = os.stat(self._path)
        key = (self._path, file.st_mtime_ns, file.st_size)
        code = self._known.get(key)
        if code is None:
            code = SourceFileLoader(module.__name__, self._path).get_code(module.__name__)
            assert code is not None
            self._known[key] = code
        exec(code, module.__dict__)


class _FirmwareFinder:
    """Finds the package `pump` under the import paths, which takes the usual finder half the time of an import."""

    def __init__(self, import_paths: list[str]) -> None:
        self._import_paths = import_paths

    def find_spec(self, name: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:
        """The module's spec; None for what is not of the firmware."""
        if name.split(".")[0] != "pump":
            return None
        for folder in self._import_paths if path is None else path:
            place = os.path.join(folder, name.rpartition(".")[2])
            for file, is_package in ((place + ".py", False), (os.path.join(place, "__init__.py"), True)):
                if os.path.isfile(file):
                    spec = ModuleSpec(name, _Loader(file), origin=file, is_package=is_package)
                    if spec.submodule_search_locations is not None:
                        spec.submodule_search_locations.append(place)
                    return spec
        return None


@contextmanager
def _separate_modules(*packages: str) -> Iterator[None]:
    """Inside, the packages are not yet imported; afterwards those imported before are restored."""

    def remove_modules() -> dict[str, types.ModuleType]:
        names = [name for name in sys.modules if name.split(".")[0] in packages]
        return {name: sys.modules.pop(name) for name in names}

    before = remove_modules()
    try:
        yield
    finally:
        remove_modules()
        sys.modules.update(before)


def _micropython_substitute() -> types.ModuleType:
    """The part of MicroPython's own module that the firmware uses, for CPython."""

    def same(value: Any) -> Any:
        return value

    module = types.ModuleType("micropython")
    for name in ("const", "native", "viper"):
        setattr(module, name, same)
    return module
