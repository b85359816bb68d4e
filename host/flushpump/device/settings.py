"""Settings as people read and write them: `172 kPa` for pressure_ceiling_pa = 172000, and back without guessing."""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache

from flushlink import messages

from flushpump.errors import UsageError, nearest_or

# By the end of a setting's name, the longest first: the unit of the number, the unit that is shown and what that is
# worth, and other units that are taken.
_UNITS: dict[str, tuple[str, str, Decimal, dict[str, Decimal]]] = {
    "_nl_per_s": ("nL/s", "mL/s", Decimal(10**6), {"uL/s": Decimal(1000), "mL/min": Decimal(10**6) / 60}),
    "_pa": (
        "Pa", "kPa", Decimal(1000),
        {"psi": Decimal("6894.757"), "mmHg": Decimal("133.3224"), "bar": Decimal(10**5)},
    ),
    "_nl": ("nL", "mL", Decimal(10**6), {"uL": Decimal(1000)}),
    "_ppm": ("ppm", "", Decimal(10**6), {}),
    "_ms": ("ms", "ms", Decimal(1), {"s": Decimal(1000)}),
    "_s": ("s", "s", Decimal(1), {"min": Decimal(60), "h": Decimal(3600)}),
}  # fmt: skip
_VALUE = re.compile(r"\s*([-+]?[0-9]*\.?[0-9]+)\s*([a-zA-Z/]*)\s*")


@dataclass(frozen=True)
class Setting:
    """One row of the message table's settings, values in the unit of the name."""

    index: int
    name: str
    minimum: int
    maximum: int
    default: int
    meaning: str

    @property
    def unit(self) -> str:
        """The unit of the number, as in Pa."""
        return self._units[0]

    @property
    def _units(self) -> tuple[str, str, Decimal, dict[str, Decimal]]:
        return next(units for ending, units in _UNITS.items() if self.name.endswith(ending))

    def shown(self, value: int) -> str:
        """The value with the unit that people use, nothing rounded away, as in 172 kPa."""
        _, unit, factor, _ = self._units
        text = f"{(Decimal(value) / factor).normalize():f}"
        return f"{text} {unit}" if unit else f"x {Decimal(value) / factor:.6f}"

    @property
    def range_shown(self) -> str:
        """As in 20 to 300 kPa."""
        low, high = self.shown(self.minimum), self.shown(self.maximum)
        if " " in low and low.split()[1] == high.split()[1]:
            low = low.split()[0]
        return f"{low} to {high}"

    def check(self, value: int) -> None:
        """UsageError for a value outside the range."""
        if not self.minimum <= value <= self.maximum:
            raise UsageError(f"{self.name} must be from {self.minimum} to {self.maximum}, but is {value}")

    def parse(self, text: str) -> int:
        """The value of a text: a whole number in the unit of the name, or a number with its unit.

        UsageError for anything else. The range is not checked.
        """
        matched = _VALUE.fullmatch(text)
        try:
            number = Decimal(matched.group(1)) if matched else None
        except InvalidOperation:
            number = None
        if matched is None or number is None:
            raise UsageError(f"{text!r} is no value of {self.name}", self._how_to_write())
        if not matched.group(2):
            if number != number.to_integral_value():
                raise UsageError(f"{text} without a unit is not a whole number of {self.unit}", self._how_to_write())
            return int(number)
        base, unit, factor, others = self._units
        factors = {each.lower(): worth for each, worth in {base: Decimal(1), unit: factor, **others}.items() if each}
        if matched.group(2).lower() not in factors:
            raise UsageError(f"{matched.group(2)} is no unit of {self.name}", self._how_to_write())
        return int((number * factors[matched.group(2).lower()]).to_integral_value())

    def _how_to_write(self) -> str:
        base, unit, _, _ = self._units
        other = f" or as {self.shown(self.default).replace(' ', '')}" if unit and unit != base else ""
        return f"write it as in {self.default} ({base}){other}"


@cache
def all_settings() -> tuple[Setting, ...]:
    """Every setting of the message table, in its order."""
    return tuple(Setting(*row) for row in messages.SETTINGS)


def setting_named(name: str) -> Setting:
    """The setting of that name. UsageError for a name that the table does not have."""
    found = {setting.name: setting for setting in all_settings()}
    if name not in found:
        raise UsageError(f"there is no setting {name}", nearest_or(f"there are {', '.join(found)}", name, found))
    return found[name]
