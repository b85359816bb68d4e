"""The columns of the results, one row a run; `flushsim.campaign.rows` explains them."""

from dataclasses import fields

import pyarrow as pa
from flushpump.wire.messages import PulseResult

from flushsim.campaign.rows import TEXT_FIELDS

_PULSE = pa.struct([
    *(
        pa.field(field.name, pa.string() if field.name in TEXT_FIELDS else pa.int64())
        for field in fields(PulseResult)
    ),
    pa.field("after_onset", pa.int64()),
])  # fmt: skip
# fmt: off
_TEXT = (
    "group", "sequence", "line", "needle", "syringe", "extension", "fault", "outcome", "verdict", "problem", "said",
    "false_alarm", "found_as",
)
_WHOLE = (
    "case", "seed", "hit_pulse", "pulses_left", "found_pulse", "whole_pulses",
)
_YES_NO = (
    "healthy", "claimed", "permitted", "found",
)
_NUMBER = (
    "severity", "duration_s", "planned_ml", "told_driven_ml", "told_delivered_ml", "told_uncertain_ml",
    "told_relieved_ml", "told_aspirated_ml", "driven_ml", "tip_ml", "leaked_ml", "volume_error_ml", "after_stop_ml",
    "bolus_ml", "relief_drawn_ml", "told_peak_kpa", "peak_kpa", "working_limit_kpa", "hard_limit_kpa",
    "overshoot_kpa", "relief_lowest_kpa", "flow_ml_per_s", "expected_resistance_kpa_s_per_ml",
    "expected_compliance_ul_per_kpa", "onset_s", "found_after_s",
)
# fmt: on

SCHEMA = pa.schema([
    *(pa.field(name, pa.int64()) for name in _WHOLE),
    *(pa.field(name, pa.string()) for name in _TEXT),
    *(pa.field(name, pa.bool_()) for name in _YES_NO),
    *(pa.field(name, pa.float64()) for name in _NUMBER),
    pa.field("alarms", pa.list_(pa.string())),
    pa.field("faults", pa.list_(pa.string())),
    pa.field("pulses", pa.list_(_PULSE)),
])  # fmt: skip
"""A run in which the firmware failed has nulls from `verdict` on."""
