"""`flushpump settings show | set`: the limits that the pump itself enforces, looked at and changed one at a time."""

from functools import partial
from typing import Any

import click

from flushpump.cli.completion import setting_names
from flushpump.cli.confirm import confirm, refuse_without_answers
from flushpump.cli.output import console_for, echo_lines, print_json, terminal_width, try_write
from flushpump.cli.params import json_option, port_option, yes_option
from flushpump.device.follow import status_while_leased
from flushpump.device.pump import Pump
from flushpump.device.retry import retry_idempotent
from flushpump.device.settings import Setting, all_settings, setting_named
from flushpump.errors import RefusedError
from flushpump.exit_status import ExitStatus
from flushpump.text_table import aligned
from flushpump.wire.messages import Flag

CORRUPT = "the stored settings are missing or corrupt: the pump gives no therapy, and these values are the defaults"
_REMEDY = (
    "look at every value above, then store them all by setting one of them, its present value will do: "
    "flushpump settings set NAME VALUE"
)
UNCHANGED = "nothing was changed"


@click.group("settings", short_help="The pump's own limits and calibration.")
def settings_group() -> None:
    """The pump's own limits and calibration, which every run has to keep to."""


@settings_group.command("show", short_help="Shows every setting, its range and what it is for.")
@port_option
@json_option
def show_command(url: str | None, as_json: bool) -> None:
    """Shows every setting: value, range, default, and what it is for. Opens a session of its own."""
    with Pump.open(url) as pump:
        values, good = read_all(pump), settings_good(pump)
    if as_json:
        print_json({"good": good, "settings": [_setting_json(setting, value) for setting, value in values.items()]})
        return
    click.echo("\n".join(setting_rows(values)))
    if not good:
        echo_lines(console_for(False), ["", f"note      {CORRUPT}; {_REMEDY}"])


@settings_group.command(
    "set",
    short_help="Changes one setting, after a question.",
    # A value may begin with a minus.
    context_settings={"ignore_unknown_options": True},
)
@click.argument("name", shell_complete=setting_names)
@click.argument("value")
@port_option
@yes_option
@json_option
@click.pass_context
def set_command(ctx: click.Context, name: str, value: str, url: str | None, yes: bool, as_json: bool) -> None:
    """Changes the setting NAME to VALUE, after showing both and asking.

    VALUE is a whole number in the unit that NAME ends with, or a number with its unit, as in 150kPa, 20psi, 40mL or
    10min. What is out of range is refused, and nothing is changed.
    """
    setting = setting_named(name)
    wanted = setting.parse(value)
    if not setting.minimum <= wanted <= setting.maximum:
        raise RefusedError(
            f"{name} must lie in {setting.range_shown}, and {value} is {setting.shown(wanted)}", UNCHANGED
        )
    refuse_without_answers(yes, as_json)
    console = console_for(as_json)
    with Pump.open(url) as pump:
        values, good = read_all(pump), settings_good(pump)
        before = values[setting]
        lines = [
            f"setting   {name}: {setting.meaning}",
            f"change    from {setting.shown(before)} to {setting.shown(wanted)} (range {setting.range_shown})",
        ]
        question = "Change it?"
        if not good:
            # The pump stores nothing until each value has been set: the user must have checked them before.
            lines = [
                *setting_rows(values), "", f"note      {CORRUPT}", *lines,
                "note      with it every value above and the open pairing key are stored, and count from then on",
            ]  # fmt: skip
            question = "Is every value above as it has to be?"
        confirm(console, lines, yes, question, UNCHANGED)
        if not good:
            for other, default in values.items():
                if other is not setting:
                    store(pump, other, default)
        applied = store(pump, setting, wanted)
        good = settings_good(pump)
    sentence = f"{name} is {setting.shown(applied)} now"
    result = {**_setting_json(setting, applied), "before": before, "good": good}
    written = try_write(lambda: print_json(result) if as_json else echo_lines(console, [sentence]), sentence)
    ctx.exit(ExitStatus.DONE if written else ExitStatus.OUTCOME_UNKNOWN)


def read_all(pump: Pump) -> dict[Setting, int]:
    """Every setting with the value in force."""
    return {setting: retry_idempotent(pump, partial(pump.get_setting, setting.name)) for setting in all_settings()}


def settings_good(pump: Pump) -> bool:
    """Whether the values come from a sound record, and are not the defaults that stand in for a corrupt one."""
    return bool(status_while_leased(pump).flags & Flag.SETTINGS_GOOD)


def store(pump: Pump, setting: Setting, value: int) -> int:
    """Sets it and reads it back. RefusedError by the pump, or where another value applies."""
    retry_idempotent(pump, partial(pump.set_setting, setting.name, value))
    applied = retry_idempotent(pump, partial(pump.get_setting, setting.name))
    if applied != value:
        raise RefusedError(
            f"{setting.name} reads back as {setting.shown(applied)} and not as {setting.shown(value)}",
            "see flushpump settings show, and have the pump serviced",
        )
    return applied


def setting_rows(values: dict[Setting, int]) -> list[str]:
    """Aligned lines: name, value, range, default, meaning."""
    rows = [["name", "value", "range", "default", "what it is for"]]
    for setting, value in values.items():
        rows.append(
            [setting.name, setting.shown(value), setting.range_shown, setting.shown(setting.default), setting.meaning]
        )
    return aligned(rows, terminal_width())


def _setting_json(setting: Setting, value: int) -> dict[str, Any]:
    return {
        "name": setting.name,
        "value": value,
        "unit": setting.unit,
        "shown": setting.shown(value),
        "minimum": setting.minimum,
        "maximum": setting.maximum,
        "default": setting.default,
        "meaning": setting.meaning,
    }
