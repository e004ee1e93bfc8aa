"""Shapes of decisions, as people give and read them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from api.decisions.kinds import Kind


def _without_control_characters(text: str) -> str:
    if any(ord(letter) < 32 and letter not in "\n\t" for letter in text):
        raise ValueError("不能含有控制字符")
    text.encode("utf-8")
    return text


Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_without_control_characters),
]
Paragraph = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=4000),
    AfterValidator(_without_control_characters),
]


class NewDecision(BaseModel):
    """What a person decides."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Line = Field(description="种类，见 /v1/decision_kinds")
    subject: Line = Field(description="针对什么：该种类规定的编号")
    verdict: Line = Field(description="结论，须是该种类的可选结论之一")
    reason: Paragraph = Field(description="理由")
    decided_by: Line | None = Field(default=None, description="决定人；不给则为令牌名称")
    decision_id: UUID | None = Field(
        default=None, description="由调用方生成的编号，重试时不会重复记录；不给则由平台生成"
    )
    supersedes: UUID | None = Field(default=None, description="所替代的现行决定；首次决定不填")


class Decision(BaseModel):
    """One decision as it is kept; it is never changed."""

    model_config = ConfigDict(frozen=True)

    sequence: int = Field(description="记录顺序号")
    decision_id: UUID
    kind: str
    subject: str
    verdict: str
    reason: str
    decided_by: str = Field(description="决定人")
    decided_at: datetime = Field(description="决定时间（UTC）")
    recorded_by: str = Field(description="经由哪个令牌或命令记录")
    supersedes: UUID | None = Field(description="替代了哪项决定")
    is_standing: bool = Field(description="是否为现行决定（未被替代）")


class DecisionList(BaseModel):
    """Decisions, the newest first."""

    decisions: list[Decision]
    next: str | None = Field(description="下一页的地址；null 表示已到末页")


class KindList(BaseModel):
    """All kinds of decisions."""

    kinds: list[Kind]
