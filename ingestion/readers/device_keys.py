"""The SM4 keys with which devices encrypt what they report (HJ 212-2025), from the file an office keeps them in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from ingestion.readers import SourceUnavailableError
from security import sm4
from security.errors import InvalidKeyError

DecryptBlocks = dict[str, list[Callable[[bytes], bytes]]]


class DeviceKeysError(SourceUnavailableError):
    """A file of device keys cannot be used; the message names file and remedy, never a key."""


def decrypt_blocks(file: Path | None) -> DecryptBlocks:
    """Return the block ciphers of each device, in the order of its keys; none without a file.

    Args:
        file: JSON: device number (MN) → list of keys as 32 hexadecimal digits, newest first. Keys change every 90 days
            and older data still come, so a list keeps the former ones.

    Raises:
        DeviceKeysError: the file is missing or is not such JSON.
    """
    if file is None:
        return {}
    try:
        keys = json.loads(file.read_text("utf-8"))
        return {device: [sm4.block_decryptor(bytes.fromhex(key)) for key in own] for device, own in keys.items()}
    except (OSError, ValueError, AttributeError, TypeError, InvalidKeyError) as error:
        message = (
            f"{file} cannot be used as file of device keys ({type(error).__name__}): it must be JSON, device number → "
            "list of SM4 keys of 32 hexadecimal digits, newest first."
        )
        raise DeviceKeysError(message) from error
