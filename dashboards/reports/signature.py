"""Detached SM2 signatures of reports: made over the PDF's bytes, kept as JSON beside it, verified in one sentence."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from dashboards.reports.render import identity_in
from security import sm2, sm3
from security.errors import InvalidKeyError, KeyNotFoundError, KeyNotUsableError, MalformedValueError
from security.key_provider import KeyAlgorithm, KeyDescription, KeyProvider, KeyPurpose, KeyUse

FORMAT: Final = 1
ALGORITHM: Final = "SM2-with-SM3"
# What identifies a report; the PDF carries the same words inside, so that they are signed with it.
_IDENTITY = ("report", "business_date", "version", "release")
_TEXTS = ("algorithm", "key_id", "public_key", "user_id", "sm3", "signature", *_IDENTITY)

Finding = Literal["valid", "malformed_signature", "foreign_key", "unusable_key", "tampered_pdf", "tampered_signature"]


@dataclass(frozen=True)
class Verdict:
    """What a verification found: a code for programs, a Chinese sentence for people."""

    finding: Finding
    sentence: str

    @property
    def is_valid(self) -> bool:
        """Whether the report is what was signed."""
        return self.finding == "valid"


def sign_report(pdf: bytes, keys: KeyProvider, *, signed_at: datetime) -> dict[str, Any]:
    """Sign a PDF of ours with the active key of `report_signing` (GB/T 32918.2, digest SM3).

    Args:
        pdf: the rendered report.
        keys: the holder of the keys.
        signed_at: the moment of signing, with a time zone; recorded, not signed.

    Returns:
        The content of the `.sig.json` file: JSON values only.

    Raises:
        KeyNotUsableError: no key of this purpose is active.
    """
    key = keys.active(KeyPurpose.REPORT_SIGNING)
    user_id = sm2.DEFAULT_USER_ID
    signature = keys.sign(key.key_id, pdf, user_id=user_id)
    named = identity_in(pdf)
    return {
        "format": FORMAT,
        **{part: named.get(part, "") for part in _IDENTITY},
        "algorithm": ALGORITHM,
        "key_id": key.key_id,
        "public_key": sm2.public_key_to_pem(key.public_key or b""),
        "user_id": user_id.decode("ascii"),
        "sm3": sm3.digest(pdf).hex(),
        "signature": base64.b64encode(signature).decode("ascii"),
        "signed_at": signed_at.isoformat(),
    }


def signature_file(signature: Mapping[str, Any]) -> bytes:
    """Return the bytes of a `.sig.json` file."""
    return (json.dumps(signature, ensure_ascii=False, indent=1) + "\n").encode()


def read_signature_file(content: bytes) -> dict[str, Any]:
    """Return what a `.sig.json` file says, empty where it is not one; `verify_report` then says so."""
    try:
        signature = json.loads(content)
    except ValueError:
        return {}
    return signature if isinstance(signature, dict) else {}


def verify_report(pdf: bytes, signature: Mapping[str, Any], keys: KeyProvider | str | bytes) -> Verdict:
    """Tell whether a PDF is what this platform signed.

    Args:
        pdf: the bytes of the PDF.
        signature: content of its `.sig.json`.
        keys: whom to trust: the platform's key provider, or its public key (PEM, or 04 ‖ x ‖ y) handed out before.

    Returns:
        The verdict; nothing in a foreign file makes this raise.

    Raises:
        InvalidKeyError, MalformedValueError: the trusted public key itself is none.
    """
    fault = _format_fault(signature)
    if fault:
        return Verdict("malformed_signature", f"签名文件无法识别：{fault}。请重新取得与该PDF同时发布的.sig.json文件。")
    trusted = _trusted_key(signature, keys)
    if isinstance(trusted, Verdict):
        return trusted
    digest = sm3.digest(pdf).hex()
    user_id = str(signature["user_id"]).encode("utf-8")
    holds = sm2.verify(trusted, pdf, base64.b64decode(signature["signature"]), user_id=user_id)
    if not holds:
        return _broken(digest, str(signature["sm3"]))
    named = identity_in(pdf)
    changed = [part for part in _IDENTITY if str(signature[part]) != named.get(part, "")]
    if digest != signature["sm3"] or changed:
        what = "SM3摘要" if digest != signature["sm3"] else "报告名称、日期、版本或发布批次"
        return Verdict("tampered_signature", f"签名文件已被改动：所载{what}与PDF文件不一致；PDF文件本身未见改动。")
    return Verdict("valid", f"验证通过：PDF文件自签发以来未被改动，签名密钥{signature['key_id']}，SM3摘要{digest}。")


def _broken(digest: str, signed_digest: str) -> Verdict:
    if digest != signed_digest:
        return Verdict(
            "tampered_pdf",
            f"验证不通过：PDF文件已被改动，其SM3摘要为{digest[:16]}…，签发时为{signed_digest[:16]}…。请以平台发布的原件为准。",
        )
    return Verdict(
        "tampered_signature",
        "验证不通过：签名值与PDF文件不符，签名文件在签发后被改动。请重新取得与该PDF同时发布的.sig.json文件。",
    )


def _format_fault(signature: Mapping[str, Any]) -> str | None:
    missing = [part for part in _TEXTS if not isinstance(signature.get(part), str) or not signature[part]]
    if missing:
        return f"缺少{'、'.join(missing)}"
    if signature.get("format") != FORMAT:
        return f"格式版本为{signature.get('format')}，本平台可识别的为{FORMAT}"
    if signature["algorithm"] != ALGORITHM:
        return f"签名算法为{signature['algorithm']}，应为{ALGORITHM}"
    try:
        base64.b64decode(signature["signature"], validate=True)
    except (binascii.Error, ValueError):
        return "签名值不是base64编码"
    return None


def _trusted_key(signature: Mapping[str, Any], keys: KeyProvider | str | bytes) -> bytes | Verdict:
    """Return the public key to verify with, from the trusted side only; never the one the file brings along."""
    key_id = str(signature["key_id"])
    if isinstance(keys, str | bytes):
        trusted = sm2.public_key_from_pem(keys) if isinstance(keys, str) else keys
    else:
        found = _ring_key(key_id, keys)
        if isinstance(found, Verdict):
            return found
        trusted = found.public_key or b""
    try:
        brought = sm2.public_key_from_pem(str(signature["public_key"]))
    except (MalformedValueError, InvalidKeyError):
        return Verdict("tampered_signature", "签名文件已被改动：所载公钥不是有效的SM2公钥。")
    if brought != trusted:
        return _foreign(f"所载公钥与本平台密钥{key_id}的公钥不同")
    return trusted


def _ring_key(key_id: str, keys: KeyProvider) -> KeyDescription | Verdict:
    try:
        key = keys.describe(key_id)
    except KeyNotFoundError:
        return _foreign(f"本平台没有密钥{key_id}")
    if key.purpose is not KeyPurpose.REPORT_SIGNING:
        return _foreign(f"密钥{key_id}不是报告签名密钥")
    try:
        key.require(KeyUse.PROCESS, KeyAlgorithm.SM2)
    except KeyNotUsableError:
        return Verdict(
            "unusable_key", f"无法验证：签名密钥{key_id}目前状态为{key.state}，不得据以验证。请与平台密钥管理员联系。"
        )
    return key


def _foreign(reason: str) -> Verdict:
    return Verdict("foreign_key", f"验证不通过：该签名不是由本平台的密钥签发（{reason}）。")
