"""SM3 hash (GB/T 32905-2016) and HMAC-SM3 (GB/T 15852.2), by OpenSSL through `cryptography`."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

DIGEST_BYTES = 32


def digest(data: bytes) -> bytes:
    """Return the 32-byte SM3 hash of `data`."""
    state = hashes.Hash(hashes.SM3())
    state.update(data)
    return state.finalize()


def hmac_sm3(key: bytes, data: bytes) -> bytes:
    """Return the 32-byte HMAC-SM3 of `data`; compare results with `hmac.compare_digest` only."""
    state = HMAC(key, hashes.SM3())
    state.update(data)
    return state.finalize()
