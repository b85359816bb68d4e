"""What options and arguments of several commands share: quantities with units, names, ports, paths."""

import math
import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from flushpump.cli.completion import catalog_names, fluid_names
from flushpump.cli.configured import ConfiguredOption, check_config
from flushpump.units import KPA_PER_MMHG, KPA_PER_PSI

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Quantity(click.ParamType):  # type: ignore[type-arg]
    """A number with its unit, as in 0.5mL; a number alone is refused. Converted to the first unit named."""

    def __init__(self, name: str, factors: dict[str, float], example: str = "0.5", most: float = 1e9) -> None:
        self.name = name
        self._most = most
        self._example = example
        self._factors = {unit.lower(): factor for unit, factor in factors.items()}
        self._units = list(factors)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number in the first unit; click's usage error otherwise."""
        if isinstance(value, float):
            return value
        matched = re.fullmatch(r"\s*([-+0-9.,eE]+?)\s*([a-zA-Z/]*)\s*", str(value))
        example = f"write it as in {self._example}{self._units[0]}"
        try:
            number = float(matched.group(1)) if matched else math.nan
        except ValueError:
            number = math.nan
        if matched is None or not math.isfinite(number):
            self.fail(f"{value!r} is no {self.name}, {example}", param, ctx)
        unit = matched.group(2).lower()
        if not unit:
            self.fail(f"{value} has no unit, {example}", param, ctx)
        if unit not in self._factors:
            units = " or ".join(self._units)
            self.fail(f"{matched.group(2)} is no unit of {_with_article(self.name)}, use {units}", param, ctx)
        if number <= 0:
            self.fail(f"{value} is not above zero, {example}", param, ctx)
        if number * self._factors[unit] > self._most:
            self.fail(f"{value} is above {self._most:g} {self._units[0]}", param, ctx)
        return number * self._factors[unit]


class FiniteRange(click.FloatRange):
    """A number within limits; click's own takes nan for one that is."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; click's usage error otherwise."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is no number", param, ctx)
        return number


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


class OneLine(click.ParamType):  # type: ignore[type-arg]
    """A text that is printed and recorded: one line of characters that can be shown."""

    name = "text"

    def __init__(self, what: str, most: int) -> None:
        self._what = what
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text without spaces around it; click's usage error otherwise."""
        text = str(value).strip()
        # What is not UTF-8 on the command line arrives as surrogates, which cannot be printed either.
        if not text or len(text) > self._most or not text.isprintable():
            self.fail(f"{value!r} is no {self._what}, take 1 to {self._most} letters that can be printed", param, ctx)
        return text


LABEL = OneLine("label", 60)
OPERATOR = OneLine("operator name", 80)
VOLUME = Quantity("volume", {"mL": 1.0, "uL": 1e-3})
PRESSURE = Quantity("pressure", {"kPa": 1.0, "psi": KPA_PER_PSI, "mmHg": KPA_PER_MMHG, "bar": 100.0}, "100")
FLOW = Quantity("flow", {"mL/s": 1.0, "uL/s": 1e-3, "mL/min": 1 / 60, "mL/h": 1 / 3600})


def port_option(command: _Command) -> _Command:
    """--port, or FLUSHPUMP_PORT; without either the one pump that is found."""
    return click.option(
        "--port",
        "url",
        cls=ConfiguredOption,
        config="port",
        envvar="FLUSHPUMP_PORT",
        show_envvar=True,
        help="Serial port or URL of the pump (flushsim:// is a simulated one); default: the one pump found.",
    )(command)


def json_option(command: _Command) -> _Command:
    """--json."""
    return click.option(
        "--json", "as_json", is_flag=True, callback=check_config, help="JSON on stdout, everything else on stderr."
    )(command)


def yes_option(command: _Command) -> _Command:
    """--yes."""
    return click.option("--yes", is_flag=True, help="Answer yes to every question; the record of a run notes it.")(
        command
    )


def path_options(command: _Command) -> _Command:
    """--line, --needle, --syringe, --extension, --heparin-intolerant."""
    for option in (
        click.option("--heparin-intolerant", is_flag=True, help="The line is marked: no heparin."),
        click.option(
            "--extension",
            cls=ConfiguredOption,
            config="extension",
            metavar="NAME",
            default="extension-20cm",
            show_default=True,
            shell_complete=catalog_names("extensions"),
            help="Extension set, or none.",
        ),
        click.option(
            "--syringe",
            cls=ConfiguredOption,
            config="syringe",
            metavar="NAME",
            required=True,
            shell_complete=catalog_names("syringes"),
            help="Syringe, brand and size, as in bd-10.",
        ),
        click.option(
            "--needle",
            cls=ConfiguredOption,
            config="needle",
            metavar="NAME",
            default="none",
            show_default=True,
            shell_complete=catalog_names("needles"),
            help="Needle of a port, as in huber-20g.",
        ),
        click.option(
            "--line",
            cls=ConfiguredOption,
            config="line",
            metavar="NAME",
            required=True,
            shell_complete=catalog_names("lines"),
            help="Access device, as in smartport-ct-8f; flushpump catalog lists all names.",
        ),
    ):
        command = option(command)
    return command


def fluid_option(command: _Command) -> _Command:
    """--fluid."""
    from flushpump.wire.codes import Fluid

    names = ", ".join(fluid.name.lower() for fluid in Fluid)
    return click.option(
        "--fluid", metavar="NAME", shell_complete=fluid_names, help=f"Instead of the sequence's fluid: {names}."
    )(command)
