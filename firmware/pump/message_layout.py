"""Offsets of the message table's fields in a frame, looked up by name once, when the modules are loaded.

The table is imported within functions, and these are called while modules are loaded: nothing that stays in memory
may refer to it, because the board frees its 40 kB before the loop begins.
"""

from array import array

from flushlink import kernels
from flushlink.frames import offsets, size_of
from flushlink.viper_compat import const

_REQUEST = const(3)
_RESPONSE = const(4)


def _row(name):
    from flushlink.messages import EVENTS, MESSAGES

    for row in MESSAGES + EVENTS:
        if row[1] == name:
            return row
    raise ValueError("no message " + name)


def _fields(row, part):
    return row[part] if len(row) > _RESPONSE else row[2]


def request(name):
    """{field: offset} of a request's payload; the key "" holds its size."""
    return offsets(_row(name)[_REQUEST])


def response(name):
    return offsets(_row(name)[_RESPONSE])


def event(name):
    return offsets(_fields(_row(name), _RESPONSE))


class Payload:
    """The integer fields of a response or event: `values` are set in the order of `names`, `put` writes them all.

    `names` are all of the message's integer fields in the table's order, separated by blanks; repeated where
    they are set, so that both can be compared. ValueError when they are not those of the table.
    """

    def __init__(self, message, names):
        fields = _fields(_row(message), _RESPONSE)
        at = offsets(fields)
        integers = [field for field in fields if field[1][0] != "b"]
        if names.split() != [field[0] for field in integers]:
            raise ValueError(message + " has the fields " + " ".join([field[0] for field in integers]))
        self.size = at[""]
        self.values = array("i", [0] * len(integers))
        places: list[int] = []
        for field in integers:
            places.extend((at[field[0]], size_of(field[1])))
        self._places = bytes(places)

    def put(self, frame, base=0):
        """Writes the values into a frame that begins at `base`, which may be before the buffer's first byte."""
        kernels.put_fields(self.values, self._places, frame, base)


def ranges():
    """{message number: its request's integer fields for kernels.in_range}."""
    from flushlink.messages import MESSAGES

    found = {}
    for number, _, _, fields, _, _ in MESSAGES:
        at = offsets(fields)
        rows: list[int] = []
        for name, kind, minimum, maximum, _ in fields:
            if kind[0] != "b":
                rows.extend((at[name], size_of(kind), minimum, maximum))
        found[number] = array("i", rows)
    return found


def priorities():
    """Priority of each alarm by its code, from 0 on."""
    from flushlink.messages import ALARMS

    found = bytearray(len(ALARMS) + 1)
    for row in ALARMS:
        found[row[0]] = row[2]
    return found


def setting_limits():
    """Least and most of each setting, by its index."""
    from flushlink.messages import SETTINGS

    return [row[2] for row in SETTINGS], [row[3] for row in SETTINGS]


def admissions():
    """{request's number: (admission, size of the request's payload, size of the response's)}."""
    from flushlink.messages import MESSAGES

    return {
        number: (admission, offsets(fields)[""], offsets(answer)[""])
        for number, _, admission, fields, answer, _ in MESSAGES
    }


def event_sizes():
    """{event's number: size of its payload}."""
    from flushlink.messages import EVENTS

    return {row[0]: offsets(row[2])[""] for row in EVENTS}
