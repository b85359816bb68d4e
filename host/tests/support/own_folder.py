"""A configuration folder with an own line, needle, extension set, syringe, sequence and defaults."""

from pathlib import Path as FilePath

LINES = """
[bench-line]
title = "silicone tube on the bench"
kind = "picc"
bore_mm = [0.9, "S", "gauge pin"]
length_mm = [480, "S", "ruler"]
compliance_ul_per_kpa = [0.4, "R-l", "estimated"]
pressure_limit_kpa = [172, "S", "label"]
"""
NEEDLES = """
[bench-needle]
title = "needle of the bench"
bore_mm = [0.6, "S", "data sheet"]
length_mm = [20, "S", "data sheet"]
"""
EXTENSIONS = """
[bench-extension]
title = "tube of the bench"
bore_mm = [1.5, "S", "gauge pin"]
length_mm = [100, "S", "ruler"]
"""
SYRINGES = """
[sizes.10]
capacity_ml = [12, "S", "measured"]
compliance_ul_per_kpa = [2, "R-l", "estimated"]
friction_break_n = [5, "R-l", "estimated"]
friction_glide_n = [4, "R-l", "estimated"]
pressure_limit_kpa = [300, "R-l", "estimated"]

[brands.acme]
title = "Acme"
barrels = [{ size_ml = 10, class = "10", inner_diameter_mm = [15.0, "S", "caliper"] }]
"""
SEQUENCE = """
title = "two pulses"
keep_in_syringe_ml = 0.5

[[phase]]
kind = "aspirate"
volume_ml = 0.5
flow_ml_per_s = 0.5
question = "blood_return"

[[phase]]
kind = "pulses"
count = 2
volume_ml = 0.9
flow_ml_per_s = 2
"""
CONFIG = """
port = "flushsim://?target=native"
line = "bench-line"
syringe = "acme-10"
operator = "Ana"

[units]
pressure = "mmHg"
flow = "mL/min"
"""


def make_own_folder(folder: FilePath) -> FilePath:
    """The folder, with one file of each kind."""
    for name, text in (
        ("catalog/lines.toml", LINES),
        ("catalog/needles.toml", NEEDLES),
        ("catalog/extensions.toml", EXTENSIONS),
        ("catalog/syringes.toml", SYRINGES),
        ("sequences/two-pulses.toml", SEQUENCE),
        ("config.toml", CONFIG),
    ):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder
