"""A stand-in firmware for the tests of the targets: one-letter commands over the link, nothing of a pump's mind."""
