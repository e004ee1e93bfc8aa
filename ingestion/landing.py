"""Landing: deliveries become bronze rows, append-only, with provenance; what cannot be used goes to quarantine.

A delivery is known by source, stream and content digest: landing the same content again changes nothing. A delivery
is never split over two commits, so a killed landing leaves whole deliveries only and the next run goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import polars as pl

from ingestion import quarantine
from ingestion.readers import Delivery, UnusableDeliveryError
from ingestion.source_file import Source, Stream
from lakehouse.lake import Lake

ROWS_PER_COMMIT = 400_000
LARGEST_NUMBER = 1e300
CLOCK_TOLERANCE = timedelta(seconds=120)  # safety.md 4.3, test T02
Progress = Callable[[int], None]


@dataclass
class LandingResult:
    """What one landing did; shown to the steward as the asset's metadata."""

    deliveries_landed: int = 0
    deliveries_known: int = 0
    deliveries_refused: int = 0
    rows_landed: int = 0
    rows_refused: int = 0
    refusals: dict[str, int] = field(default_factory=dict)

    def count_refusals(self, rows: pl.DataFrame) -> None:
        """Add refused rows by reason."""
        for code, count in rows.group_by("reason_code").len().iter_rows():
            self.refusals[code] = self.refusals.get(code, 0) + count


@dataclass(frozen=True)
class Landing:
    """Lands one stream.

    Args:
        lake: where bronze and quarantine lie.
        source: the source.
        stream_name: name of the stream in the source file.
        present: the present moment; later readings are refused.
    """

    lake: Lake
    source: Source
    stream_name: str
    present: datetime

    @property
    def stream(self) -> Stream:
        """The promised stream."""
        return self.source.streams[self.stream_name]

    @property
    def table(self) -> str:
        """The bronze table."""
        return f"bronze/{self.source.slug(self.stream_name)}"

    def land(self, deliveries: Iterable[Delivery], progress: Progress = lambda _: None) -> LandingResult:
        """Append every delivery that is not known yet."""
        known = self.known_digests()
        result = LandingResult()
        good: list[pl.DataFrame] = []
        refused: list[pl.DataFrame] = []
        for delivery in deliveries:
            progress(1)
            if delivery.digest in known:
                result.deliveries_known += 1
                continue
            known.add(delivery.digest)
            rows, rejects = self._conform(delivery, result)
            good.append(rows)
            refused.append(rejects)
            if sum(frame.height for frame in good) >= ROWS_PER_COMMIT:
                self._commit(good, refused)
                good, refused = [], []
        self._commit(good, refused)
        return result

    def known_digests(self) -> set[str]:
        """Return the digests of everything this stream has delivered, landed or refused."""
        digests: set[str] = set()
        if self.lake.exists(self.table):
            rows = self.lake.query("select distinct _digest from landed", {"landed": self.table})
            digests.update(rows["_digest"])
        if self.lake.exists(quarantine.TABLE):
            rows = self.lake.query(
                "select distinct _digest from refused where source = ? and stream = ? and _nothing_landed",
                {"refused": quarantine.TABLE},
                [self.source.source, self.stream_name],
            )
            digests.update(rows["_digest"])
        return digests

    def _commit(self, good: list[pl.DataFrame], refused: list[pl.DataFrame]) -> None:
        # Quarantine first: a run killed between the two commits reads the delivery again, because only its bronze
        # rows make it known; its refused rows, already there, are not written twice.
        if refused:
            quarantine.add(self.lake, pl.concat(refused))
        rows = pl.concat(good) if good else pl.DataFrame()
        if not rows.is_empty():
            self.lake.append(self.table, rows, [self.stream.partition.by.column], {"deliveries": str(len(good))})

    def _conform(self, delivery: Delivery, result: LandingResult) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Split a delivery into rows that keep the promise and refused rows."""
        loaded_at = datetime.now(UTC)
        try:
            received = delivery.read()
            self._require_columns(received)
        except UnusableDeliveryError as error:
            result.deliveries_refused += 1
            whole = pl.DataFrame(
                {"reason_code": [error.code], "record": [None], "_row_number": [None]},
                schema_overrides={"record": pl.String, "_row_number": pl.Int64},
            ).with_columns(_source_uri=pl.lit(delivery.uri), _digest=pl.lit(delivery.digest))
            result.count_refusals(whole)
            return self._empty(), self._refuse(whole, loaded_at, nothing_landed=True, detail=error.detail)
        typed = self._typed(received, delivery, loaded_at)
        rejects = typed.filter(pl.col("reason_code").is_not_null())
        rows = typed.filter(pl.col("reason_code").is_null()).select(self._schema())
        result.deliveries_landed += 1
        result.rows_landed += rows.height
        result.rows_refused += rejects.height
        if rejects.is_empty():
            return rows, pl.DataFrame(schema=quarantine.SCHEMA)
        result.count_refusals(rejects)
        return rows, self._refuse(rejects, loaded_at, nothing_landed=rows.is_empty())

    def _require_columns(self, received: pl.DataFrame) -> None:
        promised = self.stream.columns
        absent = [name for name, column in promised.items() if column.required and name not in received.columns]
        if absent:
            strangers = [name for name in received.columns if name not in promised]
            detail = f"缺 {', '.join(absent)}" + (f"；多出 {', '.join(strangers)}" if strangers else "")
            raise UnusableDeliveryError("missing_column", detail)

    def _typed(self, received: pl.DataFrame, delivery: Delivery, loaded_at: datetime) -> pl.DataFrame:
        """Cast to the promised types, add provenance and, where a row fails, the first reason."""
        columns = self.stream.columns
        received = received.with_columns(
            pl.lit(None).alias(name) for name in columns if name not in received.columns
        ).select(list(columns))
        casts = {name: _cast(name, received.schema[name], column.data_type) for name, column in columns.items()}
        moment = pl.col(self.stream.partition.column)
        checks: list[pl.Expr] = []
        for name, column in columns.items():
            is_null = pl.col(name).is_null()
            if column.required:
                checks.append(pl.when(is_null & pl.col(f"{name}__received").is_null()).then(pl.lit("missing_value")))
            checks.append(pl.when(is_null & pl.col(f"{name}__received").is_not_null()).then(pl.lit("wrong_type")))
            if column.type == "number":
                finite = pl.col(name).is_finite() & (pl.col(name).abs() < LARGEST_NUMBER)
                checks.append(pl.when(~finite).then(pl.lit("not_finite")))
        checks.append(pl.when(moment > self.present + CLOCK_TOLERANCE).then(pl.lit("future_time")))
        local_day = moment.dt.convert_time_zone("Asia/Shanghai").dt.date()
        if delivery.day is not None:
            checks.append(pl.when(local_day != delivery.day).then(pl.lit("outside_archive_day")))
        grain = self.stream.partition.by
        return (
            received.with_row_index("_row_number", offset=1)
            .with_columns(pl.col(name).alias(f"{name}__received") for name in columns)
            .with_columns(**casts)
            .with_columns(
                local_day.dt.to_string("%Y-%m-%d" if grain.value == "day" else "%Y-%m").alias(grain.column),
                reason_code=pl.coalesce(checks),
                record=pl.struct(received.columns).struct.json_encode(),
                _source_uri=pl.lit(delivery.uri),
                _digest=pl.lit(delivery.digest),
                _batch_id=pl.lit(delivery.digest[:16]),
                _row_number=pl.col("_row_number").cast(pl.Int64),
                _loaded_at=pl.lit(loaded_at).cast(pl.Datetime("us", "UTC")),
            )
        )

    def _refuse(
        self, rows: pl.DataFrame, loaded_at: datetime, *, nothing_landed: bool, detail: str | None = None
    ) -> pl.DataFrame:
        return quarantine.quarantined(
            rows,
            source=self.source.source,
            stream=self.stream_name,
            loaded_at=loaded_at,
            nothing_landed=nothing_landed,
            detail=detail,
        )

    def _schema(self) -> list[str]:
        provenance = ["_source_uri", "_digest", "_batch_id", "_row_number", "_loaded_at"]
        return [*self.stream.columns, self.stream.partition.by.column, *provenance]

    def _empty(self) -> pl.DataFrame:
        types = {name: column.data_type for name, column in self.stream.columns.items()}
        provenance = {name: quarantine.SCHEMA[name] for name in ("_source_uri", "_digest", "_row_number", "_loaded_at")}
        schema = {**types, **provenance, "_batch_id": pl.String(), self.stream.partition.by.column: pl.String()}
        return pl.DataFrame(schema=schema).select(self._schema())


def _cast(name: str, received: pl.DataType, promised: pl.DataType) -> pl.Expr:
    """Return the cast of one received column; what cannot be cast becomes null and is refused by the caller."""
    column = pl.col(name)
    if received == pl.String and isinstance(promised, pl.Datetime):
        return pl.when(column.str.len_chars() > 0).then(
            column.str.to_datetime("%+", time_unit="us", strict=False, time_zone="UTC")
        )
    if received == pl.String and promised != pl.String:
        return column.str.strip_chars().cast(promised, strict=False)
    return column.cast(promised, strict=False)
