"""The file key ring: the life of keys, and files that cannot be trusted."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from security import sm2
from security.errors import (
    AuthenticationFailedError,
    KeyNotFoundError,
    KeyNotUsableError,
    KeyRingDamagedError,
    KeyRingExposedError,
    KeyTransitionNotAllowedError,
)
from security.key_provider import KeyAlgorithm, KeyPurpose, KeyState, KeyUse
from security.key_ring import FileKeyRing

FIELDS, REPORTS, TOKENS = KeyPurpose.FIELD_ENCRYPTION, KeyPurpose.REPORT_SIGNING, KeyPurpose.TOKEN


def test_the_first_use_makes_a_key_that_stays(
    ring: FileKeyRing, another_process: Callable[[], FileKeyRing], let_days_pass: Callable[[int], None]
):
    key = ring.active(FIELDS)
    let_days_pass(1)

    assert (key.version, key.state, key.algorithm) == (1, KeyState.ACTIVE, KeyAlgorithm.SM4_GCM)
    assert key.created_at == datetime(2026, 3, 1, tzinfo=UTC)
    assert ring.active(FIELDS) == another_process().active(FIELDS) == key


def test_files_and_folder_are_closed_to_others(ring: FileKeyRing, folder: Path):
    for purpose in KeyPurpose:
        ring.active(purpose)

    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_users_that_start_together_agree_on_the_first_key(another_process: Callable[[], FileKeyRing]):
    # The lock belongs to an open file, so threads with rings of their own exclude each other as processes do.
    together = threading.Barrier(8)

    def first_key_id(_: int) -> str:
        ring = another_process()
        together.wait()
        return ring.active(FIELDS).key_id

    with ThreadPoolExecutor(8) as users:
        key_ids = set(users.map(first_key_id, range(8)))

    assert len(key_ids) == 1


def test_after_a_rotation_the_new_key_writes_and_the_old_one_still_reads(
    ring: FileKeyRing, let_days_pass: Callable[[int], None]
):
    old = ring.active(FIELDS)
    sealed = ring.encryptor(old.key_id)(b"text", b"place")
    let_days_pass(365)
    new = ring.rotate(FIELDS)

    assert ring.active(FIELDS) == new
    assert (new.version, new.created_at.year) == (2, 2027)
    assert ring.describe(old.key_id).state is KeyState.RETIRED
    assert ring.describe(old.key_id).state_changed_at == new.state_changed_at
    assert ring.decryptor(old.key_id)(sealed, b"place") == b"text"
    with pytest.raises(KeyNotUsableError, match="RETIRED"):
        ring.encryptor(old.key_id)


def test_another_process_sees_a_rotation_at_once(ring: FileKeyRing, another_process: Callable[[], FileKeyRing]):
    other = another_process()
    assert other.active(FIELDS) == ring.active(FIELDS)

    new = ring.rotate(FIELDS)

    assert other.active(FIELDS) == new


def test_a_prepared_key_waits_for_its_rotation(ring: FileKeyRing):
    first = ring.active(REPORTS)
    prepared = ring.prepare(REPORTS)

    assert prepared.state is KeyState.PRE
    assert prepared.public_key is not None
    assert ring.active(REPORTS) == first
    with pytest.raises(KeyNotUsableError, match="Activate it first"):
        ring.sign(prepared.key_id, b"m", user_id=b"park")
    assert ring.rotate(REPORTS).key_id == prepared.key_id
    assert [key.state for key in ring.keys(REPORTS)] == [KeyState.RETIRED, KeyState.ACTIVE]


def test_a_suspended_key_does_nothing_and_no_new_one_appears_silently(ring: FileKeyRing):
    key = ring.active(FIELDS)
    sealed = ring.encryptor(key.key_id)(b"text", b"")
    ring.change_state(key.key_id, KeyState.SUSPENDED)

    with pytest.raises(KeyNotUsableError, match="SUSPENDED"):
        ring.decryptor(key.key_id)
    with pytest.raises(KeyNotUsableError, match="no key of field_encryption is active"):
        ring.active(FIELDS)
    ring.change_state(key.key_id, KeyState.ACTIVE)
    assert ring.decryptor(key.key_id)(sealed, b"") == b"text"


def test_a_suspended_key_that_was_replaced_can_only_be_retired(ring: FileKeyRing):
    old = ring.active(FIELDS).key_id
    sealed = ring.encryptor(old)(b"text", b"")
    ring.change_state(old, KeyState.SUSPENDED)
    new = ring.rotate(FIELDS)

    with pytest.raises(KeyTransitionNotAllowedError, match="Retire it instead"):
        ring.change_state(old, KeyState.ACTIVE)
    ring.change_state(old, KeyState.RETIRED)
    assert ring.decryptor(old)(sealed, b"") == b"text"
    assert ring.active(FIELDS) == new


def test_a_destroyed_key_leaves_its_description_only(
    ring: FileKeyRing, folder: Path, another_process: Callable[[], FileKeyRing]
):
    key_id = ring.active(TOKENS).key_id
    material = json.loads((folder / "token.json").read_text())["keys"][0]["material"]
    ring.rotate(TOKENS)
    ring.change_state(key_id, KeyState.DESTROYED)

    assert not any(material in path.read_text() for path in folder.iterdir())
    assert another_process().describe(key_id).state is KeyState.DESTROYED
    with pytest.raises(KeyNotUsableError, match="cannot be read any more"):
        ring.authenticator(key_id, KeyUse.PROCESS)


@pytest.mark.parametrize("state", [KeyState.DESTROYED, KeyState.PRE, KeyState.ACTIVE])
def test_steps_the_life_cycle_does_not_have_are_refused(ring: FileKeyRing, state: KeyState):
    key_id = ring.active(FIELDS).key_id

    with pytest.raises(KeyTransitionNotAllowedError, match=f"ACTIVE; from there it cannot become {state}"):
        ring.change_state(key_id, state)
    assert ring.describe(key_id).state is KeyState.ACTIVE


def test_reports_are_signed_and_old_signatures_verify_after_a_rotation(ring: FileKeyRing):
    key = ring.active(REPORTS)
    signature = ring.sign(key.key_id, b"report", user_id=b"park")
    ring.rotate(REPORTS)

    assert ring.verify(key.key_id, b"report", signature, user_id=b"park")
    assert not ring.verify(key.key_id, b"another", signature, user_id=b"park")
    assert sm2.verify(key.public_key, b"report", signature, user_id=b"park")


def test_a_secret_sent_to_a_public_key_is_read(ring: FileKeyRing):
    key = ring.active(REPORTS)

    assert ring.decrypt_sm2(key.key_id, sm2.encrypt(key.public_key, b"secret")) == b"secret"


def test_a_key_serves_its_own_algorithm_only(ring: FileKeyRing):
    with pytest.raises(KeyNotUsableError, match="HMAC-SM3"):
        ring.encryptor(ring.active(TOKENS).key_id)
    with pytest.raises(KeyNotUsableError, match="SM4-GCM"):
        ring.authenticator(ring.active(FIELDS).key_id, KeyUse.PROTECT)


@pytest.mark.parametrize("key_id", ["", "token-v1-00000000", "../token", "nothing-v1-12345678"])
def test_an_unknown_key_is_named_with_a_remedy(ring: FileKeyRing, folder: Path, key_id: str):
    ring.active(TOKENS)

    with pytest.raises(KeyNotFoundError, match="restore this folder") as refusal:
        ring.describe(key_id)
    assert str(folder) in str(refusal.value)


def test_a_key_made_anew_after_a_reset_is_not_taken_for_the_lost_one(
    ring: FileKeyRing, folder: Path, another_process: Callable[[], FileKeyRing]
):
    lost = ring.active(FIELDS).key_id
    (folder / "field_encryption.json").unlink()

    with pytest.raises(KeyRingDamagedError, match="vanished"):
        ring.active(FIELDS)
    other = another_process()
    assert other.active(FIELDS).key_id != lost
    with pytest.raises(KeyNotFoundError):
        other.decryptor(lost)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_file_open_to_others_is_refused(
    ring: FileKeyRing, folder: Path, another_process: Callable[[], FileKeyRing], mode: int
):
    ring.active(FIELDS)
    (folder / "field_encryption.json").chmod(mode)

    with pytest.raises(KeyRingExposedError, match="chmod 600"):
        another_process().active(FIELDS)


def test_a_folder_others_may_write_to_is_refused(
    ring: FileKeyRing, folder: Path, another_process: Callable[[], FileKeyRing]
):
    ring.active(FIELDS)
    folder.chmod(0o770)

    with pytest.raises(KeyRingExposedError, match="chmod 700"):
        another_process().active(FIELDS)


def _swapped_material(stored: dict[str, Any]) -> dict[str, Any]:
    stored["keys"][0]["material"] = "00" * 16
    return stored


def _other_state(stored: dict[str, Any]) -> dict[str, Any]:
    stored["keys"][0]["state"] = "LOST"
    return stored


def _other_purpose(stored: dict[str, Any]) -> dict[str, Any]:
    stored["purpose"] = "token"
    return stored


def _twice(stored: dict[str, Any]) -> dict[str, Any]:
    return stored | {"keys": stored["keys"] * 2}


def _no_time_zone(stored: dict[str, Any]) -> dict[str, Any]:
    stored["keys"][0]["created_at"] = "2026-03-01T00:00:00"
    return stored


@pytest.mark.parametrize("damage", [_swapped_material, _other_state, _other_purpose, _twice, _no_time_zone])
def test_a_damaged_key_file_is_refused_without_printing_the_key(
    ring: FileKeyRing,
    folder: Path,
    another_process: Callable[[], FileKeyRing],
    damage: Callable[[dict[str, Any]], dict[str, Any]],
):
    ring.active(FIELDS)
    path = folder / "field_encryption.json"
    material = json.loads(path.read_text())["keys"][0]["material"]
    path.write_text(json.dumps(damage(json.loads(path.read_text()))))

    with pytest.raises(KeyRingDamagedError, match="backup") as refusal:
        another_process().active(FIELDS)
    assert str(path) in str(refusal.value)
    assert material not in str(refusal.value)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"keys": []}'])
def test_a_truncated_key_file_is_never_replaced_by_a_new_key(
    ring: FileKeyRing, folder: Path, another_process: Callable[[], FileKeyRing], text: str
):
    ring.active(FIELDS)
    path = folder / "field_encryption.json"
    path.write_text(text)

    with pytest.raises(KeyRingDamagedError):
        another_process().active(FIELDS)
    assert path.read_text() == text


def test_the_leftover_of_a_killed_writer_does_no_harm(
    ring: FileKeyRing, folder: Path, another_process: Callable[[], FileKeyRing]
):
    key = ring.active(FIELDS)
    leftover = folder / "field_encryption.json.unfinished"
    leftover.write_text("half")
    leftover.chmod(0o644)

    new = another_process().rotate(FIELDS)

    assert new.version == key.version + 1
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_keys_do_not_leak_through_repr(ring: FileKeyRing, folder: Path):
    ring.active(TOKENS)
    material = json.loads((folder / "token.json").read_text())["keys"][0]["material"]

    assert material not in repr(ring.active(TOKENS)) + repr(vars(ring))


def test_a_clock_without_a_time_zone_is_refused(folder: Path):
    with pytest.raises(ValueError, match="without a time zone"):
        FileKeyRing(folder, now=lambda: datetime(2026, 3, 1)).active(FIELDS)  # noqa: DTZ001


def test_two_rings_cannot_read_each_other(ring: FileKeyRing, tmp_path: Path, clock: Callable[[], datetime]):
    stranger = FileKeyRing(tmp_path / "stranger", now=clock)
    sealed = ring.encryptor(ring.active(FIELDS).key_id)(b"text", b"")

    with pytest.raises(AuthenticationFailedError):
        stranger.decryptor(stranger.active(FIELDS).key_id)(sealed, b"")
