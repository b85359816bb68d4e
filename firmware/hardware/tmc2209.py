"""Sets up a TMC2209 over its one-wire UART: current, microsteps, chopper. Before the loop begins, never in motion.

Whatever is sent comes back as an echo, since both directions share a wire. Each datagram ends with a CRC-8, checked
here and by the driver, which counts those that it has taken: a register counts as written when that counter has gone
on by one. What can be read is read back. A driver that does not answer costs 20 ms.

A driver that loses its supply loses its settings and goes by its pins MS1 and MS2, which are its address as well. So
each number of microsteps has its own address: with any other wiring the driver does not answer, and with this one its
steps never change their size. StallGuard raises the pin DIAG, a hint for whoever looks at it; nothing acts on it.

Registers and figures: TMC2209 datasheet, revision 1.03, sections 4, 5, 9 and 11 (recalled, high confidence; CRC and
datagrams checked against recorded ones).
"""

from machine import UART, Pin
from micropython import const

# The driver follows any rate up to 500,000. Twelve bytes take 1 ms.
_BAUD = const(115_200)
_FIRST_MS = const(5)
_NEXT_MS = const(2)
_TRIES = const(3)

_SYNC = const(5)
_MASTER = const(0xFF)
_WRITE = const(0x80)
_GCONF = const(0x00)
_IFCNT = const(0x02)
_IOIN = const(0x06)
_IHOLD_IRUN = const(0x10)
_TPWMTHRS = const(0x13)
_TCOOLTHRS = const(0x14)
_SGTHRS = const(0x40)
_CHOPCONF = const(0x6C)
_VERSION = const(0x21)
# GCONF: SpreadCycle; the pin PDN_UART is the UART's alone; microsteps by register. Its bit 0, current by the
# potentiometer, stays off.
_SPREAD_CYCLE = const(4)
_UART_ONLY = const(0x40)
_MICROSTEPS_BY_REGISTER = const(0x80)
# CHOPCONF as from reset (off time 3, hysteresis 5 and 0), and its bits.
_CHOPPER = const(0x0000_0053)
_SENSITIVE = const(1 << 17)
_INTERPOLATE = const(1 << 28)
_MRES_PLACE = const(24)
_HOLD_DELAY = const(8 << 16)
_ANY_SPEED = const(0xFFFFF)

# Address by MS1 (1) and MS2 (2) that gives these microsteps without UART, too.
ADDRESSES = {8: 0, 32: 1, 64: 2, 16: 3}


def crc8(data):
    """CRC-8 with the polynomial x^8 + x^2 + x + 1, each byte's lowest bit first."""
    crc = 0
    for byte in data:
        for _ in range(8):
            crc = (crc << 1 ^ 7 if crc >> 7 ^ byte & 1 else crc << 1) & 0xFF
            byte >>= 1
    return crc


def current_scale(current_ma, sense_mohm, full_scale_mv):
    """The driver's number of 32nds less one for an RMS current, rounded down; more than 31 is out of its reach."""
    # 1.414 for the peak; 20 mOhm are the driver's own.
    return 32 * 1414 * current_ma * (sense_mohm + 20) // (full_scale_mv * 1_000_000) - 1


def registers(settings):
    """(register, value, whether it can be read back) in the order of writing, from the board's table [driver.uart]."""
    sense = settings["sense_resistor_mohm"]
    sensitive = _SENSITIVE
    run = current_scale(settings["run_current_ma"], sense, 180)
    hold = current_scale(settings["hold_current_ma"], sense, 180)
    if run > 31:
        sensitive = 0
        run = min(current_scale(settings["run_current_ma"], sense, 325), 31)
        hold = current_scale(settings["hold_current_ma"], sense, 325)
    microsteps = settings["microsteps"]
    mres = 8
    while microsteps > 1:
        microsteps >>= 1
        mres -= 1
    chopper = _CHOPPER | sensitive | mres << _MRES_PLACE | (_INTERPOLATE if settings["interpolate"] else 0)
    general = _UART_ONLY | _MICROSTEPS_BY_REGISTER | (_SPREAD_CYCLE if settings["spread_cycle"] else 0)
    stall = settings["stall_threshold"]
    return (
        (_CHOPCONF, chopper, True),
        (_IHOLD_IRUN, _HOLD_DELAY | max(run, 0) << 8 | max(hold, 0), False),
        (_TPWMTHRS, 0, False),
        (_TCOOLTHRS, _ANY_SPEED if stall else 0, False),
        (_SGTHRS, stall, False),
        # Last: from here on the registers count, not the pins.
        (_GCONF, general, True),
    )


def set_up(pins, settings, feed):
    """Gives the driver its settings; "" when it has taken all of them, else one sentence about what went wrong.

    `pins` and `settings` are the board's tables [pins] and [driver.uart]. Switch the driver off first.
    """
    driver = Driver(pins, ADDRESSES[settings["microsteps"]], feed)
    try:
        if driver.read(_IOIN) >> 24 != _VERSION:
            raise DriverError("is no TMC2209, check what is wired to the UART")
        for register, value, readable in registers(settings):
            driver.write(register, value)
            if readable and driver.read(register) != value:
                raise DriverError(f"does not hold what was written to its register {register:#x}, replace it")
    except DriverError as error:
        return f"the motor driver at UART address {driver.address} {error}; until then nothing moves"
    finally:
        driver.close()
    return ""


class DriverError(Exception):
    """What the driver does, and what to do, as the end of a sentence."""


class Driver:
    """Reads and writes registers of the driver at `address`; raises DriverError after three tries."""

    def __init__(self, pins, address, feed):
        transmit = pins["uart_tx"]
        self.address = address
        self._feed = feed
        self._uart = UART(
            (transmit + 4) // 8 % 2,
            baudrate=_BAUD,
            tx=Pin(transmit),
            rx=Pin(pins["uart_rx"]),
            timeout=_FIRST_MS,
            timeout_char=_NEXT_MS,
        )

    def close(self):
        self._uart.deinit()

    def read(self, register):
        request = self._framed(bytes((_SYNC, self.address, register)))
        trouble = ""
        for _ in range(_TRIES):
            echo, reply = self._exchange(request, 8)
            if echo != request:
                trouble = "cannot be reached, the UART does not receive its own bytes; check the wire and its 1 kOhm"
            elif not reply:
                trouble = "does not answer; check its supply, and MS1 and MS2, which set its address"
            elif len(reply) < 8 or crc8(reply[:7]) != reply[7]:
                trouble = "sends damaged answers; check the UART's wire"
            elif reply[0] & 0xF != _SYNC or reply[1] != _MASTER or reply[2] != register:
                trouble = "answers something that was not asked; check what else is wired to the UART"
            else:
                return reply[3] << 24 | reply[4] << 16 | reply[5] << 8 | reply[6]
        raise DriverError(trouble)

    def write(self, register, value):
        """Written when the driver's own count has gone on by one; a write that was lost is made again."""
        body = bytes((_SYNC, self.address, register | _WRITE)) + value.to_bytes(4, "big")
        datagram = self._framed(body)
        before = self.read(_IFCNT)
        for _ in range(_TRIES):
            self._exchange(datagram, 0)
            taken = self.read(_IFCNT) - before & 0xFF
            if taken == 1:
                return
            if taken:
                raise DriverError("counts writes that were not made; check what else is wired to the UART")
        raise DriverError("does not take what is written to it; check the UART's wire")

    def _framed(self, body):
        return body + bytes((crc8(body),))

    def _exchange(self, request, size):
        """(echo, reply of `size` bytes), each as far as it came."""
        self._feed()
        uart = self._uart
        while uart.any():
            uart.read(uart.any())
        uart.write(request)
        received = uart.read(len(request) + size) or b""
        return received[: len(request)], received[len(request) :]
