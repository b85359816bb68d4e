"""The motor driver on the emulated board's UART: it has its settings before anything moves, or nothing moves."""

import pytest
from flushhil.dut import DeviceUnderTest, pulses, refused_as
from flushlink import messages
from flushpump.wire.messages import State
from flushsim.emulator.board import EmulatedBoard

GCONF, IHOLD_IRUN, CHOPCONF = 0x00, 0x10, 0x6C


@pytest.fixture
def silent_driver_board() -> EmulatedBoard:
    """A board whose motor driver has no supply; its loop has begun."""
    board = EmulatedBoard()
    board.driver_uart.driver.silent = True
    board.start()
    return board


@pytest.mark.requirement("REQ-START-2")
def test_a_started_board_has_given_its_driver_current_microsteps_and_chopper(started_board: EmulatedBoard) -> None:
    driver = started_board.driver_uart.driver
    assert driver.writes == 6
    assert driver.registers[GCONF] == 0xC4, "SpreadCycle, UART alone, microsteps by register"
    assert driver.registers[CHOPCONF] >> 24 & 0xF == 4, "1/16 step"
    assert driver.registers[IHOLD_IRUN] >> 8 & 0x1F == 15, "500 mA at 110 mOhm"


@pytest.mark.timeout(1_200)
@pytest.mark.requirement("REQ-START-1", "REQ-START-2")
def test_a_driver_that_does_not_answer_fails_the_self_test_and_is_never_switched_on(
    silent_driver_board: EmulatedBoard,
) -> None:
    dut = DeviceUnderTest("emulator", board=silent_driver_board)
    assert dut.pump.status().state is State.FAULT
    assert dut.pump.self_test().failed == messages.TEST_DRIVER
    assert dut.alarm_names()[0] == "SELF_TEST_FAILED"
    dut.set_path()
    dut.load(pulses(1))
    assert refused_as(dut.pump.start) == "SELF_TEST"
    assert not dut.plant.bursts
    assert not dut.plant.stepper.enabled
    started_driver = silent_driver_board.driver_uart.driver
    started_driver.silent = False
    assert dut.pump.self_test().failed == 0, "its supply came late"
    assert dut.pump.status().state is State.IDLE
    dut.pump.link.command("SERVICE")
    chip = dut.rig.chip
    chip.run(100_000)
    chip.read()
    chip.write(b"\rprint(open('/journal/notes.txt', 'rb').read())\r")
    assert b"the motor driver at UART address 3 does not answer; check its supply" in chip.wait_for(b"\r\n>>> ")
