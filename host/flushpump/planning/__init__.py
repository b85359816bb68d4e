"""A sequence on an access path: volumes, flows, times, rules, limits of detection. Imports access and wire only."""
