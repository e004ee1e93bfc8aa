"""Landing of deliveries that keep their promise: once, with provenance, newest last."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from ingestion.readers import DayRange, SourceUnavailableError
from methods.readings import clean_readings
from tests.unit.ingestion.landing.conftest import Park

FACTORS = pl.DataFrame(
    {
        "factor_code": ["a34004"],
        "pollutant_code": ["pm25"],
        "source_unit": ["ug/m3"],
        "canonical_unit": ["ug/m3"],
        "conversion_factor": [1.0],
        "valid_from": [date(2010, 1, 1)],
        "valid_to": pl.Series([None], dtype=pl.Date),
    }
)


def cleaned(park: Park) -> list[tuple[datetime, float]]:
    readings = clean_readings(park.bronze(), FACTORS, ["A01"]).readings
    return readings.sort("measured_at").select("measured_at", "value").rows()


@pytest.mark.parametrize(
    "name", ["2026-03-01.parquet", "2026-03-01.csv.gz", "2026-03-01.csv", "2026/2026-03-01.parquet"]
)
def test_every_row_lands_with_the_place_it_came_from(park: Park, name: str):
    rows = park.texts() if name.endswith("gz") else park.readings()
    park.put(name, rows)
    result = park.land()
    assert (result.deliveries_landed, result.rows_landed, result.rows_refused) == (1, 24, 0)
    bronze = park.bronze()
    assert bronze["_row_number"].to_list() == list(range(1, 25))
    assert bronze["_source_uri"].unique().to_list() == [f"air_readings/{name}"]
    assert bronze["measured_at"][0] == datetime(2026, 2, 28, 16, tzinfo=UTC)
    assert bronze["business_month"].unique().to_list() == ["2026-03"]
    assert park.refused().is_empty()


def test_both_kinds_of_file_land_as_the_same_rows(park: Park):
    park.put("2026-03-01.parquet", park.readings("2026-03-01"))
    park.put("2026-03-02.csv.gz", park.texts("2026-03-02"))
    park.land()
    own = ("measured_at", "_source_uri", "_digest", "_batch_id", "_loaded_at")
    first, second = (rows.drop(own) for rows in park.bronze().partition_by("_source_uri"))
    assert first.equals(second)
    assert first.height == 24


def test_the_same_content_again_changes_nothing(park: Park):
    park.put("2026-03-01.parquet", park.readings())
    park.land()
    version = park.lake.version(park.landing.table)
    again = park.land()
    assert (again.deliveries_known, again.deliveries_landed, again.rows_landed) == (1, 0, 0)
    assert park.lake.version(park.landing.table) == version


@pytest.mark.parametrize("at_once", [True, False])
def test_the_same_content_under_another_name_changes_nothing(park: Park, at_once: bool):
    park.put("2026-03-01.parquet", park.readings())
    if not at_once:
        park.land()
    park.put("2026-03-01_copy.parquet", park.readings())
    assert park.land().deliveries_landed == (1 if at_once else 0)
    assert park.bronze().height == 24


def test_a_corrected_file_is_a_new_batch_and_its_readings_win(park: Park):
    park.put("2026-03-01.parquet", park.readings(value=35.0))
    park.land()
    park.put("2026-03-01.parquet", park.readings(hours=[5], value=50.0))
    assert park.land().deliveries_landed == 1
    assert park.bronze().height == 25, "what was delivered first stays in bronze"
    values = [value for _, value in cleaned(park)]
    assert values[5] == 50.0
    assert values.count(35.0) == 23


@pytest.mark.parametrize("name", ["2026-03-01-corrected.parquet", "2026-03-01_2.parquet", "2026-03-01.2.csv.gz"])
def test_a_correction_beside_the_first_file_wins_whether_they_come_together_or_not(park: Park, name: str):
    park.put("2026-03-01.parquet", park.readings(value=35.0))
    correction = park.readings(hours=[5], value=50.0)
    text = correction.with_columns(pl.col("measured_at").dt.strftime("%Y-%m-%dT%H:%M:%S%:z"))
    park.put(name, text if name.endswith("gz") else correction)
    park.land()
    assert [value for _, value in cleaned(park)][5] == 50.0


def test_files_outside_the_asked_days_are_left(park: Park):
    for day in ("2026-02-28", "2026-03-01", "2026-03-02"):
        park.put(f"{day}.parquet", park.readings(day))
    assert park.land(DayRange(date(2026, 3, 1), date(2026, 3, 1))).deliveries_landed == 1
    assert park.land().deliveries_landed == 2


def test_a_month_is_kept_by_the_parks_calendar_not_by_utc(park: Park):
    park.put("2026-03-01.parquet", park.readings("2026-03-01", hours=[0]))
    park.put("2026-02-28.parquet", park.readings("2026-02-28", hours=[23]))
    park.land()
    assert park.bronze().sort("measured_at")["business_month"].to_list() == ["2026-02", "2026-03"]


def test_dictionary_coded_text_is_text(park: Park):
    rows = park.readings().with_columns(pl.col("station_id_iot", "factor_code", "unit").cast(pl.Categorical))
    park.put("2026-03-01.parquet", rows)
    assert park.land().rows_landed == 24
    assert park.bronze().schema["station_id_iot"] == pl.String


@pytest.mark.parametrize("offset", ["+08:00", "+0800"])
def test_the_parks_offset_may_be_spelled_either_way(park: Park, offset: str):
    rows = park.texts().with_columns(pl.col("measured_at").str.replace("+08:00", offset, literal=True))
    park.put("2026-03-01.csv.gz", rows)
    assert park.land().rows_landed == 24


def test_a_missing_optional_column_is_null(park: Park):
    park.put("2026-03-01.parquet", park.readings().drop("source_flag"))
    assert park.land().rows_landed == 24
    assert park.bronze()["source_flag"].null_count() == 24


def test_progress_counts_every_delivery(park: Park):
    for day in ("2026-03-01", "2026-03-02"):
        park.put(f"{day}.parquet", park.readings(day))
    steps: list[int] = []
    days = DayRange(date(2026, 3, 1), date(2026, 3, 2))
    park.landing.land(park.archive.deliveries(park.source, park.landing.stream, days), steps.append)
    assert sum(steps) == 2


def test_a_missing_folder_names_source_folder_and_setting(park: Park):
    with pytest.raises(SourceUnavailableError) as refusal:
        park.land()
    sentence = str(refusal.value)
    for part in ("iot_archive", "物联网归档", "air_readings", str(park.folder), "PARK_IOT_ARCHIVE_URL"):
        assert part in sentence


def test_an_empty_folder_is_no_error(park: Park):
    (park.folder / "air_readings").mkdir(parents=True)
    assert park.land().deliveries_landed == 0


def test_unfinished_uploads_are_not_read(park: Park):
    park.put(".2026-03-01.parquet.unfinished", b"PAR1")
    assert park.land().deliveries_refused == 0
