"""The checksum of the standard, and the other ones that are recognised."""

from __future__ import annotations

import pytest

from methods.hj212 import Dialect, crc_of
from methods.hj212.checksum import claimed_crc, matching_dialect

# HJ 212-2017 annex A
SAMPLE = b"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&"


def test_the_sample_of_annex_a_has_its_printed_checksum():
    assert len(SAMPLE) == 101
    assert crc_of(SAMPLE) == 0x1C80


def test_modbus_is_the_well_known_one():
    assert crc_of(b"123456789", Dialect.MODBUS) == 0x4B37
    assert crc_of(SAMPLE, Dialect.MODBUS) == 0x0759


@pytest.mark.parametrize(
    ("claimed", "dialect"),
    [
        (0x1C80, Dialect.STANDARD),
        (0x801C, Dialect.SWAPPED),
        (0x0759, Dialect.MODBUS),
        (0x5907, Dialect.MODBUS_SWAPPED),
        (0x1C81, None),
    ],
)
def test_a_dialect_is_recognised(claimed: int, dialect: Dialect | None):
    assert matching_dialect(SAMPLE, claimed) is dialect


@pytest.mark.parametrize(
    ("field", "number"),
    [(b"1C80", 0x1C80), (b"1c80", 0x1C80), (b"?A", None), (b"1C8", None), (b" 1C8", None), (b"+1C8", None)],
)
def test_a_checksum_field_is_four_hexadecimal_digits(field: bytes, number: int | None):
    assert claimed_crc(field) == number
