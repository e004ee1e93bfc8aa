"""The dependency by which an operation asks for a scope."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.context import InContext
from api.tokens import service
from api.tokens.errors import ScopeMissingError
from api.tokens.schemas import Scope, Token
from lakehouse.warehouse import Role

_BEARER = HTTPBearer(
    auto_error=False, scheme_name="bearer", description="park tokens create 签发的令牌，按权限范围（scope）开放。"
)


def require(scope: Scope) -> Any:  # noqa: ANN401 - FastAPI's marker of a dependency
    """Return a dependency that gives the caller's token, or refuses one without `scope`."""

    def token_with_scope(
        request: Request, context: InContext, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
    ) -> Token:
        text = given.credentials if given is not None else None
        with context.database.connection(Role.API) as connection:
            token = service.authenticate(connection, context.keys, text, now=context.clock())
        request.state.caller = token.name
        if scope not in token.scopes:
            raise ScopeMissingError(
                f"该操作需要权限 {scope}，令牌「{token.name}」只有：{'、'.join(sorted(token.scopes))}。",
                remedy="请由平台管理员签发带有该权限的令牌。",
                headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
                scope=scope,
            )
        return token

    return Depends(token_with_scope)
