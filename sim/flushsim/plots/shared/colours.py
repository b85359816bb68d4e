"""Colours by meaning, on paper and on a dark page: those of Okabe and Ito, which colour-blind readers can distinguish.

No meaning depends on colour alone: curves also differ in dashes or width, and boxes have text. Fluids and verdicts,
which are areas, each have their own lightness, so that they are distinct in grey. (Okabe and Ito 2008,
"Color Universal Design", R-h.)
"""

from flushpump.wire.messages import Verdict

LIGHT = {
    "paper": "#ffffff",
    "ink": "#1b1b1b",
    "faint": "#5c5c5b",
    "grid": "#dededd",
    "phase": "#eeeeed",
    "pressure": "#0072b2",
    "reading": "#7fb0cf",
    "plunger": "#9a6500",
    "tip": "#00805f",
    "leaked": "#a8478a",
    "working": "#c9770a",
    "hard": "#a82c00",
    "fault": "#bf4f00",
    "alarm": "#7a1f5a",
    "patent": "#a6dac3",
    "attention": "#fedf9a",
    "stop": "#f39e88",
    "unclassified": "#f1f1ef",
    "saline": "#bfe2f2",
    "heparin": "#f2af38",
    "drug": "#624d95",
    "blood": "#771116",
    "antimicrobial": "#5fa473",
    "air": "#f8f8f7",
    "old": "#8a735e",
}
"""Colours by name. Every value is unique: the HTML page finds the name by the value."""

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
    "working": "#f3bd74",
    "hard": "#ff6a3d",
    "fault": "#ff8a4a",
    "alarm": "#e58fc6",
    "patent": "#1e5a45",
    "attention": "#7e6217",
    "stop": "#6f2a18",
    "unclassified": "#2e3133",
    "saline": "#054c69",
    "heparin": "#ffc44f",
    "drug": "#876ec0",
    "blood": "#af3531",
    "antimicrobial": "#76c08b",
    "air": "#242424",
    "old": "#a7927f",
}

VERDICTS = {
    Verdict.NOT_JUDGED: LIGHT["unclassified"],
    Verdict.PATENT: LIGHT["patent"],
    Verdict.PARTIAL: LIGHT["attention"],
    Verdict.BUBBLE: LIGHT["attention"],
    Verdict.LEAK: LIGHT["attention"],
    Verdict.OCCLUDED: LIGHT["stop"],
    Verdict.DISCONNECTED: LIGHT["stop"],
}


def fluid_colour(name: str) -> str:
    """The colour of a fluid by its first word; that of a drug for one that is not known."""
    known = (word for word in ("saline", "heparin", "blood", "antimicrobial", "air", "old") if name.startswith(word))
    return LIGHT[next(known, "drug")]


def verdict_colour(verdict: int) -> str:
    """The colour behind a verdict's word; that of attention for one that this version does not know."""
    return VERDICTS.get(Verdict(verdict), LIGHT["attention"])
