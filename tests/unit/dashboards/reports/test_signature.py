"""Whoever changes a report, its signature file or the key is told apart, each in a sentence of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dashboards.reports.signature import read_signature_file, sign_report, signature_file, verify_report
from security import sm2, sm3
from security.key_provider import KeyPurpose, KeyState
from security.key_ring import FileKeyRing

PDF = (
    b"%PDF-1.7 <pdf:Keywords>report:air_quality_daily, business_date:2026-11-20, version:1, release:5a5a</pdf:Keywords>"
)
SIGNED_AT = datetime(2026, 11, 21, tzinfo=UTC)


def _ring(folder: Path) -> FileKeyRing:
    return FileKeyRing(folder, lambda: SIGNED_AT)


@pytest.fixture
def keys(tmp_path: Path) -> FileKeyRing:
    return _ring(tmp_path / "keys")


@pytest.fixture
def signature(keys: FileKeyRing) -> dict[str, object]:
    return read_signature_file(signature_file(sign_report(PDF, keys, signed_at=SIGNED_AT)))


def test_an_untouched_report_is_valid(keys: FileKeyRing, signature: dict[str, object]):
    verdict = verify_report(PDF, signature, keys)
    assert verdict.is_valid
    assert sm3.digest(PDF).hex() in verdict.sentence
    assert (signature["report"], signature["version"], signature["release"]) == ("air_quality_daily", "1", "5a5a")


def test_the_public_key_alone_is_enough(keys: FileKeyRing, signature: dict[str, object]):
    public_key = keys.active(KeyPurpose.REPORT_SIGNING).public_key
    assert verify_report(PDF, signature, sm2.public_key_to_pem(public_key)).is_valid
    assert verify_report(PDF, signature, public_key).is_valid


@pytest.mark.parametrize("change", [lambda pdf: pdf[:-1] + b"!", lambda pdf: pdf + b"\n", lambda _: b""])
def test_a_changed_pdf_is_named_as_such(
    keys: FileKeyRing, signature: dict[str, object], change: Callable[[bytes], bytes]
):
    verdict = verify_report(change(PDF), signature, keys)
    assert verdict.finding == "tampered_pdf"
    assert "PDF文件已被改动" in verdict.sentence


def test_a_changed_pdf_with_a_matching_digest_still_fails(keys: FileKeyRing, signature: dict[str, object]):
    changed = PDF.replace(b"version:1", b"version:2")
    verdict = verify_report(changed, signature | {"sm3": sm3.digest(changed).hex(), "version": "2"}, keys)
    assert not verdict.is_valid


@pytest.mark.parametrize(
    "change",
    [
        {"sm3": "00" * 32},
        {"release": "ffff"},
        {"version": "7"},
        {"business_date": "2026-11-19"},
        {"user_id": "someone"},
    ],
)
def test_a_changed_signature_file_is_named_as_such(
    keys: FileKeyRing, signature: dict[str, object], change: dict[str, object]
):
    verdict = verify_report(PDF, signature | change, keys)
    assert verdict.finding == "tampered_signature"
    assert "签名文件" in verdict.sentence


def test_the_signature_of_another_report_does_not_fit(keys: FileKeyRing, signature: dict[str, object]):
    other = sign_report(PDF + b" ", keys, signed_at=SIGNED_AT)
    verdict = verify_report(PDF, signature | {"signature": other["signature"]}, keys)
    assert verdict.finding == "tampered_signature"
    assert "签名值与PDF文件不符" in verdict.sentence


def test_a_foreign_key_is_not_trusted_even_when_its_signature_holds(
    keys: FileKeyRing, signature: dict[str, object], tmp_path: Path
):
    foreign = sign_report(PDF, _ring(tmp_path / "foreign"), signed_at=SIGNED_AT)
    keys.active(KeyPurpose.REPORT_SIGNING)
    verdict = verify_report(PDF, foreign, keys)
    assert verdict.finding == "foreign_key"
    assert "不是由本平台的密钥签发" in verdict.sentence


def test_a_foreign_key_under_our_key_id_is_not_trusted(keys: FileKeyRing, signature: dict[str, object], tmp_path: Path):
    foreign = sign_report(PDF, _ring(tmp_path / "foreign"), signed_at=SIGNED_AT) | {"key_id": signature["key_id"]}
    assert verify_report(PDF, foreign, keys).finding == "foreign_key"


def test_a_key_of_another_purpose_signs_no_report(keys: FileKeyRing, signature: dict[str, object]):
    other = keys.active(KeyPurpose.TOKEN)
    assert verify_report(PDF, signature | {"key_id": other.key_id}, keys).finding == "foreign_key"


def test_after_a_rotation_old_reports_stay_valid(keys: FileKeyRing, signature: dict[str, object]):
    keys.rotate(KeyPurpose.REPORT_SIGNING)
    assert verify_report(PDF, signature, keys).is_valid


def test_a_suspended_key_vouches_for_nothing(keys: FileKeyRing, signature: dict[str, object]):
    keys.change_state(str(signature["key_id"]), KeyState.SUSPENDED)
    verdict = verify_report(PDF, signature, keys)
    assert verdict.finding == "unusable_key"
    assert "SUSPENDED" in verdict.sentence


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"[]", b"null", b'{"format": 1}', b'{"format": 2, "algorithm": "SM2-with-SM3"}'],
)
def test_what_is_no_signature_file_is_said_to_be_none(keys: FileKeyRing, content: bytes):
    verdict = verify_report(PDF, read_signature_file(content), keys)
    assert verdict.finding == "malformed_signature"
    assert "签名文件无法识别" in verdict.sentence


@pytest.mark.parametrize("change", [{"signature": "不是base64"}, {"algorithm": "RSA"}, {"format": 9}, {"sm3": 5}])
def test_a_mutilated_signature_file_never_raises(
    keys: FileKeyRing, signature: dict[str, object], change: dict[str, object]
):
    assert verify_report(PDF, signature | change, keys).finding == "malformed_signature"


def test_a_public_key_that_is_none_is_a_changed_file(keys: FileKeyRing, signature: dict[str, object]):
    assert verify_report(PDF, signature | {"public_key": "-----BEGIN"}, keys).finding == "tampered_signature"
