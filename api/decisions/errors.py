"""Refusals about decisions."""

from __future__ import annotations

from http import HTTPStatus

from api.problems import ParkError


class DecisionInvalidError(ParkError):
    """Kind or verdict is not one of those that exist."""

    status, code, title = HTTPStatus.UNPROCESSABLE_ENTITY, "decision.invalid", "决定内容有误"


class DecisionUnknownError(ParkError):
    """No decision has this id."""

    status, code, title = HTTPStatus.NOT_FOUND, "decision.unknown", "没有这项决定"


class DecisionStandsError(ParkError):
    """The subject has been decided; only a decision that supersedes the standing one may follow."""

    status, code, title = HTTPStatus.CONFLICT, "decision.already_decided", "该事项已有决定"


class DecisionOutdatedError(ParkError):
    """The decision to supersede is not the one that stands."""

    status, code, title = HTTPStatus.CONFLICT, "decision.outdated", "被替代的决定已不是现行决定"


class DecisionRepeatedError(ParkError):
    """An id is used again for something else."""

    status, code, title = HTTPStatus.CONFLICT, "decision.id_taken", "决定编号已被使用"
