"""Colours by what they stand for, on paper and on a dark page: Okabe and Ito's, which colour-blind people tell apart.

No colour says anything alone: curves differ in their dashes too, and boxes carry their word. The colours of the fluids
differ in lightness, so that they can be told apart in grey. (Okabe and Ito 2008, "Color Universal Design", R-h.)
"""

from flushpump.types import Verdict

LIGHT = {
    "paper": "#ffffff",
    "ink": "#1b1b1b",
    "faint": "#5c5c5b",
    "grid": "#dededd",
    "phase": "#eeeeed",
    "pressure": "#0072b2",
    "reading": "#7fb0cf",
    "plunger": "#b07600",
    "tip": "#00805f",
    "leaked": "#a8478a",
    "working": "#c9770a",
    "hard": "#c03b00",
    "fault": "#d55e00",
    "alarm": "#7a1f5a",
    "patent": "#d7ede4",
    "attention": "#f8e3b0",
    "stop": "#f3c6ae",
    "unjudged": "#e7e7e6",
    "saline": "#cfe8f7",
    "heparin": "#f0b429",
    "drug": "#8f6bb3",
    "blood": "#9b2a1a",
    "antimicrobial": "#3f8f5f",
    "air": "#f7f7f6",
    "old": "#a08a72",
}
"""What is drawn in which colour. Every value stands once: the HTML page finds the name by the value."""

DARK = {
    "paper": "#16181b",
    "ink": "#ececeb",
    "faint": "#a9aaab",
    "grid": "#34373b",
    "phase": "#25282c",
    "pressure": "#56b4e9",
    "reading": "#3c6f8f",
    "plunger": "#e69f00",
    "tip": "#2fc39c",
    "leaked": "#dd8fc2",
    "working": "#e6a04a",
    "hard": "#ff7a45",
    "fault": "#ff8a4a",
    "alarm": "#e58fc6",
    "patent": "#1f4a3c",
    "attention": "#6b5210",
    "stop": "#78351a",
    "unjudged": "#3a3d41",
    "saline": "#2b5876",
    "heparin": "#c98f12",
    "drug": "#a585c9",
    "blood": "#d0604e",
    "antimicrobial": "#5fae7f",
    "air": "#0b0c0d",
    "old": "#8a745d",
}

VERDICTS = {
    Verdict.NOT_JUDGED: LIGHT["unjudged"],
    Verdict.PATENT: LIGHT["patent"],
    Verdict.PARTIAL: LIGHT["attention"],
    Verdict.BUBBLE: LIGHT["attention"],
    Verdict.LEAK: LIGHT["attention"],
    Verdict.OCCLUDED: LIGHT["stop"],
    Verdict.DISCONNECTED: LIGHT["stop"],
}


def of_fluid(name: str) -> str:
    """The colour of a fluid by its first word; that of a drug for one that is not known."""
    known = (word for word in ("saline", "heparin", "blood", "antimicrobial", "air", "old") if name.startswith(word))
    return LIGHT[next(known, "drug")]


def of_verdict(verdict: int) -> str:
    """The colour behind a verdict's word; that of attention for one that this version does not know."""
    return VERDICTS.get(Verdict(verdict), LIGHT["attention"])
