"""`park aqi`, `park daily`, `park codes` on files as people hand them over; figures computed by hand."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import typer
from click.testing import Result
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from orchestration.command_line import figures_of_files

application = typer.Typer(pretty_exceptions_enable=False)
application.command("aqi")(figures_of_files.aqi)
application.command("daily")(figures_of_files.daily)
application.command("codes")(figures_of_files.codes)

HEADER = "station,timepoint,so2,no2,co,o3,pm10,pm2_5,so2_24h,no2_24h,co_24h,o3_8h,pm10_24h,pm2_5_24h"
OLD, NEW = "2018-02-20T07:00:00", "2026-03-02T07:00:00"
HOURS_HEADER = "No,year,month,day,hour,PM2.5,PM10,SO2,NO2,CO,O3,station"


def park(*arguments: str, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(application, list(arguments), input=given)


def index_of(*rows: str, header: str = HEADER, at: str | None = None) -> list[str]:
    """Lines below the header for rows of a file; nothing else may go wrong."""
    result = park("aqi", "-", *(["--at", at] if at else []), given="\n".join([header, *rows]) + "\n")
    assert result.exit_code == 0, result.stderr
    first, *lines = result.stdout.splitlines()
    assert first == "station,timepoint,aqi,level,primary"
    return lines


def test_an_hour_is_judged_by_the_edition_of_its_time():
    row = "A1,{},3,8,0.2,83,7,70,13,28,1.4,86,7,98"
    # PM2.5 70: 2012 50 + 50·35/40 = 93.75, up to 94; 2026 100 + 50·10/55 = 109.1, up to 110.
    times = ["2014-01-01T00:00:00", "2026-02-28T23:00:00", "2026-03-01T00:00:00", "2026-02-28T16:00:00Z"]
    assert [line.split(",", 2)[2] for line in index_of(*(row.format(time) for time in times))] == [
        "94,良,细颗粒物(PM2.5)",
        "94,良,细颗粒物(PM2.5)",
        "110,轻度污染,细颗粒物(PM2.5)",
        "110,轻度污染,细颗粒物(PM2.5)",
    ]


def test_a_day_given_on_the_command_line_overrides_the_times():
    row = f"A1,{OLD},3,8,0.2,83,7,70,13,28,1.4,86,7,98"
    assert index_of(row, at="2026-03-01") == [f"A1,{OLD},110,轻度污染,细颗粒物(PM2.5)"]
    assert index_of(row.replace(OLD, NEW), at="2026-02-28") == [f"A1,{NEW},94,良,细颗粒物(PM2.5)"]
    assert index_of(row.replace(OLD, ""), at="2026-03-01") == ["A1,,110,轻度污染,细颗粒物(PM2.5)"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # At a breakpoint stands the index of the breakpoint; a bit above, the next whole number.
        ("0,0,0,0,50,0", "50,优,"),
        ("0,0,0,0,51,0", "51,良,颗粒物(PM10)"),
        ("0,0,0,0,0,75", "100,良,细颗粒物(PM2.5)"),
        # PM10 100: 50 + 50·50/100 = 75; PM2.5 55: 50 + 50·20/40 = 75.
        ("0,0,0,0,100,55", '75,良,"颗粒物(PM10),细颗粒物(PM2.5)"'),
        ("0,0,0,200,0,0", "100,良,臭氧1小时"),
        ("0,200,0,200,0,0", '100,良,"二氧化氮,臭氧1小时"'),
        ("0,0,0,0,0,0", "0,优,"),
        ("0,0,0,0,0,99999", "500,严重污染,细颗粒物(PM2.5)"),
    ],
)
def test_indices_of_2012(values: str, expected: str):
    assert index_of(f"A1,{OLD},{values},,,,,,") == [f"A1,{OLD},{expected}"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("0,0,0,0,0,0", "1,优,"),
        # A half to the even neighbour before the table is read: 60.5 is 60, 61.5 is 62 (100 + 50·2/55 = 101.8).
        ("0,0,0,0,0,60.5", "100,良,细颗粒物(PM2.5)"),
        ("0,0,0,0,0,60.51", "101,轻度污染,细颗粒物(PM2.5)"),
        ("0,0,0,0,0,61.5", "102,轻度污染,细颗粒物(PM2.5)"),
        # CO to one decimal: 10.05 is 10.0, 10.15 is 10.2 (100 + 50·0.2/25 = 100.4).
        ("0,0,10.05,0,0,0", "100,良,一氧化碳"),
        ("0,0,10.15,0,0,0", "101,轻度污染,一氧化碳"),
        ("801,0,0,0,0,0", "200,中度污染,二氧化硫"),
        # An item missing: no index in the real-time report.
        ("0,0,0,0,,0", ",,"),
    ],
)
def test_indices_of_2026(values: str, expected: str):
    assert index_of(f"A1,{NEW},{values},,,,,,") == [f"A1,{NEW},{expected}"]


def test_above_the_last_hourly_breakpoint_2012_takes_the_day_of_so2():
    # SO2 of 24 hours 1200: 200 + 100·400/800 = 250; without it the hour stays at 200.
    assert index_of(f"A1,{OLD},801,0,0,0,0,0,1200,,,,,")[0].endswith(",250,重度污染,二氧化硫")
    assert index_of(f"A1,{OLD},801,0,0,0,0,0,,,,,,")[0].endswith(",200,中度污染,二氧化硫")


def test_a_station_without_instrument_has_an_index_and_one_with_a_gap_has_none():
    gap, absent = f"A1,{OLD},0,0,0,0,40,,,,,,,98", f"A2,{OLD},0,0,0,0,40,,,,,,,"
    assert index_of(gap, absent) == [f"A1,{OLD},,,", f"A2,{OLD},40,优,"]
    # Without the column of the running mean nothing shows that the instrument is lacking.
    assert index_of(absent.rstrip(","), header="station,timepoint,so2,no2,co,o3,pm10") == [f"A2,{OLD},,,"]


@pytest.mark.parametrize("mark", ["", "NA", "NaN", "—", "n/a", "-3", "abc", "1e308", "inf", "12,5"])
def test_what_is_no_concentration_counts_as_missing(mark: str):
    quoted = f'"{mark}"'
    assert index_of(f"A1,{NEW},0,0,0,0,0,{quoted},,,,,,") == [f"A1,{NEW},,,"]
    # In 2012 the index is made from the other items: PM10 51 is 51.
    assert index_of(f"A1,{OLD},{quoted},0,0,0,51,0,,,,,,") == [f"A1,{OLD},51,良,颗粒物(PM10)"]


def test_columns_may_stand_anywhere_and_more_of_them():
    header = "\ufeffPM2_5,city,timepoint,co,remark,so2,no2,pm10,o3,station"
    assert index_of(f"70,北京市,{OLD},0.2,x,3,8,7,83,A1", header=header) == [f"A1,{OLD},94,良,细颗粒物(PM2.5)"]


def test_rows_that_cannot_be_read_are_named_and_keep_their_line():
    rows = [
        HEADER,
        f"A1,{OLD},0,0,0,0,51,0,,,,,,",
        "A2,yesterday,0,0,0,0,51,0,,,,,,",
        f"A3,{OLD},0,0,0",
        f"A4,{OLD},0,0,0,0,51,0,,,,,,,7",
        ",,0,0,0,0,51,0,,,,,,",
        "A5,1899-12-31T23:00:00,0,0,0,0,51,0,,,,,,",
        f"A6,{OLD},x,0,0,0,51,0,,,,,,",
    ]
    result = park("aqi", "-", given="\r\n".join(rows))
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1:] == [
        f"A1,{OLD},51,良,颗粒物(PM10)",
        "A2,yesterday,,,",
        f"A3,{OLD},,,",
        f"A4,{OLD},,,",
        ",,,,",
        "A5,1899-12-31T23:00:00,,,",
        f"A6,{OLD},51,良,颗粒物(PM10)",
    ]
    said = result.stderr.splitlines()
    for line, reason in {
        3: "无法识别",
        4: "5 个字段",
        5: "15 个",
        6: "没有时间",
        7: "还没有",
        8: "so2 的值“x”",
    }.items():
        assert [sentence for sentence in said if f"第 {line} 行" in sentence and reason in sentence], (line, said)
    assert len(said) == 6


def test_a_file_without_rows_gives_a_table_without_rows():
    assert index_of() == []


@pytest.mark.parametrize(
    ("command", "content", "says"),
    [
        ("aqi", "", "空"),
        ("aqi", "station,pm2_5\nA1,3\n", "timepoint"),
        ("aqi", f"station,timepoint\nA1,{OLD}\n", "没有浓度列"),
        ("aqi", "so2,so2,station,timepoint\n", "2 次"),
        ("daily", "station,year,month,day,PM2.5\n", "hour"),
        ("daily", "station,year,month,day,hour\n", "没有浓度列"),
        ("codes", "", "空"),
    ],
)
def test_an_unusable_file_ends_with_a_sentence_and_code_one(command: str, content: str, says: str):
    result = park(command, "-", given=content)
    assert result.exit_code == 1
    assert says in result.stderr
    assert result.stdout == ""


def test_a_missing_file_and_a_wrong_day_are_refused():
    for command in ("aqi", "daily", "codes"):
        result = park(command, "no/such/file.csv")
        assert (result.exit_code, result.stdout) == (1, "")
        assert "no/such/file.csv" in result.stderr
    assert park("aqi", "-", "--at", "soon", given=HEADER).exit_code == 2


def hour(number: int, value: object, *, day: int = 1, station: str = "S1", ozone: object = 10) -> str:
    """One hour with the same value for all items but ozone."""
    return f"9,2024,5,{day},{number},{value},{value},{value},{value},{value},{ozone},{station}"


def days_of(*rows: str) -> list[str]:
    result = park("daily", "-", given="\n".join([HOURS_HEADER, *rows]))
    assert result.exit_code == 0, result.stderr
    return result.stdout.splitlines()


def test_a_day_by_hand():
    header, line = days_of(*(hour(number, number, ozone=number) for number in range(24)))
    assert header == ("station,date,hours,PM2.5_n,PM2.5,PM10_n,PM10,SO2_n,SO2,NO2_n,NO2,CO_n,CO,O3_8h_n,O3_8h_max")
    # Mean of 0 to 23; the last eight hours of ozone, 16 to 23.
    assert line == "S1,2024-05-01,24,24,11.5,24,11.5,24,11.5,24,11.5,24,11.5,17,19.5"


def test_days_need_enough_hours():
    nineteen = [hour(number, 6) for number in range(19)]
    # 19 hours are too few for a mean; the windows of hours 07 to 20 are 14 (six of eight hours at 19 and 20 too).
    assert days_of(*nineteen)[1:] == ["S1,2024-05-01,19,19,,19,,19,,19,,19,,14,10.0"]
    assert days_of(*nineteen, hour(19, "NA", ozone="NaN"))[1:] == ["S1,2024-05-01,20,19,,19,,19,,19,,19,,14,10.0"]
    assert days_of(*nineteen, hour(19, 26))[1:] == ["S1,2024-05-01,20,20,7.0,20,7.0,20,7.0,20,7.0,20,7.0,15,10.0"]


def test_a_day_without_values_is_shown_with_counts_of_zero():
    assert days_of(*(hour(number, "NA", ozone="") for number in range(24)))[1:] == [
        "S1,2024-05-01,24,0,,0,,0,,0,,0,,0,"
    ]


def test_order_and_repetition_of_rows_change_nothing():
    rows = [
        hour(number, number, day=day, station=station) for station in "BA" for day in (2, 1) for number in range(24)
    ]
    plain = days_of(*sorted(rows))
    assert [line[:12] for line in plain[1:]] == ["A,2024-05-01", "A,2024-05-02", "B,2024-05-01", "B,2024-05-02"]
    assert days_of(*reversed(rows)) == plain
    assert days_of(*rows, *rows[:30]) == plain


def test_of_two_different_rows_of_an_hour_the_later_one_counts():
    rows = [hour(number, 6) for number in range(24)]
    result = park("daily", "-", given="\n".join([HOURS_HEADER, *rows, hour(5, 30)]))
    assert result.stdout.splitlines()[1].startswith("S1,2024-05-01,24,24,7.0,")
    assert "有 1 行" in result.stderr
    assert "第 26 行" in result.stderr


def test_several_files_give_one_table(tmp_path: Path):
    first, second = tmp_path / "b.csv", tmp_path / "a.csv.gz"
    first.write_text("\n".join([HOURS_HEADER, *(hour(number, 6, station="S2") for number in range(24))]))
    text = "\n".join([HOURS_HEADER, *(hour(number, 4) for number in range(24))])
    second.write_bytes(gzip.compress(text.replace("SO2,NO2", "NO2,SO2").encode("utf-8-sig")))
    lines = park("daily", str(first), str(second)).stdout.splitlines()
    assert [line[:24] for line in lines[1:]] == ["S1,2024-05-01,24,24,4.0,", "S2,2024-05-01,24,24,6.0,"]


def test_hours_that_cannot_be_read_are_named():
    rows = [hour(number, 6) for number in range(24)]
    wrong = [hour(24, 6), hour(3, 6, day=32), hour(3, 6, station=""), "1,2024,5,1", hour(4, "x", day=2)]
    result = park("daily", "-", given="\n".join([HOURS_HEADER, *rows, *wrong]))
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1:] == [
        "S1,2024-05-01,24,24,6.0,24,6.0,24,6.0,24,6.0,24,6.0,17,10.0",
        "S1,2024-05-02,1,0,,0,,0,,0,,0,,0,",
    ]
    for line in range(26, 31):
        assert f"第 {line} 行" in result.stderr


RIGHT = "91310110666007217T"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f"code\n{RIGHT}\n", [f"{RIGHT},1,"]),
        (f"{RIGHT}\n", [f"{RIGHT},1,"]),
        (f"1,甲公司,{RIGHT}\n2,乙公司,{RIGHT[:-1]}U\n", [f"{RIGHT},1,", f"{RIGHT[:-1]}U,0,校验码不符，末位应为 T"]),
        (f"id,name,USCC\n1,甲,{RIGHT}\n", [f"{RIGHT},1,"]),
        (f"\ufeff企业名称,统一社会信用代码\r\n甲,{RIGHT}\r\n", [f"{RIGHT},1,"]),
        (f"企业名称,编号\n甲,{RIGHT}\n", [f"{RIGHT},1,"]),
        (f"code\n  {RIGHT.lower()} \n", [f"{RIGHT},1,已去除空白；已转为大写"]),
        ("code\n９１３１０１１０６６６００７２１７Ｔ\n", [f"{RIGHT},1,全角已转为半角"]),
        (f"code\n{RIGHT[:-1]}\n", [f"{RIGHT[:-1]},0,长度为 17 位，应为 18 位"]),
        ("code\n9131011066600721OI\n", ["9131011066600721OI,0,含有不允许的字符 O、I"]),
        (f"name,code\n甲,\n乙,{RIGHT}\n丙\n", [",0,代码为空", f"{RIGHT},1,", ",0,代码为空"]),
        ("code\n", []),
    ],
)
def test_codes(content: str, expected: list[str]):
    result = park("codes", "-", given=content)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == ["code,check_digit_valid,reason", *expected]


CELLS = st.sampled_from(
    ["", "1", "-1", "1e400", "NaN", "2024", "5", "23", OLD, NEW, '"', '"a', "x,y", "９", "\x85", "\x00"]
)
LINES = st.lists(st.lists(CELLS, max_size=15).map(",".join), max_size=6).map("\n".join)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(["aqi", "daily", "codes"]), st.sampled_from([HEADER, HOURS_HEADER, "code"]), LINES | st.text())
def test_no_file_makes_a_tool_fall_over(command: str, header: str, text: str):
    result = park(command, "-", given=f"{header}\n{text}".encode("utf-8", "replace"))
    assert result.exit_code in {0, 1}, result.exception
    assert result.stdout or result.stderr
    assert result.exception is None or isinstance(result.exception, SystemExit)
