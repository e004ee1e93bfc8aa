"""Landing: deliveries become bronze rows, append-only, with provenance; what cannot be used goes to quarantine.

A delivery is known by source, stream and content digest: landing the same content again changes nothing. What comes
from a database or a feed under one address (a month) is compared with the newest batch of that address, so that a
correction that is taken back counts, too. A delivery is never split over two commits, so a killed landing leaves whole
deliveries only and the next run goes on. Personal columns are encrypted and digested before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import polars as pl

from ingestion import quarantine
from ingestion.personal_columns import masked, protect
from ingestion.promised_types import as_json, as_promised
from ingestion.readers import REFUSED, DayRange, Delivery, UnusableDeliveryError
from ingestion.source_file import UNDIVIDED, DeliveryKind, Source, SourceFileError, Stream
from ingestion.standing import Batch, StandingRows
from lakehouse.lake import Lake
from lakehouse.settings import PARK_TIME_ZONE
from security.key_provider import KeyProvider

ROWS_PER_COMMIT = 400_000
LARGEST_NUMBER = 1e300
CLOCK_TOLERANCE = timedelta(seconds=120)  # safety.md 4.3, test T02
Progress = Callable[[int], None]
_POSITION = ("record", "_row_number", "_source_uri", "_digest")


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


@dataclass
class KnownDeliveries:
    """What a stream has delivered already.

    Attributes:
        digests: digests of everything of which a row has landed.
        newest: the newest batch of each address, for deliveries that replace an earlier one; None where none does.
        refused: address and digest of deliveries of which no row landed. The address counts, too: two empty files are
            two faults, and a file of the wrong name must be read again under the right one.
    """

    digests: set[str]
    newest: dict[str, Batch] | None
    refused: set[tuple[str, str]]

    def has(self, delivery: Delivery) -> bool:
        """Tell whether landing the delivery would change nothing."""
        if (delivery.uri, delivery.digest) in self.refused:
            return True
        if self.newest is None:
            return delivery.digest in self.digests
        standing = self.newest.get(delivery.uri)
        return standing is not None and standing.digest == delivery.digest


@dataclass(frozen=True)
class Landing:
    """Lands one stream.

    Args:
        lake: where bronze and quarantine lie.
        source: the source.
        stream_name: name of the stream in the source file.
        present: the present moment; later readings are refused.
        keys: holder of the keys; needed where the stream has personal columns.
    """

    lake: Lake
    source: Source
    stream_name: str
    present: datetime
    keys: KeyProvider | None = None

    @property
    def stream(self) -> Stream:
        """The promised stream."""
        return self.source.streams[self.stream_name]

    @property
    def table(self) -> str:
        """The bronze table."""
        return f"bronze/{self.source.slug(self.stream_name)}"

    def land(
        self, deliveries: Iterable[Delivery], progress: Progress = lambda _: None, *, days: DayRange | None = None
    ) -> LandingResult:
        """Append every delivery that is not known yet.

        Args:
            deliveries: what the reader hands over.
            progress: receives 1 for every delivery.
            days: the business dates that were asked for. With them, a month that a snapshot stream once had and that
                is gone altogether is put into quarantine; its last rows stay in use until somebody decides.
        """
        known = self.known_deliveries()
        result = LandingResult()
        good: list[pl.DataFrame] = []
        refused: list[pl.DataFrame] = []
        seen: set[str] = set()
        for delivery in deliveries:
            progress(1)
            seen.add(delivery.uri)
            if known.has(delivery):
                result.deliveries_known += 1
                continue
            batch_id = delivery.digest[:16]
            if delivery.digest in known.digests:  # it landed before and was replaced since: a batch of its own again
                batch_id = f"{batch_id}-{datetime.now(UTC):%Y%m%d%H%M%S%f}"
            rows, rejects = self.conform(delivery, batch_id, result)
            if rows.is_empty():
                known.refused.add((delivery.uri, delivery.digest))
            else:
                known.digests.add(delivery.digest)
            good.append(rows)
            refused.append(rejects)
            if sum(frame.height for frame in good) >= ROWS_PER_COMMIT:
                self._commit(good, refused)
                good, refused = [], []
        if days is not None and known.newest:
            refused.append(self._vanished(known.newest, seen, days, result))
        self._commit(good, refused)
        return result

    def known_deliveries(self) -> KnownDeliveries:
        """Return what this stream has delivered already."""
        refused: set[tuple[str, str]] = set()
        if self.lake.exists(quarantine.TABLE):
            rows = self.lake.query(
                "select distinct _source_uri, _digest from refused where source = ? and stream = ? and _nothing_landed",
                {"refused": quarantine.TABLE},
                [self.source.source, self.stream_name],
            )
            refused.update(rows.iter_rows())
        landed: set[str] = set()
        if self.lake.exists(self.table):
            landed.update(self.lake.query("select distinct _digest from landed", {"landed": self.table})["_digest"])
        if self.stream.delivery is DeliveryKind.FILES:
            return KnownDeliveries(landed, None, refused)
        newest = StandingRows(self.lake, self.source, self.stream_name).newest_batches()
        return KnownDeliveries(landed, newest, refused)

    def _commit(self, good: list[pl.DataFrame], refused: list[pl.DataFrame]) -> None:
        # Quarantine first: a run killed between the two commits reads the delivery again, because only its bronze
        # rows make it known; its refused rows, already there, are not written twice.
        if refused:
            quarantine.add(self.lake, pl.concat(refused))
        rows = pl.concat(good) if good else pl.DataFrame()
        if not rows.is_empty():
            self.lake.append(self.table, rows, self.stream.partition.columns, {"deliveries": str(len(good))})

    def conform(self, delivery: Delivery, batch_id: str, result: LandingResult) -> tuple[pl.DataFrame, pl.DataFrame]:
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
        typed = self._typed(received, delivery, batch_id, loaded_at)
        rejects = self._with_record(typed.filter(pl.col("reason_code").is_not_null()), received)
        rows = self._protected(typed.filter(pl.col("reason_code").is_null())).select(self._schema())
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
            strangers = [name for name in received.columns if name not in promised and name != REFUSED]
            detail = f"缺 {', '.join(absent)}" + (f"；多出 {', '.join(strangers)}" if strangers else "")
            raise UnusableDeliveryError("missing_column", detail)

    def _typed(self, received: pl.DataFrame, delivery: Delivery, batch_id: str, loaded_at: datetime) -> pl.DataFrame:
        """Cast to the promised types, add provenance and, where a row fails, the first reason."""
        columns = self.stream.columns
        nothing = pl.Series([None] * received.height, dtype=pl.String)
        refused = received[REFUSED] if REFUSED in received.columns else nothing
        received = received.with_columns(
            pl.lit(None).alias(name) for name in columns if name not in received.columns
        ).select(list(columns))
        casts = [as_promised(name, received.schema[name], column.data_type) for name, column in columns.items()]
        checks: list[pl.Expr] = [pl.lit(refused)]
        for name, column in columns.items():
            is_null = pl.col(name).is_null()
            if column.required:
                is_missing = is_null & pl.col(f"{name}__received").is_null()
                if column.data_type == pl.String:  # blanks name no zone and no point
                    is_missing |= pl.col(name).str.strip_chars() == ""
                checks.append(pl.when(is_missing).then(pl.lit("missing_value")))
            checks.append(pl.when(is_null & pl.col(f"{name}__received").is_not_null()).then(pl.lit("wrong_type")))
            if column.pattern is not None:
                checks.append(pl.when(~pl.col(name).str.contains(column.pattern)).then(pl.lit("wrong_type")))
            if column.type == "number":
                finite = pl.col(name).is_finite() & (pl.col(name).abs() < LARGEST_NUMBER)
                checks.append(pl.when(~finite).then(pl.lit("not_finite")))
        checks += self._time_checks(delivery)
        if self.stream.delivery is DeliveryKind.SNAPSHOT:
            repeated = ~pl.struct(self.stream.primary_key).is_first_distinct()
            checks.append(pl.when(repeated).then(pl.lit("duplicate_key")))
        return (
            received.with_row_index("_row_number", offset=1)
            .with_columns(_received(name, received.schema[name], columns[name].data_type) for name in columns)
            .with_columns(casts)
            .with_columns(
                self._label().alias(self.stream.partition.by.column),
                reason_code=pl.coalesce(checks),
                _source_uri=pl.lit(delivery.uri),
                _digest=pl.lit(delivery.digest),
                _batch_id=pl.lit(batch_id),
                _row_number=pl.col("_row_number").cast(pl.Int64),
                _loaded_at=pl.lit(loaded_at).cast(pl.Datetime("us", "UTC")),
            )
        )

    def _with_record(self, rejects: pl.DataFrame, received: pl.DataFrame) -> pl.DataFrame:
        """Add what was received to refused rows, personal columns masked; only they are written out, being few."""
        promised = received.with_columns(
            pl.lit(None).alias(name) for name in self.stream.columns if name not in received.columns
        ).select(list(self.stream.columns))
        shown = masked(promised[rejects["_row_number"] - 1], self.stream.personal_columns)
        return rejects.with_columns(record=as_json(shown))

    def _time_checks(self, delivery: Delivery) -> list[pl.Expr]:
        if self.stream.partition.column is None:
            return []
        moment = self._moment()
        later = moment > self.present + CLOCK_TOLERANCE
        # A month that cannot be read is no month: text is what it is promised to be and would pass unseen.
        checks: list[pl.Expr] = [
            pl.when(moment.is_null()).then(pl.lit("wrong_type")),
            pl.when(later).then(pl.lit("future_time")),
        ]
        if delivery.day is not None:
            local_day = moment.dt.convert_time_zone(PARK_TIME_ZONE.key).dt.date()
            checks.append(pl.when(local_day != delivery.day).then(pl.lit("outside_archive_day")))
        return checks

    def _moment(self) -> pl.Expr:
        """The row's time in UTC; a month or date is the midnight it begins with."""
        partition = self.stream.partition
        column = pl.col(self.stream.time_column)
        if partition.format is not None:
            column = column.str.to_date(partition.format, strict=False)
        elif self.stream.columns[self.stream.time_column].type == "timestamp":
            return column
        midnight = column.cast(pl.Datetime("us")).dt.replace_time_zone(PARK_TIME_ZONE.key)
        return midnight.dt.convert_time_zone("UTC")

    def _label(self) -> pl.Expr:
        if self.stream.partition.column is None:
            return pl.lit(UNDIVIDED)
        local = self._moment().dt.convert_time_zone(PARK_TIME_ZONE.key)
        return local.dt.to_string("%Y-%m-%d" if self.stream.partition.by.value == "day" else "%Y-%m")

    def _protected(self, rows: pl.DataFrame) -> pl.DataFrame:
        personal = self.stream.personal_columns
        if not personal:
            return rows
        slug = self.source.slug(self.stream_name)
        if self.keys is None:
            message = f"{slug}: personal columns ({', '.join(personal)}) cannot land without a key provider."
            raise SourceFileError(message)
        return protect(rows, personal, slug=slug, keys=self.keys)

    def _vanished(
        self, newest: dict[str, Batch], seen: set[str], days: DayRange, result: LandingResult
    ) -> pl.DataFrame:
        """Return a quarantine row for each month of a snapshot that was there before and is gone altogether."""
        labels = (self.stream.partition.by.label(days.first), self.stream.partition.by.label(days.last))
        gone = [
            batch
            for batch in newest.values()
            if self.stream.delivery is DeliveryKind.SNAPSHOT
            and batch.uri not in seen
            and labels[0] <= batch.label <= labels[1]
        ]
        rows = pl.DataFrame(
            {
                "reason_code": ["month_vanished"] * len(gone),
                "record": [None] * len(gone),
                "_row_number": [None] * len(gone),
                "_source_uri": [batch.uri for batch in gone],
                "_digest": [batch.digest for batch in gone],
            },
            schema={"reason_code": pl.String} | {name: quarantine.SCHEMA[name] for name in _POSITION},
        )
        result.deliveries_refused += len(gone)
        result.count_refusals(rows)
        return self._refuse(rows, datetime.now(UTC), nothing_landed=False)

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
        return [*self.stream.landed_columns, self.stream.partition.by.column, *provenance]

    def _empty(self) -> pl.DataFrame:
        provenance = {name: quarantine.SCHEMA[name] for name in ("_source_uri", "_digest", "_row_number", "_loaded_at")}
        schema = {
            **self.stream.landed_columns,
            **provenance,
            "_batch_id": pl.String(),
            self.stream.partition.by.column: pl.String(),
        }
        return pl.DataFrame(schema=schema).select(self._schema())


def _received(name: str, received: pl.DataType, promised: pl.DataType) -> pl.Expr:
    """Return the received value beside the cast one; a blank text where a number or a time is promised is missing."""
    column = pl.col(name)
    if received == pl.String and promised != pl.String:
        column = pl.when(column.str.strip_chars() != "").then(column)
    return column.alias(f"{name}__received")
