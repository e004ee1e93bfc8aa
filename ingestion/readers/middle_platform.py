"""Reader of the data middle platform (化工区数据中台): a signed HTTP API with pages, increments and a rate limit.

A stream there is a feed of changes in the order of their update time. It is read from the first day of the month in
which (newest known update time - look-back) lies, so that every month that is read is read whole: a month that did not
change has the digest it had before.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from typing import Any

import httpx
import tenacity

from ingestion.readers import DayRange, Delivery, SourceUnavailableError
from ingestion.readers.monthly_rows import MonthlyRows, Row
from ingestion.readers.request_signature import canonical_query, signature_headers
from ingestion.source_file import Source, Stream
from lakehouse.settings import PARK_TIME_ZONE
from security.key_provider import KeyProvider

API = "/api/v1"
PAGE_SIZE = 500
TIMEOUT_S = 30.0
ATTEMPTS_PER_REQUEST = 7
LONGEST_WAIT_S = 30.0
WAITING_BUDGET_S = 180.0  # over all requests of one stream: a platform that is down is reported, not waited for
RENEW_BEFORE_S = 30.0
WRONG_CLIENT, TOKEN_UNKNOWN, TOKEN_EXPIRED, WRONG_SIGNATURE, CLOCK_WRONG = 40101, 40102, 40103, 40104, 40105
UNKNOWN_STREAM = 40401
NewestMoment = Callable[[Source, Stream], datetime | None]

_LOG = logging.getLogger(__name__)


class _TryAgainError(Exception):
    """An answer that may be another one in a moment."""

    def __init__(self, cause: str, wait_s: float = 0.0) -> None:
        super().__init__(cause)
        self.wait_s = wait_s


class _RefusedError(Exception):
    """An answer that stays the same however often one asks."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class MiddlePlatformReader:
    """The middle platform as one client sees it.

    Option of a stream: `may_be_absent: true` where the platform does not offer it everywhere; it then delivers nothing.

    Args:
        address: base URL of the platform.
        setting: name of the setting that holds it, for messages.
        client_id: our name there.
        client_secret: our secret there.
        present: the present moment.
        newest_moment: returns the newest update time that has landed, None on the first run.
        keys: holder of the keys; needed where a stream has personal columns.
        clock: seconds since 1970, for timestamps and the token's life; never decides which rows are read.
        sleep: waits so many seconds.
        transport: carries the requests; httpx's own unless a test stands in for the network.
    """

    address: str
    setting: str
    client_id: str
    client_secret: str
    present: datetime
    newest_moment: NewestMoment
    keys: KeyProvider | None = None
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    transport: httpx.BaseTransport | None = None

    def deliveries(self, source: Source, stream: Stream, days: DayRange) -> Iterator[Delivery]:
        """Yield the months of the stream that are to be read again and that `days` touches, oldest first.

        Raises:
            SourceUnavailableError: the platform cannot be reached, refuses us, or does not speak as agreed.
        """
        place = f"{source.source} ({source.title.zh}), stream {source.name_of(stream)!r}"
        first, days = self._range(source, stream, days)
        with httpx.Client(base_url=self.address, timeout=TIMEOUT_S, transport=self.transport) as http:
            conversation = _Conversation(self, http, place)
            try:
                rows = list(conversation.records(stream.path, first))
            except _RefusedError as refusal:
                if refusal.code == UNKNOWN_STREAM and stream.options.get("may_be_absent"):
                    _LOG.info("%s：数据中台当前不提供该数据流，本次无交付", source.slug(source.name_of(stream)))
                    return
                raise SourceUnavailableError(self._sentence(place, refusal)) from None
        yield from MonthlyRows(source, stream, self.present, self.keys).deliveries(rows, days)

    def _range(self, source: Source, stream: Stream, days: DayRange) -> tuple[date | None, DayRange]:
        """Return the day from which on to read (None: everything there is) and the business dates to hand over.

        An ordinary run reads the increment, wherever that begins. A run that ends before it, or that asks for the
        whole history, was started by a person, and reads what was asked for.
        """
        newest = self.newest_moment(source, stream)
        if days.first <= stream.partition.first:
            return None, days
        if newest is None:
            return days.first, days
        resume = (newest.astimezone(PARK_TIME_ZONE).date() - stream.look_back).replace(day=1)
        if days.last < resume:
            return days.first, days
        return resume, DayRange(min(resume, days.first), days.last)

    def _sentence(self, place: str, refusal: _RefusedError) -> str:
        host, prefix = self.address, f"PARK_{self.setting.removesuffix('_url').upper()}"
        remedies = {
            WRONG_CLIENT: f"Correct {prefix}_CLIENT_ID and the secret in the file of {prefix}_CLIENT_SECRET_FILE.",
            WRONG_SIGNATURE: f"The secret in the file of {prefix}_CLIENT_SECRET_FILE is not the one of our client id.",
            CLOCK_WRONG: "Set this machine's clock.",
            UNKNOWN_STREAM: "Correct `path` in the source file, or ask the platform to offer the stream to us.",
        }
        remedy = remedies.get(refusal.code, "Ask the platform's keeper with this code.")
        return f"{place}: {host} refuses us ({refusal.code}: {refusal}). {remedy}"


@dataclass
class _Conversation:
    """All requests for one stream, with one token and one budget of waiting."""

    reader: MiddlePlatformReader
    http: httpx.Client
    place: str
    token: str = ""
    renew_at: float = 0.0
    waited_s: float = field(default=0.0)

    def records(self, path: str, first: date | None) -> Iterator[Row]:
        """Yield all records updated on or after `first`, page by page.

        Raises:
            SourceUnavailableError: no answer, or fewer records than the platform says there are.
            _RefusedError: the platform does not serve us.
        """
        query = {"page_size": str(PAGE_SIZE)}
        if first is not None:
            midnight = datetime.combine(first, time_of_day(), PARK_TIME_ZONE)
            query["updated_after"] = (midnight - timedelta(seconds=1)).isoformat()  # what it names is left out
        received, promised, seen = 0, 0, set[str]()
        while True:
            page = self._ask(f"{API}/streams/{path}/records", query)
            records, cursor = page.get("records"), page.get("next_cursor")
            if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
                raise SourceUnavailableError(self._unexpected("a page without a list of records"))
            yield from records
            received, promised = received + len(records), max(promised, int(page.get("total") or 0))
            if not cursor:
                break
            if cursor in seen:
                raise SourceUnavailableError(self._unexpected("the same cursor twice"))
            seen.add(cursor)
            query["cursor"] = cursor
        if received < promised:
            raise SourceUnavailableError(self._unexpected(f"{received} of {promised} records"))

    def _ask(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        for _ in range(2):  # a token may end while we read: one more try with a new one
            try:
                return self._with_patience(lambda: self._get(path, query))
            except _RefusedError as refusal:
                if refusal.code not in {TOKEN_UNKNOWN, TOKEN_EXPIRED}:
                    raise
                self.renew_at = 0.0
        raise SourceUnavailableError(self._unexpected("a refusal of a token it has just given"))

    def _with_patience(self, request: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_TryAgainError),
            wait=self._wait,
            stop=self._is_enough,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(request)
        except _TryAgainError as failure:
            message = (
                f"{self.place}: {self.reader.address} does not serve us ({failure}); gave up after waiting "
                f"{self.waited_s:.0f} s. Check that the platform runs and can be reached, or correct "
                f"PARK_{self.reader.setting.upper()}."
            )
            raise SourceUnavailableError(message) from None

    def _wait(self, state: tenacity.RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome is not None else None
        asked = failure.wait_s if isinstance(failure, _TryAgainError) else 0.0
        backing_off = tenacity.wait_exponential_jitter(initial=0.2, max=LONGEST_WAIT_S)(state)
        return min(max(asked, backing_off), LONGEST_WAIT_S)

    def _is_enough(self, state: tenacity.RetryCallState) -> bool:
        return state.attempt_number >= ATTEMPTS_PER_REQUEST or self.waited_s >= WAITING_BUDGET_S

    def _sleep(self, seconds: float) -> None:
        self.waited_s += seconds
        self.reader.sleep(seconds)

    def _get(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        if self.reader.clock() >= self.renew_at:
            self._take_token()
        sent = canonical_query(query)
        headers = signature_headers(
            path,
            sent,
            client_id=self.reader.client_id,
            client_secret=self.reader.client_secret,
            timestamp=int(self.reader.clock()),
            nonce=secrets.token_hex(16),
        )
        return self._answer("GET", f"{path}?{sent}", headers={"Authorization": f"Bearer {self.token}", **headers})

    def _take_token(self) -> None:
        body = {"client_id": self.reader.client_id, "client_secret": self.reader.client_secret}
        given = self._answer("POST", f"{API}/token", json=body)
        self.token = str(given.get("access_token", ""))
        self.renew_at = self.reader.clock() + max(float(given.get("expires_in", 0)) - RENEW_BEFORE_S, 1.0)

    def _answer(self, method: str, path: str, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - httpx's own
        """Return the data of one answer's envelope.

        Raises:
            _TryAgainError: no answer, too many requests, or a fault of the server.
            _RefusedError: a refusal.
            SourceUnavailableError: the answer is not the platform's.
        """
        try:
            response = self.http.request(method, path, **request)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise SourceUnavailableError(self._unexpected(f"an address that is no URL ({error})")) from None
        except httpx.TransportError as error:
            raise _TryAgainError(f"{type(error).__name__}: {error}") from error
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.is_server_error:
            raise _TryAgainError(f"HTTP {response.status_code}", _seconds(response.headers.get("Retry-After")))
        try:
            envelope = json.loads(response.content, parse_float=Decimal)
        except ValueError:
            raise SourceUnavailableError(self._unexpected(f"HTTP {response.status_code} without JSON")) from None
        if not isinstance(envelope, dict) or "code" not in envelope:
            raise SourceUnavailableError(self._unexpected(f"HTTP {response.status_code} without an envelope"))
        if not response.is_success or envelope["code"] != 0:
            raise _RefusedError(int(envelope["code"]), str(envelope.get("message", "")))
        data = envelope.get("data")
        return data if isinstance(data, dict) else {}

    def _unexpected(self, what: str) -> str:
        return (
            f"{self.place}: {self.reader.address} gave {what}. Check that PARK_{self.reader.setting.upper()} is the "
            "data middle platform, and ask its keeper whether the interface has changed."
        )


def _seconds(retry_after: str | None) -> float:
    """Return the seconds of a Retry-After header; a date there is rare and left to the ordinary back-off."""
    return float(retry_after) if retry_after is not None and retry_after.strip().isdigit() else 0.0
