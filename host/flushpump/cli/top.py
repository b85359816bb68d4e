"""All commands of `flushpump` under one top level; the simulator is loaded only when it is asked for."""

import click

from flushpump.cli.commands.aspirate import aspirate_command
from flushpump.cli.commands.calibrate import calibrate_command
from flushpump.cli.commands.catalog import catalog_command, plan_command
from flushpump.cli.commands.device import (
    ack_command,
    alarms_command,
    info_command,
    monitor_command,
    ports_command,
    status_command,
    stop_command,
)
from flushpump.cli.commands.flash import flash_command
from flushpump.cli.commands.log import log_command
from flushpump.cli.commands.prime import prime_command
from flushpump.cli.commands.records import records_group
from flushpump.cli.commands.run import run_command
from flushpump.cli.commands.selftest import selftest_command
from flushpump.cli.commands.settings import settings_group
from flushpump.cli.params import Commands
from flushpump.exit_status import table_lines


class _TopCommands(Commands):
    """The top level; `sim` comes from flushsim, whose import would slow down every other command."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in alphabetical order."""
        return sorted([*super().list_commands(ctx), "sim"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name == "sim":
            from flushsim.cli.main import sim_group

            return sim_group
        return super().get_command(ctx, cmd_name)


_EPILOG = "\n".join(["\b", "Exit statuses:", *table_lines()])


@click.group(cls=_TopCommands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="flushpump", prog_name="flushpump")
def cli() -> None:
    """A pressure-supervised pulsatile flush pump, for bench and research use. It is not a medical device.

    \b
    Try it without a pump:
      flushpump run port-maintenance --line smartport-ct-8f --needle huber-20g --syringe bd-10 --port flushsim://
    """


for _command in (
    ports_command,
    info_command,
    status_command,
    monitor_command,
    stop_command,
    alarms_command,
    ack_command,
    catalog_command,
    plan_command,
    run_command,
    prime_command,
    flash_command,
    aspirate_command,
    records_group,
    settings_group,
    selftest_command,
    log_command,
    calibrate_command,
):
    cli.add_command(_command)
