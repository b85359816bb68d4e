"""The scripted pump, a port to it, and its client."""

from host.tests.support.scripted_fixtures import device, port, pump

__all__ = ["device", "port", "pump"]
