"""The encrypted data area of HJ 212-2025: SM4, ECB, no padding, written as `{0xE4,0x3E,…}`.

Every full block of 16 bytes is encrypted, what is left over stays in clear behind the brace. Length and checksum of
the frame were made of the text in clear. The block cipher itself comes from outside: a function of 16 bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable

BLOCK_BYTES = 16
BlockCipher = Callable[[bytes], bytes]

_WRITTEN = re.compile(rb"\{[ \t]*(0[xX][0-9A-Fa-f]{1,2}(?:[ \t]*,[ \t]*0[xX][0-9A-Fa-f]{1,2})*)[ \t]*,?[ \t]*\}")
_BEGUN = re.compile(rb"\{[0-9A-Fa-fxX, \t]*\Z")


def decrypted(body: bytes, decrypt_block: BlockCipher) -> bytes:
    """Return a data area in clear; one that is not written as an encrypted one stays as it is.

    Bytes inside the braces beyond the last full block are taken as clear ones, as some devices write them there.

    Args:
        body: the text between the `&&` marks.
        decrypt_block: the block cipher with the device's key.
    """
    match = _WRITTEN.match(body)
    if match is None:
        return body
    ciphertext = bytes(int(number, 16) for number in match[1].split(b","))
    return _by_blocks(ciphertext, decrypt_block) + body[match.end() :]


def encrypted(body: bytes, encrypt_block: BlockCipher) -> bytes:
    """Return a data area as it is sent; one shorter than a block stays as it is.

    Args:
        body: the text between the `&&` marks, in clear.
        encrypt_block: the block cipher with the device's key.
    """
    full = len(body) - len(body) % BLOCK_BYTES
    if not full:
        return body
    ciphertext = _by_blocks(body[:full], encrypt_block)
    return b"{" + b",".join(b"0x%02X" % byte for byte in ciphertext) + b"}" + body[full:]


def end_of_written(data: bytes, start: int) -> int | None:
    """Return where the closing brace ends that belongs to the one at `start`; None when it has not come yet.

    Returns -1 when what follows the brace is no encrypted data area.
    """
    match = _WRITTEN.match(data, start)
    if match is not None:
        return match.end()
    return None if _BEGUN.match(data, start) else -1


def _by_blocks(data: bytes, cipher: BlockCipher) -> bytes:
    full = len(data) - len(data) % BLOCK_BYTES
    blocks = (cipher(data[start : start + BLOCK_BYTES]) for start in range(0, full, BLOCK_BYTES))
    return b"".join(blocks) + data[full:]
