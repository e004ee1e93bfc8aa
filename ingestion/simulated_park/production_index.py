"""A real monthly production index, offered as one more stream of the data middle platform; nothing is copied."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from ingestion.simulated_park.calendar_months import local_time, month_end
from ingestion.simulated_park.errors import ReplayFolderError

SECTOR_NAMES = {"B": "采矿业", "C": "制造业"}
_PUBLISHED_AFTER_DAYS = 40


@dataclass(frozen=True)
class IndexValue:
    """One month of the unadjusted index of one sector (section letter of the industry classification)."""

    sector: str
    month: date
    value: float

    @property
    def published_at(self) -> datetime:
        """When the platform had the value: forty days after the month's end, in the morning."""
        return local_time(month_end(self.month) + timedelta(days=_PUBLISHED_AFTER_DAYS), hour=9)


def has_production_index(replay_dir: Path | None) -> bool:
    """Tell whether the folder of real series has a production index."""
    return replay_dir is not None and (replay_dir / "insee_ipi" / "raw_monthly.csv").is_file()


def read_production_index(replay_dir: Path) -> list[IndexValue]:
    """Read the unadjusted monthly series; months without a value are left out.

    Raises:
        ReplayFolderError: The file is not a table of sector, period (YYYY-MM) and value.
    """
    path = replay_dir / "insee_ipi" / "raw_monthly.csv"
    try:
        rows = pl.read_csv(
            path, columns=["sector", "period", "value"], schema_overrides={"sector": pl.String, "value": pl.Float64}
        ).with_columns(pl.col("period").cast(pl.String).str.to_date("%Y-%m"))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ReplayFolderError(
            f"{path} is not a table of sector, period and value ({error}): fetch it anew."
        ) from error
    known = rows.drop_nulls().sort("sector", "period")
    return [IndexValue(sector, month, value) for sector, month, value in known.iter_rows()]
