"""The client against the real firmware over flushsim://, on good lines and bad ones."""

from collections import Counter
from functools import partial
from random import Random
from typing import Any

import pytest
from flushpump.device.pump import DEFAULT_KEY, Pump
from flushpump.device.retry import retry_idempotent
from flushpump.errors import LinkLostError, OutcomeUnknownError, RefusedError, UsageError
from flushpump.wire.messages import (
    Event,
    Fluid,
    LineFlag,
    Outcome,
    PathSettings,
    Phase,
    PhaseKind,
    Program,
    ProgramEnd,
    PulseResult,
    Question,
    State,
    Status,
)

PATH = PathSettings(
    barrel_diameter_um=14_430, line_flags=LineFlag.NONE, fluid=Fluid.SALINE, syringe_capacity_nl=12_000_000,
    syringe_loaded_nl=10_000_000, hard_limit_pa=172_000, working_limit_pa=137_000, flow_cap_nl_per_s=2_000_000,
    resistance_pa_s_per_ml=8_000, turbulence_pa_s2_per_ml2=17_000, compliance_nl_per_kpa=2_500, path_tag=1,
)  # fmt: skip
PULSES = Program((Phase(PhaseKind.PULSES, 500_000, 1_500_000, count=6, pause_ms=400),), max_time_ms=60_000)
AUDIO_PAUSE = 0x32
LOG_COMMAND = 2


def url(*faults: str, seed: int = 1, target: str = "native") -> str:
    return f"flushsim://?target={target}&seed={seed}" + "".join(f"&fault={fault}" for fault in faults)


def loaded(pump: Pump) -> Pump:
    pump.set_path(PATH)
    pump.load(PULSES)
    return pump


def run(pump: Pump) -> tuple[list[int], ProgramEnd]:
    events: list[Event] = list(pump.follow())
    end = events[-1]
    assert isinstance(end, ProgramEnd)
    return [event.index for event in events if isinstance(event, PulseResult)], end


def retry_not_executed(pump: Pump, call: Any) -> Any:
    """`call`, and the very same again after each outcome that turns out to be not executed."""
    while True:
        try:
            return call()
        except OutcomeUnknownError:
            resolved = pump.resolve_pending()
            assert resolved is not None
            if resolved.executed:
                return None


def rig_of(pump: Pump) -> Any:
    return pump.port.rig  # type: ignore[attr-defined]


@pytest.mark.parametrize("target", ["native", "sim"])
def test_a_program_runs_to_its_end(target: str) -> None:
    with Pump.open(url(target=target)) as pump:
        loaded(pump).start()
        pulses, end = run(pump)
        assert pulses == [0, 1, 2, 3, 4, 5]
        assert end.outcome is Outcome.COMPLETED
        assert abs(end.delivered_nl - 3_000_000) < 30_000
        assert pump.result() == end
        assert pump.status().state is State.IDLE


def test_an_occlusion_is_reported_with_the_partial_volume_and_acknowledged() -> None:
    with Pump.open(url("occlusion@1s")) as pump:
        loaded(pump).start()
        pulses, end = run(pump)
        assert end.outcome is Outcome.OCCLUDED
        assert 0 < end.delivered_nl < end.driven_nl < 3_000_000
        assert pulses == list(range(end.pulse_count))
        for alarm in pump.alarms():
            pump.acknowledge(alarm.occurrence)
        assert pump.status().state is State.IDLE


@pytest.mark.parametrize("seed", range(5))
def test_every_pulse_is_reported_over_a_line_that_loses_doubles_and_damages(seed: int) -> None:
    faults = ("link-drop:0.1@0s", "link-duplicate:0.1@0s", "link-corrupt:0.05@0s", "link-delay:20ms@0s")
    with Pump.open(url(*faults, seed=seed), nonce=Random(seed).randbytes) as pump:
        retry_idempotent(pump, lambda: pump.set_path(PATH))
        retry_idempotent(pump, lambda: pump.load(PULSES))
        retry_not_executed(pump, pump.start)
        pump.keep_alive = True
        pulses, end = run(pump)
        assert end.outcome is Outcome.COMPLETED
        assert sorted(pulses) == [0, 1, 2, 3, 4, 5]
        assert abs(rig_of(pump).plant.driven_ul - 3000) < 30


@pytest.mark.requirement("REQ-DOSE-1", "REQ-LOG-1")
@pytest.mark.parametrize("seed", range(3))
def test_each_command_is_logged_once_by_the_pump_whatever_the_line_does(seed: int) -> None:
    faults = ("link-drop:0.15@0s", "link-duplicate:0.2@0s", "link-corrupt:0.05@0s", "link-delay:60ms@0s")
    with Pump.open(url(*faults, seed=seed), nonce=Random(seed).randbytes) as pump:
        for _ in range(60):
            retry_not_executed(pump, pump.audio_pause)
        rig = rig_of(pump)
        rig.run_until(rig.now_us + 1_000_000)
        # Reading the log over this line must not disturb it, so it is read command by command.
        found = Counter[int]()
        number = 0
        while entry := retry_idempotent(pump, partial(pump.log_entry, number)):
            found[entry.argument] += entry.code == LOG_COMMAND
            number = entry.number + 1
    assert found[AUDIO_PAUSE] == 60


@pytest.mark.requirement("REQ-LINK-1")
def test_a_dead_line_is_a_link_lost_and_the_plunger_stops() -> None:
    with pytest.raises(LinkLostError, match="stopped by itself"):
        _run_until_lost()


def _run_until_lost() -> None:
    with Pump.open(url("link-loss@1s")) as pump:
        rig = rig_of(pump)
        try:
            loaded(pump).start()
            list(pump.follow())
        finally:
            driven = rig.plant.driven_ul
            rig.run_until(rig.now_us + 1_000_000)
            assert rig.plant.driven_ul == driven
            assert driven < 3000


@pytest.mark.requirement("REQ-STOP-1")
def test_leaving_the_block_by_an_exception_stops_the_real_firmware() -> None:
    stopped: list[Status] = []

    class Watched(Pump):
        def close(self) -> None:
            stopped.append(self.status())
            super().close()

    def leave() -> None:
        with Watched.open(url()) as pump:
            loaded(pump).start()
            pump.poll(0.3)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        leave()
    assert not stopped[0].moving
    assert 0 < stopped[0].driven_nl < 500_000


@pytest.mark.requirement("REQ-LINK-3")
def test_a_second_host_ends_the_first_ones_session() -> None:
    with Pump.open(url()) as first:
        second = Pump.over(first.port)
        with pytest.raises(RefusedError, match="another host"):
            first.set_path(PATH)
        assert second.set_path(PATH)


@pytest.mark.requirement("REQ-LINK-4")
def test_a_wrong_key_gets_no_therapy_and_a_new_key_counts_from_the_next_session() -> None:
    with Pump.open(url()) as pump:
        pump.pair(b"another key, 16b")
        pump.reopen()
        pump.set_path(PATH)
        with pytest.raises(RefusedError, match="pairing key"):
            Pump.over(_Unclosed(pump.port), key=DEFAULT_KEY)
        stranger = Pump.over(_Unclosed(pump.port), key=None)
        assert stranger.info()
        with pytest.raises(RefusedError, match="has not proved"):
            stranger.set_path(PATH)


class _Unclosed:
    """A port that stays open for another client."""

    def __init__(self, port: Any) -> None:
        self._port = port

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)

    def close(self) -> None:
        return


@pytest.mark.requirement("REQ-CONF-1")
def test_settings_are_written_and_read_back() -> None:
    with Pump.open(url()) as pump:
        assert pump.get_setting("window_s") == 3600
        assert pump.set_setting("window_s", 1800) == 1800
        assert pump.get_setting("window_s") == 1800
        assert pump.set_setting("pressure_offset_pa", -1500) == -1500


def test_a_question_waits_for_its_answer() -> None:
    phases = (Phase(PhaseKind.WAIT, count=0, question=Question.CONTINUE), *PULSES.phases)
    with Pump.open(url()) as pump:
        pump.set_path(PATH)
        pump.load(Program(phases, 60_000))
        pump.start()
        pump.poll(3.0)
        while pump.status().state is not State.WAITING:
            pump.poll(0.1)
        with pytest.raises(RefusedError, match="does not fit the question"):
            pump.answer(Question.CLAMPED, True)
        assert pump.answer(Question.CONTINUE, True).state is State.RUNNING
        assert run(pump)[1].outcome is Outcome.COMPLETED


def test_priming_and_drawing_back_are_followed_to_their_end() -> None:
    with Pump.open(url()) as pump:
        pump.set_path(PATH)
        pump.prime(0.5, 0.5)
        end = run(pump)[1]
        assert (end.outcome, end.program_crc, end.intended_nl) == (Outcome.COMPLETED, 0, 0)
        pump.aspirate(0.3, 0.3)
        assert not pump.wait_until_still().moving


def test_a_reset_in_a_program_is_a_link_lost_and_nothing_moves() -> None:
    with Pump.open(url()) as pump:
        loaded(pump).start()
        pump.poll(0.5)
        rig = rig_of(pump)
        rig.reset()
        with pytest.raises((LinkLostError, RefusedError), match="restarted"):
            list(pump.follow())
        pump.reopen()
        assert not pump.status().moving
        assert pump.resolved is None or pump.resolved.executed is not True


@pytest.mark.parametrize("wrong", ["line=nowhere", "fault=gremlins@3s", "colour=red", "seed=x"])
def test_a_simulator_url_without_sense_is_one_sentence(wrong: str) -> None:
    with pytest.raises(UsageError) as caught:
        Pump.open(f"flushsim://?{wrong}")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 2
