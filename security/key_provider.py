"""Where keys live is a setting: the file key ring by default, an HSM (GM/T 0018) or a city's key service by adapter.

A provider does the work *with* a key and never hands the key out, so that hardware that keeps its keys inside can
stand behind the same lines of code. An adapter is any callable `factory(folder=..., now=...)` that returns a
`KeyProvider`, named in the setting as `package.module:factory`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

from security.errors import KeyNotUsableError, SecurityError

FILE_KEY_RING = "file"
_FILE_KEY_RING_FACTORY = "security.key_ring:FileKeyRing"


class KeyAlgorithm(StrEnum):
    """What a key is for mathematically."""

    SM4_GCM = "SM4-GCM"
    HMAC_SM3 = "HMAC-SM3"
    SM2 = "SM2"


class KeyPurpose(StrEnum):
    """What a key is for in the park; no key serves two purposes (GB/T 39786-2021, key management)."""

    FIELD_ENCRYPTION = "field_encryption"
    FIELD_DIGEST = "field_digest"
    REPORT_SIGNING = "report_signing"
    TOKEN = "token"  # noqa: S105
    RECORD_CHAIN = "record_chain"

    @property
    def algorithm(self) -> KeyAlgorithm:
        """The algorithm of keys of this purpose."""
        return _ALGORITHMS[self]


_ALGORITHMS = {
    KeyPurpose.FIELD_ENCRYPTION: KeyAlgorithm.SM4_GCM,
    KeyPurpose.FIELD_DIGEST: KeyAlgorithm.HMAC_SM3,
    KeyPurpose.REPORT_SIGNING: KeyAlgorithm.SM2,
    KeyPurpose.TOKEN: KeyAlgorithm.HMAC_SM3,
    KeyPurpose.RECORD_CHAIN: KeyAlgorithm.HMAC_SM3,
}


class KeyUse(StrEnum):
    """Making something new with a key, or reading what was made with it earlier."""

    PROTECT = "protect"
    PROCESS = "process"


class KeyState(StrEnum):
    """Where a key is in its life."""

    PRE = "PRE"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    RETIRED = "RETIRED"
    DESTROYED = "DESTROYED"

    def allows(self, use: KeyUse) -> bool:
        """Tell whether a key in this state may be used so; a suspended key is under suspicion and does nothing."""
        return self is KeyState.ACTIVE or (self is KeyState.RETIRED and use is KeyUse.PROCESS)

    def may_become(self, following: KeyState) -> bool:
        """Tell whether the life cycle has a step from this state to `following`."""
        return following in _NEXT_STATES[self]


_NEXT_STATES: dict[KeyState, frozenset[KeyState]] = {
    KeyState.PRE: frozenset({KeyState.ACTIVE, KeyState.DESTROYED}),
    KeyState.ACTIVE: frozenset({KeyState.SUSPENDED, KeyState.RETIRED}),
    KeyState.SUSPENDED: frozenset({KeyState.ACTIVE, KeyState.RETIRED, KeyState.DESTROYED}),
    KeyState.RETIRED: frozenset({KeyState.DESTROYED}),
    KeyState.DESTROYED: frozenset(),
}


@dataclass(frozen=True)
class KeyDescription:
    """What may be known of a key: everything but the key."""

    key_id: str
    purpose: KeyPurpose
    version: int
    algorithm: KeyAlgorithm
    state: KeyState
    created_at: datetime
    state_changed_at: datetime
    public_key: bytes | None = None
    """04 ‖ x ‖ y of an SM2 key; None for the secret keys of the other algorithms."""

    def require(self, use: KeyUse, algorithm: KeyAlgorithm) -> None:
        """Refuse a use that the key's state or algorithm does not allow.

        Raises:
            KeyNotUsableError: with the state it is in and the way out.
        """
        if self.algorithm is not algorithm:
            raise KeyNotUsableError(f"Key {self.key_id} is an {self.algorithm} key; {algorithm} was asked of it.")
        if not self.state.allows(use):
            message = f"Key {self.key_id} is {self.state} since {self.state_changed_at.isoformat()}"
            raise KeyNotUsableError(f"{message} and may not {use} anything. {_REMEDIES[self.state, use]}")


_REMEDIES = {
    (KeyState.PRE, KeyUse.PROTECT): "Activate it first.",
    (KeyState.PRE, KeyUse.PROCESS): "Activate it first.",
    (KeyState.SUSPENDED, KeyUse.PROTECT): "Activate it again when the suspicion is cleared, or rotate the purpose.",
    (KeyState.SUSPENDED, KeyUse.PROCESS): "Activate or retire it when the suspicion is cleared.",
    (KeyState.RETIRED, KeyUse.PROTECT): "Use the active key of its purpose.",
    (KeyState.DESTROYED, KeyUse.PROTECT): "Use the active key of its purpose.",
    (
        KeyState.DESTROYED,
        KeyUse.PROCESS,
    ): "What was made with it cannot be read any more; load it from its source again.",
}


@runtime_checkable
class KeyProvider(Protocol):
    """The holder of all keys.

    The three `…or` methods look the key up and check its state once and return a function for many values.
    Every method raises `KeyNotFoundError` for an unknown id and `KeyNotUsableError` where the key's state or
    algorithm forbids the use.
    """

    def active(self, purpose: KeyPurpose) -> KeyDescription:
        """Return the key that makes new values of this purpose, generated on first use."""
        ...

    def describe(self, key_id: str) -> KeyDescription:
        """Return what may be known of a key in any state."""
        ...

    def keys(self, purpose: KeyPurpose) -> tuple[KeyDescription, ...]:
        """Return all keys of a purpose, oldest version first; generates none."""
        ...

    def encryptor(self, key_id: str) -> Callable[[bytes, bytes], bytes]:
        """Return a function (plaintext, associated data) → iv (12) ‖ ciphertext ‖ tag (16) of an active SM4 key."""
        ...

    def decryptor(self, key_id: str) -> Callable[[bytes, bytes], bytes]:
        """Return a function (iv ‖ ciphertext ‖ tag, associated data) → plaintext.

        The function raises `AuthenticationFailedError` when anything does not match.
        """
        ...

    def authenticator(self, key_id: str, use: KeyUse) -> Callable[[bytes], bytes]:
        """Return a function data → HMAC-SM3 (32 bytes); `use` says whether for a new value or to check an old one."""
        ...

    def sign(self, key_id: str, message: bytes, *, user_id: bytes) -> bytes:
        """Return the SM2 signature of `message` as DER SEQUENCE {r, s}."""
        ...

    def verify(self, key_id: str, message: bytes, signature: bytes, *, user_id: bytes) -> bool:
        """Tell whether `signature` is one of `message` by this key."""
        ...

    def decrypt_sm2(self, key_id: str, ciphertext: bytes) -> bytes:
        """Return the plaintext of an SM2 ciphertext C1 ‖ C3 ‖ C2 made for this key's public key."""
        ...


def open_key_provider(choice: str, *, folder: Path, now: Callable[[], datetime]) -> KeyProvider:
    """Return the key provider that a setting names.

    Args:
        choice: `file` for the file key ring, else `package.module:factory` of an adapter.
        folder: the key ring's folder; an adapter may keep its configuration there.
        now: the present moment with a time zone, asked whenever a key is made or changes its state.

    Raises:
        SecurityError: the adapter cannot be imported or does not offer what a `KeyProvider` must.
    """
    path = _FILE_KEY_RING_FACTORY if choice == FILE_KEY_RING else choice
    module_name, separator, attribute = path.partition(":")
    if not (module_name and separator and attribute):
        message = f"Key provider {choice!r}: write 'file', or 'package.module:factory' for an adapter."
        raise SecurityError(message)
    try:
        factory = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as refusal:
        message = f"Key provider {choice!r} cannot be loaded ({refusal}). Install the adapter or correct the setting."
        raise SecurityError(message) from refusal
    provider = factory(folder=folder, now=now)
    if not isinstance(provider, KeyProvider):
        raise SecurityError(f"Key provider {choice!r} lacks methods of security.key_provider.KeyProvider.")
    return provider
