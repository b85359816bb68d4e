"""100,000 commands over a link that loses, doubles, damages, delays and reorders: how often is one executed?

Real client, real firmware (native). Each command sets a setting to a value of its own. What the firmware executes is
recorded behind the link server and compared with what the client believes.
"""

import sys
from collections import Counter
from collections.abc import Callable

from flushpump.device.pump import Pump
from flushpump.errors import FlushPumpError, OutcomeUnknownError
from flushsim.rig.lockstep import Rig
from measurements import heading, pump_on, report

COMMANDS = 100_000
# The setting that is written, and the value of the first command.
_INDEX = 5
_BASE = 1_000_000
RESOLVED = [0]
FAULTS = (
    "link-drop:0.1@0s", "link-duplicate:0.1@0s", "link-corrupt:0.05@0s", "link-reorder:0.1@0s", "link-delay:20ms@0s",
)  # fmt: skip


def main(commands: int = COMMANDS) -> None:
    heading(f"{commands} commands over a bad link (native): {', '.join(fault.split('@')[0] for fault in FAULTS)}")
    executed: Counter[int] = Counter()
    believed: dict[int, bool | None] = {}
    rig = Rig("native", faults=FAULTS, seed=7)
    with pump_on(rig) as pump:
        _record_executions(rig, executed)
        for number in range(commands):
            believed[number] = _one(pump, number)
            if number % 20_000 == 19_999:
                print(f"  {number + 1} commands, {rig.now_us / 1e6:.0f} simulated s", file=sys.stderr, flush=True)
        _let_late_copies_arrive(rig)
    twice = sum(1 for count in executed.values() if count > 1)
    lost = sum(1 for number, done in believed.items() if done is True and not executed[number])
    unexpected = sum(1 for number, done in believed.items() if done is False and executed[number])
    report("executed twice or more", twice, "commands", 0)
    report("believed executed, but lost", lost, "commands", 0)
    report("believed not executed, but executed", unexpected, "commands", 0)
    report("executed", len(executed), "commands")
    report("known not to have been executed", sum(1 for done in believed.values() if done is False), "commands")
    report("outcome reported as unknown", sum(1 for done in believed.values() if done is None), "commands")
    report("three tries without a reply, then resolved", RESOLVED[0], "commands")


def _one(pump: Pump, number: int) -> bool | None:
    """Sends command `number`. True: executed; False: not executed; None: the client reports the outcome as unknown."""
    try:
        pump.link.command("SETTINGS_SET", {"index": _INDEX, "value": _BASE + number})
        return True
    except OutcomeUnknownError:
        RESOLVED[0] += 1
    # First the answer of STATUS, then a new session: from then on a copy under way is refused.
    _retry(pump.status)
    if pump.resolved is not None and pump.resolved.executed is False:
        _retry(pump.reopen)
    resolved = pump.resolved
    if resolved is None or resolved.executed is None:
        return None
    # It may have been the proof of the key, sent before the command in a new session, that went unanswered.
    return resolved.executed and resolved.name == "SETTINGS_SET" and not resolved.status


def _retry(command: Callable[[], object]) -> None:
    while True:
        try:
            command()
            return
        except FlushPumpError:
            continue


def _record_executions(rig: Rig, executed: Counter[int]) -> None:
    settings = rig._target._firmware._controller.settings  # type: ignore[union-attr]
    original = settings.set

    def recorded(index: int, value: int) -> bool:
        executed[value - _BASE] += 1
        return bool(original(index, value))

    settings.set = recorded


def _let_late_copies_arrive(rig: Rig) -> None:
    rig.run_until(rig.now_us + 1_000_000)
