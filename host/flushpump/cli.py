"""Entry point of the command `flushpump`, thin so that even Ctrl-C while it loads ends without a traceback."""

import sys


def main() -> None:
    """Runs the command line and exits."""
    try:
        from flushpump.cli_top import cli
    except KeyboardInterrupt:
        print("flushpump: stopped by the user; nothing moves", file=sys.stderr)
        sys.exit(130)
    cli.main(prog_name="flushpump")


if __name__ == "__main__":
    main()
