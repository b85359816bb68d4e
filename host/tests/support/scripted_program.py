"""A program that the scripted pump is given, begins, and ends."""

from flushpump.device.pump import Pump
from flushpump.wire.messages import Outcome, Phase, PhaseKind, Program, State

from host.tests.support.scripted_pump import ScriptedPump

PROGRAM = Program((Phase(PhaseKind.PULSES, 900_000, 2_000_000, count=3, pause_ms=400),), max_time_ms=60_000)


def start(pump: Pump, device: ScriptedPump) -> None:
    pump.load(PROGRAM)
    pump.start()
    device.moving = True
    device.fields["STATUS"] = {"state": State.RUNNING}
    device.fields["PROGRAM_END"] = device.fields["RESULT_READ"] = {
        "outcome": Outcome.COMPLETED, "pulse_count": 3, "program_crc": PROGRAM.crc, "driven_nl": 2_700_000,
    }  # fmt: skip


def end(device: ScriptedPump) -> bytes:
    device.moving = False
    device.fields["STATUS"] = {"state": State.IDLE}
    return device.event("PROGRAM_END")
