"""The dirt that is put into the sources on purpose, with the answer a steward should find."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

# The words of the ground truth files; `kind` is one of these.
UNIT_SLIP = "unit_slip"
FULL_WIDTH_DIGITS = "full_width_digits"
DUPLICATE_SUBMISSION = "duplicate_submission"
CORRECTED_SUBMISSION = "corrected_submission"
ZERO_JANUARY = "zero_january"
FEBRUARY_NOT_CUMULATIVE = "february_not_cumulative"
BROKEN_ORGANISATION_CODE = "broken_organisation_code"
RENAMED_UNIT = "renamed_unit"
DEVIATING_OUTPUT = "deviating_output"
CUMULATIVE_NOT_RESTATED = "cumulative_not_restated"
REUSED_INDICATOR = "reused_indicator"
UNTIDY_CREDIT_CODE = "untidy_credit_code"
UNTIDY_NAME = "untidy_name"
MISSING_CREDIT_CODE = "missing_credit_code"
LATE_CORRECTION = "late_correction"
BROKEN_CITIZEN_NUMBER = "broken_citizen_number"
EXPIRED_LICENCE = "expired_licence"
PERMIT_TOO_LONG = "permit_too_long"
PERMIT_ENDS_BEFORE_START = "permit_ends_before_start"
UNKNOWN_CHEMICAL = "unknown_chemical"
MISSING_QUANTITY = "missing_quantity"
MISSING_DESIGN_QUANTITY = "missing_design_quantity"
MISSING_EXPOSED_PERSONS = "missing_exposed_persons"
MISSING_GUARANTOR = "missing_guarantor"
MISSING_DUTY_RATE = "missing_duty_rate"
OVERFILLED = "overfilled"
# of the register of devices
GAS_ALARM_TOO_LOOSE = "gas_alarm_too_loose"
MISSING_UNIT = "missing_unit"
LIMITS_OUT_OF_ORDER = "limits_out_of_order"
RANGE_REVERSED = "range_reversed"
# of the telemetry archive
SPIKE = "spike"
FLAT_LINE = "flat_line"
DRIFT = "drift"
STUCK_AT_RANGE_END = "stuck_at_range_end"
UNIT_JUMP = "unit_jump"
UNUSABLE_VALUE = "unusable_value"
DATED_TOMORROW = "dated_tomorrow"
CLOCK_JUMPED_BACK = "clock_jumped_back"
DUPLICATE_EQUAL = "duplicate_equal"
DUPLICATE_DIFFERS = "duplicate_differs"
OUT_OF_ORDER = "out_of_order"
LATE_ROWS = "late_rows"
LATE_FILE = "late_file"
GAP_OF_POINT = "gap_of_point"
GAP_OF_GATEWAY = "gap_of_gateway"
SOURCE_FLAG = "source_flag"
UNKNOWN_POINT = "unknown_point"
UNKNOWN_UNIT = "unknown_unit"
TRUNCATED_FILE = "truncated_file"
RENAMED_COLUMN = "renamed_column"
EMPTY_FILE = "empty_file"
# of the byte logs of outlets and vehicles
BROKEN_CHECKSUM = "broken_checksum"
CHECKSUM_DIALECT = "checksum_dialect"
TRUNCATED_FRAME = "truncated_frame"
RUBBISH_BETWEEN_FRAMES = "rubbish_between_frames"
REPEATED_MESSAGE = "repeated_message"
RESENT_DATA = "resent_data"
MISSING_PACKET = "missing_packet"
DATED_FAR_AHEAD = "dated_far_ahead"
GAP_OF_DEVICE = "gap_of_device"
NO_FIX = "no_fix"


@dataclass(frozen=True)
class PlantedDefect:
    """One planted defect: where it is (table and key) and what is right."""

    defect_id: str
    kind: str
    table: str
    key: Mapping[str, str | int]
    truth: Mapping[str, object]


def ground_truth_json(defects: Iterable[PlantedDefect], **facts: object) -> bytes:
    """Return the ground truth of one run as JSON: the planted defects and whatever facts a test may ask for."""
    truth = {**facts, "planted": [asdict(defect) for defect in sorted(defects, key=lambda defect: defect.defect_id)]}
    return (json.dumps(truth, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
