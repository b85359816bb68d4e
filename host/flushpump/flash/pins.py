"""A board's pins checked against its chip, and the table by which it is wired.

Rules of the RP2040 (datasheet 1.4.3, 4.9): I2C pairs on SDA even and SCL odd pins of one controller, UART pairs
likewise, ADC on GPIO 26 to 29. Other roles can have any pin: PIO reaches every pin and the step generator takes single
ones; every pin has a PWM slice, and the buzzer is the only one that needs one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class _Role:
    """The role of a pin, in the words of the wiring table; `needed` by every board."""

    wiring: str
    needed: bool = False


ROLES = {
    "step": _Role("driver STEP", needed=True),
    "dir": _Role("driver DIR", needed=True),
    "enable": _Role("driver ENABLE, with a resistor that keeps it off in reset", needed=True),
    "uart_tx": _Role("driver PDN_UART, through 1 kOhm"),
    "uart_rx": _Role("driver PDN_UART"),
    "led_red": _Role("LED red, through a resistor to its anode", needed=True),
    "led_green": _Role("LED green, likewise", needed=True),
    "led_blue": _Role("LED blue, likewise", needed=True),
    "buzzer": _Role("buzzer, through a transistor", needed=True),
    "stop_button": _Role("stop button", needed=True),
    "syringe_switch": _Role("syringe-present switch"),
    "clutch_switch": _Role("clutch switch"),
    "home_switch": _Role("home switch"),
    "end_switch": _Role("end switch"),
    "i2c_sda": _Role("pressure sensor SDA, 4.7 kOhm to 3V3"),
    "i2c_scl": _Role("pressure sensor SCL, 4.7 kOhm to 3V3"),
    "service_strap": _Role("service strap"),
    "adc": _Role("pressure transducer, through its divider"),
}
SWITCHES = ("stop_button", "syringe_switch", "clutch_switch", "home_switch", "end_switch", "service_strap")
SENSOR_PINS = {"abp2": ("i2c_sda", "i2c_scl"), "adc": ("adc",)}
# What keeps the drive from bursting a catheter (drive.force_limit_by), in the words of the boards' page.
FORCE_LIMITS = {"current": "the motor's current", "clutch": "a clutch", "relief": "a relief valve"}
# STEP high, STEP low, DIR set-up in ns: the makers' data sheets.
DRIVER_TIMES_NS = {"a4988": (1000, 1000, 200), "drv8825": (1900, 1900, 650), "tmc2209": (100, 100, 20)}
# Microsteps of a TMC2209 that its pins MS1 and MS2 give as well, so that one which loses its settings keeps them; and
# where these go, which is its address too.
STRAPS = {8: ("GND", "GND"), 32: ("VIO", "GND"), 64: ("GND", "VIO"), 16: ("VIO", "VIO")}
# Full scale at the sense resistor, which has 20 mOhm more in the driver (TMC2209 datasheet, section 9; R-h).
_FULL_SCALE_UV = 325_000_000
_TIMES = ("step_high_ns", "step_low_ns", "dir_setup_ns")
# The Pico's header; 3V3 is 36, 5 V in is 39 (VSYS).
HEADER_PINS = {
    0: 1, 1: 2, 2: 4, 3: 5, 4: 6, 5: 7, 6: 9, 7: 10, 8: 11, 9: 12, 10: 14, 11: 15, 12: 16, 13: 17, 14: 19, 15: 20,
    16: 21, 17: 22, 18: 24, 19: 25, 20: 26, 21: 27, 22: 29, 26: 31, 27: 32, 28: 34,
}  # fmt: skip


def check(data: Mapping[str, Any]) -> None:
    """Raises ValueError with one sentence when pins, driver, sensor or indicators do not fit the chip."""
    board = data.get("name", "?")
    try:
        _check_pins(data)
        _check_force_limit(_table(data, "drive"))
        _check_driver(_table(data, "driver"))
        _check_driver_uart(data["driver"], data["pins"])
        _check_indicators(data)
    except ValueError as error:
        raise ValueError(f"board '{board}': {error}") from None


def wiring(data: Mapping[str, Any]) -> str:
    """The board's pins as a Markdown table, in the order of their numbers."""
    rows = ["| GPIO | pin of the header | wired to |", "| --- | --- | --- |"]
    active_low = data["indicators"]["active_low"]
    for role, gpio in sorted(data["pins"].items(), key=lambda item: item[1]):
        text = ROLES[role].wiring
        if role in SWITCHES:
            text += ", closes to ground when it acts" if role in active_low else ", to ground, opens when it acts"
        rows.append(f"| {gpio} | {HEADER_PINS[gpio]} | {text} |")
    return "\n".join(rows) + "\n"


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = data.get(name)
    if not isinstance(table, Mapping):
        raise ValueError(f"the table [{name}] is missing")
    return table


def _check_pins(data: Mapping[str, Any]) -> None:
    pins = _table(data, "pins")
    reserved = data.get("reserved_pins", [])
    if data.get("chip") != "rp2040":
        raise ValueError(f"chip is {data.get('chip')!r}, but only rp2040 is known")
    roles: dict[int, str] = {}
    for role, gpio in pins.items():
        if role not in ROLES:
            raise ValueError(f"pins.{role} is not known; known are {', '.join(ROLES)}")
        if isinstance(gpio, bool) or gpio not in HEADER_PINS or gpio in reserved:
            raise ValueError(f"pins.{role} is {gpio!r}, which is not a free GPIO on the module's header")
        if gpio in roles:
            raise ValueError(f"GPIO {gpio} is used twice, as {roles[gpio]} and as {role}")
        roles[gpio] = role
    kind = _table(data, "sensor").get("kind")
    if kind not in SENSOR_PINS:
        raise ValueError(f"sensor.kind is {kind!r}, but must be one of {', '.join(SENSOR_PINS)}")
    needed = [role for role in ROLES if ROLES[role].needed or role in SENSOR_PINS[kind]]
    for role in needed:
        if role not in pins:
            raise ValueError(f"pins.{role} is missing")
    _check_functions(pins)


def _check_functions(pins: Mapping[str, int]) -> None:
    """Whether the chip's blocks reach the pins that need one."""
    if "adc" in pins and pins["adc"] not in range(26, 30):
        raise ValueError(f"pins.adc is {pins['adc']}, but the ADC is on GPIO 26 to 29")
    _check_pair(pins, "i2c_sda", "i2c_scl", period=2, unit=lambda gpio: gpio // 2 % 2)
    _check_pair(pins, "uart_tx", "uart_rx", period=4, unit=lambda gpio: (gpio + 4) // 8 % 2)


def _check_pair(pins: Mapping[str, int], first: str, second: str, *, period: int, unit: Any) -> None:
    if (first in pins) != (second in pins):
        raise ValueError(f"pins.{first} and pins.{second} go together, but only one is given")
    if first not in pins:
        return
    one, other = pins[first], pins[second]
    if one % period != 0 or other % period != 1 or unit(one) != unit(other):
        raise ValueError(f"pins.{first} {one} and pins.{second} {other} are not a pair of one controller of the RP2040")


def _check_force_limit(drive: Mapping[str, Any]) -> None:
    """The board names what limits its force independently of the firmware, which checks the limit too."""
    limit = drive.get("force_limit_by")
    if limit not in FORCE_LIMITS:
        raise ValueError(f"drive.force_limit_by is {limit!r}, but must be one of {', '.join(FORCE_LIMITS)}")


def _check_driver(driver: Mapping[str, Any]) -> None:
    kind = driver.get("kind")
    if kind not in DRIVER_TIMES_NS:
        raise ValueError(f"driver.kind is {kind!r}, but must be one of {', '.join(DRIVER_TIMES_NS)}")
    for key, least in zip(_TIMES, DRIVER_TIMES_NS[kind], strict=True):
        value = driver.get(key)
        if not isinstance(value, int) or not least <= value <= 100_000:
            raise ValueError(f"driver.{key} is {value!r}, but {kind} needs {least} to 100000")
    for key in ("enable_active_low", "forwards_high"):
        if not isinstance(driver.get(key), bool):
            raise ValueError(f"driver.{key} is {driver.get(key)!r}, but must be true or false")


def _check_driver_uart(driver: Mapping[str, Any], pins: Mapping[str, int]) -> None:
    """The table [driver.uart], which a board may have together with the pins of a UART."""
    uart = driver.get("uart")
    if (uart is None) != ("uart_tx" not in pins):
        raise ValueError("the table [driver.uart] and pins.uart_tx go together, but only one is given")
    if uart is None:
        return
    if not isinstance(uart, Mapping) or driver["kind"] != "tmc2209":
        raise ValueError("[driver.uart] must be a table, of a driver of the kind tmc2209")
    sense_mohm = _integer(uart, "sense_resistor_mohm", 20, 1000)
    # 1.414 for the peak of the RMS current.
    most_ma = _FULL_SCALE_UV // (1414 * (sense_mohm + 20))
    run_ma = _integer(uart, "run_current_ma", 50, most_ma)
    _integer(uart, "hold_current_ma", 0, run_ma)
    if uart.get("microsteps") not in STRAPS:
        raise ValueError(
            f"driver.uart.microsteps is {uart.get('microsteps')!r}, but must be one of "
            f"{', '.join(map(str, sorted(STRAPS)))}, which the driver's pins give as well"
        )
    for key in ("interpolate", "spread_cycle"):
        if not isinstance(uart.get(key), bool):
            raise ValueError(f"driver.uart.{key} is {uart.get(key)!r}, but must be true or false")
    if _integer(uart, "stall_threshold", 0, 255) and uart["spread_cycle"]:
        raise ValueError("driver.uart.stall_threshold is for StealthChop: set spread_cycle to false, or it to 0")


def _integer(uart: Mapping[str, Any], key: str, least: int, most: int) -> int:
    value = uart.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"driver.uart.{key} is {value!r}, but must be an integer from {least} to {most}")
    return value


def _check_indicators(data: Mapping[str, Any]) -> None:
    indicators = _table(data, "indicators")
    buzzer_hz = indicators.get("buzzer_hz")
    # IEC 60601-1-8: the fundamental of a pulse is between 150 and 1000 Hz.
    if not isinstance(buzzer_hz, int) or not 150 <= buzzer_hz <= 1000:
        raise ValueError(f"indicators.buzzer_hz is {buzzer_hz!r}, but must be an integer from 150 to 1000")
    active_low = indicators.get("active_low")
    if not isinstance(active_low, list):
        raise ValueError("indicators.active_low is missing; it lists the switches that close when they act")
    for role in active_low:
        if role not in SWITCHES or role not in data["pins"]:
            raise ValueError(f"indicators.active_low names {role!r}, which is not a switch of this board")
