"""Refusals about metrics."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

from api.problems import ParkError


class MetricUnknownError(ParkError):
    """The semantic layer has no such metric."""

    status, code, title = HTTPStatus.NOT_FOUND, "metric.unknown", "没有这个指标"

    def __init__(self, metric: str, available: Iterable[str]) -> None:
        known = list(available)
        super().__init__(
            f"没有指标 {metric}。", remedy=f"可用的指标：{'、'.join(known)}。", metric=metric, available=known
        )


class MetricNotOverMartError(ParkError):
    """A metric is not defined over the asked mart, or none of its marts is published."""

    status, code, title = HTTPStatus.UNPROCESSABLE_ENTITY, "metric.mart_not_offered", "指标不能在该数据集上计算"


class PeriodInvalidError(ParkError):
    """A period cannot be applied or is the wrong way round."""

    code, title = "metric.period_invalid", "时间范围有误"
