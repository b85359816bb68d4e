"""Entry point of the command `flushpump`, thin so that even Ctrl-C while it loads ends without a traceback."""

import io
import os
import sys

from flushpump.signals import ignore_signals, raise_on_signals


def main() -> None:
    """Runs the command line and exits."""
    _replace_closed_streams()
    try:
        raise_on_signals()
        from flushpump.cli.top import cli
    except KeyboardInterrupt:
        ignore_signals()
        print("flushpump: stopped by the user", file=sys.stderr)
        sys.exit(130)
    cli.main(prog_name="flushpump")


def _replace_closed_streams() -> None:
    # A stream that the caller has closed is None here, and its number would be given to the pump's port.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115
    # A letter that the terminal does not have must not end a run.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


if __name__ == "__main__":
    main()
