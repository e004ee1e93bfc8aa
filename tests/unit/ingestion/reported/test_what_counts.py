"""Which rows count: the newest batch of a month, the newest row of a key; and that nothing goes unseen."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

import pytest

from ingestion.readers import DayRange
from lakehouse.lake import Lake

if TYPE_CHECKING:
    from tests.unit.ingestion.reported.conftest import Office

FEED = {
    "delivery": "changes",
    "partition": {"by": "month", "run_by": "year", "column": "submitted_at", "first": "2024-01-01"},
}
WHOLE = {"partition": {"by": "month", "run_by": "year", "first": "2024-01-01"}}


def bronze_rows(lake: Lake) -> int:
    return lake.scan("bronze/old_office__reports").collect().height


def test_a_retroactive_change_is_a_new_batch_of_its_month_only(office: Office):
    office.holds((1, "202601", "10", None), (2, "202602", "20", None))
    office.land()
    before = office.standing.piece_digests()
    office.holds((1, "202601", "11", None), (2, "202602", "20", None))
    result = office.land()
    assert (result.deliveries_landed, result.deliveries_known) == (1, 1)
    assert [str(amount) for _, amount in office.counted("report_id", "amount")] == ["11.000000", "20.000000"]
    after = office.standing.piece_digests()
    assert {label for label in after if after[label] != before[label]} == {"2026-01"}
    assert bronze_rows(office.lake) == 3, "bronze keeps what was delivered before"


def test_a_row_that_is_gone_from_its_month_is_gone(office: Office):
    office.holds((1, "202601", "10", None), (2, "202601", "20", None))
    office.land()
    office.holds((2, "202601", "20", None))
    office.land()
    assert office.counted("report_id") == [(2,)]


def test_a_correction_that_is_taken_back_counts_too(office: Office):
    digests = []
    for amount in ("10", "11", "10"):
        office.holds((1, "202601", amount, None))
        office.land()
        digests.append(office.standing.piece_digests()["2026-01"])
    assert [str(row[0]) for row in office.counted("amount")] == ["10.000000"]
    assert len(set(digests)) == 3, "what is made from the month must be made again each time"
    assert office.land().deliveries_known == 1


def test_a_month_that_vanishes_altogether_is_kept_and_reported(office: Office):
    office.holds((1, "202601", "10", None), (2, "202602", "20", None))
    office.land()
    office.holds((2, "202602", "20", None))
    for _ in range(2):
        office.land()
    assert office.counted("report_id") == [(1,), (2,)]
    (row,) = office.refused()
    assert (row["reason_code"], row["_source_uri"]) == ("month_vanished", "reports/2026-01")
    assert "消失" in row["reason"]
    assert row["remedy"]


def test_a_month_outside_what_was_asked_for_has_not_vanished(office: Office):
    office.holds((1, "202501", "10", None), (2, "202602", "20", None))
    office.land()
    office.land(DayRange(date(2026, 1, 1), date(2026, 12, 31)))
    assert office.refused() == []


def test_an_emptied_list_is_refused_and_the_old_one_stands(office_of: Callable[..., Office]):
    office = office_of(**WHOLE)
    office.holds((1, "202601", "10", None))
    office.land()
    office.holds()
    result = office.land()
    assert result.refusals == {"empty_delivery": 1}
    assert office.counted("report_id") == [(1,)]


def test_rows_without_a_readable_month_or_from_the_future_are_refused_one_by_one(office: Office):
    office.holds((1, "202613", "10", None), (2, None, "20", None), (3, "202604", "30", None), (4, "202603", "40", None))
    result = office.land()
    assert office.counted("report_id") == [(4,)]
    assert result.refusals == {"wrong_type": 1, "missing_value": 1, "future_time": 1}
    assert {row["_source_uri"] for row in office.refused()} == {"reports/undated"}


def test_a_repeated_key_keeps_one_row_and_shows_the_other(office: Office):
    office.holds((1, "202601", "10", None), (1, "202601", "12", None))
    assert office.land().refusals == {"duplicate_key": 1}
    assert [str(row[0]) for row in office.counted("amount")] == ["10.000000"]
    assert json.loads(office.refused()[0]["record"])["amount"] == "12"


@pytest.mark.parametrize("column", ["amount", "submitted_at", "report_id"])
def test_a_renamed_column_refuses_its_months_and_the_old_rows_stand(office: Office, column: str):
    office.holds((1, "202601", "10", "2026-02-01 09:00:00"))
    office.land()
    columns = "report_id, period, amount, submitted_at".replace(column, f"{column}_2026")
    office.holds((1, "202601", "99", "2026-02-01 09:00:00"), columns=columns)
    assert office.land().refusals == {"missing_column": 1}
    assert [str(row[0]) for row in office.counted("amount")] == ["10.000000"]
    (row,) = office.refused()
    assert f"缺 {column}；多出 {column}_2026" in row["reason"]
    assert "ingestion/sources" in row["remedy"]


def test_a_renamed_month_column_is_said_once(office: Office):
    office.holds((1, "202601", "10", None), (2, "202602", "20", None), columns="report_id, month, amount, submitted_at")
    assert office.land().refusals == {"missing_column": 1}


def test_of_a_feed_the_newest_row_of_each_key_counts_wherever_it_lies(office_of: Callable[..., Office]):
    office = office_of(**FEED)
    office.holds(
        (1, "202601", "10", "2026-01-05 09:00:00"),
        (1, "202601", "11", "2026-03-05 09:00:00"),
        (2, "202601", "20", "2026-01-06 09:00:00"),
    )
    office.land()
    assert [(key, str(amount)) for key, amount in office.counted("report_id", "amount")] == [
        (1, "11.000000"),
        (2, "20.000000"),
    ]


def test_what_a_feed_has_dropped_stays(office_of: Callable[..., Office]):
    office = office_of(**FEED)
    office.holds((1, "202601", "10", "2026-01-05 09:00:00"), (2, "202601", "20", "2026-01-06 09:00:00"))
    office.land()
    office.holds((2, "202601", "21", "2026-03-06 09:00:00"))
    office.land()
    assert [(key, str(amount)) for key, amount in office.counted("report_id", "amount")] == [
        (1, "10.000000"),
        (2, "21.000000"),
    ]
    assert office.refused() == []
