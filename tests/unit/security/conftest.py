"""A key ring on a clock the test holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from security.key_ring import FileKeyRing


@dataclass
class _Clock:
    """A clock that stands still until it is told to go on."""

    moment: datetime = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def let_days_pass(clock: _Clock) -> Callable[[int], None]:
    """Move the clock of the ring."""

    def move(days: int) -> None:
        clock.moment += timedelta(days=days)

    return move


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "ring"


@pytest.fixture
def ring(folder: Path, clock: _Clock) -> FileKeyRing:
    return FileKeyRing(folder, now=clock)


@pytest.fixture
def another_process(folder: Path, clock: _Clock) -> Callable[[], FileKeyRing]:
    """Open the same folder again with nothing remembered."""
    return lambda: FileKeyRing(folder, now=clock)


@pytest.fixture(scope="module")
def shared_ring(tmp_path_factory: pytest.TempPathFactory) -> FileKeyRing:
    """One ring for all examples of a property."""
    return FileKeyRing(tmp_path_factory.mktemp("ring"), now=_Clock())
