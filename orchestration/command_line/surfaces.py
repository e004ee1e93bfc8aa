"""`park once`: whether every surface really works, as the person in front of it would find out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx

from api.operations import prepare_operations
from api.tokens.schemas import Scope
from api.tokens.service import create_token, revoke_token
from dashboards.reports.signature import verify_report
from lakehouse.artifacts import ArtifactStore
from lakehouse.home import Home
from lakehouse.settings import Settings
from lakehouse.warehouse import Role, Warehouse
from orchestration.browser import browser_program, look_at_dashboard, signed_in_page
from security.key_provider import KeyProvider

TIMEOUT_S = 30
PICTURES = "pictures"


@dataclass(frozen=True)
class Surface:
    """One page or interface that people use."""

    name: str
    title: str
    address: str


@dataclass(frozen=True)
class SurfaceOutcome:
    """Whether a surface works, and what it showed."""

    title: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class SurfaceCheck:
    """What the checks need to know of the running platform."""

    settings: Settings
    home: Home
    warehouse: Warehouse
    keys: KeyProvider
    admin: tuple[str, str]

    def check(self, surfaces: list[Surface]) -> list[SurfaceOutcome]:
        """Check every surface; one that fails does not stop the others."""
        by_name = {surface.name: surface for surface in surfaces}
        outcomes = []
        for title, examine in self._examinations(by_name):
            try:
                outcomes.append(SurfaceOutcome(title, passed=True, detail=examine()))
            except (httpx.HTTPError, SurfaceFaultError, KeyError, json.JSONDecodeError) as fault:
                outcomes.append(SurfaceOutcome(title, passed=False, detail=f"{type(fault).__name__}: {fault}"))
        return outcomes

    def _examinations(self, surfaces: dict[str, Surface]) -> Iterator[tuple[str, Callable[[], str]]]:
        yield "Dagster 数据管线", lambda: self._dagster(surfaces["dagster"].address)
        yield "数据接口（API）", lambda: self._api(surfaces["api"].address)
        yield "签名报告（PDF）", self._reports
        if browser_program() is None:
            yield "Superset 看板（无浏览器，只查页面）", lambda: self._page(surfaces["superset"].address)
        else:
            yield "Superset 看板（浏览器）", lambda: self._dashboard(surfaces["superset"].address)

    def _dagster(self, address: str) -> str:
        query = "{ assetNodes { assetKey { path } } repositoriesOrError { __typename } }"
        answer = httpx.post(f"{address}/graphql", json={"query": query}, timeout=TIMEOUT_S).raise_for_status()
        nodes = answer.json()["data"]["assetNodes"]
        if not nodes:
            message = "没有加载到任何资产"
            raise SurfaceFaultError(message)
        return f"{len(nodes)} 个资产"

    def _api(self, address: str) -> str:
        origin = address.removesuffix("/docs")
        prepare_operations(self.warehouse)
        with self.warehouse.connect(Role.PUBLISHER) as connection:
            made = create_token(
                connection, self.keys, name="park once", scopes=[Scope.MARTS_READ], now=self.settings.present
            )
        headers = {"Authorization": f"Bearer {made.text}"}
        marts = httpx.get(f"{origin}/v1/marts", headers=headers, timeout=TIMEOUT_S).raise_for_status().json()
        refused = httpx.get(f"{origin}/v1/marts", timeout=TIMEOUT_S)
        with self.warehouse.connect(Role.PUBLISHER) as connection:
            revoke_token(connection, made.token.token_id, now=self.settings.present)
        if refused.status_code != httpx.codes.UNAUTHORIZED:
            message = f"没有令牌也能读取（HTTP {refused.status_code}）"
            raise SurfaceFaultError(message)
        return f"{len(marts['marts'])} 个数据集；无令牌被拒绝"

    def _reports(self) -> str:
        store = ArtifactStore(self.home.artifacts)
        rows = self.warehouse.read(
            Role.READER,
            "select title, business_date, artifact, signature_artifact from published.reports where is_current",
        )
        if rows.is_empty():
            message = "还没有签发任何报告"
            raise SurfaceFaultError(message)
        for _, _, artifact, signature in rows.iter_rows():
            verdict = verify_report(store.read(artifact), json.loads(store.read(signature)), self.keys)
            if not verdict.is_valid:
                message = f"{artifact}：{verdict.sentence}"
                raise SurfaceFaultError(message)
        title, day, artifact, _ = rows.row(-1)
        return f"{title} {day}，验签通过：{store.root / artifact}"

    def _page(self, address: str) -> str:
        answer = httpx.get(address, timeout=TIMEOUT_S, follow_redirects=True).raise_for_status()
        return f"HTTP {answer.status_code}，{len(answer.content)} 字节"

    def _dashboard(self, address: str) -> str:
        user, password = self.admin
        picture = self.home.artifacts / PICTURES / "park_overview.png"
        with signed_in_page(address, user, password, width=1920, height=1080) as page:
            look = look_at_dashboard(page, address, picture)
        faults = [*look.failures, *(f"访问了外部地址 {url}" for url in look.foreign)]
        if faults or not look.charts:
            message = "；".join(faults) or "页面上没有图表"
            raise SurfaceFaultError(f"{message}（截图 {picture}）")
        return f"{look.charts} 个图表，{look.seconds:.0f} 秒画完，截图 {picture}"


class SurfaceFaultError(RuntimeError):
    """A surface answers but does not show what it should."""
