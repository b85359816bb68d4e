"""flushpump: host library and command line of the flush pump."""

__version__ = "0.2.0"
