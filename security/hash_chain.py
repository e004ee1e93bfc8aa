"""A chain of keyed hashes over records: changing, inserting, removing or reordering one breaks every link after it.

h_n = HMAC-SM3(k, h_{n-1} ‖ canonical JSON of record n), with h_0 = SM3 of the chain's name, so that links of one
chain do not fit another. The key is the active `record_chain` key of the moment; each link names it, so a chain
lives through rotations. Cutting off the end leaves a sound chain: keep the last link elsewhere (signed, once a day)
and give it to `first_break` as the anchor.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from security import sm3
from security.canonical_json import Record, canonical_json
from security.errors import KeyNotFoundError, MalformedValueError
from security.key_provider import KeyProvider, KeyPurpose, KeyUse


@dataclass(frozen=True)
class ChainLink:
    """What is stored beside a record: its place (from 1), the key's id and the 32-byte keyed hash."""

    sequence_number: int
    key_id: str
    digest: bytes


@dataclass(frozen=True)
class ChainBreak:
    """The first place where a chain does not hold, and in what way."""

    sequence_number: int
    reason: str


def link_record(provider: KeyProvider, chain: str, record: Record, *, previous: ChainLink | None) -> ChainLink:
    """Return the link of the next record.

    Args:
        provider: holder of the keys.
        chain: the chain's name, e.g. `work_order/4711`.
        record: what is protected; see `canonical_json` for the types it may hold.
        previous: the link before, None for the first record.

    Raises:
        MalformedValueError: the record has no canonical writing.
    """
    key_id = provider.active(KeyPurpose.RECORD_CHAIN).key_id
    authenticate = provider.authenticator(key_id, KeyUse.PROTECT)
    before = _start(chain) if previous is None else previous.digest
    number = 1 if previous is None else previous.sequence_number + 1
    return ChainLink(number, key_id, authenticate(before + canonical_json(record)))


def first_break(
    provider: KeyProvider,
    chain: str,
    entries: Iterable[tuple[Record, ChainLink]],
    *,
    after: ChainLink | None = None,
    anchor: ChainLink | None = None,
) -> ChainBreak | None:
    """Return where a chain first fails to hold, None when it is whole.

    Args:
        provider: holder of the keys.
        chain: the chain's name.
        entries: records with their links, in order of the sequence numbers; read once, one at a time.
        after: the link before the first entry when the beginning lies in an archive that was already verified.
        anchor: a link kept elsewhere, which must be found in the chain (or be `after`).

    Raises:
        KeyNotUsableError: a key of the chain is suspended or destroyed, so nothing can be said.
    """
    checks = _Checks(provider)
    number = 0 if after is None else after.sequence_number
    before = _start(chain) if after is None else after.digest
    if after is not None and _contradicts(anchor, after):
        return ChainBreak(number, "the link before the first entry is not the anchored one")
    for record, link in entries:
        number += 1
        reason = checks.reason_against(link, number, before, record)
        if reason is None and _contradicts(anchor, link):
            reason = "the link is not the anchored one"
        if reason is not None:
            return ChainBreak(number, reason)
        before = link.digest
    if anchor is not None and number < anchor.sequence_number:
        return ChainBreak(number + 1, f"the chain ends before its anchor {anchor.sequence_number}")
    return None


class _Checks:
    """Checks single links, asking the provider once for every key."""

    def __init__(self, provider: KeyProvider) -> None:
        self._provider = provider
        self._authenticators: dict[str, Callable[[bytes], bytes] | None] = {}

    def reason_against(self, link: ChainLink, number: int, before: bytes, record: Record) -> str | None:
        if link.sequence_number != number:
            return f"record {link.sequence_number} stands in its place"
        if link.key_id not in self._authenticators:
            self._authenticators[link.key_id] = self._authenticator(link.key_id)
        authenticate = self._authenticators[link.key_id]
        if authenticate is None:
            return f"key {link.key_id!r} is not one of this chain's keys"
        try:
            expected = authenticate(before + canonical_json(record))
        except MalformedValueError as refusal:
            return f"the record was changed to one that could never have been linked ({refusal})"
        return None if hmac.compare_digest(expected, link.digest) else "the record or a link before it was changed"

    def _authenticator(self, key_id: str) -> Callable[[bytes], bytes] | None:
        """Return the key's function; None for an unknown key or one of another purpose: only a forger names those."""
        try:
            purpose = self._provider.describe(key_id).purpose
        except KeyNotFoundError:
            return None
        return self._provider.authenticator(key_id, KeyUse.PROCESS) if purpose is KeyPurpose.RECORD_CHAIN else None


def _contradicts(anchor: ChainLink | None, link: ChainLink) -> bool:
    return anchor is not None and anchor.sequence_number == link.sequence_number and anchor != link


def _start(chain: str) -> bytes:
    return sm3.digest(f"chain|{chain}".encode())
