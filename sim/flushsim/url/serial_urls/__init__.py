"""pyserial URL handlers of the simulator; importing this package makes `flushsim://` known to pyserial.

flushpump finds it by the entry point `flushsim` of the group `flushpump.serial_urls`, and calls the functions here.
"""

from urllib.parse import parse_qsl, urlencode, urlsplit

import serial  # type: ignore[import-untyped]

if __name__ not in serial.protocol_handler_packages:
    serial.protocol_handler_packages.append(__name__)

_PARTS = ("line", "needle", "syringe", "extension")


def with_path(url: str, names: tuple[str, ...]) -> str:
    """The URL with those names of line, needle, syringe and extension that it does not have itself."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    named = {key for key, _ in pairs}
    pairs += [(key, name) for key, name in zip(_PARTS, names, strict=True) if key not in named]
    return f"{parts.scheme}://?{urlencode(pairs, safe='@:')}"


def target_of(url: str) -> str:
    """The simulated target that a run is made on, `sim` or another."""
    return dict(parse_qsl(urlsplit(url).query)).get("target", "sim")
