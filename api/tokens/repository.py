"""SQL over `ops.api_tokens`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from api.database import Connection
from api.tokens.schemas import Scope, Token

_COLUMNS = "token_id, name, scopes, created_at, expires_at, revoked_at"


class StoredSecret(NamedTuple):
    """How a token's secret is kept: HMAC-SM3 under a key of the purpose `token`."""

    key_id: str
    digest: bytes


def insert(connection: Connection, token: Token, secret: StoredSecret) -> None:
    """Keep a new token."""
    connection.execute(
        "insert into ops.api_tokens (token_id, name, scopes, created_at, expires_at, key_id, digest) "
        "values (%s, %s, %s, %s, %s, %s, %s)",
        (
            token.token_id,
            token.name,
            sorted(scope.value for scope in token.scopes),
            token.created_at,
            token.expires_at,
            secret.key_id,
            secret.digest,
        ),
    )


def find(connection: Connection, token_id: str) -> tuple[Token, StoredSecret] | None:
    """Return a token and how its secret is kept, None when there is none of this id."""
    row = connection.execute(
        f"select {_COLUMNS}, key_id, digest from ops.api_tokens where token_id = %s",  # noqa: S608 - our own constant
        (token_id,),
    ).fetchone()
    return None if row is None else (_token(row), StoredSecret(row[6], bytes(row[7])))


def all_tokens(connection: Connection) -> list[Token]:
    """Return every token ever made, the newest first."""
    rows = connection.execute(
        f"select {_COLUMNS} from ops.api_tokens order by created_at desc, token_id"  # noqa: S608 - our own constant
    )
    return [_token(row) for row in rows]


def revoke(connection: Connection, token_id: str, revoked_at: datetime) -> None:
    """Mark a token as revoked; one revoked earlier keeps its time."""
    connection.execute(
        "update ops.api_tokens set revoked_at = coalesce(revoked_at, %s) where token_id = %s", (revoked_at, token_id)
    )


def _token(row: tuple[Any, ...]) -> Token:
    token_id, name, scopes, created_at, expires_at, revoked_at, *_ = row
    known = frozenset(Scope(scope) for scope in scopes if scope in list(Scope))  # one retired since opens nothing
    return Token(token_id, name, known, created_at, expires_at, revoked_at)
