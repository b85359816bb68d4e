"""Kinds of ports that other packages bring: a simulator registers its URL scheme as an entry point.

The entry point of the group `flushpump.serial_urls` has the scheme as its name and a package of pyserial's protocol
handlers as its value. That package may have two functions. `with_path(url, names)` returns the URL with the names of
line, needle, syringe and extension added where it has none of its own. `target_of(url)` names what runs there, for the
record.
"""

from types import ModuleType
from typing import Any

GROUP = "flushpump.serial_urls"


def handler_of(url: str) -> ModuleType | None:
    """The package for the URL's scheme; None where pyserial itself has to know it."""
    scheme, separator, _ = url.partition("://")
    if not separator:
        return None
    # Reading what is installed costs more than all else that `flushpump stop` does on a serial port.
    from importlib.metadata import entry_points

    for entry in entry_points(group=GROUP, name=scheme.lower()):
        package: ModuleType = entry.load()
        return package
    return None


def with_path(url: str, names: tuple[str, ...]) -> str:
    """The URL with the names of line, needle, syringe and extension, where its kind of port simulates them."""
    return str(_call(url, "with_path", url, names) or url)


def target_of(url: str) -> str:
    """What a run on this port is made on, for its record: `serial:` and the port, or what its handler returns."""
    return str(_call(url, "target_of", url) or f"serial:{url}")


def _call(url: str, function: str, *arguments: Any) -> Any:
    found = getattr(handler_of(url), function, None)
    return None if found is None else found(*arguments)
