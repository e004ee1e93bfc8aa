"""SM4 (GB/T 32907-2016) in Galois/counter mode (GB/T 36624-2018, NIST SP 800-38D), by OpenSSL through `cryptography`.

`seal` and `open_sealed` are for everything we write: the initialisation vector is drawn inside, so no caller can
repeat one. `encrypt` and `decrypt` take it from outside, for values and test vectors of other systems.
`block_encryptor` and `block_decryptor` are the bare cipher, for protocols of others that ask for it.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from security.errors import AuthenticationFailedError, InvalidKeyError, MalformedValueError

KEY_BYTES = 16
IV_BYTES = 12
TAG_BYTES = 16

_BLOCK_BYTES = 16
# `cryptography` takes vectors of 64 to 1024 bits only; the mode itself is defined for every length above zero.
_SHORTEST_LIBRARY_IV, _LONGEST_LIBRARY_IV = 8, 128
# x^128 + x^7 + x^2 + x + 1 in the mode's reflected bit order (SP 800-38D 6.3).
_FIELD_POLYNOMIAL = 0xE1 << 120


def seal(key: bytes, plaintext: bytes, associated_data: bytes = b"") -> bytes:
    """Encrypt under a fresh random vector and return iv (12) ‖ ciphertext ‖ tag (16).

    One key may seal at most 2^32 values, because its vectors are random (SP 800-38D 8.3).

    Raises:
        InvalidKeyError: the key is not 16 bytes long.
    """
    iv = secrets.token_bytes(IV_BYTES)
    return iv + encrypt(key, iv, plaintext, associated_data)


def open_sealed(key: bytes, sealed: bytes, associated_data: bytes = b"") -> bytes:
    """Return the plaintext of what `seal` returned for the same key and associated data.

    Raises:
        AuthenticationFailedError: anything of it was changed, or the key or the associated data are others.
        MalformedValueError: it is too short to hold a vector and a tag.
        InvalidKeyError: the key is not 16 bytes long.
    """
    return decrypt(key, sealed[:IV_BYTES], sealed[IV_BYTES:], associated_data)


def encrypt(key: bytes, iv: bytes, plaintext: bytes, associated_data: bytes = b"") -> bytes:
    """Encrypt under a given vector of any length above zero and return ciphertext ‖ tag (16).

    A vector used twice under one key gives the key of the authentication away; `seal` avoids that.

    Raises:
        InvalidKeyError: the key is not 16 bytes long.
        MalformedValueError: the vector is empty.
    """
    _check(key, iv)
    if not _SHORTEST_LIBRARY_IV <= len(iv) <= _LONGEST_LIBRARY_IV:
        counter = _Counter(key, iv)
        ciphertext = counter.apply(plaintext)
        return ciphertext + counter.tag(ciphertext, associated_data)
    encryptor = Cipher(algorithms.SM4(key), modes.GCM(iv)).encryptor()
    encryptor.authenticate_additional_data(associated_data)
    return encryptor.update(plaintext) + encryptor.finalize() + encryptor.tag


def decrypt(key: bytes, iv: bytes, ciphertext_and_tag: bytes, associated_data: bytes = b"") -> bytes:
    """Return the plaintext of ciphertext ‖ tag (16), or refuse; no unauthenticated byte is ever returned.

    Raises:
        AuthenticationFailedError: vector, ciphertext, tag, associated data or key is not the one it was made with.
        MalformedValueError: the vector is empty or the tag is not complete.
        InvalidKeyError: the key is not 16 bytes long.
    """
    _check(key, iv)
    if len(ciphertext_and_tag) < TAG_BYTES:
        message = f"An SM4-GCM value of {len(ciphertext_and_tag)} bytes cannot hold its {TAG_BYTES}-byte tag."
        raise MalformedValueError(message)
    ciphertext, tag = ciphertext_and_tag[:-TAG_BYTES], ciphertext_and_tag[-TAG_BYTES:]
    if not _SHORTEST_LIBRARY_IV <= len(iv) <= _LONGEST_LIBRARY_IV:
        counter = _Counter(key, iv)
        if not hmac.compare_digest(counter.tag(ciphertext, associated_data), tag):
            raise AuthenticationFailedError(_REFUSED)
        return counter.apply(ciphertext)
    decryptor = Cipher(algorithms.SM4(key), modes.GCM(iv, tag)).decryptor()
    decryptor.authenticate_additional_data(associated_data)
    plaintext = decryptor.update(ciphertext)
    try:
        return plaintext + decryptor.finalize()
    except InvalidTag as refusal:
        raise AuthenticationFailedError(_REFUSED) from refusal


def block_encryptor(key: bytes) -> Callable[[bytes], bytes]:
    """Return the bare block cipher: 16 bytes in, 16 out. Only for what a foreign protocol asks of it (HJ 212-2025).

    Raises:
        InvalidKeyError: the key is not 16 bytes long.
    """
    return _block_transform(key, is_decrypting=False)


def block_decryptor(key: bytes) -> Callable[[bytes], bytes]:
    """Return the inverse of `block_encryptor` for the same key.

    Raises:
        InvalidKeyError: the key is not 16 bytes long.
    """
    return _block_transform(key, is_decrypting=True)


def _block_transform(key: bytes, *, is_decrypting: bool) -> Callable[[bytes], bytes]:
    _check_key(key)
    cipher = Cipher(algorithms.SM4(key), modes.ECB())  # noqa: S305 - single blocks; the protocol, not we, chose it
    # A context of this mode keeps nothing between full blocks, so one serves for all of them.
    return (cipher.decryptor() if is_decrypting else cipher.encryptor()).update


_REFUSED = "SM4-GCM: the tag does not match; the value was altered or belongs to another key or place."


def _check_key(key: bytes) -> None:
    if len(key) != KEY_BYTES:
        message = f"An SM4 key has {KEY_BYTES} bytes (GB/T 32907-2016), this one has {len(key)}."
        raise InvalidKeyError(message)


def _check(key: bytes, iv: bytes) -> None:
    _check_key(key)
    if not iv:
        # With an empty vector the first counter block is the authentication key itself.
        raise MalformedValueError("SM4-GCM needs an initialisation vector of at least one byte.")


class _Counter:
    """The mode's counter and GHASH for vectors the library does not take; small values only, not constant time."""

    def __init__(self, key: bytes, iv: bytes) -> None:
        # The single block transform is what the mode is built from; nothing is encrypted in ECB.
        self._blocks = Cipher(algorithms.SM4(key), modes.ECB())  # noqa: S305
        self._hash_key = int.from_bytes(self._transform(bytes(_BLOCK_BYTES)), "big")
        if len(iv) == IV_BYTES:
            self._first = iv + (1).to_bytes(4, "big")
        else:
            self._first = self._ghash(_padded(iv) + bytes(8) + _bit_length(iv)).to_bytes(_BLOCK_BYTES, "big")

    def apply(self, data: bytes) -> bytes:
        """Encrypt or decrypt `data` (SP 800-38D 6.5, counter in the last 32 bits)."""
        start = int.from_bytes(self._first[12:], "big") + 1
        count = -(-len(data) // _BLOCK_BYTES)
        counters = (self._first[:12] + ((start + i) % 2**32).to_bytes(4, "big") for i in range(count))
        return bytes(a ^ b for a, b in zip(data, self._transform(b"".join(counters)), strict=False))

    def tag(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        """Return the authentication tag (SP 800-38D 7.1, steps 5 and 6)."""
        lengths = _bit_length(associated_data) + _bit_length(ciphertext)
        hashed = self._ghash(_padded(associated_data) + _padded(ciphertext) + lengths)
        return (hashed ^ int.from_bytes(self._transform(self._first), "big")).to_bytes(_BLOCK_BYTES, "big")

    def _transform(self, blocks: bytes) -> bytes:
        encryptor = self._blocks.encryptor()
        return encryptor.update(blocks) + encryptor.finalize()

    def _ghash(self, data: bytes) -> int:
        state = 0
        for start in range(0, len(data), _BLOCK_BYTES):
            state = _field_product(state ^ int.from_bytes(data[start : start + _BLOCK_BYTES], "big"), self._hash_key)
        return state


def _field_product(x: int, y: int) -> int:
    product = 0
    for bit in range(127, -1, -1):
        if x >> bit & 1:
            product ^= y
        y = y >> 1 ^ (_FIELD_POLYNOMIAL if y & 1 else 0)
    return product


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _BLOCK_BYTES)


def _bit_length(data: bytes) -> bytes:
    return (8 * len(data)).to_bytes(8, "big")
