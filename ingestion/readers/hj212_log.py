"""Reader of raw HJ 212 logs of outlets: a row for every value of every good frame, and one for every bad piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from ingestion.readers import REFUSED, DayRange, Delivery
from ingestion.readers.byte_log import ByteLogs
from ingestion.source_file import Source, SourceFileError, Stream
from methods.hj212 import (
    BadPiece,
    Content,
    Devices,
    Dialect,
    Frame,
    Message,
    PacketJoiner,
    RepeatedFrames,
    message_readings,
    split_whole,
)

PROTOCOL = "hj212"
DIALECTS = "crc_dialects"  # option of the stream: device number → dialect of its checksum
SCHEMA: dict[str, pl.DataType] = {
    "device_id_mn": pl.String(),
    "station_type_code": pl.String(),
    "command_code": pl.String(),
    "factor_code": pl.String(),
    "quantity": pl.String(),
    "measured_at": pl.Datetime("us", "UTC"),
    "value": pl.Float64(),
    "source_flag": pl.String(),
    "equipment_flag": pl.String(),
    "sampled_at": pl.Datetime("us", "UTC"),
    "sent_at": pl.Datetime("us", "UTC"),
    "is_resent": pl.Boolean(),
    "is_repeated": pl.Boolean(),
    "gateway_id": pl.String(),
    "frame_offset": pl.Int64(),
    "data_origin": pl.String(),
    "raw_frame": pl.String(),
    REFUSED: pl.String(),
}
Row = dict[str, Any]


@dataclass(frozen=True)
class Hj212Log:
    """The logs of the gateways that outlets report to.

    Args:
        root: folder that holds one folder per stream.
        setting: name of the setting that points to it, for messages.
        data_origin: what the data are: measured or simulated.
        decrypt_blocks: block ciphers of the devices that encrypt, newest key first.
    """

    root: Path
    setting: str
    data_origin: str
    decrypt_blocks: Mapping[str, Sequence[Callable[[bytes], bytes]]] = field(default_factory=dict)

    def deliveries(self, source: Source, stream: Stream, days: DayRange) -> Iterator[Delivery]:
        """Yield the logs in `days`, oldest first.

        Raises:
            SourceUnavailableError: the folder does not exist.
            SourceFileError: the source file names a dialect that is none.
        """
        devices = Devices(_dialects(source, stream), self.decrypt_blocks)

        def rows(content: bytes, gateway: str) -> pl.DataFrame:
            return log_rows(content, devices, gateway=gateway, data_origin=self.data_origin)

        logs = ByteLogs(self.root, self.setting, PROTOCOL)
        yield from logs.deliveries(source, stream, days, rows, lambda content: _settings_of(content, devices))


def log_rows(content: bytes, devices: Devices, *, gateway: str, data_origin: str) -> pl.DataFrame:
    """Return the rows of one log in the order in which its messages ended.

    A bad piece, a value that is none and a message of which packets are missing are rows with a reason in `REFUSED`
    and the raw frame beside it; the values of an incomplete message are rows like others. Frames that upload no data
    (replies, commands, parameters) have no rows.

    Args:
        content: the bytes of the log.
        devices: what is known of single devices.
        gateway: the gateway that wrote it.
        data_origin: what the data are.
    """
    common: Row = {"gateway_id": gateway, "data_origin": data_origin}
    found = [common | row for row in _rows(content, devices)]
    return pl.DataFrame(found, schema=SCHEMA, orient="row")


def _rows(content: bytes, devices: Devices) -> Iterator[Row]:
    joiner, repeated = PacketJoiner(), RepeatedFrames()
    for piece in split_whole(content, devices):
        if isinstance(piece, BadPiece):
            yield _of_header(piece) | {"raw_frame": _text(piece.raw), REFUSED: f"frame_{piece.reason.value}"}
        elif repeated.has(piece):
            yield from _of_message(Message((piece,)), is_repeated=True)
        else:
            for message in joiner.add(piece, piece.sent_at):
                yield from _of_message(message)
    for message in joiner.close():
        yield from _of_message(message)


def _of_message(message: Message, *, is_repeated: bool = False) -> Iterator[Row]:
    headers = [_of_header(frame) for frame in message.frames]
    header_of = dict(zip(map(id, message.frames), headers, strict=True))
    for reading in message_readings(message):
        own: Row = {
            "factor_code": reading.factor_code,
            "quantity": reading.quantity,
            "measured_at": reading.measured_at,
            "value": reading.value,
            "source_flag": reading.source_flag,
            "equipment_flag": reading.equipment_flag,
            "sampled_at": reading.sampled_at,
            "is_repeated": is_repeated,
        }
        header = header_of[id(reading.frame)]
        if reading.refused is None:
            yield header | own
        else:
            yield header | own | {"raw_frame": _text(reading.frame.raw), REFUSED: reading.refused.value}
    if message.missing:
        yield headers[0] | {"raw_frame": _text(message.frames[0].raw), REFUSED: "packet_missing"}


def _of_header(piece: Frame | BadPiece) -> Row:
    content: Content = piece.content
    sent_at: datetime | None = piece.sent_at if isinstance(piece, Frame) else None
    return {
        "device_id_mn": content.field("MN"),
        "station_type_code": content.field("ST"),
        "command_code": content.field("CN"),
        "sent_at": sent_at,
        "is_resent": content.is_resent,
        "frame_offset": piece.offset,
    }


def _text(raw: bytes) -> str:
    """Write raw bytes as text; a byte that is no UTF-8 becomes a backslash, x and two digits."""
    return raw.decode("utf-8", "backslashreplace")


def _dialects(source: Source, stream: Stream) -> dict[str, Dialect]:
    named = stream.options.get(DIALECTS, {})
    try:
        return {str(device): Dialect(name) for device, name in named.items()}
    except ValueError as error:
        known = ", ".join(dialect.value for dialect in Dialect)
        message = (
            f"ingestion/sources/{source.source}.yaml, stream {source.name_of(stream)}, option {DIALECTS}: {error}; "
            f"write one of {known}."
        )
        raise SourceFileError(message) from error


def _settings_of(content: bytes, devices: Devices) -> str:
    """Return what is registered of the devices in a log; a key is told by what it makes of a block of zeros."""
    dialects = [f"{device}={dialect}" for device, dialect in devices.dialects.items() if _names(content, device)]
    keys = [
        f"{device}:{','.join(cipher(bytes(16)).hex() for cipher in ciphers)}"
        for device, ciphers in devices.decrypt_blocks.items()
        if _names(content, device)
    ]
    return ";".join(sorted([*dialects, *keys]))


def _names(content: bytes, device: str) -> bool:
    return f"MN={device};".encode() in content
