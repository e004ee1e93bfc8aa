"""SQL over `ops.decisions`."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from api.database import Connection
from api.decisions.schemas import Decision, NewDecision

_SELECT = """
select d.sequence, d.decision_id, d.kind, d.subject, d.verdict, d.reason, d.decided_by, d.decided_at, d.recorded_by,
    d.supersedes, not exists (select from ops.decisions as later where later.supersedes = d.decision_id) as is_standing
from ops.decisions as d
"""


class ChainBrokenError(Exception):
    """The database refused a row that does not continue the chain of its subject; names the constraint."""


def insert(
    connection: Connection, decision: NewDecision, *, decision_id: UUID, decided_at: datetime, recorded_by: str
) -> Decision:
    """Append a decision.

    Raises:
        ChainBrokenError: the subject has been decided, or what it supersedes is not the standing decision on it.
    """
    try:
        with connection.transaction():  # a savepoint: after a refusal the caller can still read what stands
            connection.execute(
                "insert into ops.decisions (decision_id, kind, subject, verdict, reason, decided_by, decided_at, "
                "recorded_by, supersedes) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    decision_id,
                    decision.kind,
                    decision.subject,
                    decision.verdict,
                    decision.reason,
                    decision.decided_by,
                    decided_at,
                    recorded_by,
                    decision.supersedes,
                ),
            )
    except psycopg.errors.IntegrityError as error:
        raise ChainBrokenError(error.diag.constraint_name or "") from error
    found = find(connection, decision_id)
    if found is None:
        raise LookupError(
            f"ops.decisions: the row {decision_id} just written cannot be read; check rights and triggers."
        )
    return found


def find(connection: Connection, decision_id: UUID) -> Decision | None:
    """Return a decision, None when there is none of this id."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_SELECT + "where d.decision_id = %s", (decision_id,)).fetchone()
    return None if row is None else Decision.model_validate(row)


def standing(connection: Connection, kind: str, subject: str) -> Decision | None:
    """Return the decision that stands on a subject."""
    query = (
        _SELECT + "where d.kind = %s and d.subject = %s "
        "and not exists (select from ops.decisions as later where later.supersedes = d.decision_id)"
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(query, (kind, subject)).fetchone()
    return None if row is None else Decision.model_validate(row)


def matching(
    connection: Connection,
    *,
    kind: str | None,
    subject: str | None,
    standing_only: bool,
    before: int | None,
    limit: int,
) -> list[Decision]:
    """Return decisions, the newest first; `before` is the sequence number to go on from."""
    query = _SELECT + (
        "where (%(kind)s::text is null or d.kind = %(kind)s) "
        "and (%(subject)s::text is null or d.subject = %(subject)s) "
        "and (%(before)s::bigint is null or d.sequence < %(before)s) and (not %(standing_only)s or not exists "
        "(select from ops.decisions as later where later.supersedes = d.decision_id)) "
        "order by d.sequence desc limit %(limit)s"
    )
    values = {"kind": kind, "subject": subject, "before": before, "standing_only": standing_only, "limit": limit}
    with connection.cursor(row_factory=dict_row) as cursor:
        return [Decision.model_validate(row) for row in cursor.execute(query, values)]
