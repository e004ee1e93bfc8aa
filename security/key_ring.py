"""The file key ring: one file per purpose in a folder only its owner may enter.

For the embedded platform and for development. The keys lie in clear in files of mode 0600, so the ring is as safe as
the account that owns it; a certified product (GB/T 37092 level 2) takes its place behind `KeyProvider`.

A file is replaced whole under a lock, so a killed process leaves the old state and two processes that need the first
key at the same moment end up with the same one. A key's id ends in a fingerprint of the key: a file of another
installation or a damaged one is noticed before anything is encrypted with it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, PositiveInt, ValidationError

from security import sm2, sm3, sm4
from security.errors import (
    KeyNotFoundError,
    KeyNotUsableError,
    KeyRingDamagedError,
    KeyRingExposedError,
    KeyTransitionNotAllowedError,
)
from security.key_provider import KeyAlgorithm, KeyDescription, KeyPurpose, KeyState, KeyUse

_PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700
_MATERIAL_BYTES = {
    KeyAlgorithm.SM4_GCM: sm4.KEY_BYTES,
    KeyAlgorithm.HMAC_SM3: sm3.DIGEST_BYTES,
    KeyAlgorithm.SM2: sm2.PRIVATE_KEY_BYTES,
}


class _StoredKey(BaseModel):
    """One key as it lies in the file."""

    # A validation error must not quote the key it stumbled over.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    key_id: str
    version: PositiveInt
    state: KeyState
    created_at: AwareDatetime
    state_changed_at: AwareDatetime
    material: str | None
    public_key: str | None

    def __repr__(self) -> str:
        return f"_StoredKey({self.key_id}, {self.state})"

    __str__ = __repr__


class _StoredPurpose(BaseModel):
    """One file of the ring."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    format: Literal[1] = 1
    purpose: KeyPurpose
    keys: tuple[_StoredKey, ...]


@dataclass(frozen=True)
class _Loaded:
    """Keys of one purpose, oldest first, and the file state they were read from."""

    signature: tuple[int, int, int] | None
    keys: tuple[_StoredKey, ...]


class FileKeyRing:
    """Keys in files; implements `KeyProvider` and the life cycle of keys.

    Args:
        folder: the ring's folder, created when missing.
        now: the present moment with a time zone, asked whenever a key is made or changes its state.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._now = now
        self._loaded: dict[KeyPurpose, _Loaded] = {}

    def active(self, purpose: KeyPurpose) -> KeyDescription:
        """Return the key that makes new values of this purpose, generated on first use.

        Raises:
            KeyNotUsableError: there are keys, but none is active; a new one is never made behind one's back.
            KeyRingDamagedError, KeyRingExposedError: the file cannot be trusted.
        """
        keys = self._read(purpose)
        if not keys:
            with self._locked():
                keys = self._read(purpose)
                if not keys:
                    keys = (self._generate(purpose, version=1, state=KeyState.ACTIVE),)
                    self._write(purpose, keys)
        for key in reversed(keys):
            if key.state is KeyState.ACTIVE:
                return _description(purpose, key)
        states = ", ".join(f"{key.key_id} {key.state}" for key in keys)
        message = (
            f"{self._path(purpose)}: no key of {purpose} is active ({states}). Activate one or rotate the purpose."
        )
        raise KeyNotUsableError(message)

    def describe(self, key_id: str) -> KeyDescription:
        """Return what may be known of a key in any state.

        Raises:
            KeyNotFoundError: the ring has no such key.
        """
        purpose, key = self._find(key_id)
        return _description(purpose, key)

    def keys(self, purpose: KeyPurpose) -> tuple[KeyDescription, ...]:
        """Return all keys of a purpose, oldest version first; generates none."""
        return tuple(_description(purpose, key) for key in self._read(purpose))

    def encryptor(self, key_id: str) -> Callable[[bytes, bytes], bytes]:
        """Return a function (plaintext, associated data) → iv (12) ‖ ciphertext ‖ tag (16) of an active SM4 key."""
        material = self._material(key_id, KeyUse.PROTECT, KeyAlgorithm.SM4_GCM)
        return lambda plaintext, associated_data: sm4.seal(material, plaintext, associated_data)

    def decryptor(self, key_id: str) -> Callable[[bytes, bytes], bytes]:
        """Return a function (iv ‖ ciphertext ‖ tag, associated data) → plaintext."""
        material = self._material(key_id, KeyUse.PROCESS, KeyAlgorithm.SM4_GCM)
        return lambda sealed, associated_data: sm4.open_sealed(material, sealed, associated_data)

    def authenticator(self, key_id: str, use: KeyUse) -> Callable[[bytes], bytes]:
        """Return a function data → HMAC-SM3 (32 bytes)."""
        material = self._material(key_id, use, KeyAlgorithm.HMAC_SM3)
        return lambda data: sm3.hmac_sm3(material, data)

    def sign(self, key_id: str, message: bytes, *, user_id: bytes) -> bytes:
        """Return the SM2 signature of `message` as DER SEQUENCE {r, s}."""
        return sm2.sign(self._material(key_id, KeyUse.PROTECT, KeyAlgorithm.SM2), message, user_id=user_id)

    def verify(self, key_id: str, message: bytes, signature: bytes, *, user_id: bytes) -> bool:
        """Tell whether `signature` is one of `message` by this key."""
        description = self.describe(key_id)
        description.require(KeyUse.PROCESS, KeyAlgorithm.SM2)
        return sm2.verify(description.public_key or b"", message, signature, user_id=user_id)

    def decrypt_sm2(self, key_id: str, ciphertext: bytes) -> bytes:
        """Return the plaintext of an SM2 ciphertext C1 ‖ C3 ‖ C2 made for this key's public key."""
        return sm2.decrypt(self._material(key_id, KeyUse.PROCESS, KeyAlgorithm.SM2), ciphertext)

    def prepare(self, purpose: KeyPurpose) -> KeyDescription:
        """Make the next key of a purpose without using it yet, so that its public key can be handed out first."""
        with self._locked():
            keys = self._read(purpose)
            key = self._generate(purpose, version=_next_version(keys), state=KeyState.PRE)
            self._write(purpose, (*keys, key))
        return _description(purpose, key)

    def rotate(self, purpose: KeyPurpose) -> KeyDescription:
        """Put the next key in place, a prepared one if there is one; the key before is retired and still reads."""
        with self._locked():
            keys = self._read(purpose)
            newest_active = max((key.version for key in keys if key.state is KeyState.ACTIVE), default=0)
            prepared = [key for key in keys if key.state is KeyState.PRE and key.version > newest_active]
            if not prepared:
                prepared = [self._generate(purpose, version=_next_version(keys), state=KeyState.PRE)]
                keys = (*keys, *prepared)
            return self._change(purpose, keys, prepared[-1], KeyState.ACTIVE)

    def change_state(self, key_id: str, state: KeyState) -> KeyDescription:
        """Take a key one step through its life; DESTROYED erases it from the file, its description stays.

        Activating a key retires the active one before it. Copies of the file in backups and in a disk's free
        blocks outlive a destruction; that is the business of the disk's owner.

        Raises:
            KeyTransitionNotAllowedError: there is no such step, or a newer key is active.
            KeyNotFoundError: the ring has no such key.
        """
        with self._locked():
            purpose, key = self._find(key_id)
            return self._change(purpose, self._read(purpose), key, state)

    def _change(
        self, purpose: KeyPurpose, keys: tuple[_StoredKey, ...], key: _StoredKey, state: KeyState
    ) -> KeyDescription:
        if not key.state.may_become(state):
            message = f"{self._path(purpose)}: key {key.key_id} is {key.state}; from there it cannot become {state}."
            raise KeyTransitionNotAllowedError(message)
        others = {other.key_id: other for other in keys if other.state is KeyState.ACTIVE and other is not key}
        newer = [other.key_id for other in others.values() if other.version > key.version]
        if state is KeyState.ACTIVE and newer:
            message = f"{self._path(purpose)}: key {key.key_id} cannot become active again, {newer[0]} has replaced it."
            raise KeyTransitionNotAllowedError(f"{message} Retire it instead: what it made stays readable.")
        moment = self._present()
        changed = {"state": state, "state_changed_at": moment}
        if state is KeyState.DESTROYED:
            changed["material"] = None
        updated = key.model_copy(update=changed)
        following = {key.key_id: updated}
        if state is KeyState.ACTIVE:
            retired = {"state": KeyState.RETIRED, "state_changed_at": moment}
            following |= {key_id: other.model_copy(update=retired) for key_id, other in others.items()}
        self._write(purpose, tuple(following.get(each.key_id, each) for each in keys))
        return _description(purpose, updated)

    def _generate(self, purpose: KeyPurpose, *, version: int, state: KeyState) -> _StoredKey:
        public_key = None
        if purpose.algorithm is KeyAlgorithm.SM2:
            pair = sm2.generate_key_pair()
            material, public_key = pair.private_key, pair.public_key.hex()
        else:
            material = secrets.token_bytes(_MATERIAL_BYTES[purpose.algorithm])
        moment = self._present()
        return _StoredKey(
            key_id=f"{purpose}-v{version}-{_fingerprint(purpose, material)}",
            version=version,
            state=state,
            created_at=moment,
            state_changed_at=moment,
            material=material.hex(),
            public_key=public_key,
        )

    def _present(self) -> datetime:
        moment = self._now()
        if moment.tzinfo is None:
            message = f"{self._folder}: the key ring's clock gave {moment.isoformat()} without a time zone."
            raise ValueError(message)
        return moment.astimezone(UTC)

    def _material(self, key_id: str, use: KeyUse, algorithm: KeyAlgorithm) -> bytes:
        purpose, key = self._find(key_id)
        _description(purpose, key).require(use, algorithm)
        return bytes.fromhex(key.material or "")

    def _find(self, key_id: str) -> tuple[KeyPurpose, _StoredKey]:
        for purpose in KeyPurpose:
            if key_id.startswith(f"{purpose}-"):
                for key in self._read(purpose):
                    if key.key_id == key_id:
                        return purpose, key
        message = (
            f"{self._folder}: the key ring has no key {key_id!r}. The value comes from another installation, or the "
            "key files were lost: restore this folder from its backup."
        )
        raise KeyNotFoundError(message)

    def _path(self, purpose: KeyPurpose) -> Path:
        return self._folder / f"{purpose}.json"

    def _read(self, purpose: KeyPurpose) -> tuple[_StoredKey, ...]:
        """Return the keys of a purpose, from memory while the file is the one that was read."""
        path = self._path(purpose)
        known = self._loaded.get(purpose)
        try:
            status = path.stat()
        except FileNotFoundError:
            if known is not None:
                message = f"{path}: the key file has vanished while in use. Restore this folder from its backup."
                raise KeyRingDamagedError(message) from None
            return ()
        if known is None or known.signature != _signature(status):
            known = self._load(path, purpose)
            self._loaded[purpose] = known
        return known.keys

    def _load(self, path: Path, purpose: KeyPurpose) -> _Loaded:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            text = file.read()
        if stat.S_IMODE(status.st_mode) & 0o077:
            message = f"{path}: others than the owner may use this key file. Run: chmod 600 {path}"
            raise KeyRingExposedError(message)
        if stat.S_IMODE(self._folder.stat().st_mode) & 0o022:
            message = f"{self._folder}: others than the owner may exchange key files. Run: chmod 700 {self._folder}"
            raise KeyRingExposedError(message)
        try:
            stored = _StoredPurpose.model_validate_json(text)
        except ValidationError as refusal:
            first = refusal.errors(include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "file"
            message = f"{path}: not a key file ({place}: {first['msg']}). Restore it from its backup."
            raise KeyRingDamagedError(message) from None
        keys = tuple(sorted(stored.keys, key=lambda key: key.version))
        fault = _fault(purpose, stored.purpose, keys)
        if fault:
            raise KeyRingDamagedError(f"{path}: {fault}. Restore it from its backup.")
        return _Loaded(_signature(status), keys)

    def _write(self, purpose: KeyPurpose, keys: tuple[_StoredKey, ...]) -> None:
        """Replace a file whole; the caller holds the lock."""
        path = self._path(purpose)
        unfinished = path.with_suffix(".json.unfinished")
        text = _StoredPurpose(purpose=purpose, keys=keys).model_dump_json(indent=1)
        # A leftover of a killed writer may be open to others: it is removed, never written into.
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_FILE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(descriptor)
        unfinished.replace(path)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._loaded[purpose] = _Loaded(_signature(path.stat()), keys)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep every other writer of this folder out, in this process and in others; a killed one frees the lock."""
        self._folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        descriptor = os.open(self._folder / "key_ring.lock", os.O_RDWR | os.O_CREAT, _PRIVATE_FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _fault(purpose: KeyPurpose, stored_purpose: KeyPurpose, keys: tuple[_StoredKey, ...]) -> str | None:
    """Return what is wrong with the keys of a file, None when they are sound."""
    if stored_purpose is not purpose:
        return f"the file holds keys of {stored_purpose}"
    if len({key.version for key in keys}) != len(keys):
        return "two keys have the same version"
    faults = (f"key {key.key_id} {fault}" for key in keys if (fault := _key_fault(purpose, key)))
    return next(faults, None)


def _key_fault(purpose: KeyPurpose, key: _StoredKey) -> str | None:
    if key.state is KeyState.DESTROYED:
        return None if key.material is None else "is marked destroyed and still there"
    try:
        material = bytes.fromhex(key.material or "")
    except ValueError:
        return "is not hexadecimal"
    if key.key_id != f"{purpose}-v{key.version}-{_fingerprint(purpose, material)}":
        return "does not have the fingerprint of its id"
    if purpose.algorithm is KeyAlgorithm.SM2 and key.public_key != sm2.derive_public_key(material).hex():
        return "has the public key of another"
    return None


def _fingerprint(purpose: KeyPurpose, material: bytes) -> str:
    return sm3.digest(f"fingerprint|{purpose}|".encode() + material)[:4].hex()


def _next_version(keys: tuple[_StoredKey, ...]) -> int:
    return max((key.version for key in keys), default=0) + 1


def _signature(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_mtime_ns, status.st_size


def _description(purpose: KeyPurpose, key: _StoredKey) -> KeyDescription:
    return KeyDescription(
        key_id=key.key_id,
        purpose=purpose,
        version=key.version,
        algorithm=purpose.algorithm,
        state=key.state,
        created_at=key.created_at,
        state_changed_at=key.state_changed_at,
        public_key=None if key.public_key is None else bytes.fromhex(key.public_key),
    )
