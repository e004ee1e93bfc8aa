"""The kinds of decisions, read from `kinds.yaml`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

KINDS_FILE = Path(__file__).with_name("kinds.yaml")
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class Words(BaseModel):
    """A name in both languages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class Kind(BaseModel):
    """One kind of decision: what it is about and which verdicts it may have."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Code = Field(description="种类代码")
    label: Words = Field(description="名称")
    subject: Words = Field(description="subject 填什么")
    verdicts: dict[Code, Words] = Field(min_length=1, description="可选的结论")


class _KindsFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kinds: tuple[Kind, ...]


@cache
def decision_kinds() -> dict[str, Kind]:
    """Return every kind by its code, in the order of the file."""
    content = _KindsFile.model_validate(yaml.safe_load(KINDS_FILE.read_text("utf-8")))
    kinds = {each.kind: each for each in content.kinds}
    if len(kinds) != len(content.kinds):
        message = f"{KINDS_FILE.name}: a kind stands twice; keep one."
        raise ValueError(message)
    return kinds
