"""Making, listing, revoking and checking bearer tokens.

A token reads `park_<id>_<secret>`. The id finds the row; the secret is kept only as HMAC-SM3 under a key of the key
ring (GB/T 15852.2), so neither the table alone nor the key alone makes a token.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import datetime

from api.database import Connection
from api.tokens import repository
from api.tokens.errors import CHALLENGE, TokenInvalidError, TokenMissingError, TokenRequestError
from api.tokens.repository import StoredSecret
from api.tokens.schemas import NewToken, Scope, Token
from security.errors import KeyNotFoundError, KeyNotUsableError
from security.key_provider import KeyProvider, KeyPurpose, KeyUse

_TEXT = re.compile(r"park_([0-9a-f]{16})_([0-9a-f]{64})")
_MOST_NAME_LETTERS = 100
_REMEDY = "请由平台管理员用 park tokens create 签发新令牌。"


def create_token(
    connection: Connection,
    keys: KeyProvider,
    *,
    name: str,
    scopes: Iterable[Scope | str],
    now: datetime,
    expires_at: datetime | None = None,
) -> NewToken:
    """Make a token and keep its digest; its text is returned once and can never be read again.

    Args:
        connection: a transaction of the owner of schema `ops` (`Role.PUBLISHER`); the API itself makes no tokens.
        keys: holder of the key for token digests.
        name: who uses the token; it is written beside the decisions made with it.
        scopes: what the token allows.
        now: the present moment.
        expires_at: when it ends; None for never.

    Raises:
        TokenRequestError: no name, an unknown or no scope, or an end that is not in the future.
    """
    name = name.strip()
    if not name or len(name) > _MOST_NAME_LETTERS or not name.isprintable():
        raise TokenRequestError(
            "令牌名称为空、过长或含有控制字符。", remedy=f"请给出不超过 {_MOST_NAME_LETTERS} 字的使用者名称。"
        )
    if expires_at is not None and (expires_at.tzinfo is None or expires_at <= now):
        raise TokenRequestError(
            f"到期时间 {expires_at.isoformat()} 没有时区或不在将来。", remedy="请给出带时区的将来时刻。"
        )
    token = Token(secrets.token_hex(8), name, _scopes(scopes), now, expires_at, None)
    secret = secrets.token_hex(32)
    key_id = keys.active(KeyPurpose.TOKEN).key_id
    digest = keys.authenticator(key_id, KeyUse.PROTECT)(_signed_text(token.token_id, secret))
    repository.insert(connection, token, StoredSecret(key_id, digest))
    return NewToken(token, f"park_{token.token_id}_{secret}")


def list_tokens(connection: Connection) -> list[Token]:
    """Return every token ever made, the newest first; secrets are not among what is known."""
    return repository.all_tokens(connection)


def revoke_token(connection: Connection, token_id: str, *, now: datetime) -> Token:
    """Revoke a token at once and for good; revoking it again changes nothing.

    Args:
        connection: a transaction of the owner of schema `ops` (`Role.PUBLISHER`).
        token_id: the id, as `park tokens list` shows it.
        now: the present moment.

    Raises:
        TokenRequestError: there is no such token.
    """
    repository.revoke(connection, token_id, now)
    found = repository.find(connection, token_id)
    if found is None:
        raise TokenRequestError(f"没有编号为 {token_id} 的令牌。", remedy="编号见 park tokens list。")
    return found[0]


def authenticate(connection: Connection, keys: KeyProvider, text: str | None, *, now: datetime) -> Token:
    """Return the valid token of this text.

    Raises:
        TokenMissingError: there is no text.
        TokenInvalidError: it is no token of ours, was altered, revoked, has expired, or its key is out of use.
    """
    if not text:
        raise TokenMissingError(
            "请求没有携带访问令牌。",
            remedy="请加上请求头 Authorization: Bearer <令牌>；令牌由 park tokens create 签发。",
            headers=CHALLENGE,
        )
    refusal = TokenInvalidError(
        "访问令牌不存在、已吊销或已过期。", remedy=_REMEDY, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}
    )
    match = _TEXT.fullmatch(text)
    found = repository.find(connection, match[1]) if match else None
    if match is None or found is None:
        raise refusal
    token, kept = found
    try:
        digest = keys.authenticator(kept.key_id, KeyUse.PROCESS)(_signed_text(match[1], match[2]))
    except (KeyNotFoundError, KeyNotUsableError) as error:
        raise refusal from error
    if not hmac.compare_digest(digest, kept.digest) or not token.is_valid(now):
        raise refusal
    return token


def _scopes(scopes: Iterable[Scope | str]) -> frozenset[Scope]:
    asked = {str(scope) for scope in scopes}
    unknown = sorted(asked - set(Scope))
    if unknown or not asked:
        what = f"没有权限 {'、'.join(unknown)}。" if unknown else "没有指定任何权限。"
        raise TokenRequestError(what, remedy=f"可用的权限：{'、'.join(Scope)}。", available=list(Scope))
    return frozenset(Scope(scope) for scope in asked)


def _signed_text(token_id: str, secret: str) -> bytes:
    return f"{token_id}:{secret}".encode()
