"""What a token may do, and what may be known of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Scope(StrEnum):
    """What a token allows; each operation asks for one."""

    MARTS_READ = "marts:read"
    METRICS_READ = "metrics:read"
    DECISIONS_READ = "decisions:read"
    DECISIONS_WRITE = "decisions:write"
    MAP_READ = "map:read"
    REPORTS_READ = "reports:read"


@dataclass(frozen=True)
class Token:
    """What may be known of a token: everything but its secret."""

    token_id: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def is_valid(self, now: datetime) -> bool:
        """Tell whether the token opens anything at this moment."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True)
class NewToken:
    """A token just made, with the text that is shown once and kept nowhere."""

    token: Token
    text: str

    def __repr__(self) -> str:
        return f"NewToken({self.token!r})"
