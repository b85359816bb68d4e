"""The command `flushpump`: which commands there are, and where each is imported from when it is called."""

import importlib

import click

from flushpump import __version__
from flushpump.cli.group import Commands
from flushpump.exit_status import table_lines

_COMMANDS = {
    "ack": "device:ack_command",
    "alarms": "device:alarms_command",
    "aspirate": "aspirate:aspirate_command",
    "calibrate": "calibrate:calibrate_command",
    "catalog": "catalog:catalog_command",
    "flash": "flash:flash_command",
    "info": "device:info_command",
    "log": "log:log_command",
    "monitor": "device:monitor_command",
    "plan": "catalog:plan_command",
    "ports": "device:ports_command",
    "prime": "prime:prime_command",
    "records": "records:records_group",
    "run": "run:run_command",
    "selftest": "selftest:selftest_command",
    "settings": "settings:settings_group",
    "status": "device:status_command",
    "stop": "stop:stop_command",
}
# Other packages add commands by entry points of this group, as the simulator adds `sim`.
_GROUP = "flushpump.commands"
_EPILOG = "\n".join(["\b", "Exit statuses:", *table_lines()])


class LazyCommands(Commands):
    """The top level. A command is imported when it is called; --help imports them all."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in alphabetical order."""
        from importlib.metadata import entry_points

        return sorted({*_COMMANDS, *(entry.name for entry in entry_points(group=_GROUP))})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name in _COMMANDS:
            module, name = _COMMANDS[cmd_name].split(":")
            found: click.Command = getattr(importlib.import_module(f"flushpump.cli.commands.{module}"), name)
            return found
        from importlib.metadata import entry_points

        for entry in entry_points(group=_GROUP, name=cmd_name):
            added: click.Command = entry.load()
            return added
        return None


@click.group(cls=LazyCommands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="flushpump")
def cli() -> None:
    """A pressure-supervised pulsatile flush pump, for bench and research use. It is not a medical device.

    \b
    Try it without a pump:
      flushpump run port-maintenance --line smartport-ct-8f --needle huber-20g --syringe bd-10 --port flushsim://
    """
