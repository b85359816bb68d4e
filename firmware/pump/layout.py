"""Byte offsets of the message table's fields within a frame, looked up by message name at import time."""

from flushlink.frames import offsets
from flushlink.messages import EVENTS, MESSAGES


def number(name):
    """Number of a request or event."""
    for row in MESSAGES + EVENTS:
        if row[1] == name:
            return row[0]
    raise ValueError("no message " + name)


def request(name):
    """{field: offset} of a request's payload; the key "" holds its size."""
    for row in MESSAGES:
        if row[1] == name:
            return offsets(row[3])
    raise ValueError("no message " + name)


def response(name):
    for row in MESSAGES:
        if row[1] == name:
            return offsets(row[4])
    raise ValueError("no message " + name)


def event(name):
    for row in EVENTS:
        if row[1] == name:
            return offsets(row[2])
    raise ValueError("no event " + name)
