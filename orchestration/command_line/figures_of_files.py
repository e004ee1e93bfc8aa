"""`park aqi`, `park daily`, `park codes`: figures of a file, by the same methods as the platform's own.

They need neither settings nor a running platform. What cannot be used is named on standard error with its line; the
table on standard output stays complete and clean.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from typing import Annotated, NoReturn

import polars as pl
import typer

from lakehouse.reference import seed_rows
from lakehouse.settings import PARK_TIME_ZONE
from methods.air_quality import IndexStandards, daily_means, hourly_index, named_items, published_hours
from methods.air_quality.concentrations import LARGEST
from methods.air_quality.published_hours import HOUR_COLUMNS, LONG_COLUMNS
from methods.credit_codes import LENGTH as CODE_LENGTH
from methods.credit_codes import judged_codes
from orchestration.command_line.text_tables import (
    Record,
    TextTable,
    TextTableError,
    folded_name,
    is_missing,
    moment,
    read_records,
    read_table,
)

FILE_HELP = "CSV 文件，可为 .gz；写 - 表示从标准输入读取"
AT_HELP = "按这一天有效的标准版本评价全部行，如 2026-03-02；不写则按各行自己的时间"

_PLACE = "__place"
_LINE = "__line"
_PROBLEM = "__problem"
_UTC = pl.Datetime("us", "UTC")
_PUBLISHED = (*HOUR_COLUMNS.values(), *LONG_COLUMNS.values())
_INDEX_SEEDS = tuple(f"std_aqi_{kind}" for kind in ("editions", "items", "breakpoints", "levels"))
_OTHER_SPELLINGS = {"pm2_5": ("pm25",), "pm2_5_24h": ("pm25_24h",)}

_DAILY_VALUES = {  # column of the file: item and its column in `daily_means`; a mean keeps the unit, so CO stays in µg
    "PM2.5": ("pm25", "pm25_ug_per_m3"),
    "PM10": ("pm10", "pm10_ug_per_m3"),
    "SO2": ("so2", "so2_ug_per_m3"),
    "NO2": ("no2", "no2_ug_per_m3"),
    "CO": ("co", "co_mg_per_m3"),
}
_DAILY_OZONE = "O3"
_DAILY_DECIMALS = 3

_CODE_TITLES = ("code", "uscc", "credit_code", "unified_credit_code")


def aqi(
    file: Annotated[str, typer.Argument(help=FILE_HELP, metavar="FILE.csv")],
    at: Annotated[str | None, typer.Option("--at", help=AT_HELP, metavar="DATE")] = None,
) -> None:
    """计算实时空气质量指数（AQI）：按每行时间适用的 HJ 633 版本，输出 station,timepoint,aqi,level,primary。"""
    as_of = moment(at) if at else None
    if at and as_of is None:
        message = f"{at!r} 不是日期；写作 2026-03-02。"
        raise typer.BadParameter(message, param_hint="--at")
    try:
        _write(_indices(read_table(file), as_of))
    except TextTableError as error:
        _fail(error)


def daily(files: Annotated[list[str], typer.Argument(help=FILE_HELP + "；可写多个", metavar="FILE.csv…")]) -> None:
    """由小时浓度计算日均值与臭氧日最大 8 小时平均，每站每日一行。"""
    try:
        _write(_days([read_table(file) for file in files]))
    except TextTableError as error:
        _fail(error)


def codes(file: Annotated[str, typer.Argument(help=FILE_HELP, metavar="FILE.csv")]) -> None:
    """检验统一社会信用代码的校验码（GB 32100-2015），输出 code,check_digit_valid,reason。"""
    try:
        _write(_verdicts(*read_records(file)))
    except TextTableError as error:
        _fail(error)


def _indices(table: TextTable, as_of: datetime | None) -> pl.DataFrame:
    """Index of every row; empty where the row cannot be used or the edition publishes none."""
    station, time = _needed(table, "station"), table.place("timepoint")
    if as_of is None:
        time = _needed(table, "timepoint")
    columns = {name: table.place(name, *_OTHER_SPELLINGS.get(name, ())) for name in _PUBLISHED}
    if all(columns[name] is None for name in HOUR_COLUMNS.values()):
        message = f"{table.source}：没有浓度列；至少需要 {'、'.join(HOUR_COLUMNS.values())} 之一。"
        raise TextTableError(message)
    standards = IndexStandards.from_seeds({name: seed_rows(name) for name in _INDEX_SEEDS})
    rows = pl.DataFrame(
        {_PLACE: range(len(table.records)), _LINE: [record.line for record in table.records]}
    ).with_columns(
        pl.Series("station", table.column(station), pl.String),
        pl.Series("timepoint", table.column(time), pl.String),
        pl.Series("measured_at", _moments(table.column(time), as_of), _UTC),
    )
    judged = rows.with_columns(
        pl.coalesce(
            _ragged(table),
            pl.when(pl.col("measured_at").is_null() & (pl.col("timepoint") == "")).then(pl.lit("没有时间")),
            pl.when(pl.col("measured_at").is_null()).then(pl.format("时间“{}”无法识别", "timepoint")),
            pl.when(_local_day("measured_at") < standards.editions["valid_from"].min()).then(
                pl.lit("那时还没有空气质量指数标准")
            ),
        ).alias(_PROBLEM)
    )
    _tell_problems(table, judged, "不计算指数")
    values = _values(table, columns, judged[_PROBLEM].is_null())
    usable = pl.concat([judged, values], how="horizontal").filter(pl.col(_PROBLEM).is_null())
    index = hourly_index(published_hours(usable), standards)
    names = dict(seed_rows("ref_air_pollutants").select("pollutant_code", "primary_name_hourly_zh").iter_rows())
    return rows.join(index.drop("station", "timepoint"), on=_PLACE, how="left", maintain_order="left").select(
        "station",
        "timepoint",
        "aqi",
        pl.col("aqi_level_name").alias("level"),
        named_items(pl.col("primary_pollutants"), names).alias("primary"),
    )


def _days(tables: list[TextTable]) -> pl.DataFrame:
    """Daily values of all stations of all files, by station and day."""
    validity = seed_rows("std_air_validity")
    first_day: date = validity.select(pl.col("valid_from").min()).item()
    hours = pl.concat(_hours(table, first_day) for table in tables)
    once = hours.unique(["station_id", "measured_at"], keep="last", maintain_order=True)
    if once.height < hours.height:
        repeated = hours.filter(pl.struct("station_id", "measured_at").is_duplicated())
        station, line = repeated.select("station_id", _LINE).row(-1)
        surplus = hours.height - once.height
        _say(f"有 {surplus} 行与同站同一小时的另一行重复（如 {station}，第 {line} 行），取后出现的一行。")
    days = daily_means(once.drop(_LINE), validity)
    return days.select(
        pl.col("station_id").alias("station"),
        pl.col("business_date").alias("date"),
        pl.col("reported_hours").alias("hours"),
        *(
            column
            for title, (item, name) in _DAILY_VALUES.items()
            for column in (
                pl.col(f"{item}_valid_hours").alias(f"{title}_n"),
                _with_decimals(days[name]).alias(title),
            )
        ),
        pl.col("o3_8h_valid_windows").alias("O3_8h_n"),
        _with_decimals(days["o3_8h_max_ug_per_m3"]).alias("O3_8h_max"),
    )


def _hours(table: TextTable, first_day: date) -> pl.DataFrame:
    """Hours of a file as `daily_means` takes them, with their lines; rows without station or hour are left out."""
    station = _needed(table, "station")
    clock = {name: _needed(table, name) for name in ("year", "month", "day", "hour")}
    titles = [*_DAILY_VALUES, _DAILY_OZONE]
    columns = {
        title: table.place(folded_name(title), *_OTHER_SPELLINGS.get(folded_name(title), ())) for title in titles
    }
    if all(place is None for place in columns.values()):
        message = f"{table.source}：没有浓度列；至少需要 {'、'.join(titles)} 之一。"
        raise TextTableError(message)
    texts = {name: pl.Series(table.column(place), dtype=pl.String) for name, place in clock.items()}
    numbers = pl.DataFrame(texts).select(_whole_number(name) for name in clock)
    local = numbers.select(
        pl.when(pl.col("hour").is_between(0, 23)).then(
            pl.format("{}-{}-{}", "year", "month", "day")
            .str.to_datetime("%Y-%m-%d", strict=False, time_unit="us")
            .add(pl.duration(hours="hour"))
            .dt.replace_time_zone(PARK_TIME_ZONE.key, ambiguous="earliest", non_existent="null")
            .dt.convert_time_zone("UTC")
        )
    ).to_series()
    rows = pl.DataFrame({_LINE: [record.line for record in table.records]}).with_columns(
        pl.Series("station_id", table.column(station), pl.String), local.alias("measured_at")
    )
    judged = rows.with_columns(
        pl.coalesce(
            _ragged(table),
            pl.when(pl.col("station_id") == "").then(pl.lit("没有站点")),
            pl.when(pl.col("measured_at").is_null()).then(pl.lit("年、月、日、时不是有效的时间")),
            pl.when(_local_day("measured_at") < first_day).then(pl.lit("那时还没有环境空气质量标准")),
        ).alias(_PROBLEM)
    )
    _tell_problems(table, judged, "不参与统计")
    values = _values(table, columns, judged[_PROBLEM].is_null())
    missing = [pl.lit(None, pl.Float64).alias(title) for title in titles if title not in values.columns]
    complete = pl.concat([judged, values], how="horizontal").with_columns(missing).filter(pl.col(_PROBLEM).is_null())
    return complete.select(
        _LINE,
        "station_id",
        "measured_at",
        *(pl.col(title).alias(name) for title, (_, name) in _DAILY_VALUES.items()),
        pl.col(_DAILY_OZONE).alias("o3_ug_per_m3"),
    )


def _verdicts(source: str, records: list[Record]) -> pl.DataFrame:
    """Verdict on the code of every row; the column is found by its title, else by what stands in it."""
    if not records:
        message = f"{source}：文件是空的；每行应有一个统一社会信用代码。"
        raise TextTableError(message)
    place, has_header = _code_column(records)
    if not has_header:
        _say(f"{source}：没有表头，第 {place + 1} 列当作统一社会信用代码。")
    rows = records[1:] if has_header else records
    written = [record.cells[place] if place < len(record.cells) else "" for record in rows]
    judged = judged_codes(pl.DataFrame({"written": pl.Series(written, dtype=pl.String)}), "written")
    issue, folded = pl.col("issue_code"), pl.col("written").str.normalize("NFKC")
    remarks = [
        pl.when(issue == "missing").then(pl.lit("代码为空")),
        pl.when(issue == "length").then(pl.format("长度为 {} 位，应为 18 位", pl.col("credit_code").str.len_chars())),
        pl.when(issue == "illegal_character").then(
            pl.format("含有不允许的字符 {}", pl.col("illegal_characters").str.split("").list.join("、"))
        ),
        pl.when(issue == "check_digit").then(pl.format("校验码不符，末位应为 {}", "expected_check_character")),
        pl.when((issue != "missing").fill_null(value=True) & folded.str.contains(r"[\s\u200b\ufeff]")).then(
            pl.lit("已去除空白")
        ),
        pl.when(folded.str.to_uppercase() != folded).then(pl.lit("已转为大写")),
        pl.when(folded.str.replace_all(r"\s", "") != pl.col("written").str.replace_all(r"\s", "")).then(
            pl.lit("全角已转为半角")
        ),
    ]
    return judged.select(
        pl.col("credit_code").alias("code"),
        pl.col("is_check_digit_valid").cast(pl.Int8).alias("check_digit_valid"),
        pl.concat_str(remarks, separator="；", ignore_nulls=True).alias("reason"),
    )


def _code_column(records: list[Record]) -> tuple[int, bool]:
    """Return the place of the column with the codes, and whether the first row is a header."""
    titles = [cell.strip().lstrip("\ufeff").lower() for cell in records[0].cells]
    named = [place for place, title in enumerate(titles) if title in _CODE_TITLES or "信用代码" in title]
    if named:
        return named[0], True
    likely = Counter(
        place for record in records for place, cell in enumerate(record.cells) if len(cell.strip()) == CODE_LENGTH
    )
    place = likely.most_common(1)[0][0] if likely else 0
    first = titles[place] if place < len(titles) else ""
    return place, not any(character.isdigit() for character in first)


def _needed(table: TextTable, name: str) -> int:
    place = table.place(name)
    if place is None:
        message = f"{table.source}：表头里没有 {name} 列（有：{'、'.join(table.header)}）；请补上表头或更正列名。"
        raise TextTableError(message)
    return place


def _moments(texts: list[str], as_of: datetime | None) -> list[datetime | None]:
    """Moments in UTC; all the same where one is given."""
    known = {text: as_of or moment(text) for text in set(texts)}
    return [time and time.astimezone(UTC) for time in (known[text] for text in texts)]


def _values(table: TextTable, columns: dict[str, int | None], is_used: pl.Series) -> pl.DataFrame:
    """Concentrations of the columns the file has; what is written there and is none counts as missing, and is told."""
    absent = [name for name, place in columns.items() if place is None]
    if absent:
        _say(f"{table.source}：没有 {'、'.join(absent)} 列，按缺测处理。")
    lines = pl.Series(_LINE, [record.line for record in table.records], pl.Int64)
    numbers = []
    for name, place in columns.items():
        if place is None:
            continue
        cell = pl.DataFrame([lines, pl.Series("text", table.column(place), pl.String)]).with_columns(
            pl.when(~is_missing(pl.col("text"))).then("text").alias("text"),
            pl.col("text").cast(pl.Float64, strict=False).alias("number"),
        )
        is_possible = (pl.col("number").is_finite() & pl.col("number").is_between(0, LARGEST)).fill_null(value=False)
        wrong = cell.filter(is_used & pl.col("text").is_not_null() & ~is_possible)
        for line, text in wrong.select(_LINE, "text").iter_rows():
            _say(f"{table.source} 第 {line} 行：{name} 的值“{text}”不是有效浓度，按缺测处理。")
        numbers.append(cell.select(pl.when(is_possible).then("number").alias(name)).to_series())
    return pl.DataFrame(numbers)


def _ragged(table: TextTable) -> pl.Expr:
    """What is wrong with the number of fields, by row; null where nothing is."""
    width = len(table.header)
    found = [
        f"有 {len(record.cells)} 个字段，表头有 {width} 个" if table.is_ragged(record) else None
        for record in table.records
    ]
    return pl.lit(pl.Series(found, dtype=pl.String))


def _tell_problems(table: TextTable, judged: pl.DataFrame, consequence: str) -> None:
    for line, problem in judged.filter(pl.col(_PROBLEM).is_not_null()).select(_LINE, _PROBLEM).iter_rows():
        _say(f"{table.source} 第 {line} 行：{problem}，此行{consequence}。")


def _whole_number(name: str) -> pl.Expr:
    number = pl.col(name).cast(pl.Float64, strict=False)
    return pl.when(number == number.round()).then(number).cast(pl.Int32, strict=False).alias(name)


def _local_day(column: str) -> pl.Expr:
    return pl.col(column).dt.convert_time_zone(PARK_TIME_ZONE.key).dt.date()


def _with_decimals(values: pl.Series) -> pl.Series:
    """Round to the decimals of the daily table: the decimal nearest to the binary mean, as published tables do."""
    shown = [None if value is None else round(value, _DAILY_DECIMALS) for value in values]
    return pl.Series(values.name, shown, pl.Float64)


def _write(table: pl.DataFrame) -> None:
    """Write a table to standard output, in UTF-8 wherever it is run."""
    empty_as_null = pl.when(pl.col(pl.String) != "").then(pl.col(pl.String)).name.keep()
    typer.echo(table.with_columns(empty_as_null).write_csv().encode("utf-8"), nl=False)


def _say(sentence: str) -> None:
    typer.echo(sentence, err=True)


def _fail(error: TextTableError) -> NoReturn:
    _say(str(error))
    raise typer.Exit(1) from error
