"""Publishing: readers see trusted groups whole, or the last good ones with their age."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime

import psycopg
import pytest

from lakehouse.warehouse import Role, Warehouse
from quality.checks import check_mart
from quality.publishing import Publication, hold_group, publish_group
from quality.suites import Expectation, Suite

SUNDAY = datetime(2026, 3, 1, 1, tzinfo=UTC)
MONDAY = datetime(2026, 3, 2, 1, tzinfo=UTC)
NOT_EMPTY = Expectation(type="expect_table_row_count_to_be_between", kwargs={"min_value": 1}, says="不能为空")
HOURS = Suite(
    mart="test_hours",
    group="test",
    time_column="measured_at",
    expectations=[
        NOT_EMPTY,
        Expectation(
            type="expect_column_values_to_be_between",
            kwargs={"column": "aqi", "min_value": 0, "max_value": 500},
            says="空气质量指数应在 0–500 之间",
        ),
        Expectation(
            type="expect_compound_columns_to_be_unique",
            kwargs={"column_list": ["station_id", "measured_at"]},
            says="每站每小时只能有一行",
        ),
    ],
)
DAYS = Suite(mart="test_days", group="test", time_column="business_date", expectations=[NOT_EMPTY])
GROUP = (HOURS, DAYS)
BUILD = """
create table marts.test_hours (station_id text not null, measured_at timestamptz not null, aqi integer);
create unique index on marts.test_hours (station_id, measured_at);
comment on table marts.test_hours is '空气站小时指数';
comment on column marts.test_hours.aqi is '空气质量指数';
insert into marts.test_hours select 'A01', timestamptz '2026-02-28 16:00Z' + n * interval '1 hour', 40 + n
from generate_series(0, 9) as n;
create table marts.test_days (station_id text not null, business_date date not null, aqi integer);
insert into marts.test_days values ('A01', '2026-03-01', 45);
"""
CLEAR = """
drop table if exists marts.test_hours, marts.test_days;
"""


@pytest.fixture
def marts(warehouse: Warehouse) -> Iterator[Warehouse]:
    with warehouse.connect(Role.BUILDER) as connection:
        connection.execute(BUILD)
    yield warehouse
    with warehouse.connect(Role.BUILDER) as connection:
        connection.execute(CLEAR)
    with warehouse.connect(Role.PUBLISHER) as connection:
        connection.execute("drop table if exists published.test_hours, published.test_days")
        connection.execute("delete from published.publications where mart_group = 'test'")
        connection.execute("delete from ops.publications where mart_name like 'test!_%' escape '!'")


def build(warehouse: Warehouse, statement: str) -> None:
    """Change a mart the way dbt would."""
    with warehouse.connect(Role.BUILDER) as connection:
        connection.execute(statement)  # type: ignore[arg-type]


def publish(warehouse: Warehouse, at: datetime = SUNDAY) -> dict[str, Publication]:
    return {done.mart: done for done in publish_group(warehouse, GROUP, published_at=at, run_id="run")}


def published(warehouse: Warehouse, mart: str = "test_hours") -> list[tuple[object, ...]]:
    return warehouse.read(Role.READER, f"select * from published.{mart} order by 1, 2").rows()  # noqa: S608


def ledger(warehouse: Warehouse, mart: str = "test_hours") -> dict[str, object]:
    query = "select * from published.publications where mart_name = %s"
    (row,) = warehouse.read(Role.READER, query, (mart,)).rows(named=True)
    return row


def table_number(warehouse: Warehouse, mart: str) -> int:
    return int(
        warehouse.read(Role.READER, "select to_regclass(%s)::oid::bigint as n", (f"published.{mart}",))["n"].item()
    )


def test_readers_see_the_marts_rows_with_their_time_and_count(marts: Warehouse):
    done = publish(marts)
    assert done["test_hours"] == Publication("test_hours", True, 10, datetime(2026, 3, 1, 1, tzinfo=UTC))
    assert published(marts) == marts.read(Role.BUILDER, "select * from marts.test_hours order by 1, 2").rows()
    row = ledger(marts)
    assert (row["mart_group"], row["row_count"], row["published_at"], row["is_held"]) == ("test", 10, SUNDAY, False)
    assert row["data_until"] == datetime(2026, 3, 1, 1, tzinfo=UTC)


def test_a_business_date_reaches_to_its_midnight_in_the_park(marts: Warehouse):
    assert publish(marts)["test_days"].data_until == datetime(2026, 3, 1, 16, tzinfo=UTC)


def test_an_unchanged_mart_keeps_its_table(marts: Warehouse):
    publish(marts)
    before = table_number(marts, "test_hours"), ledger(marts)["fingerprint"]
    build(marts, "create table marts.again as select * from marts.test_hours order by measured_at desc")
    build(marts, "alter index marts.test_hours_station_id_measured_at_idx rename to another_name")
    build(
        marts,
        "truncate marts.test_hours; insert into marts.test_hours select * from marts.again; drop table marts.again",
    )
    assert not publish(marts, MONDAY)["test_hours"].changed, "another order of rows is no change"
    assert (table_number(marts, "test_hours"), ledger(marts)["fingerprint"]) == before
    assert marts.read(Role.PUBLISHER, "select * from ops.publications where mart_name = 'test_hours'").height == 1


@pytest.mark.parametrize(
    "change",
    [
        "update marts.test_hours set aqi = 41 where aqi = 40",
        "delete from marts.test_hours where aqi = 40",
        "update marts.test_hours set aqi = null where aqi = 40",
        "alter table marts.test_hours add column zone_id text",
        "alter table marts.test_hours alter column aqi type bigint",
        "comment on column marts.test_hours.aqi is '实时空气质量指数'",
        "comment on table marts.test_hours is '空气站逐小时指数'",
        "create index on marts.test_hours (measured_at)",
    ],
)
def test_whatever_readers_could_notice_is_published(marts: Warehouse, change: str):
    publish(marts)
    build(marts, change)
    done = publish(marts, MONDAY)
    assert done["test_hours"].changed
    assert not done["test_days"].changed


def test_descriptions_and_indexes_come_along(marts: Warehouse):
    publish(marts)
    described = marts.read(
        Role.READER,
        "select obj_description(t) as of_table, col_description(t, 3) as of_column, "
        "(select count(*) from pg_index where indrelid = t and indisunique) as unique_indexes "
        "from (select to_regclass('published.test_hours') as t) as found",
    )
    assert described.row(0) == ("空气站小时指数", "空气质量指数", 1)


def test_readers_keep_their_right_through_every_swap(marts: Warehouse):
    for aqi in (1, 2, 3):
        build(marts, f"update marts.test_hours set aqi = {aqi}")  # noqa: S608 - a number of this test
        publish(marts)
        assert {row[2] for row in published(marts)} == {aqi}


def test_a_group_that_fails_half_way_keeps_all_its_old_tables(marts: Warehouse):
    publish(marts)
    build(marts, "update marts.test_hours set aqi = 99; drop table marts.test_days")
    with pytest.raises(psycopg.errors.UndefinedTable):
        publish(marts, MONDAY)
    assert {row[2] for row in published(marts)} == set(range(40, 50))
    assert published(marts, "test_days") == [("A01", date(2026, 3, 1), 45)]
    assert ledger(marts)["published_at"] == SUNDAY


def test_what_is_held_says_since_when_and_why_and_stays_readable(marts: Warehouse):
    publish(marts)
    hold_group(marts, GROUP, held_at=MONDAY, reason="步骤 test_hours_is_trusted 未通过")
    hold_group(marts, GROUP, held_at=datetime(2026, 3, 3, tzinfo=UTC), reason="步骤 dbt_models 未通过")
    for mart in ("test_hours", "test_days"):
        row = ledger(marts, mart)
        assert (row["is_held"], row["held_since"], row["published_at"]) == (True, MONDAY, SUNDAY)
        assert row["held_reason"] == "步骤 dbt_models 未通过", "the newest reason, since the first time"
    assert len(published(marts)) == 10


def test_publishing_again_ends_the_hold(marts: Warehouse):
    publish(marts)
    hold_group(marts, GROUP, held_at=MONDAY, reason="r")
    publish(marts, MONDAY)
    row = ledger(marts)
    assert (row["is_held"], row["held_since"], row["held_reason"]) == (False, None, None)


def test_an_open_reader_delays_a_swap_only_so_long(marts: Warehouse, monkeypatch: pytest.MonkeyPatch):
    publish(marts)
    build(marts, "update marts.test_hours set aqi = 7")
    monkeypatch.setattr("lakehouse.warehouse.LOCK_TIMEOUT", "400ms")
    with psycopg.connect(marts.plain_url(Role.READER)) as reader:
        reader.execute("select * from published.test_hours")
        started = time.monotonic()
        with pytest.raises(psycopg.errors.LockNotAvailable):
            publish(marts, MONDAY)
        assert time.monotonic() - started < 10
        assert reader.execute("select count(*) from published.test_hours").fetchone() == (10,)
    publish(marts, MONDAY)
    assert {row[2] for row in published(marts)} == {7}


def test_readers_meet_the_old_group_or_the_new_one_never_a_mixture(marts: Warehouse):
    publish(marts)
    mixtures: list[tuple[object, ...]] = []
    seen: set[object] = set()
    done = threading.Event()

    def look() -> None:
        query = (
            "select (select max(aqi) from published.test_hours) as a, (select max(aqi) from published.test_days) as b"
        )
        while not done.is_set():
            row = marts.read(Role.READER, query).row(0)
            seen.add(row)
            if row not in {(49, 45)} and row[0] != row[1]:
                mixtures.append(row)

    readers = [threading.Thread(target=look) for _ in range(3)]
    for reader in readers:
        reader.start()
    for generation in range(100, 110):
        for mart in ("test_hours", "test_days"):
            build(marts, f"update marts.{mart} set aqi = {generation}")  # noqa: S608 - names of this test
        publish(marts, MONDAY)
    done.set()
    for reader in readers:
        reader.join()
    assert mixtures == []
    assert len(seen) > 2


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        ("update marts.test_hours set aqi = 900 where aqi = 40", "空气质量指数应在 0–500 之间"),
        ("update marts.test_hours set aqi = -1 where aqi = 40", "空气质量指数应在 0–500 之间"),
        (
            (
                "drop index marts.test_hours_station_id_measured_at_idx; "
                "insert into marts.test_hours select * from marts.test_hours"
            ),
            "每站每小时只能有一行",
        ),
        ("truncate marts.test_hours", "不能为空"),
        ("alter table marts.test_hours drop column aqi", "空气质量指数应在 0–500 之间"),
    ],
)
def test_a_spoiled_mart_is_found_by_the_sentence_it_breaks(marts: Warehouse, spoil: str, sentence: str):
    assert all(finding.passed for finding in check_mart(marts, HOURS))
    build(marts, spoil)
    findings = check_mart(marts, HOURS)
    assert [finding.says for finding in findings if not finding.passed] == [sentence]
    assert not findings[0].passed, "failed ones come first"


def test_a_check_leaves_no_lock_on_the_mart(marts: Warehouse):
    check_mart(marts, HOURS)
    with marts.connect(Role.BUILDER) as connection:
        connection.execute("set local lock_timeout = '1s'")
        connection.execute("alter table marts.test_hours rename to test_hours_old")
        connection.execute("alter table marts.test_hours_old rename to test_hours")
