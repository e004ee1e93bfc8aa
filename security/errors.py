"""What can go wrong with keys and secret values.

A message names the key, column or file and the remedy; it never carries key material, plaintext or ciphertext,
because error texts end in logs.
"""

from __future__ import annotations


class SecurityError(Exception):
    """Base of every refusal of this room."""


class AuthenticationFailedError(SecurityError):
    """A tag, check value or hash does not match: the value was altered, moved, or belongs to another key."""


class MalformedValueError(SecurityError):
    """A value does not have the shape its format asks for (ciphertext, signature container, canonical JSON)."""


class InvalidKeyError(SecurityError):
    """Key bytes are of the wrong length, out of range, or not a point of the curve."""


class KeyNotFoundError(SecurityError):
    """No key of this id is known to the key provider."""


class KeyNotUsableError(SecurityError):
    """The key exists, but its state, purpose or algorithm does not allow this use."""


class KeyTransitionNotAllowedError(SecurityError):
    """The life cycle has no such step from the key's present state."""


class KeyRingDamagedError(SecurityError):
    """A key ring file cannot be read as one, or a key in it no longer has the fingerprint of its id."""


class KeyRingExposedError(SecurityError):
    """Others than the owner may read a key ring file or write to its folder."""
