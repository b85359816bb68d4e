"""The firmware onto a board: image, plan, raw REPL, check of the result. Imports device, link and wire."""
