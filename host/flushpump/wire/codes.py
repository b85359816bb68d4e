"""Enumerations of the message table; made by tools/make_codes.py."""

from __future__ import annotations

from enum import IntEnum, IntFlag


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
    MOVING = 1
    AUTHENTICATED = 2
    LEASE = 4
    SETTINGS_GOOD = 8
    SELF_TEST_PASSED = 16
    DERATED = 32
    AUDIO_PAUSED = 64
    PATH_SET = 128


class LineFlag(IntFlag):
    NONE = 0
    CENTRAL = 1
    HEPARIN_INTOLERANT = 2
