"""Every setting of the platform, read once from the environment (prefix `PARK_`) and from `.env`.

No other module reads the environment. Secrets never arrive as plain settings: they are generated into
`PARK_HOME/keys` on the first run, and a `*_file` setting points to another file where an office keeps its own.
"""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import AnyUrl, Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PARK_TIME_ZONE = ZoneInfo("Asia/Shanghai")
PROJECT_ROOT = Path(__file__).resolve().parent.parent


class ParkSize(StrEnum):
    """How large the simulated park is."""

    SMALL = "small"
    PARK = "park"


class Settings(BaseSettings):
    """All settings, with the defaults of the embedded platform."""

    model_config = SettingsConfigDict(env_prefix="PARK_", env_file=".env", env_ignore_empty=True, extra="ignore")

    home: Path = Field(default=Path("var"), description="Folder of all state; deleting it is a full reset.")
    now: datetime | None = Field(
        default=None, description="The present moment (ISO 8601); empty means the clock at start."
    )
    size: ParkSize = Field(default=ParkSize.SMALL, description="Size of the simulated park: small or park.")
    seed: int = Field(default=20260301, description="Seed of the simulated park; the same seed gives the same park.")
    replay_dir: Path | None = Field(default=None, description="Folder of real series that the simulated park replays.")
    warehouse_url: AnyUrl | None = Field(
        default=None, description="PostgreSQL ≥ 15 to use instead of the embedded one."
    )
    warehouse_password_file: Path | None = Field(default=None, description="File with the password of `warehouse_url`.")
    iot_archive_url: str | None = Field(
        default=None, description="Folder of the IoT archives; empty means the simulated park."
    )
    telemetry_archive_url: str | None = Field(
        default=None, description="Folder of the telemetry archives; empty means the simulated park."
    )
    outlet_monitoring_url: str | None = Field(
        default=None, description="Folder of the HJ 212 logs of outlets; empty means the simulated park."
    )
    outlet_monitoring_keys_file: Path | None = Field(
        default=None, description="File with the SM4 keys of outlets (JSON: device number → list of keys)."
    )
    vehicle_tracking_url: str | None = Field(
        default=None, description="Folder of the JT/T 808 logs of vehicles; empty means the simulated park."
    )
    middle_platform_url: str | None = Field(
        default=None, description="Base URL of the data middle platform; empty means the simulated park."
    )
    middle_platform_client_id: str = Field(
        default="lakehouse", description="Our client id at the data middle platform."
    )
    middle_platform_client_secret_file: Path | None = Field(
        default=None, description="File with our client secret at the data middle platform."
    )
    economic_information_url: str | None = Field(
        default=None, description="SQLAlchemy URL of the older statistics system; empty means the simulated park."
    )
    economic_information_password_file: Path | None = Field(
        default=None, description="File with the password of `economic_information_url`."
    )
    smart_statistics_url: str | None = Field(
        default=None, description="SQLAlchemy URL of the newer statistics system; empty means the simulated park."
    )
    smart_statistics_password_file: Path | None = Field(
        default=None, description="File with the password of `smart_statistics_url`."
    )
    contractor_safety_url: str | None = Field(
        default=None, description="SQLAlchemy URL of the contractor system; empty means the simulated park."
    )
    contractor_safety_password_file: Path | None = Field(
        default=None, description="File with the password of `contractor_safety_url`."
    )
    spark_master: str | None = Field(
        default=None, description="Spark cluster that judges telemetry (yarn, k8s://…); empty means local processes."
    )
    postgres_port: int = Field(default=54321, description="Port of the embedded PostgreSQL (if taken: a free one).")
    dagster_port: int = Field(default=3000, description="Port of the Dagster pages (if taken: a free one).")
    superset_port: int = Field(default=8088, description="Port of Superset (if taken: a free one).")
    api_port: int = Field(default=8000, description="Port of the API (if taken: a free one).")
    key_provider: str = Field(default="file", description="Holder of the keys: file, or package.module:factory (HSM).")
    map_tile_url: str | None = Field(
        default=None, description="Base map tiles {z}/{x}/{y}; empty: the park's own shapes."
    )

    @field_validator("now")
    @classmethod
    def _now_has_a_zone(cls, value: datetime | None) -> datetime | None:
        """A time without a zone is read as Asia/Shanghai, the park's own clock."""
        if value is not None and value.tzinfo is None:
            return value.replace(tzinfo=PARK_TIME_ZONE)
        return value

    @field_validator("home", "replay_dir")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value if value is None or value.is_absolute() else PROJECT_ROOT / value

    @cached_property
    def present(self) -> datetime:
        """The present moment in UTC: `PARK_NOW`, else the clock, read once per process."""
        return (self.now or datetime.now(UTC)).astimezone(UTC)

    @property
    def last_full_day(self) -> date:
        """The last business date (Asia/Shanghai) that has ended before the present moment."""
        return self.present.astimezone(PARK_TIME_ZONE).date() - timedelta(days=1)


def one_thread_for_polars() -> None:
    """Give Polars one thread in this process, where several processes share the cores; before its first import."""
    os.environ["POLARS_MAX_THREADS"] = "1"


def process_environment() -> dict[str, str]:
    """Return a copy of this process's environment, for the processes it starts."""
    return dict(os.environ)
