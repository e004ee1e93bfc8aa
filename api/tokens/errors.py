"""Refusals about tokens."""

from __future__ import annotations

from http import HTTPStatus

from api.problems import ParkError

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="park"'}


class TokenMissingError(ParkError):
    """The request carries no bearer token."""

    status, code, title = HTTPStatus.UNAUTHORIZED, "token.missing", "缺少访问令牌"


class TokenInvalidError(ParkError):
    """The token is unknown, revoked or expired; which of these is not told to its bearer."""

    status, code, title = HTTPStatus.UNAUTHORIZED, "token.invalid", "访问令牌无效"


class ScopeMissingError(ParkError):
    """The token does not carry the scope that the operation asks for."""

    status, code, title = HTTPStatus.FORBIDDEN, "token.scope_missing", "访问令牌权限不足"


class TokenRequestError(ParkError):
    """A token cannot be made or revoked as asked."""

    status, code, title = HTTPStatus.UNPROCESSABLE_ENTITY, "token.request_invalid", "令牌参数有误"
