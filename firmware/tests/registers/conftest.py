"""The firmware's hardware files over an emulated RP2040, without a processor and without a firmware image."""

import sys
from pathlib import Path

_HERE = str(Path(__file__).resolve().parent)
if _HERE not in sys.path:
    sys.path.append(_HERE)
