"""Limits of the firmware's detector, as integers, for the firmware and for the host's forecast of what it detects.

A limit is what a vein does by itself (breathing, heartbeat, cough) plus the error of the line model. Pressures are in
Pa, permille are of the expected value, a tick is one pass of the control loop, 5 ms. The source of the vein's figures
is docs/detection.md.
"""

from .viper_compat import const

# A vein.

# Pa: change of a mean over a quarter of a pulse by breathing and heartbeat; and by a cough.
VEIN_PA = const(1_500)
COUGH_PA = const(9_000)
# Pa: a cough that begins in the pause holds the fall of pressure up by less than this.
COUGH_FALL_PA = const(20_000)

# Resistance of a pulse's plateau, permille of the expected one.

# High limits: against the catalog (tolerance of bore), the prior visit (other needle, other temperature), the baseline.
HIGH_CATALOG = const(2_000)
HIGH_PRIOR = const(1_800)
HIGH_BASELINE = const(1_500)
# Low limits, likewise: below them a connection leaks or is open.
LOW_CATALOG = const(400)
LOW_PRIOR = const(600)
# Low limit against the baseline: VEIN_PA and this part of the expected pressure (1/32) for the model's error.
LOW_SHIFT = const(5)
# Pa: what a cough may have left in the baseline, divided by 2 for each of its pulses.
BASELINE_COUGH_PA = const(4_000)

# Occlusion and open line need a plateau of at least this, Pa: below it noise decides.
PLATEAU_MIN_PA = const(15_000)
# Permille of the flow that this pressure pushes through an open line: less is an occlusion.
PASSAGE = const(250)

# Growth of resistance from pulse to pulse, permille: a CUSUM with drift, largest step and limit. The drift also has
# this much noise, Pa x 1000 over the expected pressure. One pulse alone does not pass the limit.
CUSUM_DRIFT = const(20)
CUSUM_NOISE = const(600_000)
CUSUM_STEP_MAX = const(100)
CUSUM_LIMIT = const(300)

# Shape of the plateau.

# Pa: residual delta between two thirds of a plateau in a quiet vein, beside noise; more is a cough or a fault.
DELTA_PA = const(1_200)
# Pa: largest change of the baseline's residual delta by one pulse.
DELTA_STEP_PA = const(700)

# Compliance (air in line), permille above the baseline.

# What breathing feigns, and per Pa of plateau (x 1000) and per tick of fall: a quick fall has few samples.
AIR_NOISE = const(20)
AIR_NOISE_PA = const(600_000)
AIR_NOISE_TICKS = const(400)
# In addition where the plateau is unsteady: a cough changes rise or fall, but not both so much.
AIR_UNSTEADY = const(20)
AIR_UNSTEADY_PA = const(2_500_000)
# Limit of the air score, with a steady and with an unsteady plateau; likewise with one baseline pulse only.
AIR_LIMIT = const(60)
AIR_LIMIT_UNSTEADY = const(150)
AIR_LIMIT_FIRST = const(120)
AIR_LIMIT_FIRST_UNSTEADY = const(250)
# Cap on what a pulse adds when only its fall shows more compliance: the second witness, its rise, is missing.
AIR_ONE_WITNESS = const(100)
# Cap on the air score carried into the next pulse, so that cleared air is reported for at most one more pulse.
AIR_CARRIED_MAX = const(200)
# A pulse with a higher air score does not update the baseline.
AIR_BASELINE_MAX = const(20)
# Against the prior visit: another syringe of the same kind has half to twice the catalog's compliance.
AIR_PRIOR = const(4_000)
# Two falls in a row without the rise: least excess over the noise, largest difference between both, and, Pa, largest
# residual delta of the plateau's end, because a cough may begin there.
FALL_ONLY = const(30)
FALL_ONLY_SPREAD = const(40)
FALL_ONLY_DELTA_PA = const(2_500)
# Pa: a fall from less than this is too small to be corrected for a cough.
FALL_FROM_PA = const(25_000)

# In every tick of a pulse.

# Permille of the flow that only raises the pressure, for so many ticks: a closed line.
SLOPE = const(800)
SLOPE_TICKS = const(3)
# Pa above the model that go with it: a cough in a wide line, with the swing of the liquid, comes to 15 kPa.
SLOPE_RESIDUAL_PA = const(18_000)
# Pa, before the baseline is known: at 30 kPa a line five times as narrow already passes more than a fifth of the flow.
SLOPE_RESIDUAL_FIRST_PA = const(30_000)
# Permille of the flow that the working limit still allows, for so many ticks: nearly nothing passes.
THROTTLED = const(200)
THROTTLED_TICKS = const(8)
# Permille of the expected pressure, for so many ticks: the line is off. The liquid's swing in a wide line keeps the
# pressure down for half a period, up to 0.15 s.
OPEN_LINE = const(250)
OPEN_LINE_TICKS = const(40)

# In the pause.

# Permille (a sixth) of the fall that an open line shows: less, so many times in a row, is an occlusion. Twice, because
# a cough may begin in between.
PAUSE_FALL = const(167)
PAUSE_TIMES = const(2)
# Pa: the fall is checked each time that an open line would have shown this much of it,
PAUSE_DUE_PA = const(4_000)
# above this pressure, Pa: below it a cough in a wide line, with the liquid's swing, holds the pressure up.
PAUSE_FROM_PA = const(25_000)
