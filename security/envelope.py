"""Personal values as they lie in lake and warehouse: an encrypted field, a keyed digest, or both.

Field: `v1|key_id|iv|ciphertext|tag`, the last three in base64 (12, n and 16 bytes), SM4-GCM. Version, key id and
column are authenticated with it, so a value moved to another column is refused; two rows of one column can still be
exchanged, which is what digests and the record chain are for.

Digest: the first 16 bytes of HMAC-SM3 over the kind and the normalised value, in hexadecimal. The same phone number has
the same digest in every column and source, so that rows can be joined without being read; it changes with the
key, so a rotation of `field_digest` is followed by a new landing, and `lookup_digests` bridges the time between.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import NamedTuple

import polars as pl

from security import sm4
from security.errors import AuthenticationFailedError, MalformedValueError
from security.key_provider import KeyProvider, KeyPurpose, KeyUse
from security.personal_fields import FieldKind, normalise

FORMAT_VERSION = "v1"
DIGEST_BYTES = 16

_SEPARATOR = "|"


class _Field(NamedTuple):
    key_id: str
    sealed: bytes


def encrypt_text(provider: KeyProvider, text: str, *, column: str) -> str:
    """Encrypt one value for one column under the active key; the same text never gives the same field twice.

    Args:
        provider: holder of the keys.
        text: the value; an empty string is a value, too.
        column: the full name of the column, e.g. `legacy_contractors__workers.phone`.
    """
    key_id = provider.active(KeyPurpose.FIELD_ENCRYPTION).key_id
    return _encode(key_id, provider.encryptor(key_id)(text.encode(), _associated_data(key_id, column)))


def decrypt_text(provider: KeyProvider, field: str, *, column: str) -> str:
    """Return the value of a field that `encrypt_text` made for the same column.

    Raises:
        MalformedValueError: the text is no encrypted field.
        AuthenticationFailedError: the field was altered, or made for another column.
        KeyNotFoundError, KeyNotUsableError: its key is unknown, suspended or destroyed.
    """
    return _Decryption(provider, column).text_of(field, place=f"column {column}")


def key_id_of(field: str) -> str:
    """Return the id of the key a field was made with, to find what is to be encrypted again after a rotation.

    Raises:
        MalformedValueError: the text is no encrypted field.
    """
    return _decode(field, "encrypted field").key_id


def keyed_digest(provider: KeyProvider, text: str, *, kind: FieldKind = FieldKind.TEXT) -> str:
    """Return the 32 hexadecimal digits under which a value is stored, joined and counted.

    Raises:
        MalformedValueError: nothing but blanks was given; all such rows would be taken for one person.
    """
    key_id = provider.active(KeyPurpose.FIELD_DIGEST).key_id
    return _digest_of_something(provider.authenticator(key_id, KeyUse.PROTECT), text, kind)


def lookup_digests(provider: KeyProvider, text: str, *, kind: FieldKind = FieldKind.TEXT) -> list[str]:
    """Return the digests a value may be stored under, the newest key's first: one for every key that still reads.

    Raises:
        MalformedValueError: nothing but blanks was given.
    """
    provider.active(KeyPurpose.FIELD_DIGEST)
    usable = [key for key in provider.keys(KeyPurpose.FIELD_DIGEST) if key.state.allows(KeyUse.PROCESS)]
    return [
        _digest_of_something(provider.authenticator(key.key_id, KeyUse.PROCESS), text, kind) for key in reversed(usable)
    ]


def encrypt_column(provider: KeyProvider, values: pl.Series, *, column: str) -> pl.Series:
    """Encrypt a column of strings; a missing value stays missing.

    Args:
        provider: holder of the keys.
        values: strings; the result has the same name and length.
        column: the full name of the column, which `decrypt_column` must be given again.

    Raises:
        TypeError: the series does not hold strings.
    """
    _require_strings(values, column)
    key_id = provider.active(KeyPurpose.FIELD_ENCRYPTION).key_id
    encrypt, bound_to = provider.encryptor(key_id), _associated_data(key_id, column)
    fields = [None if text is None else _encode(key_id, encrypt(text.encode(), bound_to)) for text in values]
    return pl.Series(values.name, fields, dtype=pl.String)


def decrypt_column(provider: KeyProvider, fields: pl.Series, *, column: str) -> pl.Series:
    """Return the values of a column that `encrypt_column` made, under whatever keys; a missing value stays missing.

    Raises:
        MalformedValueError, AuthenticationFailedError: with the row (from 0) of the first field that is refused.
        KeyNotFoundError, KeyNotUsableError: a key is unknown, suspended or destroyed.
        TypeError: the series does not hold strings.
    """
    _require_strings(fields, column)
    decryption = _Decryption(provider, column)
    texts = [
        None if field is None else decryption.text_of(field, place=f"column {column}, row {row}")
        for row, field in enumerate(fields)
    ]
    return pl.Series(fields.name, texts, dtype=pl.String)


def digest_column(provider: KeyProvider, values: pl.Series, *, kind: FieldKind = FieldKind.TEXT) -> pl.Series:
    """Return the keyed digests of a column of strings; missing and blank values have none (null).

    Args:
        provider: holder of the keys.
        values: strings; the result has the same name and length.
        kind: what the column holds; only digests of the same kind can be compared.

    Raises:
        TypeError: the series does not hold strings.
    """
    _require_strings(values, values.name)
    key_id = provider.active(KeyPurpose.FIELD_DIGEST).key_id
    authenticate = provider.authenticator(key_id, KeyUse.PROTECT)
    known: dict[str | None, str | None] = {None: None}
    for text in values:
        if text is not None and text not in known:
            known[text] = _digest(authenticate, text, kind)
    return pl.Series(values.name, [known[text] for text in values], dtype=pl.String)


class _Decryption:
    """Reads fields of one column, asking the provider once for every key."""

    def __init__(self, provider: KeyProvider, column: str) -> None:
        self._provider = provider
        self._column = column
        self._decryptors: dict[str, Callable[[bytes, bytes], bytes]] = {}

    def text_of(self, field: str, *, place: str) -> str:
        key_id, sealed = _decode(field, place)
        if key_id not in self._decryptors:
            self._decryptors[key_id] = self._provider.decryptor(key_id)
        try:
            return self._decryptors[key_id](sealed, _associated_data(key_id, self._column)).decode()
        except AuthenticationFailedError as refusal:
            message = (
                f"{place}: the encrypted field does not belong here or was altered (key {key_id}). "
                "Land the batch again from its source, and find out who wrote to the table."
            )
            raise AuthenticationFailedError(message) from refusal


def _digest(authenticate: Callable[[bytes], bytes], text: str, kind: FieldKind) -> str | None:
    normalised = normalise(text, kind)
    return authenticate(f"{kind}{_SEPARATOR}{normalised}".encode())[:DIGEST_BYTES].hex() if normalised else None


def _digest_of_something(authenticate: Callable[[bytes], bytes], text: str, kind: FieldKind) -> str:
    found = _digest(authenticate, text, kind)
    if found is None:
        raise MalformedValueError(f"A blank {kind} has no digest; leave the row out or keep the value missing.")
    return found


def _associated_data(key_id: str, column: str) -> bytes:
    return _SEPARATOR.join((FORMAT_VERSION, key_id, column)).encode()


def _encode(key_id: str, sealed: bytes) -> str:
    parts = sealed[: sm4.IV_BYTES], sealed[sm4.IV_BYTES : -sm4.TAG_BYTES], sealed[-sm4.TAG_BYTES :]
    return _SEPARATOR.join((FORMAT_VERSION, key_id, *(base64.b64encode(part).decode("ascii") for part in parts)))


def _decode(field: str, place: str) -> _Field:
    parts = field.split(_SEPARATOR)
    if len(parts) != 5:
        message = f"{place}: an encrypted field has five parts between '|', this value has {len(parts)}"
        raise MalformedValueError(f"{message}; it is plain text or was cut off.")
    version, key_id, *encoded = parts
    if version != FORMAT_VERSION:
        raise MalformedValueError(f"{place}: field format {version[:8]!r} is not known, only {FORMAT_VERSION!r} is.")
    try:
        iv, ciphertext, tag = (_strict_base64(part) for part in encoded)
    except (binascii.Error, ValueError) as refusal:
        raise MalformedValueError(f"{place}: a part of the encrypted field is not base64; it was altered.") from refusal
    if len(iv) != sm4.IV_BYTES or len(tag) != sm4.TAG_BYTES:
        message = f"{place}: vector and tag of an encrypted field have 12 and 16 bytes, not {len(iv)} and {len(tag)}."
        raise MalformedValueError(message)
    return _Field(key_id, iv + ciphertext + tag)


def _strict_base64(text: str) -> bytes:
    data = base64.b64decode(text, validate=True)
    # Python ignores the unused bits before the padding: without this, several texts would be the same field.
    if base64.b64encode(data).decode("ascii") != text:
        raise ValueError("base64 with stray bits")
    return data


def _require_strings(values: pl.Series, column: str) -> None:
    if values.dtype not in (pl.String, pl.Null):
        raise TypeError(f"column {column}: strings are asked for, not {values.dtype}; cast the column to String first.")
