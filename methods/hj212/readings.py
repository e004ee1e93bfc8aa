"""Rows of a message: one per factor and quantity, numbers parsed, what is no number refused with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from methods.hj212.frame import Frame, moment_of
from methods.hj212.packets import Message

# What stands beside the values of a factor and is none itself (HJ 212-2017 table 8).
FLAG, EQUIPMENT_FLAG, SAMPLE_TIME = "FLAG", "EFLAG", "SAMPLETIME"
_BESIDE = {FLAG, EQUIPMENT_FLAG, SAMPLE_TIME, "INFO", "SN"}
_QUANTITIES = {"RTD", "MIN", "AVG", "MAX", "COU", "ZSRTD", "ZSMIN", "ZSAVG", "ZSMAX", "ZSCOU"}
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_WORD_BEGINS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_FIRST_DATA_COMMAND, _LAST_DATA_COMMAND = (
    2000,
    2999,
)  # uploads; 1000s and 3000s are parameters and commands, 9000s replies


class Refusal(StrEnum):
    """Why a value of a good frame gives no reading."""

    VALUE_NOT_NUMBER = "value_not_number"
    TIME_UNREADABLE = "time_unreadable"


@dataclass(frozen=True)
class Reading:
    """One value of one factor.

    Attributes:
        frame: the frame it stands in.
        factor_code: code of the factor as sent.
        quantity: rtd, min, avg, max, cou, zs_rtd … in lower case with underscores.
        measured_at: UTC moment of `DataTime`.
        value: the number in the device's own unit; None where refused.
        text: the value as sent.
        source_flag: N, F, M, S, D, C, T, B as sent; None without one.
        equipment_flag: the device's own mark (EFlag).
        sampled_at: UTC moment of the sample, where it is not the time of the data.
        refused: why it is no reading.
    """

    frame: Frame
    factor_code: str
    quantity: str
    measured_at: datetime | None
    value: float | None
    text: str
    source_flag: str | None
    equipment_flag: str | None
    sampled_at: datetime | None
    refused: Refusal | None


def message_readings(message: Message) -> Iterator[Reading]:
    """Yield the readings of a message; one that carries no measured data has none.

    A packet without `DataTime` takes that of its message.
    """
    common_time = message.data_time
    for frame in message.frames:
        if carries_data(frame):
            measured_at = moment_of(frame.content.data_time or common_time)
            for code, fields in frame.content.factors.items():
                yield from _of_factor(frame, code, fields, measured_at)


def carries_data(frame: Frame) -> bool:
    """Tell whether the frame's command uploads data (CN 2000 to 2999)."""
    command = frame.content.field("CN") or ""
    return command.isascii() and command.isdigit() and _FIRST_DATA_COMMAND <= int(command) <= _LAST_DATA_COMMAND


def number_of(text: str) -> float | None:
    """Return the number a value's text says, None when it says none; an infinite one is left to who keeps it."""
    stripped = text.strip()
    return float(stripped) if _NUMBER.fullmatch(stripped) else None


def quantity_name(suffix: str) -> str:
    """Return a suffix in lower case with underscores: ZsRtd → zs_rtd."""
    return _WORD_BEGINS.sub("_", suffix).lower()


def _of_factor(frame: Frame, code: str, fields: dict[str, str], measured_at: datetime | None) -> Iterator[Reading]:
    values: list[tuple[str, str, str]] = []
    beside: dict[tuple[str, str], str] = {}
    for suffix, text in fields.items():
        own_code, word = _last_word(code, suffix)
        if word.upper() in _BESIDE:
            beside[own_code, word.upper()] = text.strip()
        else:
            values.append((own_code, word, text))
    for own_code, word, text in values:
        value = number_of(text)
        refused = Refusal.VALUE_NOT_NUMBER if value is None else None
        yield Reading(
            frame=frame,
            factor_code=own_code,
            quantity=quantity_name(word),
            measured_at=measured_at,
            value=value,
            text=text,
            source_flag=beside.get((own_code, FLAG)) or None,
            equipment_flag=beside.get((own_code, EQUIPMENT_FLAG)) or None,
            sampled_at=moment_of(beside.get((own_code, SAMPLE_TIME))),
            refused=Refusal.TIME_UNREADABLE if measured_at is None else refused,
        )


def _last_word(code: str, suffix: str) -> tuple[str, str]:
    """Return the code and the last word of a suffix with several hyphens.

    A quantity said twice (`LA-Rtd-Rtd`, `LA-Rtd-Flag`) is said once; another word between is part of the code.
    """
    *between, word = suffix.split("-")
    if not between:
        return code, suffix
    return "-".join([code, *(part for part in between if part.upper() not in _QUANTITIES)]), word
