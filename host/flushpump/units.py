"""Units in which quantities are shown to people. Everything inside the program, and all JSON, is in kPa and mL/s."""

import re
from typing import NamedTuple

KPA_PER_PSI = 6.894757
KPA_PER_MMHG = 0.1333224

# How many of a unit are one kPa or one mL/s, and how many decimals more it needs than that.
PRESSURE_UNITS = {"kPa": (1.0, 0), "psi": (1 / KPA_PER_PSI, 1), "mmHg": (1 / KPA_PER_MMHG, -1)}
FLOW_UNITS = {"mL/s": (1.0, 0), "mL/min": (60.0, -1)}
# Not a resistance such as 45 kPa s/mL.
_QUANTITY = re.compile(r"(?<![\w.])(-?\d+(?:\.\d+)?) (kPa(?! s)|mL/s)\b(?!/)")
# Not a compliance in uL/kPa.
_COLUMN = re.compile(r"(?<![\w/])(kPa(?! s)|mL/s)(?=\)?$)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


class DisplayUnits(NamedTuple):
    """The units that the user wants to see: a key of PRESSURE_UNITS and one of FLOW_UNITS."""

    pressure: str = "kPa"
    flow: str = "mL/s"

    def in_text(self, text: str) -> str:
        """The text with every pressure in kPa and every flow in mL/s converted."""
        if self == _SI:
            return text
        return _QUANTITY.sub(lambda found: f"{self._number(found[1], found[2])} {self._unit(found[2])}", text)

    def in_table(self, rows: list[list[str]]) -> list[list[str]]:
        """The rows with the columns converted whose heading, in the first or second row, ends with kPa or mL/s."""
        if self == _SI or not rows:
            return rows
        columns = {
            index: found[1] for row in rows[:2] for index, cell in enumerate(row) if (found := _COLUMN.search(cell))
        }
        return [[self._cell(cell, columns.get(index, "")) for index, cell in enumerate(row)] for row in rows]

    def _cell(self, cell: str, unit: str) -> str:
        if unit and _NUMBER.fullmatch(cell):
            return self._number(cell, unit)
        return self.in_text(_COLUMN.sub(lambda found: self._unit(found[1]), cell) if unit else cell)

    def _unit(self, unit: str) -> str:
        return self.pressure if unit == "kPa" else self.flow

    def _number(self, number: str, unit: str) -> str:
        factor, decimals = PRESSURE_UNITS[self.pressure] if unit == "kPa" else FLOW_UNITS[self.flow]
        if factor == 1:
            return number
        return f"{float(number) * factor:.{max(len(number.partition('.')[2]) + decimals, 0)}f}"


_SI = DisplayUnits()
