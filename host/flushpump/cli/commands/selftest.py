"""`flushpump selftest`: the pump tests itself, and the result of every part is printed. Nothing moves."""

import click

from flushpump.cli.commands.device import alarms_wait
from flushpump.cli.output import console_for, echo_error, echo_lines, echo_table, print_json, try_write
from flushpump.cli.params import json_option, port_option
from flushpump.device.pump import Pump
from flushpump.device.retry import retry_idempotent
from flushpump.exit_status import ExitStatus
from flushpump.wire.messages import SelfTest
from flushpump.wire.self_test import Part, names_of, parts_of


@click.command("selftest", short_help="Lets the pump test itself; nothing moves.")
@port_option
@json_option
@click.pass_context
def selftest_command(ctx: click.Context, url: str | None, as_json: bool) -> None:
    """Lets the pump test itself: memory, settings, pressure sensor, driver, step counter, light and sound.

    Nothing moves. The line should be open to the air or at rest, because pressure in it looks like a broken sensor.
    The exit status is 5 when a part fails, and 4 when the pump is busy.
    """
    with Pump.open(url) as pump:
        result = retry_idempotent(pump, pump.self_test)
        alarms = len(retry_idempotent(pump, pump.alarms))
    written = try_write(lambda: _print_result(result, alarms, as_json), "it failed" if result.failed else "it passed")
    if result.failed:
        remedies = "; ".join(dict.fromkeys(part.remedy for part in parts_of(result.failed)))
        echo_error(f"the self-test failed ({names_of(result.failed)}), and the pump gives no therapy; {remedies}")
        ctx.exit(ExitStatus.ALARM)
    ctx.exit(ExitStatus.DONE if written else ExitStatus.OUTCOME_UNKNOWN)


def _print_result(result: SelfTest, alarms: int, as_json: bool) -> None:
    if as_json:
        print_json({**_result_json(result), "alarms": alarms})
        return
    rows = [[part.name, "FAILED" if part.bit & result.failed else "passed"] for part in _tested(result)]
    echo_table(rows)
    notes = [] if result.failed else ["the self-test passed"]
    if alarms:
        notes.append(f"{alarms_wait(alarms)}: see flushpump alarms")
    echo_lines(console_for(False), notes)


def _tested(result: SelfTest) -> list[Part]:
    return parts_of(result.passed | result.failed)


def _result_json(result: SelfTest) -> dict[str, object]:
    parts = [
        {
            "part": part.name,
            "passed": not part.bit & result.failed,
            "remedy": part.remedy if part.bit & result.failed else None,
        }
        for part in _tested(result)
    ]
    return {"passed": result.failed == 0, "parts": parts}
