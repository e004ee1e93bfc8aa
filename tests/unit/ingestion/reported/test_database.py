"""Databases as a source: months, retroactive changes, and what is said when one cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from ingestion.readers import DayRange, SourceUnavailableError
from ingestion.readers.database import DatabaseReader

if TYPE_CHECKING:
    from tests.unit.ingestion.reported.conftest import Office

MARCH = (3, "202603", "30.5", "2026-03-02 09:00:00")
FEBRUARY = (2, "202602", 20, "2026-03-01 00:30:00")
JANUARY = (1, "202601", 10.25, "2026-02-01 09:00:00")


def uris(office: Office, days: DayRange) -> list[str]:
    stream = office.source.streams[office.name]
    return [delivery.uri for delivery in office.reader.deliveries(office.source, stream, days)]


def test_rows_are_handed_over_by_month_oldest_first(office: Office):
    office.holds(MARCH, JANUARY, FEBRUARY)
    assert uris(office, DayRange(date(2026, 1, 15), date(2026, 2, 1))) == ["reports/2026-01", "reports/2026-02"]


def test_what_is_older_than_the_first_piece_goes_with_it(office: Office):
    office.holds((9, "201907", "1", None), JANUARY)
    assert uris(office, DayRange(date(2024, 1, 1), date(2024, 12, 31))) == ["reports/2019-07"]
    assert uris(office, DayRange(date(2025, 1, 1), date(2025, 12, 31))) == []


def test_numbers_of_any_driver_are_exact_and_times_get_the_zone_of_their_source(office: Office):
    office.holds(MARCH, FEBRUARY, JANUARY)
    office.land()
    assert office.counted("report_id", "amount") == [(1, Decimal("10.25")), (2, Decimal(20)), (3, Decimal("30.5"))]
    (february,) = [row for row in office.counted("report_id", "submitted_at") if row[0] == 2]
    assert february[1].isoformat() == "2026-02-28T16:30:00+00:00"


def test_the_same_rows_in_another_order_change_nothing(office: Office):
    office.holds((1, "202601", "10", None), (2, "202601", "20", None))
    assert office.land().deliveries_landed == 1
    office.holds((2, "202601", "20", None), (1, "202601", "10", None))
    again = office.land()
    assert (again.deliveries_landed, again.deliveries_known) == (0, 1)


def test_column_names_are_matched_without_regard_to_case(office: Office):
    office.holds(JANUARY, columns="REPORT_ID, Period, AMOUNT, Submitted_At")
    assert office.land().rows_landed == 1


def test_a_missing_file_is_no_empty_database(office: Office):
    with pytest.raises(SourceUnavailableError) as refusal:
        uris(office, DayRange(date(2026, 1, 1), date(2026, 12, 31)))
    assert not office.path.exists(), "asking must not create it"
    for words in ("old_office (旧统计系统)", "'reports'", str(office.path), "PARK_OLD_OFFICE_URL"):
        assert words in str(refusal.value)


def test_a_missing_table_is_named_with_those_that_are_there(office: Office):
    office.holds(JANUARY)
    renamed = office.source.model_copy(
        update={"streams": {"reports": office.source.streams["reports"].model_copy(update={"options": {}})}}
    )
    with pytest.raises(SourceUnavailableError, match=r"'reports'.*no table 'reports'; the database has REPORT\."):
        list(office.reader.deliveries(renamed, renamed.streams["reports"], DayRange(date(2026, 1, 1), date.max)))


def test_a_file_that_is_no_database_is_said_so(office: Office):
    office.path.write_text("not a database at all, but some text that is long enough to look like a file header")
    with pytest.raises(SourceUnavailableError, match="cannot be read: file is not a database"):
        uris(office, DayRange(date(2026, 1, 1), date(2026, 12, 31)))


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("no address", "PARK_OLD_OFFICE_URL is no SQLAlchemy address"),
        ("unheardof://u@host/name", "unheardof"),
        ("postgresql+psycopg://clerk@127.0.0.1:1/stats", "postgresql\\+psycopg://clerk:\\*\\*\\*@127.0.0.1:1/stats"),
    ],
)
def test_an_address_that_leads_nowhere_is_said_without_its_password(office: Office, address: str, says: str):
    reader = DatabaseReader(address, "old_office_url", office.present, password="hush")
    with pytest.raises(SourceUnavailableError, match=says) as refusal:
        list(reader.deliveries(office.source, office.source.streams["reports"], DayRange(date(2026, 1, 1), date.max)))
    assert "hush" not in str(refusal.value)


def test_a_source_cannot_be_written_to(office_of: Callable[..., Office]):
    office = office_of(options={"query": "delete from REPORT returning *"})
    office.holds(JANUARY)
    with pytest.raises(SourceUnavailableError, match="readonly database"):
        office.land()


def test_a_query_of_ours_may_stand_for_a_table(office_of: Callable[..., Office]):
    query = "select report_id, period, amount, submitted_at from REPORT where amount > 15"
    office = office_of(options={"query": query, "time_zone": "Asia/Shanghai"})
    office.holds(JANUARY, FEBRUARY)
    office.land()
    assert office.counted("report_id") == [(2,)]
