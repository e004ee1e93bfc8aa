"""Personal columns: never in the clear, readable with the key, joinable by digest, also across a rotation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ingestion.personal_columns import is_valid_citizen_number
from ingestion.readers import DayRange
from ingestion.source_file import Source, SourceFileError
from security.envelope import decrypt_column, keyed_digest
from security.key_provider import KeyPurpose
from security.personal_fields import FieldKind

if TYPE_CHECKING:
    from tests.unit.ingestion.reported.conftest import Office

PEOPLE: dict[str, Any] = {
    "columns": {
        "report_id": {"type": "integer", "required": True},
        "period": {"type": "text", "required": True},
        "worker": {"type": "text", "required": True, "protect": "encrypt_and_digest", "kind": "person_name"},
        "id_no": {"type": "text", "protect": "encrypt_and_digest", "kind": "id_number"},
        "phone": {"type": "text", "protect": "digest", "kind": "phone"},
        "age": "integer",
    },
    "sensitivity": "personal",
    "options": {"table": "REPORT"},
}
YEAR = DayRange(date(2026, 1, 1), date(2026, 12, 31))
COLUMNS = "report_id, period, worker, id_no, phone, age"
# Area 990000 does not exist; the first number has its right check character, the second has not.
ANNA = (1, "202601", "欧阳建国", "990000196706160011", "12849151629", 40)
BERT = (2, "202601", "张 三", "990000196706160012", "128-4915-1629", 50)
CARA = (3, "202601", "李海燕", "990000197408070004", "12137236246", "about forty")
SECRETS = ("欧阳建国", "张 三", "张三", "李海燕", "990000196706160", "990000197408070", "12849151629", "12137236246")


@pytest.fixture
def people(office_of: Callable[..., Office]) -> Office:
    office = office_of(**PEOPLE)
    office.holds(ANNA, BERT, CARA, columns=COLUMNS)
    return office


def test_no_value_lies_in_the_lake_in_the_clear(people: Office, tmp_path: Path):
    result = people.land()
    assert (result.rows_landed, result.rows_refused) == (2, 1), "the refused row must be looked at, too"
    people.holds(ANNA, columns=COLUMNS.replace("worker", "worker_name"))
    people.land()
    files = [path for path in (tmp_path / "lake").rglob("*") if path.is_file()]
    assert len(files) > 4
    for path in files:
        content = path.read_bytes()
        found = [value for value in SECRETS for text in (value.encode(),) if text in content]
        assert not found, f"{path}: {found}"


def test_nothing_is_shown_of_a_refused_row_but_its_mask(people: Office):
    people.land()
    (row,) = people.refused()
    assert "李**" in row["record"]
    assert "121****6246" in row["record"]
    assert "990***********0004" in row["record"]
    assert not any(value in row["record"] for value in SECRETS)


def test_what_was_encrypted_can_be_read_by_whoever_has_the_key(people: Office):
    people.land()
    rows = people.standing.rows(["2026-01"])
    names = decrypt_column(people.keys, rows["worker_encrypted"], column="old_office__reports.worker")
    assert sorted(names) == ["张 三", "欧阳建国"]
    assert "worker" not in rows.columns
    assert "phone_encrypted" not in rows.columns


def test_the_same_phone_has_one_digest_however_it_is_written(people: Office):
    people.land()
    digests = set(people.standing.rows(["2026-01"])["phone_digest"])
    assert digests == {keyed_digest(people.keys, "+86 12849151629", kind=FieldKind.PHONE)}


def test_a_check_character_is_tested_while_the_number_is_still_there(people: Office):
    people.land()
    assert people.counted("report_id", "id_no_is_valid") == [(1, True), (2, False)]


def test_after_a_rotation_of_the_cipher_key_old_rows_are_readable_and_new_ones_use_the_new_key(people: Office):
    people.land()
    people.keys.rotate(KeyPurpose.FIELD_ENCRYPTION)
    people.holds(ANNA, BERT, (4, "202602", "王文", None, None, 30), columns=COLUMNS)
    result = people.land()
    assert (result.deliveries_landed, result.deliveries_known) == (2, 0), "January lost a row that had been refused"
    everything = people.lake.scan("bronze/old_office__reports").collect()
    names = decrypt_column(people.keys, everything["worker_encrypted"], column="old_office__reports.worker")
    assert set(names) == {"张 三", "欧阳建国", "王文"}
    assert len({field.split("|")[1] for field in everything["worker_encrypted"]}) == 2


def test_a_rotation_of_the_digest_key_lands_everything_again(people: Office):
    people.land()
    people.keys.rotate(KeyPurpose.FIELD_DIGEST)
    assert people.land().deliveries_landed == 1
    digests = set(people.standing.rows(["2026-01"])["phone_digest"])
    assert digests == {keyed_digest(people.keys, "12849151629", kind=FieldKind.PHONE)}


def test_a_guess_cannot_be_tested_against_the_digest_of_a_delivery(people: Office, tmp_path: Path):
    stream = people.source.streams["reports"]
    (here,) = people.reader.deliveries(people.source, stream, YEAR)
    other_keys = type(people)(tmp_path / "elsewhere", people.source)
    other_keys.path = people.path
    (there,) = other_keys.reader.deliveries(people.source, stream, YEAR)
    assert here.digest != there.digest, "without the key nobody can compute it"


def test_people_do_not_land_without_keys(people: Office):
    people.keys = None  # type: ignore[assignment]
    with pytest.raises(SourceFileError, match="need a key provider"):
        people.land()


@pytest.mark.parametrize(
    ("number", "is_valid"),
    [
        ("11010519491231002X", True),  # the example of GB 11643
        ("11010519491231002x", True),
        ("110105194912310021", False),
        ("11010519491231002", False),
        ("1101051949123100２X", True),
        ("", False),
        ("A1010519491231002X", False),
    ],
)
def test_check_characters_of_citizen_numbers(number: str, *, is_valid: bool):
    assert is_valid_citizen_number(number) is is_valid


@pytest.mark.parametrize(
    ("column", "says"),
    [
        ({"type": "text", "protect": "encrypt"}, "`protect` and `kind`"),
        ({"type": "text", "kind": "phone"}, "`protect` and `kind`"),
        ({"type": "integer", "protect": "digest", "kind": "phone"}, "is text, not integer"),
        ({"type": "integer", "pattern": "^1"}, "is text, not integer"),
        ({"type": "text", "protect": "digest", "kind": "shoe_size"}, "shoe_size"),
    ],
)
def test_half_a_promise_is_refused(source_with: Callable[..., Source], column: dict[str, Any], says: str):
    with pytest.raises(ValueError, match=says):
        source_with(columns={**PEOPLE["columns"], "phone": column})


def test_a_personal_column_is_no_key(source_with: Callable[..., Source]):
    with pytest.raises(ValueError, match="'phone' is personal"):
        source_with(**{**PEOPLE, "primary_key": ["phone"]})
