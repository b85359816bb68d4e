"""The RP2040 under the pump: `ports()` builds every port of the controller from the board's data in /board.json."""

import json
import sys

BOARD_FILE = "/board.json"


def board_data(path=BOARD_FILE):
    """The parsed board file; raises ValueError with one sentence when there is none."""
    try:
        with open(path) as file:
            data = json.load(file)
        if not isinstance(data, dict):
            raise ValueError("it holds no tables")
        return data
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read ({error}); flash the board again") from None


def ports(report, feed):
    """(board, link, steps, counter, pressure, indicators, journal, identity), as the controller takes them.

    The first thing done to a pin is to switch the driver off. `report` takes a sentence about damage in the journal, or
    about a driver that does not take its settings. `feed` is called before each access to the flash and each exchange
    with the driver. Raises ValueError with one sentence for board data that make no sense.
    """
    from pump.board import Board

    from .identity import Identity
    from .indicators import Indicators
    from .journal import Journal
    from .step_counter import StepCounter
    from .step_generator import StepGenerator
    from .usb_link import UsbLink

    data = board_data()
    board = Board(data)
    try:
        pins = data["pins"]
        driver = data["driver"]
        steps = StepGenerator(pins, driver, board.ticks_per_us, settling(pins, driver, report, feed))
        counter = StepCounter(pins, driver)
        pressure = pressure_sensor(pins, data["sensor"])
        indicators = Indicators(pins, data["indicators"])
    except KeyError as error:
        raise ValueError(f"board data: {error} is missing in {BOARD_FILE}; flash the board again") from None
    return board, UsbLink(), steps, counter, pressure, indicators, Journal(report=report, feed=feed), Identity()


def settling(pins, driver, report, feed):
    """A function that gives the driver its settings of [driver.uart] and returns whether it took them; None without."""
    settings = driver.get("uart")
    if settings is None:
        return None

    def settle():
        from .tmc2209 import set_up

        complaint = set_up(pins, settings, feed)
        # Seldom needed: 3 kB of heap.
        del sys.modules["hardware.tmc2209"]
        globals().pop("tmc2209", None)
        if complaint:
            report(complaint)
        return not complaint

    return settle


def pressure_sensor(pins, sensor):
    """The port for the kind of sensor that the board's data name."""
    if sensor["kind"] == "abp2":
        from .pressure_abp2 import Abp2

        return Abp2(pins, sensor)
    if sensor["kind"] == "adc":
        from .pressure_adc import AdcPressure

        return AdcPressure(pins)
    raise ValueError(f"board data: there is no pressure sensor of the kind '{sensor['kind']}'; known are abp2 and adc")
