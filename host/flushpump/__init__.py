"""flushpump: host library and command line of the flush pump."""
