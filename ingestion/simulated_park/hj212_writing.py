"""How the invented outlets write HJ 212: frames, packets and the encrypted data area."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

Checksum = Callable[[bytes], int]

_LONGEST_BODY = 950
_LINE_END = b"\r\n"


def _table() -> list[int]:
    entries = []
    for entry in range(256):
        value = entry
        for _ in range(8):
            odd = value % 2
            value //= 2
            if odd:
                value ^= 0xA001
        entries.append(value)
    return entries


_ENTRIES = _table()


def standard_checksum(data: bytes) -> int:
    """Return the checksum of annex A of the standard."""
    crc = 0xFFFF
    for byte in data:
        crc = _ENTRIES[(crc >> 8) ^ byte]
    return crc


def modbus_checksum(data: bytes) -> int:
    """Return the checksum that a device sends whose maker took the usual CRC-16."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _ENTRIES[(crc ^ byte) % 256]
    return crc


def message_frames(
    header: Sequence[tuple[str, str]],
    items: Sequence[str],
    *,
    version: int,
    is_resent: bool = False,
    checksum: Checksum = standard_checksum,
    key: bytes | None = None,
) -> list[bytes]:
    """Return the frames of one message; the device asks for an answer.

    Args:
        header: QN, ST, CN, PW and MN with their values.
        items: `DataTime=…` and the items of the factors.
        version: edition in the flag byte: 1 is 2017, 2 is 2025.
        is_resent: whether the data are sent again after a fault.
        checksum: how the device computes its checksum.
        key: SM4 key of a device that encrypts its data area.
    """
    time, *others = items
    bodies = [[time]]
    for item in others:
        if len(";".join([*bodies[-1], item])) > _LONGEST_BODY:
            bodies.append([time])
        bodies[-1].append(item)
    count = len(bodies)
    frames = []
    for number, body in enumerate(bodies, start=1):
        flag = version * 4 + (2 if count > 1 else 0) + 1
        fields = [*header, ("Flag", str(flag))]
        if count > 1:
            fields += [("PNUM", str(count)), ("PNO", str(number))]
        if is_resent:
            fields.append(("RF", "1"))
        head = "".join(f"{name}={value};" for name, value in fields)
        area = ";".join(body).encode()
        segment = head.encode() + b"CP=&&" + area + b"&&"
        crc = checksum(segment)
        sent = segment if key is None else head.encode() + b"CP=&&" + _secret(area, key) + b"&&"
        frames.append(f"##{len(segment):04d}".encode() + sent + f"{crc:04X}".encode() + _LINE_END)
    return frames


def _secret(area: bytes, key: bytes) -> bytes:
    full = len(area) // 16 * 16
    encryptor = Cipher(algorithms.SM4(key), modes.ECB()).encryptor()  # noqa: S305 - HJ 212-2025 asks for it
    blocks = encryptor.update(area[:full]) + encryptor.finalize()
    return ("{" + ",".join(f"0x{byte:02X}" for byte in blocks) + "}").encode() + area[full:]
