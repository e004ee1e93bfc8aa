"""Encrypted fields and keyed digests, as a table's owner meets them."""

from __future__ import annotations

import base64
import string
from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_series_equal

from security.envelope import (
    decrypt_column,
    decrypt_text,
    digest_column,
    encrypt_column,
    encrypt_text,
    key_id_of,
    keyed_digest,
    lookup_digests,
)
from security.errors import AuthenticationFailedError, KeyNotFoundError, MalformedValueError, SecurityError
from security.key_provider import KeyPurpose, KeyState
from security.key_ring import FileKeyRing
from security.personal_fields import FieldKind

COLUMN = "legacy_contractors__workers.phone"
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@settings(deadline=None)
@given(text=texts, column=st.text(string.ascii_lowercase + "_.", min_size=1))
def test_a_field_is_read_again_from_its_column(shared_ring: FileKeyRing, text: str, column: str):
    assert decrypt_text(shared_ring, encrypt_text(shared_ring, text, column=column), column=column) == text


@settings(deadline=None)
@given(text=texts, column=texts, other=texts)
def test_a_field_moved_to_another_column_is_refused(shared_ring: FileKeyRing, text: str, column: str, other: str):
    field = encrypt_text(shared_ring, text, column=column)

    if other != column:
        with pytest.raises(AuthenticationFailedError):
            decrypt_text(shared_ring, field, column=other)


@settings(deadline=None)
@given(data=st.data(), text=texts)
def test_a_field_with_any_changed_character_is_refused(shared_ring: FileKeyRing, data: st.DataObject, text: str):
    field = encrypt_text(shared_ring, text, column=COLUMN)
    place = data.draw(st.integers(0, len(field) - 1))
    character = data.draw(st.sampled_from(string.printable + "０"))

    if field[place] != character:
        with pytest.raises(SecurityError):
            decrypt_text(shared_ring, field[:place] + character + field[place + 1 :], column=COLUMN)


@settings(deadline=None)
@given(data=st.data(), text=texts)
def test_a_truncated_field_is_refused(shared_ring: FileKeyRing, data: st.DataObject, text: str):
    field = encrypt_text(shared_ring, text, column=COLUMN)

    with pytest.raises(SecurityError):
        decrypt_text(shared_ring, field[: data.draw(st.integers(0, len(field) - 1))], column=COLUMN)


def test_the_field_has_the_agreed_parts(ring: FileKeyRing):
    field = encrypt_text(ring, "13812341234", column=COLUMN)
    version, key_id, iv, ciphertext, tag = field.split("|")

    assert version == "v1"
    assert key_id == key_id_of(field) == ring.active(KeyPurpose.FIELD_ENCRYPTION).key_id
    assert [len(base64.b64decode(part)) for part in (iv, ciphertext, tag)] == [12, 11, 16]


def test_equal_values_cannot_be_seen_in_an_encrypted_column(ring: FileKeyRing):
    fields = encrypt_column(ring, pl.Series("phone", ["13812341234"] * 50), column=COLUMN)

    assert fields.n_unique() == 50


def test_a_column_is_read_again_with_its_gaps_and_empty_strings(ring: FileKeyRing):
    values = pl.Series("phone", ["13812341234", None, "", "张三", None])
    fields = encrypt_column(ring, values, column=COLUMN)

    assert fields.is_null().to_list() == [False, True, False, False, True]
    assert not any(value in field for value in ("13812341234", "张三") for field in fields.drop_nulls())
    assert_series_equal(decrypt_column(ring, fields, column=COLUMN), values)


@pytest.mark.parametrize("values", [pl.Series("phone", [], dtype=pl.String), pl.Series("phone", [None, None])])
def test_columns_without_a_value_stay_so(ring: FileKeyRing, values: pl.Series):
    for column in (
        encrypt_column(ring, values, column=COLUMN),
        decrypt_column(ring, values, column=COLUMN),
        digest_column(ring, values, kind=FieldKind.PHONE),
    ):
        assert column.dtype == pl.String
        assert column.null_count() == len(values)


def test_a_column_written_under_several_keys_is_read_as_one(
    ring: FileKeyRing, another_process: Callable[[], FileKeyRing]
):
    before = encrypt_column(ring, pl.Series("phone", ["13800000001"]), column=COLUMN)
    ring.rotate(KeyPurpose.FIELD_ENCRYPTION)
    after = encrypt_column(ring, pl.Series("phone", ["13800000002"]), column=COLUMN)
    fields = pl.concat([before, after, before])

    assert len({key_id_of(field) for field in fields}) == 2
    texts_again = decrypt_column(another_process(), fields, column=COLUMN)
    assert texts_again.to_list() == ["13800000001", "13800000002", "13800000001"]


def test_the_refused_row_and_column_are_named(ring: FileKeyRing):
    fields = encrypt_column(ring, pl.Series("phone", ["13800000001", "13800000002"]), column=COLUMN)
    moved = encrypt_text(ring, "13800000003", column="legacy_contractors__workers.id_number")

    with pytest.raises(AuthenticationFailedError, match=rf"column {COLUMN}, row 2.*Land the batch again"):
        decrypt_column(ring, fields.append(pl.Series([moved])), column=COLUMN)
    with pytest.raises(MalformedValueError, match=r"row 1: .*plain text") as refusal:
        decrypt_column(ring, pl.Series("phone", [fields[0], "13812341234"]), column=COLUMN)
    assert "13812341234" not in str(refusal.value)


def test_a_field_of_another_key_cannot_be_relabelled(ring: FileKeyRing):
    old = encrypt_text(ring, "text", column=COLUMN)
    new_key_id = ring.rotate(KeyPurpose.FIELD_ENCRYPTION).key_id

    with pytest.raises(AuthenticationFailedError):
        decrypt_text(ring, old.replace(key_id_of(old), new_key_id), column=COLUMN)


def test_a_field_of_another_installation_is_explained(ring: FileKeyRing, shared_ring: FileKeyRing):
    field = encrypt_text(shared_ring, "text", column=COLUMN)

    with pytest.raises(KeyNotFoundError, match="another installation"):
        decrypt_text(ring, field, column=COLUMN)


@pytest.mark.parametrize(
    "field", ["", "13812341234", "v1|k|a|b", "v2|k|AAAA|AAAA|AAAA", "v1|k|!|AAAA|AAAA", "v1|k|AAAA|AAAA|AAAA"]
)
def test_what_is_no_encrypted_field_is_refused(ring: FileKeyRing, field: str):
    with pytest.raises(MalformedValueError):
        decrypt_text(ring, field, column=COLUMN)


def test_a_field_has_one_writing_only(ring: FileKeyRing):
    field = encrypt_text(ring, "text", column=COLUMN)
    letters = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
    # The last letter before == carries four bits that decoding drops.
    stray = letters[letters.index(field[-3]) + 1] + "=="

    assert base64.b64decode(field[-24:-3] + stray) == base64.b64decode(field[-24:])
    with pytest.raises(MalformedValueError, match="not base64"):
        decrypt_text(ring, field[:-3] + stray, column=COLUMN)


def test_a_column_of_numbers_is_refused_with_the_remedy(ring: FileKeyRing):
    numbers = pl.Series("phone", [13812341234])

    with pytest.raises(TypeError, match=rf"{COLUMN}.*cast"):
        encrypt_column(ring, numbers, column=COLUMN)
    with pytest.raises(TypeError, match="cast"):
        digest_column(ring, numbers, kind=FieldKind.PHONE)


@pytest.mark.parametrize(
    ("kind", "writings"),
    [
        (FieldKind.PHONE, ["13812341234", " 138 1234 1234", "138-1234-1234", "+86 13812341234", "008613812341234"]),
        (FieldKind.PHONE, ["13812341234", "１３８１２３４１２３４", "8613812341234", "(138)12341234"]),
        (FieldKind.PHONE, ["021-57941234", "02157941234", "(021) 5794 1234", "+86 021-57941234"]),
        (FieldKind.ID_NUMBER, ["31010119900307123X", "31010119900307123x", "310101 19900307 123Ｘ"]),
        (FieldKind.PERSON_NAME, ["张三", "张 三", "张\u3000三", " 张三 "]),
        (FieldKind.PERSON_NAME, ["阿卜杜拉·买买提", "阿卜杜拉•买买提", "阿卜杜拉・买买提", "阿卜杜拉･买买提"]),
        (FieldKind.PERSON_NAME, ["John Smith", "JOHN  smith"]),
        (FieldKind.TEXT, ["Aa  b", " aA B", "ＡＡ b"]),
    ],
)
def test_writings_of_one_value_share_one_digest(ring: FileKeyRing, kind: FieldKind, writings: list[str]):
    digests = digest_column(ring, pl.Series("value", writings), kind=kind)

    assert digests.n_unique() == 1
    assert len(digests[0]) == 32
    assert digests[0] == keyed_digest(ring, writings[0], kind=kind)


def test_other_values_and_kinds_have_other_digests(ring: FileKeyRing):
    digests = {keyed_digest(ring, "13812341234", kind=kind) for kind in FieldKind}
    digests |= {keyed_digest(ring, value, kind=FieldKind.PERSON_NAME) for value in ("张三", "张三丰", "Li Na", "LiNa")}

    assert len(digests) == 8


def test_blank_values_have_no_digest_in_common(ring: FileKeyRing):
    digests = digest_column(ring, pl.Series("phone", ["", " ", None, "\u3000", "13812341234"]), kind=FieldKind.PHONE)

    assert digests.is_null().to_list() == [True, True, True, True, False]
    with pytest.raises(MalformedValueError, match="blank phone"):
        keyed_digest(ring, " - ", kind=FieldKind.PHONE)


def test_a_value_is_found_under_its_old_digest_after_a_rotation(ring: FileKeyRing):
    stored = keyed_digest(ring, "13812341234", kind=FieldKind.PHONE)
    old = ring.active(KeyPurpose.FIELD_DIGEST).key_id
    ring.rotate(KeyPurpose.FIELD_DIGEST)
    now_stored = keyed_digest(ring, "13812341234", kind=FieldKind.PHONE)

    assert stored != now_stored
    assert lookup_digests(ring, "138 1234 1234", kind=FieldKind.PHONE) == [now_stored, stored]
    ring.change_state(old, KeyState.DESTROYED)
    assert lookup_digests(ring, "138 1234 1234", kind=FieldKind.PHONE) == [now_stored]


def test_digests_of_two_installations_cannot_be_compared(ring: FileKeyRing, shared_ring: FileKeyRing):
    assert keyed_digest(ring, "13812341234") != keyed_digest(shared_ring, "13812341234")
