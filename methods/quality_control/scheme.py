"""The published scheme of quality flags and tests.

Flags are QARTOD's primary flags. The worst flag counts, in the order fail, suspect, missing, pass, not evaluated;
inside this room flags are ranks in that order, so that the worst is a maximum.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag

import numpy as np
import numpy.typing as npt

Ranks = npt.NDArray[np.uint8]
Marks = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


class Flag(IntEnum):
    """Primary flags as they are published (QARTOD)."""

    PASS = 1
    NOT_EVALUATED = 2
    SUSPECT = 3
    FAIL = 4
    MISSING = 9


class Rank(IntEnum):
    """The flags from good to bad: the worst of several is their maximum."""

    NOT_EVALUATED = 0
    PASS = 1
    MISSING = 2
    SUSPECT = 3
    FAIL = 4


class Test(IntFlag):
    """Which tests spoke against a value; several may."""

    SOURCE = 1 << 0  # T01 the source's own flag
    TIME = 1 << 1  # T02 clock ahead, too old, or two values for one moment
    UNIT = 1 << 2  # T03 a power of ten away from what is usual
    GROSS_RANGE = 1 << 3  # T04 outside what the sensor can measure
    OPERATING_RANGE = 1 << 4  # T05 outside the operating band or what is usual
    RATE = 1 << 5  # T06 changes faster than it can
    SPIKE = 1 << 6  # T07 one value away from its neighbours
    FLAT = 1 << 7  # T08 does not move
    ATTENUATED = 1 << 8  # T09 moves less than it used to
    DRIFT = 1 << 9  # T10 walks away from its peers or from zero
    CONSISTENCY = 1 << 10  # T11 contradicts another vital of the same object
    NEIGHBOUR = 1 << 11  # T12 away from its neighbours
    GAP = 1 << 12  # T13 silent for longer than three periods


TEST_CODES: dict[Test, str] = {
    Test.SOURCE: "T01_source_flag",
    Test.TIME: "T02_time",
    Test.UNIT: "T03_unit",
    Test.GROSS_RANGE: "T04_gross_range",
    Test.OPERATING_RANGE: "T05_operating_range",
    Test.RATE: "T06_rate",
    Test.SPIKE: "T07_spike",
    Test.FLAT: "T08_flat",
    Test.ATTENUATED: "T09_attenuated",
    Test.DRIFT: "T10_drift",
    Test.CONSISTENCY: "T11_consistency",
    Test.NEIGHBOUR: "T12_neighbour",
    Test.GAP: "T13_gap",
}
"""The tests as they are written in tables and on screens, in the order in which they are run."""

FLAG_OF_RANK: npt.NDArray[np.uint8] = np.array(
    [Flag[rank.name].value for rank in sorted(Rank)],
    dtype=np.uint8,
)


def tests_of(marks: int) -> list[str]:
    """Return the codes of the tests in a set of marks, in the order of the scheme."""
    return [code for test, code in TEST_CODES.items() if marks & test]


@dataclass
class Verdict:
    """The judgement of rows so far.

    Attributes:
        ranks: the worst rank of every row.
        marks: which tests spoke against it.
    """

    ranks: Ranks
    marks: Marks

    @classmethod
    def of(cls, rows: int, rank: Rank = Rank.PASS) -> Verdict:
        """Return a verdict that holds nothing against any row."""
        return cls(np.full(rows, rank, dtype=np.uint8), np.zeros(rows, dtype=np.int32))

    def hold(self, against: Mask, rank: Rank, test: Test) -> None:
        """Hold a test's result against the rows of a mask."""
        if against.any():
            np.maximum(self.ranks, np.uint8(rank), out=self.ranks, where=against)
            np.bitwise_or(self.marks, np.int32(test), out=self.marks, where=against)

    def copy(self) -> Verdict:
        """Return a verdict that goes its own way from here."""
        return Verdict(self.ranks.copy(), self.marks.copy())

    @property
    def flags(self) -> npt.NDArray[np.uint8]:
        """The published flags."""
        return FLAG_OF_RANK[self.ranks]
