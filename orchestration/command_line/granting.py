"""`park tokens create|list|revoke` and `park decide`: who may use the API, and what people decide."""

from __future__ import annotations

from datetime import timedelta
from getpass import getuser
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.table import Table

from api.decisions.schemas import NewDecision
from api.decisions.service import record_decision
from api.operations import prepare_operations
from api.problems import ParkError
from api.tokens.schemas import Scope
from api.tokens.service import create_token, list_tokens, revoke_token
from lakehouse.home import Home
from lakehouse.settings import Settings
from lakehouse.warehouse import Role, open_warehouse
from orchestration.command_line.terminal import open_console

application = typer.Typer(help="接口令牌：签发、查看、吊销。", no_args_is_help=True)
SCOPES = "、".join(scope.value for scope in Scope)


@application.command("create")
def create(
    name: Annotated[str, typer.Option(help="使用者名称，会随其决定一并留痕")],
    scope: Annotated[list[str], typer.Option(help=f"权限，可重复给出：{SCOPES}")],
    days: Annotated[int | None, typer.Option(help="有效天数；不给则长期有效")] = None,
) -> None:
    """签发令牌；令牌只显示这一次。"""
    from orchestration.platform import open_keys  # noqa: PLC0415 - dagster takes seconds to import

    settings = Settings()
    home = Home(settings.home)
    expires = settings.present + timedelta(days=days) if days else None
    console = open_console()
    try:
        with open_warehouse(settings, home) as warehouse:
            prepare_operations(warehouse)
            with warehouse.connect(Role.PUBLISHER) as connection:
                keys = open_keys(settings, home)
                made = create_token(connection, keys, name=name, scopes=scope, now=settings.present, expires_at=expires)
    except ParkError as error:
        console.print(f"[red]{error}", soft_wrap=True)
        raise SystemExit(1) from error
    console.print(f"{made.text}\n请立即保存，平台不再显示。用法：Authorization: Bearer <令牌>", soft_wrap=True)


@application.command("list")
def list_all() -> None:
    """列出令牌（不含令牌本身）。"""
    settings = Settings()
    table = Table("编号", "使用者", "权限", "签发", "到期", "吊销", title="接口令牌", title_justify="left")
    with open_warehouse(settings, Home(settings.home)) as warehouse:
        prepare_operations(warehouse)
        with warehouse.connect(Role.PUBLISHER) as connection:
            for token in list_tokens(connection):
                moments = (token.created_at, token.expires_at, token.revoked_at)
                shown = [f"{moment:%Y-%m-%d %H:%M}" if moment else "—" for moment in moments]
                table.add_row(token.token_id, token.name, "、".join(sorted(token.scopes)), *shown)
    open_console().print(table)


@application.command("revoke")
def revoke(token_id: Annotated[str, typer.Argument(help="令牌编号，见 park tokens list")]) -> None:
    """吊销令牌，立即生效。"""
    settings = Settings()
    console = open_console()
    try:
        with (
            open_warehouse(settings, Home(settings.home)) as warehouse,
            warehouse.connect(Role.PUBLISHER) as connection,
        ):
            token = revoke_token(connection, token_id, now=settings.present)
    except ParkError as error:
        console.print(f"[red]{error}", soft_wrap=True)
        raise SystemExit(1) from error
    console.print(f"已吊销 {token.name} 的令牌 {token.token_id}。")


def decide(
    kind: Annotated[str, typer.Argument(help="种类，见 GET /v1/decision_kinds")],
    subject: Annotated[str, typer.Argument(help="针对什么：该种类规定的编号")],
    verdict: Annotated[str, typer.Argument(help="结论")],
    reason: Annotated[str, typer.Option(help="理由")],
    supersedes: Annotated[str | None, typer.Option(help="所替代的现行决定编号")] = None,
) -> None:
    """记录一项人工决定：只追加，不修改，供管线作为来源读取。"""
    settings = Settings()
    console = open_console()
    try:
        fields = {"kind": kind, "subject": subject, "verdict": verdict, "reason": reason, "supersedes": supersedes}
        decision = NewDecision.model_validate({**fields, "decided_by": getuser()})
        with open_warehouse(settings, Home(settings.home)) as warehouse:
            prepare_operations(warehouse)
            with warehouse.connect(Role.API) as connection:
                kept, is_new = record_decision(connection, decision, recorded_by="park decide", now=settings.present)
    except (ParkError, ValidationError) as error:
        console.print(f"[red]{error}", soft_wrap=True)
        raise SystemExit(1) from error
    console.print(f"{'已记录' if is_new else '此前已记录'}：{kept.decision_id}")
