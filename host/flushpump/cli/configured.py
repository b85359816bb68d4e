"""Options with a default in the user's `config.toml`: command line first, then environment, then the file."""

from typing import TYPE_CHECKING, Any

import click

from flushpump.cli.output import echo_error
from flushpump.errors import UsageError

if TYPE_CHECKING:
    from flushpump.user_config import UserConfig

# STOP has to go out even if the file is broken.
_IN_SPITE_OF_MISTAKES = "stop"


class ConfiguredOption(click.Option):
    """An option whose default is the value `config` of `config.toml`, where it has one."""

    def __init__(self, *args: Any, config: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._config = config

    def get_default(self, ctx: click.Context, call: bool = True) -> Any:
        """The default of the file, else that of the option; the help (`call` is False) has the option's own."""
        if call and not ctx.resilient_parsing:
            value = getattr(_config(ctx), self._config)
            if value is not None:
                return value
        return super().get_default(ctx, call)


def check_config(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """An option's callback that refuses a broken `config.toml` before the command begins."""
    # `catalog` reads the file itself: its check lists the mistakes.
    if not ctx.resilient_parsing and ctx.info_name != "catalog":
        _config(ctx)
    return value


def _config(ctx: click.Context) -> "UserConfig":
    # Takes as long to load as all of `flushpump stop --help`.
    from flushpump import user_config

    try:
        return user_config.load()
    except UsageError as problem:
        if ctx.info_name != _IN_SPITE_OF_MISTAKES:
            raise
        if not ctx.meta.setdefault(__name__, False):
            ctx.meta[__name__] = True
            echo_error(f"{problem}; the file is not used")
        return user_config.UserConfig()
