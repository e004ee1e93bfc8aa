"""Reader of relational databases: rows of one table or one query of ours, cut into one delivery per month."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from ingestion.readers import DayRange, Delivery, SourceUnavailableError
from ingestion.readers.monthly_rows import MonthlyRows, Row, zoned
from ingestion.source_file import Source, Stream
from lakehouse.source_database import SourceDatabaseMissingError, open_source, source_url
from security.key_provider import KeyProvider


@dataclass(frozen=True)
class DatabaseReader:
    """One source's database.

    Options of a stream: `table` (with `schema` where it is not the user's own) or `query`, a statement of ours;
    `time_zone`, the zone of times that the database keeps without one (left out: it writes the zone itself). Column
    names are matched without regard to case, as databases do.

    Args:
        address: any SQLAlchemy URL.
        setting: name of the setting that holds it, for messages.
        present: the present moment.
        password: the password, where it is kept apart from the address.
        keys: holder of the keys; needed where a stream has personal columns.
    """

    address: str
    setting: str
    present: datetime
    password: str | None = None
    keys: KeyProvider | None = None

    def deliveries(self, source: Source, stream: Stream, days: DayRange) -> Iterator[Delivery]:
        """Yield the months of the stream that `days` touches, oldest first.

        Raises:
            SourceUnavailableError: the database, or the table in it, cannot be read.
        """
        place = f"{source.source} ({source.title.zh}), stream {source.name_of(stream)!r}"
        url = self._url(place)
        try:
            rows = list(self._rows(url, stream, place))
        except (sa.exc.SQLAlchemyError, ModuleNotFoundError) as error:
            # The statement and its values stay out of the sentence; the driver's own words say what is wrong.
            cause = getattr(error, "orig", None) or error
            message = (
                f"{place}: {url.render_as_string(hide_password=True)} cannot be read: {cause}. "
                f"Check that the database runs and lets us in, or correct PARK_{self.setting.upper()}."
            )
            raise SourceUnavailableError(message) from None
        yield from MonthlyRows(source, stream, self.present, self.keys).deliveries(rows, days)

    def _url(self, place: str) -> sa.URL:
        try:
            return source_url(self.address, self.password)
        except sa.exc.ArgumentError:  # its own words would repeat the address, and a password with it
            message = (
                f"{place}: PARK_{self.setting.upper()} is no SQLAlchemy address (dialect+driver://user@host/name)."
            )
            raise SourceUnavailableError(message) from None
        except SourceDatabaseMissingError as error:
            message = (
                f"{place}: the database file {error} does not exist. "
                f"Put it there, or correct PARK_{self.setting.upper()}."
            )
            raise SourceUnavailableError(message) from None

    def _rows(self, url: sa.URL, stream: Stream, place: str) -> Iterator[Row]:
        zone = stream.options.get("time_zone")
        time_zone = ZoneInfo(zone) if zone is not None else None
        by_lower_case = {name.lower(): name for name in stream.columns}
        with open_source(url) as connection:
            result = connection.execute(_statement(connection, stream, place))
            names = [by_lower_case.get(name.lower(), name) for name in tuple(result.keys())]
            for cells in result:
                yield zoned(dict(zip(names, cells, strict=True)), stream, time_zone)


def _statement(connection: sa.Connection, stream: Stream, place: str) -> sa.Executable:
    """Return what to select.

    Raises:
        SourceUnavailableError: the table does not exist; the message lists those that do.
    """
    if query := stream.options.get("query"):
        return sa.text(str(query))
    wanted, schema = str(stream.options.get("table", stream.path)), stream.options.get("schema")
    inspector = sa.inspect(connection)
    found = [*inspector.get_table_names(schema=schema), *inspector.get_view_names(schema=schema)]
    name = next((each for each in found if each.lower() == wanted.lower()), None)
    if name is None:
        message = (
            f"{place}: there is no table {wanted!r}; the database has {', '.join(sorted(found)) or 'no tables'}. "
            "Correct `table` in the source file, or ask the system's keeper what it is called now."
        )
        raise SourceUnavailableError(message)
    return sa.select(sa.text("*")).select_from(sa.table(name, schema=schema))
