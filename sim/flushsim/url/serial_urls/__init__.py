"""pyserial URL handlers of the simulator; importing this package makes `flushsim://` known to pyserial."""

import serial  # type: ignore[import-untyped]

if __name__ not in serial.protocol_handler_packages:
    serial.protocol_handler_packages.append(__name__)
