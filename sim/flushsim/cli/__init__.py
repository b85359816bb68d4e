"""The commands `flushpump sim ...`. Imports every room; no room imports it."""
