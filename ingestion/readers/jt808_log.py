"""Reader of raw JT/T 808 logs of vehicles: a row for every position, and one for every bad piece."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ingestion.readers import REFUSED, DayRange, Delivery
from ingestion.readers.byte_log import ByteLogs
from ingestion.source_file import Source, Stream
from methods.jt808 import BadPiece, Frame, MalformedBodyError, Message, PacketJoiner, Position, positions, split_whole
from methods.jt808.frame import Reason

PROTOCOL = "jt808"
SCHEMA: dict[str, pl.DataType] = {
    "terminal_id_jt808": pl.String(),
    "measured_at": pl.Datetime("us", "UTC"),
    "longitude": pl.Float64(),
    "latitude": pl.Float64(),
    "altitude_m": pl.Float64(),
    "speed_km_per_h": pl.Float64(),
    "direction_deg": pl.Float64(),
    "is_located": pl.Boolean(),
    "alarm_word": pl.Int64(),
    "status_word": pl.Int64(),
    "alarm_names": pl.String(),
    "status_names": pl.String(),
    "mileage_km": pl.Float64(),
    "is_resent": pl.Boolean(),
    "gateway_id": pl.String(),
    "frame_offset": pl.Int64(),
    "data_origin": pl.String(),
    "raw_frame": pl.String(),
    REFUSED: pl.String(),
}
_LIST_MARK = "、"
Row = dict[str, Any]


@dataclass(frozen=True)
class Jt808Log:
    """The logs of the gateways that vehicles report to.

    Args:
        root: folder that holds one folder per stream.
        setting: name of the setting that points to it, for messages.
        data_origin: what the data are: measured or simulated.
    """

    root: Path
    setting: str
    data_origin: str

    def deliveries(self, source: Source, stream: Stream, days: DayRange) -> Iterator[Delivery]:
        """Yield the logs in `days`, oldest first.

        Raises:
            SourceUnavailableError: the folder does not exist.
        """

        def rows(content: bytes, gateway: str) -> pl.DataFrame:
            return log_rows(content, gateway=gateway, data_origin=self.data_origin)

        yield from ByteLogs(self.root, self.setting, PROTOCOL).deliveries(source, stream, days, rows)


def log_rows(content: bytes, *, gateway: str, data_origin: str) -> pl.DataFrame:
    """Return the rows of one log in the order in which its messages ended.

    A bad piece, a position that is none and a message of which sub-packets are missing are rows with a reason in
    `REFUSED` and the raw frame as hexadecimal digits beside it. Messages without a position have no rows.

    Args:
        content: the bytes of the log.
        gateway: the gateway that wrote it.
        data_origin: what the data are.
    """
    common: Row = {"gateway_id": gateway, "data_origin": data_origin}
    return pl.DataFrame([common | row for row in _rows(content)], schema=SCHEMA, orient="row")


def _rows(content: bytes) -> Iterator[Row]:
    joiner = PacketJoiner()
    for piece in split_whole(content):
        if isinstance(piece, BadPiece):
            yield _refused(piece, piece.reason.value)
        else:
            # A frame's only time is in its body, so sub-packets wait for each other to the end of the log.
            for message in joiner.add(piece, None):
                yield from _of_message(message)
    for message in joiner.close():
        yield from _of_message(message)


def _of_message(message: Message) -> Iterator[Row]:
    first = message.frames[0]
    if message.missing:
        yield _refused(first, None) | {REFUSED: "packet_missing"}
        return
    try:
        found = list(positions(message))
    except MalformedBodyError:
        yield _refused(first, Reason.BODY_MALFORMED.value)
        return
    for position in found:
        row = _of_position(position) | {"frame_offset": first.offset}
        if position.refused is None:
            yield row
        else:
            yield row | {"raw_frame": first.raw.hex(), REFUSED: position.refused.value}


def _of_position(position: Position) -> Row:
    return {
        "terminal_id_jt808": position.phone,
        "measured_at": position.measured_at,
        "longitude": position.longitude,
        "latitude": position.latitude,
        "altitude_m": position.altitude_m,
        "speed_km_per_h": position.speed_km_per_h,
        "direction_deg": position.direction_deg,
        "is_located": position.is_located,
        "alarm_word": position.alarm_word,
        "status_word": position.status_word,
        "alarm_names": _LIST_MARK.join(position.alarms) or None,
        "status_names": _LIST_MARK.join(position.states) or None,
        "mileage_km": position.mileage_km,
        "is_resent": position.is_resent,
    }


def _refused(piece: Frame | BadPiece, reason: str | None) -> Row:
    return {
        "terminal_id_jt808": None if piece.header is None else piece.header.phone,
        "frame_offset": piece.offset,
        "raw_frame": piece.raw.hex(),
        REFUSED: None if reason is None else f"frame_{reason}",
    }
