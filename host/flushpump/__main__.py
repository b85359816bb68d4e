"""`python -m flushpump` is the command `flushpump`."""

from flushpump.cli.main import main

if __name__ == "__main__":
    main()
