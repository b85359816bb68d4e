"""`flushpump stop`, in a module of its own that loads only what stopping needs."""

import click

from flushpump.cli.output import echo_error, print_json
from flushpump.cli.params import json_option, port_option
from flushpump.errors import OutcomeUnknownError

_BY_HAND = "if anything moves, press the pump's stop button or cut its power"


@click.command("stop", short_help="Stops the pump, whoever runs it.")
@port_option
@json_option
def stop_command(url: str | None, as_json: bool) -> None:
    """Stops the pump, whoever runs it, and ends when it reports that nothing moves.

    If another program keeps reading the pump's answers, it ends with status 7: STOP was sent repeatedly, but check
    whether anything moves.
    """
    from flushpump.device.pump import Pump

    with Pump.observe(url, shared=True) as pump:
        try:
            report = pump.stop(_still_stopping)
        except KeyboardInterrupt as interrupt:
            raise OutcomeUnknownError(
                "stopped by the user before the pump had reported that nothing moves", _BY_HAND
            ) from interrupt
    values = {
        "state": report.state.name.lower(),
        "moving": bool(report.moving),
        "driven_ml": report.driven_nl / 1e6,
        "delivered_ml": report.delivered_nl / 1e6,
    }
    if as_json:
        print_json(values)
    else:
        click.echo(f"stopped, nothing moves: {values['delivered_ml']:.2f} mL delivered in the last program")


def _still_stopping() -> None:
    echo_error(f"no answer to STOP yet, it is sent again and again; {_BY_HAND}")
