"""What a run and a prime report when another program has stopped the pump."""

from typing import Any

import pytest
from flushlink import messages
from flushpump.access.access_path import AccessPath
from flushpump.cli.live_view import PlainDisplay
from flushpump.cli.prompts import YesPrompter
from flushpump.device.pump import Pump
from flushpump.device.single_motion import SingleMotion
from flushpump.planning.plan import Plan
from flushpump.planning.sequence import load_sequence
from flushpump.runs.report import RunReport
from flushpump.runs.run import Run
from flushpump.signals import StopSignals
from flushpump.wire import codec
from rich.console import Console

_STOP = codec.REQUESTS["STOP"].number
_OTHERS_NUMBER = 0x8000


def at_zero(size: int) -> bytes:
    """Random bytes for tests, so that the client counts its questions from 0."""
    return bytes(size)


class Line:
    """A simulated pump's port, at which another program sends STOP at `stop_s` and reads for `reads_s` after it."""

    def __init__(self, pump: Pump, stop_s: float, reads_s: float) -> None:
        self._port: Any = pump.port
        self._stop_s = pump.now_s + stop_s
        self._reads_until_s = self._stop_s + reads_s
        self._stopped = False
        self._partial = b""

    def read(self, size: int = 1) -> bytes:
        if not self._stopped and self.monotonic() >= self._stop_s:
            self._stopped = True
            stop = codec.Frame(messages.VERSION, messages.KIND_REQUEST, _STOP, 0, _OTHERS_NUMBER, 0, b"")
            self._port.write(codec.encode_frame(stop))
        got: bytes = self._port.read(size)
        if not self._stopped or self.monotonic() > self._reads_until_s:
            return got
        *frames, self._partial = (self._partial + got).split(b"\0")
        return b"".join(frame + b"\0" for frame in frames if frame and codec.decode_frame(frame).message == _STOP)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


def put_line(pump: Pump, stop_s: float, reads_s: float) -> None:
    pump._stream._port = Line(pump, stop_s, reads_s)


@pytest.mark.requirement("REQ-STOP-1", "REQ-STOP-3")
@pytest.mark.parametrize("reads_s", [0.0, 0.5, 3.0])
def test_a_run_that_another_program_stops_reports_it_however_long_that_takes_its_answers(reads_s: float):
    path = AccessPath.of("smartport-ct-8f", "huber-20g", "bd-10")
    plan = Plan.of(load_sequence("port-maintenance"), path)
    report = RunReport(plan)
    display = PlainDisplay(Console(quiet=True))
    url = "flushsim://?target=native&line=smartport-ct-8f&needle=huber-20g&syringe=bd-10"
    with Pump.open(url, nonce=at_zero) as pump, StopSignals() as signals:
        put_line(pump, 3.0, reads_s)
        Run(pump, plan, report, YesPrompter(), display, signals).perform()
    assert (report.outcome, report.exit_status) == ("stopped", 5)
    assert report.sentence().startswith("stopped at the pump or by another program, nothing moves: ")
    assert not report.interrupted
    assert 0.5 < report.delivered_ml < 5
    assert report.end is not None


@pytest.mark.parametrize("reads_s", [0.0, 3.0])
def test_a_prime_that_another_program_stops_reports_it_however_long_that_takes_its_answers(reads_s: float):
    with Pump.open("flushsim://?target=native", nonce=at_zero) as pump, StopSignals() as signals:
        plan = Plan.of(load_sequence("patency"), AccessPath.of("smartport-ct-8f", "huber-20g", "bd-10"), loaded_ml=10.0)
        pump.set_path(plan.settings())
        motion = SingleMotion(pump, 3.0, 0.5)
        put_line(pump, 2.0, reads_s)
        motion.perform(signals)
    assert motion.outcome == "stopped"
    assert str(motion.problem).startswith("stopped from elsewhere: ")
    assert 0.5 < motion.moved_ml < 2
