"""Published unified social credit codes, valid and not."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from methods.credit_codes import judged_codes


def test_every_published_code_gets_its_verdict(replay_dir: Path):
    codes = pl.read_csv(replay_dir / "uscc" / "uscc.csv", infer_schema=False)
    assert codes.height == 122
    judged = judged_codes(codes, "code")
    wrong = judged.filter(pl.col("is_check_digit_valid").cast(pl.Int8).cast(pl.String) != pl.col("check_digit_valid"))
    assert wrong.is_empty(), wrong
    assert judged.filter(~pl.col("is_check_digit_valid"))["issue_code"].unique().to_list() == ["check_digit"]
