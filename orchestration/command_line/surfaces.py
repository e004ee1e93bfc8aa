"""What people open, and whether it really answers."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from lakehouse.home import Home


@dataclass(frozen=True)
class Surface:
    """One page or interface that people use."""

    name: str
    title: str
    address: str


@dataclass(frozen=True)
class SurfaceOutcome:
    """Whether a surface answered, and what it said."""

    title: str
    passed: bool
    detail: str


def check_surfaces(surfaces: list[Surface], home: Home) -> list[SurfaceOutcome]:
    """Open every surface once over HTTP."""
    return [_answers(surface) for surface in surfaces]


def _answers(surface: Surface) -> SurfaceOutcome:
    try:
        answer = httpx.get(surface.address, timeout=30, follow_redirects=True)
    except httpx.HTTPError as error:
        return SurfaceOutcome(surface.title, passed=False, detail=f"{type(error).__name__}: {error}")
    return SurfaceOutcome(surface.title, answer.is_success, f"HTTP {answer.status_code}，{len(answer.content)} 字节")
