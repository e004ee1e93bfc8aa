"""Recording what people decide, and reading it. The one way in, for the API and for `park decide`."""

from __future__ import annotations

import uuid
from datetime import datetime

from api.database import Connection
from api.decisions import repository
from api.decisions.errors import (
    DecisionInvalidError,
    DecisionOutdatedError,
    DecisionRepeatedError,
    DecisionStandsError,
    DecisionUnknownError,
)
from api.decisions.kinds import decision_kinds
from api.decisions.schemas import Decision, NewDecision

MOST_DECISIONS = 1000


def record_decision(
    connection: Connection, decision: NewDecision, *, recorded_by: str, now: datetime
) -> tuple[Decision, bool]:
    """Append a decision; the same id with the same content again returns what was recorded.

    On one kind and subject the decisions form a chain: the first stands alone, each later one names the standing one
    it supersedes. Of two people who decide at the same moment the second is refused; the database sees to it.

    Args:
        connection: a transaction of `Role.API`.
        decision: what was decided.
        recorded_by: name of the token or command it comes through; the decider where none is named.
        now: the present moment.

    Returns:
        The decision as it is kept, and whether it is new.

    Raises:
        DecisionInvalidError: unknown kind or verdict.
        DecisionStandsError: the subject has been decided and the decision supersedes nothing.
        DecisionOutdatedError: what it supersedes is unknown, about something else, or superseded already.
        DecisionRepeatedError: its id belongs to another decision.
    """
    _require_known(decision)
    decision = decision.model_copy(update={"decided_by": decision.decided_by or recorded_by})
    if decision.decision_id is not None:
        recorded = repository.find(connection, decision.decision_id)
        if recorded is not None:
            return _same_again(recorded, decision), False
    decision_id = decision.decision_id or uuid.uuid4()
    try:
        kept = repository.insert(connection, decision, decision_id=decision_id, decided_at=now, recorded_by=recorded_by)
    except repository.ChainBrokenError as error:
        recorded = repository.find(connection, decision_id)
        if recorded is not None:  # the same request came twice at the same moment
            return _same_again(recorded, decision), False
        raise _out_of_chain(connection, decision) from error
    return kept, True


def get_decision(connection: Connection, decision_id: uuid.UUID) -> Decision:
    """Return one decision.

    Raises:
        DecisionUnknownError: there is none of this id.
    """
    found = repository.find(connection, decision_id)
    if found is None:
        raise DecisionUnknownError(
            f"没有编号为 {decision_id} 的决定。", remedy="请核对编号，或按 kind 和 subject 查询。"
        )
    return found


def list_decisions(
    connection: Connection,
    *,
    kind: str | None = None,
    subject: str | None = None,
    standing_only: bool = False,
    before: int | None = None,
    limit: int = 100,
) -> list[Decision]:
    """Return decisions, the newest first.

    Args:
        connection: one of `Role.API`.
        kind: only this kind.
        subject: only about this subject.
        standing_only: leave out what was superseded.
        before: only what was recorded before this sequence number.
        limit: how many at most.

    Raises:
        DecisionInvalidError: there is no such kind.
    """
    if kind is not None:
        _require_kind(kind)
    return repository.matching(
        connection, kind=kind, subject=subject, standing_only=standing_only, before=before, limit=limit
    )


def _require_kind(kind: str) -> None:
    if kind not in decision_kinds():
        raise DecisionInvalidError(
            f"没有种类为 {kind} 的决定。",
            remedy=f"可用的种类：{'、'.join(decision_kinds())}。",
            available=list(decision_kinds()),
        )


def _require_known(decision: NewDecision) -> None:
    _require_kind(decision.kind)
    verdicts = decision_kinds()[decision.kind].verdicts
    if decision.verdict not in verdicts:
        named = "、".join(f"{code}（{words.zh}）" for code, words in verdicts.items())
        raise DecisionInvalidError(
            f"{decision_kinds()[decision.kind].label.zh}（{decision.kind}）没有结论 {decision.verdict}。",
            remedy=f"可选的结论：{named}。",
            available=list(verdicts),
        )


def _same_again(recorded: Decision, decision: NewDecision) -> Decision:
    shared = ("kind", "subject", "verdict", "reason", "decided_by", "supersedes")
    if any(getattr(recorded, name) != getattr(decision, name) for name in shared):
        raise DecisionRepeatedError(
            f"编号 {recorded.decision_id} 已用于另一项决定（{recorded.kind}，{recorded.subject}）。",
            remedy="请换一个新编号；要改变已有决定，请用 supersedes 指明所替代的决定。",
        )
    return recorded


def _out_of_chain(connection: Connection, decision: NewDecision) -> DecisionStandsError | DecisionOutdatedError:
    stands = repository.standing(connection, decision.kind, decision.subject)
    standing_id = str(stands.decision_id) if stands else None
    if decision.supersedes is None and stands is not None:
        return DecisionStandsError(
            f"{decision.subject} 已由 {stands.decided_by} 作出决定：{stands.verdict}。",
            remedy=f"要改变它，请在 supersedes 中填 {stands.decision_id} 并写明理由。",
            standing=standing_id,
        )
    remedy = f"现行决定是 {stands.decision_id}，请核对后重新提交。" if stands else "该事项尚无决定，请去掉 supersedes。"
    return DecisionOutdatedError(
        f"{decision.supersedes} 不是 {decision.subject} 的现行决定。", remedy=remedy, standing=standing_id
    )
