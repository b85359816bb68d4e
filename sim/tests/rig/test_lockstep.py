"""One clock: firmware and plant take turns, with the same outcome in CPython and in the MicroPython VM."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flushpump.errors import FileProblem
from flushsim.rig.lockstep import TICK_US, Rig
from flushsim.rig.trace import TraceRow

Ask = Callable[[Rig], Any]
TARGETS = ("native", "sim")
FAULTS = ("link-drop:0.2@0s", "link-duplicate:0.2@0s", "link-reorder:0.2@0s", "occlusion@1s")


def traced(target: str, stand_in: Path, path: Path, seed: int = 7) -> bytes:
    with Rig(target, firmware_root=stand_in, faults=FAULTS, seed=seed, trace=path) as rig:
        for letters in (b"e\0", b"g\0", b"e\0", b"ee\0n\0", b"w\0", b"h\0"):
            for _ in range(20):
                rig.to_device(letters)
                rig.step()
            rig.run_until(rig.now_us + 300_000)
    return path.read_bytes()


def test_native_and_vm_make_the_same_trace_byte_for_byte(stand_in: Path, tmp_path: Path) -> None:
    native = traced("native", stand_in, tmp_path / "native")
    assert native == traced("sim", stand_in, tmp_path / "sim")
    assert native.count(b"\n") > 400
    assert b" 1 4 0 " in native, "the pump must have moved"


def test_another_seed_makes_another_trace(stand_in: Path, tmp_path: Path) -> None:
    assert traced("native", stand_in, tmp_path / "a") != traced("native", stand_in, tmp_path / "b", seed=8)


@pytest.mark.parametrize("target", TARGETS)
def test_the_firmware_sees_bytes_after_the_loop_latency_and_acts_in_its_tick(target: str, stand_in: Path) -> None:
    with Rig(target, firmware_root=stand_in) as rig:
        rig.run_until(100_000)
        rig.to_device(b"g")
        # Written at 100 ms the letter is there at 101 ms and read at 105 ms; the first edge comes half a pulse later.
        rig.run_until(200_000)
        assert rig.plant.stepper.bursts[0].first_ticks / 125 == 105_000 + 50
        rig.to_device(b"q")
        rig.run_until(300_000)
        last_us = rig.plant.stepper.last_step_us
        assert last_us is not None
        assert 200_000 < last_us <= 205_000
        assert not rig.moving


@pytest.mark.parametrize("target", TARGETS)
def test_the_firmware_counts_the_steps_that_the_motor_made(target: str, stand_in: Path, echo: Ask) -> None:
    with Rig(target, firmware_root=stand_in) as rig:
        rig.to_device(b"g")
        rig.run_until(1_000_000)
        rig.to_device(b"h")
        rig.run_until(1_100_000)
        assert rig.plant.stepper.position > 9_000
        assert echo(rig).position == rig.plant.stepper.position


@pytest.mark.parametrize("target", TARGETS)
def test_the_stop_button_reaches_the_firmware(target: str, stand_in: Path, echo: Ask) -> None:
    with Rig(target, firmware_root=stand_in, faults=["stop-button@500ms~100ms"]) as rig:
        rig.to_device(b"g")
        rig.run_until(1_000_000)
        assert rig.plant.motion_started_us is not None
        last_us = rig.plant.stepper.last_step_us
        assert last_us is not None
        assert 500_000 < last_us - rig.plant.motion_started_us <= 500_000 + 2 * TICK_US
        assert not echo(rig).inputs & 1, "the button is let go after its time"


@pytest.mark.parametrize("target", TARGETS)
def test_the_firmware_sees_the_pressure_of_a_loop_latency_ago(target: str, stand_in: Path, echo: Ask) -> None:
    rows: list[TraceRow] = []
    with Rig(target, firmware_root=stand_in, trace=rows) as rig:
        rig.to_device(b"g")
        rig.run_until(200_000)
        echoed = echo(rig)
        # The device's clock is the rig's; the row that ended at that time holds the reading taken 1.5 ms before.
        row = next(row for row in rows if row.now_us == echoed.now_us)
        assert echoed.reading == row.reading
        assert row.pressure_pa > 10_000


def test_the_devices_clock_wraps_and_the_rigs_does_not(stand_in: Path, echo: Ask) -> None:
    with Rig("native", firmware_root=stand_in, device_clock_us=2**30 - 20_000) as rig:
        assert echo(rig).now_us == 2**30 - 20_000 + TICK_US
        assert echo(rig).now_us < 2**20
        assert rig.now_us == 8 * TICK_US


def test_two_native_rigs_do_not_share_the_firmwares_state(stand_in: Path) -> None:
    with Rig("native", firmware_root=stand_in) as one, Rig("native", firmware_root=stand_in) as other:
        one.to_device(b"g")
        for _ in range(20):
            one.step()
            other.step()
        assert one.moving
        assert not other.moving
        assert other.plant.stepper.position == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"target": "moon"}, "there is no target 'moon'; known are sim, native"),
        ({"board": "rpi_picco"}, "there is no board 'rpi_picco'; known are .*rpi_pico"),
        ({"faults": ["link-dorp@0s"]}, "link-drop"),
        ({"line": "smartport-ct-8"}, "smartport-ct-8f"),
    ],
)
def test_a_name_that_does_not_exist_is_one_sentence(options: dict[str, object], sentence: str, stand_in: Path) -> None:
    with pytest.raises(Exception, match=sentence) as caught:
        Rig(firmware_root=stand_in, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_a_trace_that_does_not_fit_the_disk_is_reported_when_the_rig_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        name = "x.trace"

        def write(self, text: str) -> None:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            pass

    monkeypatch.setattr("flushsim.rig.trace._opened", lambda file: Full())
    rig = Rig("native", trace=tmp_path / "x.trace")
    rig.step()
    with pytest.raises(FileProblem, match=r"the trace x\.trace cannot be written: No space left on device; name"):
        rig.close()
