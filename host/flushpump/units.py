"""Units of pressure that are not SI."""

KPA_PER_PSI = 6.894757
KPA_PER_MMHG = 0.1333224
