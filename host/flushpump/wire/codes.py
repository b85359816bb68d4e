"""The table's enumerations as Python's; a test holds names and numbers against the message table."""

from __future__ import annotations

from enum import IntEnum, IntFlag

from flushlink import messages


class State(IntEnum):
    BOOT = 0
    IDLE = 1
    RUNNING = 2
    WAITING = 3
    STOPPING = 4
    RELIEVING = 5
    STOPPED = 6
    FAULT = 7
    SERVICE = 8


class PhaseKind(IntEnum):
    NONE = 0
    ASPIRATE = 1
    PULSES = 2
    STEADY = 3
    LOCK = 4
    WAIT = 5
    FINISH = 6
    PRIME = 7


class Question(IntEnum):
    NONE = 0
    BLOOD_RETURN = 1
    SYRINGE_CHANGED = 2
    CLAMPED = 3
    CONTINUE = 4


class Outcome(IntEnum):
    NONE = 0
    COMPLETED = 1
    STOPPED = 2
    OCCLUDED = 3
    ALARM = 4
    LINK_LOST = 5
    RESET = 6


class Verdict(IntEnum):
    NOT_JUDGED = 0
    PATENT = 1
    PARTIAL = 2
    OCCLUDED = 3
    BUBBLE = 4
    LEAK = 5
    DISCONNECTED = 6


class Evidence(IntEnum):
    NONE = 0
    RESISTANCE = 1
    TREND = 2
    PAUSE = 3
    COMPLIANCE = 4
    SLOPE = 5
    PASSAGE = 6
    FLOW = 7
    PRESSURE = 8


class Fluid(IntEnum):
    SALINE = 1
    HEPARIN_10 = 2
    HEPARIN_100 = 3
    ANTIMICROBIAL_LOCK = 4


class ResetCause(IntEnum):
    UNKNOWN = 0
    POWER_ON = 1
    WATCHDOG = 2
    COMMAND = 3
    BUTTON = 4


class Flag(IntFlag):
    MOVING = messages.FLAG_MOVING
    AUTHENTICATED = messages.FLAG_AUTHENTICATED
    LEASE = messages.FLAG_LEASE
    SETTINGS_GOOD = messages.FLAG_SETTINGS_GOOD
    SELF_TEST_PASSED = messages.FLAG_SELF_TEST_PASSED
    DERATED = messages.FLAG_DERATED
    AUDIO_PAUSED = messages.FLAG_AUDIO_PAUSED
    PATH_SET = messages.FLAG_PATH_SET


class LineFlag(IntFlag):
    NONE = 0
    CENTRAL = messages.LINE_CENTRAL
    HEPARIN_INTOLERANT = messages.LINE_HEPARIN_INTOLERANT
