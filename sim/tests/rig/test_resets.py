"""Resets, the watchdog and power cuts are true restarts: what is in flash stays, what is in RAM goes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flushsim.firmware.journal import LOG_CAPACITY
from flushsim.rig.lockstep import BOOT_US, TICK_US, WATCHDOG_US, Rig

Ask = Callable[[Rig], Any]
TARGETS = pytest.mark.parametrize("target", ["native", "sim"])
POWER_ON, WATCHDOG, COMMAND = 1, 2, 3


@TARGETS
def test_scratch_survives_the_watchdog_and_is_lost_with_the_power(target: str, stand_in: Path, echo: Ask) -> None:
    with Rig(target, firmware_root=stand_in) as rig:
        rig.to_device(b"w")
        assert echo(rig).scratch_0 == 0x2345678
        rig.kill_loop()
        rig.run_until(rig.now_us + WATCHDOG_US + BOOT_US + 2 * TICK_US)
        after = echo(rig)
        assert (after.scratch_0, after.reset_cause) == (0x2345678, WATCHDOG)
        rig.power_cut()
        rig.run_until(rig.now_us + 1_000_000 + BOOT_US + 2 * TICK_US)
        after = echo(rig)
        assert (after.scratch_0, after.reset_cause) == (0, POWER_ON)


@TARGETS
def test_flash_survives_everything_and_can_be_handed_to_another_rig(target: str, stand_in: Path, echo: Ask) -> None:
    with Rig(target, firmware_root=stand_in) as rig:
        rig.to_device(b"n")
        rig.run_until(2 * TICK_US)
        rig.power_cut()
        rig.run_until(2_000_000)
        rig.to_device(b"n")
        echoed = echo(rig)
        assert divmod(echoed.scratch_3, 256) == (1, 1), "entry 1 is still there"
        assert echoed.first_boots_cause == POWER_ON
        journal = rig.journal
    with Rig(target, firmware_root=stand_in, journal=journal) as other:
        other.to_device(b"n")
        echo(other)
        assert other.journal.newest == 3


@TARGETS
def test_a_dead_loop_ends_motion_with_its_queue_and_the_watchdog_restarts(
    target: str, stand_in: Path, echo: Ask
) -> None:
    with Rig(target, firmware_root=stand_in) as rig:
        rig.to_device(b"g")
        rig.run_until(500_000)
        assert rig.moving
        rig.kill_loop()
        rig.run_until(500_000 + WATCHDOG_US + BOOT_US)
        last_us = rig.plant.stepper.last_step_us
        assert last_us is not None
        assert last_us <= 520_000
        assert rig.boots == 1
        rig.run_until(rig.now_us + 3 * TICK_US)
        assert rig.boots == 2
        assert echo(rig).position == 0, "the counter is a new one"
        assert not rig.moving


def test_a_loop_that_stalls_shorter_than_the_watchdog_goes_on(stand_in: Path, echo: Ask) -> None:
    with Rig("native", firmware_root=stand_in, faults=["loop-stall@100ms~500ms"]) as rig:
        rig.to_device(b"g")
        rig.run_until(500_000)
        assert rig.plant.stepper.queued_us() == 0
        rig.run_until(1_000_000)
        assert rig.plant.stepper.queued_us() > 0
        assert rig.boots == 1


def test_a_reset_by_command_stops_the_motor_at_once_and_loses_what_was_on_the_link(stand_in: Path, echo: Ask) -> None:
    with Rig("native", firmware_root=stand_in) as rig:
        rig.to_device(b"g")
        rig.run_until(500_000)
        rig.to_device(b"r")
        rig.step()
        rig.step()
        assert rig.plant.stepper.queued_us() == 0
        rig.to_device(b"e")
        rig.run_until(rig.now_us + BOOT_US + 4 * TICK_US)
        assert rig.from_device() == b""
        assert echo(rig).reset_cause == COMMAND


def test_service_leaves_the_loop_until_a_reset(stand_in: Path, echo: Ask) -> None:
    with Rig("native", firmware_root=stand_in) as rig:
        rig.to_device(b"s")
        rig.run_until(100_000)
        rig.to_device(b"e")
        rig.run_until(3_000_000)
        assert rig.from_device() == b""
        assert rig.boots == 1
        rig.reset()
        rig.run_until(4_000_000)
        assert echo(rig).reset_cause == 4


def test_a_corrupt_record_loads_as_minus_one_until_it_is_saved_anew(stand_in: Path) -> None:
    with Rig("native", firmware_root=stand_in) as rig:
        rig.step()
        assert rig.journal.records[1] == bytes([POWER_ON, 0, 0, 0])
        rig.journal.corrupt.add(1)
        rig.to_device(b"e")
        rig.run_until(rig.now_us + 3 * TICK_US)
        assert rig.from_device()[22] == 255


def test_the_oldest_log_entry_goes_first_and_numbers_are_never_repeated(stand_in: Path, echo: Ask) -> None:
    with Rig("native", firmware_root=stand_in) as rig:
        for _ in range(LOG_CAPACITY // 64 + 1):
            rig.to_device(b"n" * 64)
            rig.step()
        rig.run_until(rig.now_us + 40 * TICK_US)
        assert rig.journal.newest == LOG_CAPACITY + 64
        assert len(rig.journal.entries) == LOG_CAPACITY
        assert echo(rig).scratch_3 // 256 == 64 + 1, "the entry at or after 1"
