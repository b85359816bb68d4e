"""A stand-in firmware for the tests of the targets: one-letter commands over the link, no controller of a pump."""
