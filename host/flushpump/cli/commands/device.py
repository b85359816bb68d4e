"""`flushpump ports | info | status | monitor | alarms | ack`: looking at a pump."""

import json
import time
from functools import partial
from typing import Any

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text

from flushpump.cli.output import console_for, echo_lines, echo_table, print_json, shown_text
from flushpump.cli.params import FiniteRange, json_option, port_option
from flushpump.device.follow import status_while_leased
from flushpump.device.pump import Pump
from flushpump.device.retry import retry_idempotent
from flushpump.errors import UsageError
from flushpump.link.ports import list_ports
from flushpump.runs.report import alarm_json, alarm_sentence
from flushpump.signals import StopSignals
from flushpump.wire.events import alarm_happened, alarm_name, alarm_remedy
from flushpump.wire.messages import Flag, Status

_MONITOR_S = 0.2


@click.command("ports", short_help="Lists the serial ports of this computer.")
@json_option
def ports_command(as_json: bool) -> None:
    """Lists the serial ports of this computer; a star marks those that may be a pump."""
    entries = list_ports()
    if as_json:
        print_json([{"port": e.url, "description": e.description, "candidate": e.candidate} for e in entries])
        return
    for entry in entries:
        click.echo(f"{'*' if entry.candidate else ' '} {entry.url}  {entry.description}")
    if not entries:
        click.echo("no serial port; flushsim:// is a simulated pump")


@click.command("info", short_help="Shows what the pump is, and why it last restarted.")
@port_option
@json_option
def info_command(url: str | None, as_json: bool) -> None:
    """Shows what the pump is: board, firmware, geometry, why it last restarted. Opens a session of its own."""
    with Pump.open(url) as pump:
        info, hello = retry_idempotent(pump, pump.info), pump.hello
        if hello is None:
            raise UsageError("the pump has not identified itself", "try again")
        values: dict[str, Any] = {
            "board": info.board_name,
            "unit": info.unit.hex(),
            "firmware": f"{hello.version_text} {hello.firmware_fingerprint.hex()}",
            "settings_fingerprint": hello.settings_fingerprint.hex(),
            "state": hello.state.name.lower(),
            "reset_cause": hello.reset_cause.name.lower(),
            "boot_count": hello.boot_count,
            "uptime_s": hello.device_time_ms / 1000,
            "steps_per_mm": info.steps_per_mm,
            "step_rate_max_per_s": info.step_rate_max_per_s,
            "sensor_max_kpa": info.sensor_max_pa / 1000,
            "travel_mm": info.travel_um / 1000,
        }
    if as_json:
        print_json(values)
    else:
        echo_table(_info_rows(values))


@click.command("status", short_help="Shows what the pump does and has done.")
@port_option
@json_option
def status_command(url: str | None, as_json: bool) -> None:
    """Shows what the pump does and has done; disturbs no session."""
    with Pump.observe(url) as pump:
        values = status_json(pump.status())
    if as_json:
        print_json(values)
    else:
        echo_lines(console_for(False), status_lines(values))


@click.command("monitor", short_help="Shows the status again and again.")
@port_option
@json_option
@click.option("--for", "seconds", type=FiniteRange(0), help="Ends after so many seconds; default: Ctrl-C.")
def monitor_command(url: str | None, as_json: bool, seconds: float | None) -> None:
    """Shows the status again and again until Ctrl-C; disturbs no session. With --json one object per line."""
    console = console_for(as_json)
    with Pump.observe(url) as pump, StopSignals() as signals:
        until_s = None if seconds is None else pump.now_s + seconds
        live = Live(console=console, auto_refresh=False) if console.is_terminal and not as_json else None
        with live or console:
            while not signals.stop_requested and (until_s is None or pump.now_s < until_s):
                began_s, began_pump_s = time.monotonic(), pump.now_s
                _show_once(status_json(status_while_leased(pump)), as_json, live, console)
                while not signals.stop_requested and pump.now_s < began_pump_s + _MONITOR_S:
                    pump.poll(_MONITOR_S / 4)
                time.sleep(max(0.0, _MONITOR_S - (time.monotonic() - began_s)))


@click.command("alarms", short_help="Lists the alarms that wait.")
@port_option
@json_option
def alarms_command(url: str | None, as_json: bool) -> None:
    """Lists the alarms that wait to be acknowledged, gravest first. Opens a session of its own."""
    with Pump.open(url) as pump:
        alarms = retry_idempotent(pump, pump.alarms)
    if as_json:
        print_json([alarm_json(alarm) for alarm in alarms])
        return
    for alarm in alarms:
        click.echo(f"{alarm.occurrence}: {alarm_sentence(alarm)}")
    if not alarms:
        click.echo(alarms_wait(0))


@click.command("ack", short_help="Acknowledges alarms.")
@click.argument("occurrences", nargs=-1, type=click.IntRange(0, 65535), metavar="OCCURRENCE...")
@click.option("--all", "every", is_flag=True, help="Every alarm that waits now.")
@port_option
@json_option
def ack_command(occurrences: tuple[int, ...], every: bool, url: str | None, as_json: bool) -> None:
    """Acknowledges alarms by their occurrence, the number that `flushpump alarms` shows."""
    if bool(occurrences) == every:
        raise UsageError("it is not clear which alarms are meant", "name occurrences, or give --all")
    with Pump.open(url) as pump:
        waiting = {alarm.occurrence: alarm for alarm in retry_idempotent(pump, pump.alarms)}
        wanted = sorted(waiting) if every else list(occurrences)
        for occurrence in wanted:
            if occurrence not in waiting:
                raise UsageError(f"no alarm with occurrence {occurrence} waits", "see flushpump alarms")
        for occurrence in wanted:
            retry_idempotent(pump, partial(pump.acknowledge, occurrence))
        left = retry_idempotent(pump, pump.alarms)
    if as_json:
        print_json({"acknowledged": wanted, "pending": [alarm_json(alarm) for alarm in left]})
        return
    for occurrence in wanted:
        click.echo(f"acknowledged {occurrence}: {alarm_happened(waiting[occurrence].code)}")
    click.echo(alarms_wait(len(left)))


def alarms_wait(count: int) -> str:
    """How many alarms still wait to be acknowledged."""
    return {0: "no alarm waits", 1: "1 alarm still waits"}.get(count, f"{count} alarms still wait")


def _info_rows(values: dict[str, Any]) -> list[list[str]]:
    return [
        ["board", values["board"]],
        ["unit", values["unit"]],
        ["firmware", values["firmware"]],
        ["settings", values["settings_fingerprint"]],
        ["state", values["state"]],
        ["restarted by", values["reset_cause"].replace("_", " ")],
        ["restarts", str(values["boot_count"])],
        ["on for", f"{values['uptime_s']:.1f} s"],
        ["drive", f"{values['steps_per_mm']} steps/mm, at most {values['step_rate_max_per_s']} steps/s"],
        ["travel", f"{values['travel_mm']:g} mm"],
        ["sensor", f"up to {values['sensor_max_kpa']:.0f} kPa"],
    ]


def status_json(status: Status) -> dict[str, Any]:
    """A status as plain values, units in the keys."""
    alarm = None
    if status.alarm_code:
        alarm = {
            "name": alarm_name(status.alarm_code).lower(),
            "occurrence": status.alarm_occurrence,
            "happened": alarm_happened(status.alarm_code),
            "remedy": alarm_remedy(status.alarm_code),
        }
    return {
        "state": status.state.name.lower(),
        "moving": status.moving,
        "phase": status.phase_kind.name.lower(),
        "pulse": status.pulse_index,
        "pulses": status.pulse_count,
        "question": status.question.name.lower(),
        "pressure_kpa": status.pressure_pa / 1000,
        "intended_ml": status.intended_nl / 1e6,
        "driven_ml": status.driven_nl / 1e6,
        "delivered_ml": status.delivered_nl / 1e6,
        "relieved_ml": status.relieved_nl / 1e6,
        "uncertain_ml": status.uncertain_nl / 1e6,
        "unconfirmed_ml": status.uncertain_nl / 1e6,
        "syringe_remaining_ml": status.syringe_remaining_nl / 1e6,
        "alarms": status.alarm_count,
        "alarm": alarm,
        "flags": [flag.name.lower() for flag in Flag if flag & status.flags and flag.name],
        "uptime_s": status.device_time_ms / 1000,
    }


def status_lines(values: dict[str, Any]) -> list[str]:
    """A status for a person, one line each."""
    alarm = values["alarm"]
    more = f" (and {values['alarms'] - 1} more, see flushpump alarms)" if values["alarms"] > 1 else ""
    alarm_text = f"{alarm['happened']}; {alarm['remedy']}{more}" if alarm else "none"
    phase = values["phase"].replace("_", " ")
    pulse = f", pulse {values['pulse'] + 1} of {values['pulses']}" if values["phase"] == "pulses" else ""
    waits = f", waits for an answer: {values['question'].replace('_', ' ')}" if values["question"] != "none" else ""
    return [
        f"state     {values['state']}, {'moves' if values['moving'] else 'nothing moves'}",
        f"phase     {phase}{pulse}{waits}",
        f"pressure  {values['pressure_kpa']:.1f} kPa",
        f"volume    {values['delivered_ml']:.2f} of {values['intended_ml']:.2f} mL delivered, "
        f"{values['uncertain_ml']:.2f} mL unconfirmed",
        f"plunger   {values['driven_ml']:.2f} mL driven forwards, {values['relieved_ml']:.2f} mL drawn back in relief",
        f"syringe   {values['syringe_remaining_ml']:.2f} mL left",
        f"alarm     {alarm_text}",
        f"flags     {', '.join(flag.replace('_', ' ') for flag in values['flags']) or 'none'}",
        f"on for    {values['uptime_s']:.1f} s",
    ]


def _show_once(values: dict[str, Any], as_json: bool, live: Live | None, console: Console) -> None:
    if live is not None:
        live.update(Text(shown_text("\n".join(status_lines(values)))), refresh=True)
    elif as_json:
        click.echo(json.dumps(values))
    else:
        line = (
            f"{values['uptime_s']:.1f} s  {values['state']}  {values['pressure_kpa']:.1f} kPa  "
            f"{values['delivered_ml']:.3f} mL  {values['alarm']['happened'] if values['alarm'] else ''}"
        )
        console.print(
            shown_text(line.rstrip()),
            markup=False,
            soft_wrap=True,
        )
