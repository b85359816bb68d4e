"""The command line with its lazily loaded commands in place, for the page that sphinx-click writes."""

import copy

import click
from flushpump.cli.top import cli as lazy


def loaded(command: click.Command) -> click.Command:
    """The command; a group with each of its commands under its name."""
    if not isinstance(command, click.Group):
        return command
    context = click.Context(command)
    group = copy.copy(command)
    group.commands = {}
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        if found is not None:
            group.commands[name] = loaded(found)
    return group


cli = loaded(lazy)
