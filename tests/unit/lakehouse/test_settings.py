"""Settings: read from PARK_*, with the park's own clock."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from lakehouse.settings import PROJECT_ROOT, Settings


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"PARK_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)  # no .env of this checkout


def test_everything_has_a_default():
    settings = Settings()
    assert settings.home == PROJECT_ROOT / "var"
    assert settings.warehouse_url is None


def test_now_without_a_zone_is_the_parks_clock(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PARK_NOW", "2026-03-01T00:30:00")
    settings = Settings()
    assert settings.present == datetime(2026, 2, 28, 16, 30, tzinfo=UTC)
    assert settings.last_full_day == date(2026, 2, 28)


@pytest.mark.parametrize(
    ("now", "last_full_day"),
    [
        ("2026-03-01T00:00:00+08:00", date(2026, 2, 28)),
        ("2026-02-28T15:59:59+00:00", date(2026, 2, 27)),
        ("2026-02-28T16:00:00+00:00", date(2026, 2, 28)),
        ("2024-03-01T08:00:00+08:00", date(2024, 2, 29)),
    ],
)
def test_the_last_full_day_ends_at_midnight_in_shanghai(now: str, last_full_day: date, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PARK_NOW", now)
    assert Settings().last_full_day == last_full_day


def test_the_present_moment_is_read_once():
    settings = Settings()
    assert settings.present is settings.present


def test_an_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PARK_WAREHOUSE_URL", "")
    assert Settings().warehouse_url is None


@pytest.mark.parametrize(("name", "value"), [("NOW", "yesterday"), ("SIZE", "huge"), ("POSTGRES_PORT", "many")])
def test_a_senseless_value_is_refused_by_name(name: str, value: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(f"PARK_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_a_relative_home_lies_in_the_project_wherever_one_stands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PARK_HOME", "elsewhere")
    assert Settings().home == PROJECT_ROOT / "elsewhere"
    monkeypatch.setenv("PARK_HOME", str(tmp_path))
    assert Settings().home == tmp_path
