"""The message table: every message, field, range, status, state, alarm and setting, as plain tuples.

This is the only source. The host builds its structs from it, the firmware its byte offsets, the
specification its tables. A field is `(name, type, minimum, maximum, meaning)`; the unit is in the
name. Types are little-endian: u8, u16, u32, i32 and bN (N bytes). No integer goes beyond 2**30 - 1,
because a larger one would be allocated on the heap of a 32-bit MicroPython.
"""

VERSION_MAJOR = 1
VERSION_MINOR = 0
VERSION = VERSION_MAJOR * 16 + VERSION_MINOR

KIND_REQUEST = 1
KIND_RESPONSE = 2
KIND_EVENT = 3

HEADER_SIZE = 9
PAYLOAD_MAX = 48
CRC_SIZE = 2
# COBS adds one byte to anything shorter than 254, and the delimiter is one more.
FRAME_MAX = HEADER_SIZE + PAYLOAD_MAX + CRC_SIZE + 2

I30 = 2**30 - 1
VOLUME_NL = 200_000_000
FLOW_NL_PER_S = 10_000_000
PRESSURE_PA = 2_000_000

HEADER = (
    ("version", "u8", 0, 255, "protocol version: major in the high four bits, minor in the low four"),
    ("kind", "u8", 1, 3, "1 request, 2 response, 3 event"),
    ("message", "u8", 0, 255, "message number; a response carries its request's"),
    ("session", "u16", 0, 65535, "session of the sender's knowledge; 0 before HELLO"),
    ("sequence", "u16", 0, 65535, "command counter of the session; of an event: its own counter"),
    ("status", "u8", 0, 255, "0 in requests and events; in a response why it was refused, or 0"),
    ("length", "u8", 0, 48, "payload bytes that follow"),
)

# (number, name, sentence for a person)
STATUSES = (
    (0, "OK", "done"),
    (1, "BAD_LENGTH", "the payload's length does not fit the message"),
    (2, "UNKNOWN_MESSAGE", "the pump does not know this message"),
    (3, "WRONG_SESSION", "another host has opened a newer session, or the pump was restarted"),
    (4, "WRONG_SEQUENCE", "the command is neither the next one nor a repetition of the last"),
    (5, "VERSION", "the pump speaks another protocol version and takes only HELLO, STATUS and STOP"),
    (6, "NOT_AUTHENTICATED", "the session has not proved that it knows the pairing key"),
    (7, "WRONG_STATE", "the pump is in a state that does not allow this"),
    (8, "OUT_OF_RANGE", "a value is outside its range"),
    (9, "PATH_LIMIT", "the path's pressure or flow limit forbids this"),
    (10, "NO_PATH", "no syringe and line have been set"),
    (11, "PROGRAM_CRC", "the program is incomplete or differs from what was sent"),
    (12, "ALARM_ACTIVE", "an alarm waits to be acknowledged"),
    (13, "LOCKED", "three alarms in ten minutes: the pump needs service"),
    (14, "DOSE_CAP", "the volume would exceed the cap of this program or of the rolling window"),
    (15, "SELF_TEST", "the power-on self-test has not passed"),
    (16, "SETTINGS", "the stored settings are missing or corrupt"),
    (17, "NO_ENTRY", "there is no such entry"),
    (18, "SYRINGE", "the syringe does not hold, or has no room for, that volume"),
    (19, "NOT_ANSWERED", "the answer does not fit the question that is pending"),
    (20, "FLUID", "the fluid is not one that may be flushed into this line"),
    (21, "STORAGE", "the pump's memory stores no more records, so a run cannot be recorded"),
    (22, "BLOOD_RETURN", "the program flushes a central line before blood return was asked for"),
    (23, "PRESSURE", "the line is under pressure or suction although nothing moves"),
)

# (number, name)
STATES = (
    (0, "BOOT"),
    (1, "IDLE"),
    (2, "RUNNING"),
    (3, "WAITING"),
    (4, "STOPPING"),
    (5, "RELIEVING"),
    (6, "STOPPED"),
    (7, "FAULT"),
    (8, "SERVICE"),
)

PHASE_KINDS = (
    (1, "ASPIRATE"),
    (2, "PULSES"),
    (3, "STEADY"),
    (4, "LOCK"),
    (5, "WAIT"),
    (6, "FINISH"),
    (7, "PRIME"),
)

QUESTIONS = (
    (0, "NONE"),
    (1, "BLOOD_RETURN"),
    (2, "SYRINGE_CHANGED"),
    (3, "CLAMPED"),
    (4, "CONTINUE"),
)

OUTCOMES = (
    (0, "NONE"),
    (1, "COMPLETED"),
    (2, "STOPPED"),
    (3, "OCCLUDED"),
    (4, "ALARM"),
    (5, "LINK_LOST"),
    (6, "RESET"),
)

VERDICTS = (
    (0, "NOT_JUDGED"),
    (1, "PATENT"),
    (2, "PARTIAL"),
    (3, "OCCLUDED"),
    (4, "BUBBLE"),
    (5, "LEAK"),
    (6, "DISCONNECTED"),
)

# (number, name, observed over expected or wanted, in permille; a verdict is given beyond its threshold)
EVIDENCE = (
    (0, "NONE", "no statistic"),
    (1, "RESISTANCE", "pressure of the pulse's plateau over the pressure expected at that flow"),
    (2, "TREND", "1000 plus the CUSUM of the resistance over the pulses"),
    (3, "PAUSE", "fall of pressure in the pause over that of an open line"),
    (4, "COMPLIANCE", "compliance over its baseline, as a leaky sum over the pulses"),
    (5, "SLOPE", "share of the flow that only raised the pressure"),
    (6, "PASSAGE", "outflow over the flow that this pressure drives through an open line"),
    (7, "FLOW", "flow that the working limit allowed over the flow requested"),
    (8, "PRESSURE", "pressure during the pulse over the pressure expected at this flow"),
)

FLUIDS = (
    (1, "SALINE"),
    (2, "HEPARIN_10"),
    (3, "HEPARIN_100"),
    (4, "ANTIMICROBIAL_LOCK"),
)

RESET_CAUSES = (
    (0, "UNKNOWN"),
    (1, "POWER_ON"),
    (2, "WATCHDOG"),
    (3, "COMMAND"),
    (4, "BUTTON"),
)

# Bits of the flags in STATUS and TELEMETRY.
FLAG_MOVING = 1
FLAG_AUTHENTICATED = 2
FLAG_LEASE = 4
FLAG_SETTINGS_GOOD = 8
FLAG_SELF_TEST_PASSED = 16
FLAG_DERATED = 32
FLAG_AUDIO_PAUSED = 64
FLAG_PATH_SET = 128

# Bits of line_flags in PATH_SET.
LINE_CENTRAL = 1
LINE_HEPARIN_INTOLERANT = 2

# (number, name, priority 3 high 2 medium 1 low, what happened, what to do)
ALARMS = (
    (1, "OCCLUSION", 3, "the line is blocked", "check clamps, needle and line; do not push"),
    (2, "HARD_LIMIT", 3, "pressure reached the path's limit", "check clamps, needle and line; do not push"),
    (3, "SENSOR_SILENT", 3, "the pressure sensor does not answer", "check the sensor's cable"),
    (4, "SENSOR_STUCK", 3, "the pressure reading does not follow the motion", "replace or recalibrate the sensor"),
    (5, "SENSOR_RANGE", 3, "the pressure reading is outside the sensor's range", "check the sensor and its wiring"),
    (6, "STEP_MISMATCH", 3, "motor position error (lost steps): syringe empty or jammed?", "check syringe and drive"),
    (7, "STOP_BUTTON", 2, "the stop button was pressed", "acknowledge, then start again if wanted"),
    (8, "LEASE_LOST", 2, "connection to the computer lost (heartbeat timeout)", "check the cable, then start again"),
    (9, "TRAVEL_LIMIT", 2, "the plunger drive reached the end of its travel", "change the syringe or home the drive"),
    (10, "SYRINGE_EMPTY", 2, "the syringe is empty", "change the syringe"),
    (11, "SYRINGE_LOW", 1, "less than 1 mL is left in the syringe", "have the next syringe ready"),
    (12, "DISCONNECTED", 3, "pressure is far below what the path needs at this flow", "check every connection"),
    (13, "LEAK", 2, "pressure is below what the path needs at this flow", "check every connection"),
    (14, "PARTIAL_OCCLUSION", 2, "flow resistance is above its baseline", "check the line; expect a slower flush"),
    (15, "SETTINGS_CORRUPT", 2, "the stored settings are missing or corrupt", "set them again"),
    (16, "SELF_TEST_FAILED", 3, "the power-on self-test failed", "read the log, have the pump serviced"),
    (17, "WATCHDOG_RESET", 3, "the firmware stalled and was restarted", "note the delivered volume, read the log"),
    (18, "POWER_LOST", 2, "power was lost during a run", "part of the volume is unconfirmed: see the status"),
    (19, "DOSE_CAP", 2, "the volume cap was reached", "wait, or change the cap in the settings"),
    (20, "LOCKED_OUT", 3, "three alarms within ten minutes", "find the cause, then reset the pump"),
    (21, "PROGRAM_TIME", 2, "the program took longer than its time limit", "check the line and start again"),
    (22, "MOTION_STARVED", 3, "the step queue ran dry in motion", "read the log, have the pump serviced"),
    (23, "RELIEF_INCOMPLETE", 2, "pressure could not be relieved", "open the line to air before disconnecting"),
    (24, "BUBBLE", 2, "possible air in the line", "look for air, prime again"),
    (25, "NO_BLOOD_RETURN", 2, "blood return was not seen", "do not flush; have the line examined"),
    (26, "STORAGE_FAILED", 2, "the pump's memory stores no more records", "note the volumes, have the pump serviced"),
)

# (index, name, minimum, maximum, default, meaning)
SETTINGS = (
    (0, "pressure_offset_pa", -20_000, 20_000, 0, "added to the sensor's reading"),
    (1, "pressure_gain_ppm", 900_000, 1_100_000, 1_000_000, "the sensor's reading is multiplied by this"),
    (2, "pressure_ceiling_pa", 20_000, 300_000, 172_000, "no path may have a higher hard limit (25 psi)"),
    (3, "program_volume_cap_nl", 1_000_000, 120_000_000, 60_000_000, "most that one program may drive"),
    (4, "program_time_cap_s", 10, 900, 600, "longest that one program may take"),
    (5, "window_volume_cap_nl", 1_000_000, 200_000_000, 120_000_000, "most that may be driven in a rolling window"),
    (6, "window_s", 60, 86_400, 3_600, "length of the rolling window"),
    (7, "telemetry_interval_ms", 10, 1_000, 50, "time between two telemetry events while moving"),
    (8, "relief_volume_cap_nl", 10_000, 3_000_000, 3_000_000, "most that relief may draw back"),
    (9, "flow_cap_nl_per_s", 10_000, 10_000_000, 5_000_000, "no flow is ever higher"),
)

SETTINGS_COUNT = len(SETTINGS)

_LEDGER = (
    ("intended_nl", "u32", 0, VOLUME_NL, "dose ordered so far by the program, prime not counted"),
    ("driven_nl", "u32", 0, VOLUME_NL, "dose driven forwards, by counted steps"),
    ("relieved_nl", "u32", 0, VOLUME_NL, "drawn back by relief"),
    ("delivered_nl", "u32", 0, VOLUME_NL, "estimate of the dose that left the line's tip"),
    ("uncertain_nl", "u32", 0, VOLUME_NL, "part of driven_nl that may not have been delivered"),
)

_PULSE = (
    ("index", "u8", 0, 255, "pulse of the program, from 0"),
    ("verdict", "u8", 0, 6, "see verdicts"),
    ("derated_percent", "u8", 0, 100, "largest lowering of the flow in this pulse, 0 none"),
    ("phase_index", "u8", 0, 15, "phase that the pulse belongs to"),
    ("intended_nl", "u32", 0, VOLUME_NL, "volume ordered"),
    ("driven_nl", "u32", 0, VOLUME_NL, "volume driven, by counted steps"),
    ("delivered_nl", "u32", 0, VOLUME_NL, "estimate of what left the tip from this pulse's start to the next's"),
    ("start_us", "u32", 0, I30, "first step, since the program's start"),
    ("duration_us", "u32", 0, I30, "first step to last step"),
    ("pause_us", "u32", 0, I30, "last step to the next pulse's first, as planned"),
    ("peak_pa", "i32", -PRESSURE_PA, PRESSURE_PA, "highest pressure"),
    ("resistance_pa_s_per_ml", "u32", 0, I30, "rise over flow at the pulse's end, 0 if unclassified"),
    ("compliance_nl_per_kpa", "u16", 0, 65535, "from the decay in the pause, 0 if unclassified"),
    ("residual_pa", "i32", -PRESSURE_PA, PRESSURE_PA, "pressure above what the path predicts"),
    ("evidence", "u8", 0, 8, "the statistic of the verdict, see evidence"),
    ("seen_permille", "u16", 0, 65535, "observed value of the statistic"),
    ("limit_permille", "u16", 0, 65535, "threshold of the statistic"),
)

_RESULT = (
    (
        ("outcome", "u8", 0, 6, "see outcomes"),
        ("verdict", "u8", 0, 6, "worst verdict of the run"),
        ("pulse_count", "u8", 0, 255, "pulses begun"),
        ("alarm_code", "u8", 0, 255, "alarm that ended the program, 0 none"),
        ("program_crc", "u16", 0, 65535, "which program"),
        ("duration_ms", "u32", 0, I30, "first to last motion"),
        ("peak_pa", "i32", -PRESSURE_PA, PRESSURE_PA, "highest pressure of the run"),
    )
    + _LEDGER
    + (
        ("aspirated_nl", "u32", 0, VOLUME_NL, "drawn in by aspirate phases"),
        ("device_time_ms", "u32", 0, I30, "device's time at the end"),
    )
)

_ALARM = (
    ("code", "u8", 0, 255, "see alarms, 0 none"),
    ("priority", "u8", 0, 3, "3 high, 2 medium, 1 low"),
    ("condition", "u8", 0, 1, "1 while the cause lasts"),
    ("pending", "u8", 0, 255, "alarms that wait to be acknowledged"),
    ("occurrence", "u16", 0, 65535, "counts every alarm raised; acknowledge by this"),
    ("device_time_ms", "u32", 0, I30, "when it was raised"),
    ("detail", "i32", -I30, I30, "figure that belongs to the alarm, in the unit of its cause"),
)

_MOTION = (
    ("volume_nl", "u32", 0, VOLUME_NL, "volume"),
    ("flow_nl_per_s", "u32", 0, FLOW_NL_PER_S, "flow"),
)

# How a request is admitted.
OPEN = 0  # any session, any sequence, any version
SEQUENCED = 1  # the session's next command
THERAPY = 2  # SEQUENCED, and the session is authenticated

# (number, name, admission, request fields, response fields, meaning)
MESSAGES = (
    (
        0x01,
        "HELLO",
        OPEN,
        (
            ("host_nonce", "b8", 0, 0, "random; the same nonce again gets the same session again"),
            ("table_hash", "b4", 0, 0, "CRC-32 of the sender's message table"),
        ),
        (
            ("device_nonce", "b8", 0, 0, "random; part of the authentication"),
            ("table_hash", "b4", 0, 0, "CRC-32 of the device's message table"),
            ("firmware_fingerprint", "b4", 0, 0, "CRC-32 of the firmware's files"),
            ("settings_fingerprint", "b4", 0, 0, "CRC-32 of board data and settings"),
            ("firmware_version", "b4", 0, 0, "major, minor, patch, 0"),
            ("capabilities", "u16", 0, 65535, "bit 0 pressure, 1 step counter, 2 relief, 3 stop button"),
            ("boot_count", "u16", 0, 65535, "counts restarts"),
            ("last_session", "u16", 0, 65535, "session of the last executed command, 0 none since restart"),
            ("last_executed_sequence", "u16", 0, 65535, "sequence of the last executed command"),
            ("lease_max_ms", "u16", 0, 65535, "longest lease"),
            ("reset_cause", "u8", 0, 4, "see reset causes"),
            ("state", "u8", 0, 8, "see states"),
            ("device_time_ms", "u32", 0, I30, "time since the start"),
        ),
        "opens a session; the new session's number is in the response's header",
    ),
    (
        0x02,
        "STATUS",
        OPEN,
        (),
        (
            ("state", "u8", 0, 8, "see states"),
            ("phase_index", "u8", 0, 255, "phase under way"),
            ("phase_kind", "u8", 0, 7, "see phase kinds"),
            ("pulse_index", "u8", 0, 255, "pulse under way"),
            ("pulse_count", "u8", 0, 255, "pulses of the program"),
            ("question", "u8", 0, 4, "question that waits for CONTINUE"),
            ("flags", "u8", 0, 255, "see flags"),
            ("alarm_count", "u8", 0, 255, "alarms that wait to be acknowledged"),
            ("last_session", "u16", 0, 65535, "session of the last executed command"),
            ("last_executed_sequence", "u16", 0, 65535, "sequence of the last executed command"),
            ("last_executed_status", "u8", 0, 255, "status it was answered with"),
            ("alarm_code", "u8", 0, 255, "gravest alarm that waits"),
            ("alarm_occurrence", "u16", 0, 65535, "its occurrence"),
            ("device_time_ms", "u32", 0, I30, "time since the start"),
            ("pressure_pa", "i32", -PRESSURE_PA, PRESSURE_PA, "gauge pressure at the syringe's outlet"),
        )
        + _LEDGER
        + (("syringe_remaining_nl", "u32", 0, VOLUME_NL, "what the syringe still holds"),),
        "what the pump does and has done; always answered",
    ),
    (
        0x03,
        "STOP",
        OPEN,
        (),
        (
            ("state", "u8", 0, 8, "see states"),
            ("moving", "u8", 0, 1, "1 while steps are still being made"),
            ("driven_nl", "u32", 0, VOLUME_NL, "by counted steps"),
            ("delivered_nl", "u32", 0, VOLUME_NL, "estimate"),
            ("device_time_ms", "u32", 0, I30, "time since the start"),
        ),
        "stops all motion at once, whoever asks, however often",
    ),
    (
        0x04,
        "KEEPALIVE",
        SEQUENCED,
        (("lease_ms", "u16", 100, 2000, "how long the host may be silent from now"),),
        (
            ("lease_ms", "u16", 0, 2000, "applied"),
            ("device_time_ms", "u32", 0, I30, "time since the start"),
        ),
        "renews the lease of the session that owns the motion",
    ),
    (
        0x05,
        "AUTHENTICATE",
        SEQUENCED,
        (("proof", "b16", 0, 0, "first 16 bytes of HMAC-SHA256(pairing key, host nonce, device nonce, session)"),),
        (("authenticated", "u8", 0, 1, "1: therapy commands are taken"),),
        "proves that the host knows the pairing key",
    ),
    (
        0x06,
        "INFO",
        SEQUENCED,
        (),
        (
            ("board", "b16", 0, 0, "name of the board, padded with zeros"),
            ("unit", "b8", 0, 0, "identity of this unit"),
            ("steps_per_mm", "u32", 0, I30, "drive geometry"),
            ("step_rate_max_per_s", "u32", 0, I30, "fastest stepping"),
            ("sensor_max_pa", "u32", 0, I30, "end of the sensor's range"),
            ("travel_um", "u32", 0, I30, "length of the drive's travel"),
        ),
        "what the pump is",
    ),
    (
        0x10,
        "PATH_SET",
        THERAPY,
        (
            ("barrel_diameter_um", "u16", 3_000, 40_000, "inner diameter of the syringe"),
            ("line_flags", "u8", 0, 3, "1 central line, 2 heparin-intolerant"),
            ("fluid", "u8", 1, 4, "what the syringe holds, see fluids"),
            ("syringe_capacity_nl", "u32", 500_000, VOLUME_NL, "up to the plunger's stop"),
            ("syringe_loaded_nl", "u32", 0, VOLUME_NL, "what it holds now"),
            ("hard_limit_pa", "u32", 10_000, PRESSURE_PA, "weakest part of the path"),
            ("working_limit_pa", "u32", 5_000, PRESSURE_PA, "flow is lowered to stay under this"),
            ("flow_cap_nl_per_s", "u32", 10_000, FLOW_NL_PER_S, "highest flow of the path"),
            ("resistance_pa_s_per_ml", "u32", 0, 100_000_000, "expected R_L of the path"),
            ("turbulence_pa_s2_per_ml2", "u32", 0, 100_000_000, "expected R_T of the path"),
            ("compliance_nl_per_kpa", "u16", 100, 60_000, "expected, of the syringe most of all"),
            ("path_tag", "u16", 0, 65535, "CRC-16 of the names of line, needle, syringe, extension"),
            ("known_permille", "u16", 0, 2_000, "resistance at the last visit over the expected one, from 400; 0 none"),
            ("known_compliance_nl_per_kpa", "u16", 0, 60_000, "compliance at the last visit with this syringe; 0 none"),
            ("open_permille", "u16", 0, 1_000, "share of the pressure that is left when the line has come off"),
        ),
        (
            ("volume_per_step_pl", "u32", 0, I30, "volume of one step"),
            ("hard_limit_pa", "u32", 0, PRESSURE_PA, "applied"),
            ("working_limit_pa", "u32", 0, PRESSURE_PA, "applied"),
            ("flow_cap_nl_per_s", "u32", 0, FLOW_NL_PER_S, "applied"),
            ("syringe_loaded_nl", "u32", 0, VOLUME_NL, "applied"),
            ("device_time_ms", "u32", 0, I30, "time since the start"),
        ),
        "syringe, limits and expected hydraulics of the path; clears any program",
    ),
    (
        0x11,
        "PROGRAM_BEGIN",
        THERAPY,
        (
            ("program_id", "u16", 0, 65535, "chosen by the host"),
            ("phase_count", "u8", 1, 12, "phases that follow"),
            ("total_volume_nl", "u32", 0, VOLUME_NL, "sum of the dose phases, checked at the commit"),
            ("max_time_ms", "u32", 1_000, 900_000, "the program is stopped after this"),
        ),
        (
            ("program_id", "u16", 0, 65535, "applied"),
            ("max_time_ms", "u32", 0, 900_000, "applied"),
        ),
        "begins a new program and forgets the old one",
    ),
    (
        0x12,
        "PROGRAM_PHASE",
        THERAPY,
        (
            ("index", "u8", 0, 11, "phases come in order"),
            ("phase_kind", "u8", 1, 6, "see phase kinds; PRIME is a command of its own"),
            ("count", "u8", 0, 100, "pulses; 1 for other motion, 0 for WAIT"),
            ("question", "u8", 0, 4, "asked when the phase has ended"),
            ("volume_nl", "u32", 0, VOLUME_NL, "of one pulse, or of the phase"),
            ("flow_nl_per_s", "u32", 0, FLOW_NL_PER_S, "in a pulse's plateau"),
            ("pause_ms", "u16", 0, 60_000, "after each pulse, last one included"),
        ),
        (
            ("index", "u8", 0, 11, "taken"),
            ("flow_nl_per_s", "u32", 0, FLOW_NL_PER_S, "applied: lowered to the path's cap"),
            ("duration_ms", "u32", 0, I30, "expected, pauses included"),
        ),
        "one phase of the program",
    ),
    (
        0x13,
        "PROGRAM_COMMIT",
        THERAPY,
        (("program_crc", "u16", 0, 65535, "CRC-16/CCITT-FALSE over the payloads of BEGIN and all PHASEs"),),
        (
            ("program_crc", "u16", 0, 65535, "the device's own"),
            ("total_volume_nl", "u32", 0, VOLUME_NL, "dose of the program"),
            ("duration_ms", "u32", 0, I30, "expected, waiting not counted"),
        ),
        "closes the program; it can be started once",
    ),
    (
        0x14,
        "START",
        THERAPY,
        (
            ("program_crc", "u16", 0, 65535, "which program"),
            ("lease_ms", "u16", 100, 2000, "how long the host may be silent"),
        ),
        (
            ("program_crc", "u16", 0, 65535, "started"),
            ("lease_ms", "u16", 0, 2000, "applied"),
            ("device_time_ms", "u32", 0, I30, "time of the program's start"),
        ),
        "starts the program, once",
    ),
    (
        0x15,
        "CONTINUE",
        THERAPY,
        (
            ("question", "u8", 1, 4, "question that is answered"),
            ("answer", "u8", 0, 1, "1 yes, 0 no; no ends the program"),
            ("syringe_loaded_nl", "u32", 0, VOLUME_NL, "after a change of syringe; else 0"),
        ),
        (
            ("state", "u8", 0, 8, "see states"),
            ("device_time_ms", "u32", 0, I30, "time since the start"),
        ),
        "answers the pending question",
    ),
    (
        0x16,
        "PRIME",
        THERAPY,
        _MOTION + (("lease_ms", "u16", 100, 2000, "how long the host may be silent"),),
        _MOTION + (("device_time_ms", "u32", 0, I30, "time since the start"),),
        "drives forwards with the line not yet connected; not dose",
    ),
    (
        0x17,
        "ASPIRATE",
        THERAPY,
        _MOTION + (("lease_ms", "u16", 100, 2000, "how long the host may be silent"),),
        _MOTION + (("device_time_ms", "u32", 0, I30, "time since the start"),),
        "draws back, bounded",
    ),
    (
        0x18,
        "PULSE_READ",
        SEQUENCED,
        (("index", "u8", 0, 255, "which pulse of the last program"),),
        _PULSE,
        "a pulse's result again",
    ),
    (0x19, "RESULT_READ", SEQUENCED, (), _RESULT, "the last program's result again"),
    (
        0x20,
        "SETTINGS_GET",
        SEQUENCED,
        (("index", "u8", 0, 255, "see settings"),),
        (
            ("index", "u8", 0, 255, "which"),
            ("value", "i32", -I30, I30, "in force"),
        ),
        "one setting",
    ),
    (
        0x21,
        "SETTINGS_SET",
        THERAPY,
        (
            ("index", "u8", 0, 255, "see settings"),
            ("value", "i32", -I30, I30, "wanted"),
        ),
        (
            ("index", "u8", 0, 255, "which"),
            ("value", "i32", -I30, I30, "in force now"),
        ),
        "changes one setting; refused whole when out of range",
    ),
    (
        0x22,
        "PAIR",
        THERAPY,
        (("key", "b16", 0, 0, "new pairing key"),),
        (),
        "replaces the pairing key; takes effect with the next session",
    ),
    (
        0x30,
        "ALARM_READ",
        SEQUENCED,
        (("index", "u8", 0, 255, "0 is the gravest"),),
        _ALARM,
        "one of the alarms that wait",
    ),
    (
        0x31,
        "ALARM_ACK",
        SEQUENCED,
        (("occurrence", "u16", 0, 65535, "which; a newer one stays"),),
        (
            ("pending", "u8", 0, 255, "alarms that still wait"),
            ("state", "u8", 0, 8, "see states"),
        ),
        "acknowledges one occurrence",
    ),
    (
        0x32,
        "AUDIO_PAUSE",
        SEQUENCED,
        (),
        (("paused_ms", "u32", 0, 120_000, "how long sound stays off"),),
        "silences the sound for two minutes at most",
    ),
    (
        0x33,
        "LOG_READ",
        SEQUENCED,
        (("number", "u32", 0, I30, "entry; the next stored one at or after it is returned"),),
        (
            ("number", "u32", 0, I30, "entry returned"),
            ("newest", "u32", 0, I30, "newest stored"),
            ("boot_count", "u16", 0, 65535, "restart it was written in"),
            ("code", "u8", 0, 255, "see log codes"),
            ("argument", "u8", 0, 255, "message, alarm or cause"),
            ("device_time_ms", "u32", 0, I30, "when"),
            ("detail", "i32", -I30, I30, "figure"),
        ),
        "one entry of the event log",
    ),
    (
        0x40,
        "SELF_TEST",
        SEQUENCED,
        (),
        (
            ("passed", "u16", 0, 65535, "bits of the parts that passed"),
            ("failed", "u16", 0, 65535, "bits of the parts that failed"),
        ),
        "runs the self-test; only while nothing moves",
    ),
    (
        0x41,
        "SERVICE",
        THERAPY,
        (),
        (("state", "u8", 0, 8, "see states"),),
        "leaves the pump's loop for the Python prompt; only while nothing moves",
    ),
    (
        0x42,
        "RESET",
        THERAPY,
        (),
        (("state", "u8", 0, 8, "see states"),),
        "restarts the board; only while nothing moves",
    ),
)

# (number, name, fields, meaning)
EVENTS = (
    (
        0x80,
        "TELEMETRY",
        (
            ("state", "u8", 0, 8, "see states"),
            ("phase_index", "u8", 0, 255, "phase under way"),
            ("pulse_index", "u8", 0, 255, "pulse under way"),
            ("flags", "u8", 0, 255, "see flags"),
            ("device_time_ms", "u32", 0, I30, "time since the start"),
            ("pressure_pa", "i32", -PRESSURE_PA, PRESSURE_PA, "gauge pressure at the syringe's outlet"),
            ("flow_nl_per_s", "i32", -FLOW_NL_PER_S, FLOW_NL_PER_S, "of the plunger"),
            ("driven_nl", "u32", 0, VOLUME_NL, "dose driven, by counted steps"),
            ("delivered_nl", "u32", 0, VOLUME_NL, "estimate"),
            ("remaining_ms", "u32", 0, I30, "expected until the end, waiting not counted"),
        ),
        "newest wins; dropped when there is no room",
    ),
    (0x81, "PULSE_RESULT", _PULSE, "after each pulse's pause"),
    (
        0x82,
        "PHASE",
        (
            ("phase_index", "u8", 0, 255, "phase that begins, or that asks"),
            ("phase_kind", "u8", 0, 7, "see phase kinds"),
            ("state", "u8", 0, 8, "see states"),
            ("question", "u8", 0, 4, "question that waits for CONTINUE"),
            ("device_time_ms", "u32", 0, I30, "when"),
        ),
        "a phase begins or asks",
    ),
    (0x83, "ALARM", _ALARM, "the gravest alarm that waits, when raised and every second"),
    (0x84, "PROGRAM_END", _RESULT, "the program has ended and nothing moves"),
)

# Event log codes.
LOG_BOOT = 1
LOG_COMMAND = 2
LOG_ALARM = 3
LOG_ACKNOWLEDGED = 4
LOG_PROGRAM_END = 5
LOG_SETTING = 6
LOG_SELF_TEST = 7
LOG_FAULT = 8
LOG_CODES = (
    (LOG_BOOT, "BOOT", "argument: reset cause"),
    (LOG_COMMAND, "COMMAND", "argument: message; detail: status"),
    (LOG_ALARM, "ALARM", "argument: alarm code; detail: the alarm's figure"),
    (LOG_ACKNOWLEDGED, "ACKNOWLEDGED", "argument: alarm code; detail: occurrence"),
    (LOG_PROGRAM_END, "PROGRAM_END", "argument: outcome; detail: delivered_nl"),
    (LOG_SETTING, "SETTING", "argument: index; detail: value"),
    (LOG_SELF_TEST, "SELF_TEST", "argument: 1 passed; detail: bits that failed"),
    (LOG_FAULT, "FAULT", "an exception in the firmware"),
)

# Bits of SELF_TEST.
TEST_MEMORY = 1
TEST_CONFIGURATION = 2
TEST_SENSOR = 4
TEST_DRIVER = 8
TEST_COUNTER = 16
TEST_INDICATORS = 32
