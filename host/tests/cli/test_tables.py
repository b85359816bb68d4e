"""Tables and help of the command line: they fit 80 columns, lose nothing, and times have their zone."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path as FilePath
from typing import Any

import click
import pexpect
import pytest
from click.testing import CliRunner
from flushpump.cli.top import cli
from flushpump.records.store import Records
from flushpump.text_table import aligned
from flushpump.times import shown_time
from flushpump.wire.messages import Fluid

WIDEST = {
    "sequence": "port-maintenance", "outcome": "completed", "delivered_ml": 10.25, "operator": "somebody",
    "plan": {"path": {"line": "smartport-ct-6.6f", "syringe": "terumo-20"}},
}  # fmt: skip


def commands(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{prefix}{name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix}{name} ")


def test_no_short_help_is_cut_in_the_middle():
    for name, command in commands(cli):
        short = command.get_short_help_str(limit=200)
        assert len(short) <= 60, name
        assert not short.endswith("..."), name
    for group in ("--help", "records --help", "settings --help", "sim --help"):
        assert "..." not in CliRunner().invoke(cli, group.split(), terminal_width=80).stdout.split("Commands:")[1]


@pytest.mark.parametrize("command", ["run", "plan"])
def test_the_help_of_fluid_names_every_fluid(command: str):
    text = " ".join(CliRunner().invoke(cli, [command, "--help"]).stdout.split())
    for fluid in Fluid:
        assert fluid.name.lower() in text


@pytest.mark.parametrize("kind", ["lines", "needles", "syringes", "extensions", "sequences"])
def test_every_catalog_fits_80_columns(kind: str):
    lines = CliRunner().invoke(cli, ["catalog", kind]).stdout.splitlines()
    assert max(map(len, lines)) <= 80


def test_the_list_of_records_fits_80_columns_with_the_longest_names(
    flushpump: Callable[..., Any], own_environment: dict[str, str]
):
    Records(FilePath(own_environment["FLUSHPUMP_RECORDS"])).append(WIDEST, "2026-01-02T03:04:05+00:00")
    lines = flushpump("records", "list", TZ="Asia/Kolkata").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    for words in ("2026-01-02 08:34+05:30", "port-maintenance", "smartport-ct-6.6f", "completed", "10.25"):
        assert words in lines[1]


def test_a_record_is_shown_with_local_time_and_offset_and_kept_in_utc(
    flushpump: Callable[..., Any], own_environment: dict[str, str]
):
    Records(FilePath(own_environment["FLUSHPUMP_RECORDS"])).append(WIDEST, "2026-07-02T03:04:05+00:00")
    shown = flushpump("records", "show", TZ="Europe/Berlin").stdout
    assert "written 2026-07-02 05:04+02:00" in shown
    kept = json.loads(flushpump("records", "show", "--json", TZ="Europe/Berlin").stdout)
    assert kept["written_at"] == "2026-07-02T03:04:05+00:00"


def test_a_time_without_zone_is_utc_and_what_is_no_time_stays_as_it_is():
    assert shown_time("2026-07-02T03:04:05") == shown_time("2026-07-02T03:04:05+00:00")
    assert re.fullmatch(r"2026-\d\d-\d\d \d\d:\d\d[+-]\d\d:\d\d", shown_time("2026-07-02T03:04:05"))
    assert shown_time("2020-13") == "2020-13"


def test_a_table_that_is_wider_than_the_terminal_goes_on_below_its_widest_cell():
    lines = aligned([["name", "what it is for"], ["a", "one two three four five"], ["b", ""]], 20)
    assert lines == ["name  what it is for", "a     one two three", "      four five", "b"]


def test_a_table_loses_no_word_at_any_width_and_in_a_pipe_a_row_is_one_line():
    rows = [["name", "for"], ["picc-5f-dual", "a catheter with two lumens of 0.8 mm each " * 3], ["x", "y"]]
    for width in range(20, 120):
        lines = aligned(rows, width)
        assert max(map(len, lines)) <= width
        assert sorted("".join(lines).replace(" ", "")) == sorted("".join(map("".join, rows)).replace(" ", ""))
    assert len(aligned(rows)) == len(rows)


@pytest.mark.parametrize("arguments", [["sim", "faults"], ["settings", "show", "--port", "flushsim://?target=native"]])
def test_a_table_on_a_terminal_of_80_columns_fits_it(at_terminal: Callable[..., Any], arguments: list[str]):
    child = at_terminal(*arguments, columns=80)
    child.expect(pexpect.EOF)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", child.before)
    assert max(map(len, text.splitlines())) <= 80


def test_a_name_in_a_table_is_not_broken_while_another_cell_has_a_space():
    rows = [["name", "value", "what it is for"], ["pressure_ceiling_pa", "172 kPa", "no path may have a higher limit"]]
    lines = aligned(rows, 40)
    assert max(map(len, lines)) <= 40
    assert "pressure_ceiling_pa" in "\n".join(lines)


def test_an_error_on_a_terminal_is_broken_between_words(at_terminal: Callable[..., Any]):
    child = at_terminal("status", "--port", "/dev/no-such-port", columns=80)
    child.expect(pexpect.EOF)
    lines = child.before.splitlines()
    assert len(lines) == 2
    assert max(map(len, lines)) <= 78
    assert " ".join(lines).startswith(
        "flushpump: the port /dev/no-such-port cannot be opened: there is no such port; see"
    )
