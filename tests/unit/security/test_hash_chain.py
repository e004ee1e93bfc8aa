"""The chain of records: the first place where somebody touched it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from security import sm3
from security.canonical_json import canonical_json
from security.errors import KeyNotUsableError
from security.hash_chain import ChainLink, first_break, link_record
from security.key_provider import KeyPurpose, KeyState, KeyUse
from security.key_ring import FileKeyRing

CHAIN = "work_order/4711"

Entry = tuple[dict[str, object], ChainLink]


def _chain(ring: FileKeyRing, length: int, *, chain: str = CHAIN, previous: ChainLink | None = None) -> list[Entry]:
    entries: list[Entry] = []
    for step in range(length):
        record = {"action": "接单", "step": step}
        previous = link_record(ring, chain, record, previous=previous)
        entries.append((record, previous))
    return entries


def test_an_untouched_chain_is_whole(ring: FileKeyRing):
    entries = _chain(ring, 5)

    assert first_break(ring, CHAIN, entries, anchor=entries[-1][1]) is None
    assert first_break(ring, CHAIN, []) is None


def test_the_links_follow_the_published_formula(ring: FileKeyRing):
    (record, first), (following, second) = _chain(ring, 2)
    authenticate = ring.authenticator(first.key_id, KeyUse.PROCESS)

    assert first.digest == authenticate(sm3.digest(f"chain|{CHAIN}".encode()) + canonical_json(record))
    assert second.digest == authenticate(first.digest + canonical_json(following))


@settings(deadline=None)
@given(
    place=st.integers(0, 5),
    tampering=st.sampled_from(["change", "remove", "swap", "repeat", "digest", "key", "number"]),
)
def test_the_first_touched_record_is_named(shared_ring: FileKeyRing, place: int, tampering: str):
    entries = _chain(shared_ring, 7)
    record, link = entries[place]
    match tampering:
        case "change":
            entries[place] = (record | {"action": "销单"}, link)
        case "remove":
            del entries[place]
        case "swap":
            entries[place : place + 2] = entries[place + 1], entries[place]
        case "repeat":
            entries.insert(place, entries[place])
            place += 1
        case "digest":
            entries[place] = (record, replace(link, digest=bytes(32)))
        case "number":
            entries[place] = (record, replace(link, sequence_number=9))
        case "key":
            entries[place] = (record, replace(link, key_id="record_chain-v9-00000000"))

    found = first_break(shared_ring, CHAIN, entries)

    assert found is not None
    assert found.sequence_number == place + 1


def test_a_record_renumbered_after_a_removal_is_still_found(ring: FileKeyRing):
    entries = _chain(ring, 5)
    del entries[2]
    renumbered = [
        (record, replace(link, sequence_number=number)) for number, (record, link) in enumerate(entries, start=1)
    ]

    assert first_break(ring, CHAIN, renumbered).sequence_number == 3


def test_a_chain_cut_off_at_its_end_misses_its_anchor(ring: FileKeyRing):
    entries = _chain(ring, 5)

    assert first_break(ring, CHAIN, entries[:3]) is None
    found = first_break(ring, CHAIN, entries[:3], anchor=entries[-1][1])
    assert (found.sequence_number, found.reason) == (4, "the chain ends before its anchor 5")


def test_a_chain_rewritten_with_the_key_does_not_have_the_anchored_link(ring: FileKeyRing):
    anchor = _chain(ring, 3)[-1][1]
    forged = link_record(ring, CHAIN, {"action": "伪造"}, previous=None)
    rewritten = [({"action": "伪造"}, forged), *_chain(ring, 4, previous=forged)]

    assert first_break(ring, CHAIN, rewritten) is None
    assert first_break(ring, CHAIN, rewritten, anchor=anchor).sequence_number == 3


def test_a_later_part_is_checked_after_an_archived_one(ring: FileKeyRing):
    entries = _chain(ring, 6)

    assert first_break(ring, CHAIN, entries[3:], after=entries[2][1], anchor=entries[2][1]) is None
    assert first_break(ring, CHAIN, entries[4:], after=entries[2][1]).sequence_number == 4
    forged = replace(entries[2][1], digest=bytes(32))
    assert first_break(ring, CHAIN, [], after=forged, anchor=entries[2][1]).sequence_number == 3


def test_links_of_one_chain_do_not_fit_another(ring: FileKeyRing):
    assert first_break(ring, CHAIN, _chain(ring, 2, chain="work_order/4712")).sequence_number == 1


def test_a_chain_lives_through_a_rotation(ring: FileKeyRing):
    before = _chain(ring, 2)
    ring.rotate(KeyPurpose.RECORD_CHAIN)
    entries = before + _chain(ring, 2, previous=before[-1][1])

    assert len({link.key_id for _, link in entries}) == 2
    assert first_break(ring, CHAIN, entries) is None


def test_a_key_of_another_purpose_proves_nothing(ring: FileKeyRing):
    token_key = ring.active(KeyPurpose.TOKEN).key_id
    record = {"action": "伪造"}
    message = sm3.digest(f"chain|{CHAIN}".encode()) + canonical_json(record)
    forged = ChainLink(1, token_key, ring.authenticator(token_key, KeyUse.PROTECT)(message))

    assert "not one of this chain's keys" in first_break(ring, CHAIN, [(record, forged)]).reason


def test_a_record_that_could_never_be_linked_is_a_break(ring: FileKeyRing):
    entries = _chain(ring, 2)
    entries[1] = ({"value": float("nan")}, entries[1][1])

    assert first_break(ring, CHAIN, entries).sequence_number == 2


def test_nothing_is_claimed_while_a_key_is_suspended(ring: FileKeyRing):
    entries = _chain(ring, 1)
    ring.change_state(entries[0][1].key_id, KeyState.SUSPENDED)

    with pytest.raises(KeyNotUsableError, match="SUSPENDED"):
        first_break(ring, CHAIN, entries)
