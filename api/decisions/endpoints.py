"""`/v1/decisions`: what people decided, append-only."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response, status

from api.context import InContext
from api.decisions import service
from api.decisions.kinds import decision_kinds
from api.decisions.schemas import Decision, DecisionList, KindList, Line, NewDecision
from api.decisions.service import MOST_DECISIONS
from api.problems import problem_responses
from api.tokens.access import require
from api.tokens.schemas import Scope, Token
from lakehouse.warehouse import Role

ROUTER = APIRouter(prefix="/v1", tags=["决定"])
Reader = Annotated[Token, require(Scope.DECISIONS_READ)]
Writer = Annotated[Token, require(Scope.DECISIONS_WRITE)]
MOST_SEQUENCE = 2**63 - 1


@ROUTER.get(
    "/decision_kinds",
    summary="列出决定的种类",
    operation_id="list_decision_kinds",
    description="返回可作出的决定种类、各自针对的对象和可选的结论。",
    responses=problem_responses(401, 403),
)
def list_decision_kinds(_: Reader) -> KindList:
    """List the kinds of decisions with their verdicts."""
    return KindList(kinds=list(decision_kinds().values()))


@ROUTER.post(
    "/decisions",
    summary="记录一项决定",
    operation_id="record_decision",
    description="追加一项决定。决定不可修改或删除；改变主意时，用 supersedes 指明所替代的现行决定，另记一项。",
    status_code=status.HTTP_201_CREATED,
    responses={
        200: {"model": Decision, "description": "同一编号、同一内容已记录过"},
        **problem_responses(401, 403, 409, 413, 503),
    },
)
def record_decision(decision: NewDecision, context: InContext, token: Writer, response: Response) -> Decision:
    """Append a decision."""
    with context.database.transaction(Role.API) as connection:
        kept, is_new = service.record_decision(connection, decision, recorded_by=token.name, now=context.clock())
    if not is_new:
        response.status_code = status.HTTP_200_OK
    response.headers["Location"] = f"/v1/decisions/{kept.decision_id}"
    return kept


@ROUTER.get(
    "/decisions",
    summary="查询决定",
    operation_id="list_decisions",
    description="返回决定，最新的在前。",
    responses=problem_responses(401, 403, 503),
)
def list_decisions(
    *,
    request: Request,
    context: InContext,
    _: Reader,
    kind: Annotated[str | None, Query(description="种类")] = None,
    subject: Annotated[Line | None, Query(description="针对的对象")] = None,
    standing: Annotated[bool, Query(description="只看现行（未被替代）的决定")] = False,
    before: Annotated[int | None, Query(ge=1, le=MOST_SEQUENCE, description="只看该顺序号之前的，用于翻页")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_DECISIONS, description="每页条数")] = 100,
) -> DecisionList:
    """Return decisions, the newest first."""
    with context.database.connection(Role.API) as connection:
        found = service.list_decisions(
            connection, kind=kind, subject=subject, standing_only=standing, before=before, limit=limit + 1
        )
    following = None
    if len(found) > limit:
        found = found[:limit]
        parameters = [pair for pair in request.query_params.multi_items() if pair[0] != "before"]
        following = f"{request.url.path}?{urlencode([*parameters, ('before', str(found[-1].sequence))])}"
    return DecisionList(decisions=found, next=following)


@ROUTER.get(
    "/decisions/{decision_id}",
    summary="查看一项决定",
    operation_id="get_decision",
    description="返回一项决定。",
    responses=problem_responses(401, 403, 404, 503),
)
def get_decision(decision_id: UUID, context: InContext, _: Reader) -> Decision:
    """Return one decision."""
    with context.database.connection(Role.API) as connection:
        return service.get_decision(connection, decision_id)
