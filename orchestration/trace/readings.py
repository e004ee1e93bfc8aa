"""Down to the lake: the readings behind a figure, with archive file and row number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dagster as dg

from ingestion.source_file import Source, load_sources
from lakehouse.lake import Lake
from lakehouse.reference import seed_rows
from lakehouse.settings import PARK_TIME_ZONE
from orchestration.trace.steps import Step, Target

SAMPLE_ROWS = 40


@dataclass(frozen=True)
class BronzeStream:
    """A stream of the lake that a raw table is made from."""

    source: Source
    name: str

    @property
    def table(self) -> str:
        """The bronze table."""
        return f"bronze/{self.source.slug(self.name)}"


def streams_behind(definitions: dg.Definitions, raw_table: str) -> list[BronzeStream]:
    """Return the streams upstream of `raw.<raw_table>` in the asset graph."""
    graph = definitions.resolve_asset_graph()
    found: set[str] = set()
    waiting = [dg.AssetKey(["raw", raw_table])]
    while waiting:
        key = waiting.pop()
        if not graph.has(key):
            continue
        if key.path[0] == "bronze":
            found.add(key.path[1])
        waiting.extend(graph.get(key).parent_keys)
    sources = load_sources().values()
    return [BronzeStream(s, name) for s in sources for name in s.streams if s.slug(name) in found]


def reading_step(lake: Lake, stream: BronzeStream, target: Target) -> Step | None:
    """Return the step of the readings behind the figure, None when the key does not lead into this stream."""
    columns = stream.source.streams[stream.name].columns
    conditions, parameters = _conditions(stream, target)
    if not conditions or not lake.exists(stream.table):
        return None
    shown = [name for name in ("measured_at", "factor_code", "value", "unit", "source_flag") if name in columns]
    listed = ", ".join([*shown, "_source_uri", "_row_number", "_batch_id", "_loaded_at"])
    where = " and ".join(conditions)
    order = ", ".join([*shown[:2], "_loaded_at"])
    key = ", ".join(stream.source.streams[stream.name].primary_key)
    newest = f"row_number() over (partition by {key} order by _loaded_at desc, _source_uri desc, _row_number desc)"
    statement = f"select {listed} from landed where {where} qualify {newest} = 1 order by {order}"  # noqa: S608
    rows = lake.query(statement, {"landed": stream.table}, parameters)
    moment = stream.source.streams[stream.name].partition.column
    lines = [
        f"{stream.source.title.zh}，来源文件 ingestion/sources/{stream.source.source}.yaml，时间列 {moment}",
        f"共 {rows.height} 条读数；同一时刻多次交付的，列出最近一次"
        + (f"，以下列出前 {SAMPLE_ROWS} 条" if rows.height > SAMPLE_ROWS else ""),
    ]
    return Step(
        "原始读数", f"lake {stream.table}", lines, [_readable(row) for row in rows.head(SAMPLE_ROWS).to_dicts()]
    )


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """Return a reading as people read it: park time, value with unit, file and row."""
    return {
        "北京时间": f"{row['measured_at'].astimezone(PARK_TIME_ZONE):%Y-%m-%d %H:%M}" if "measured_at" in row else None,
        "因子": row.get("factor_code"),
        "数值": f"{row['value']:g} {row['unit']}" if {"value", "unit"} <= row.keys() else None,
        "标记": row.get("source_flag"),
        "文件与行号": f"{row['_source_uri']}:{row['_row_number']}",
        "批次": row["_batch_id"],
        "入湖": f"{row['_loaded_at'].astimezone(PARK_TIME_ZONE):%Y-%m-%d %H:%M:%S}",
    }


def _conditions(stream: BronzeStream, target: Target) -> tuple[list[str], list[Any]]:
    """Translate the key: `station_id` finds `station_id_iot` (an identifier says who assigned it), time its window."""
    promised = stream.source.streams[stream.name]
    conditions: list[str] = []
    parameters: list[Any] = []
    for name, value in target.key.items():
        column = next((c for c in promised.columns if c == name or c.startswith(f"{name}_")), None)
        if column and promised.columns[column].type == "text":
            conditions.append(f"{column} = ?")
            parameters.append(value)
    window = target.window()
    if not conditions or window is None:
        return [], []
    moment = promised.partition.column
    conditions += [f"{moment} >= ?", f"{moment} < ?"]
    parameters += list(window)
    if "factor_code" in promised.columns:
        codes = factors_of(target.column)
        conditions.append(f"factor_code in ({', '.join('?' * len(codes))})")
        parameters += codes
    return conditions, parameters


def factors_of(column: str) -> list[str]:
    """Return the factor codes a mart column speaks of: those of its pollutant, else all that the index needs."""
    factors = seed_rows("ref_vital_factors").select("factor_code", "pollutant_code").unique().sort("factor_code")
    own = [code for code, vital in factors.iter_rows() if column == vital or column.startswith(f"{vital}_")]
    items = set(seed_rows("ref_air_pollutants")["pollutant_code"])
    return own or [code for code, vital in factors.iter_rows() if vital in items]
