"""Refusals about marts, their columns and their pages."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

from api.problems import ParkError


class MartUnknownError(ParkError):
    """No mart of this name is published."""

    status, code, title = HTTPStatus.NOT_FOUND, "mart.unknown", "没有这个数据集"

    def __init__(self, mart: str, available: Iterable[str]) -> None:
        known = sorted(available)
        super().__init__(
            f"没有已发布的数据集 {mart}。",
            remedy=f"已发布的数据集：{'、'.join(known)}。"
            if known
            else "尚未发布任何数据集，请先运行主作业（make run）。",
            mart=mart,
            available=known,
        )


class ColumnUnknownError(ParkError):
    """A mart has no such column."""

    status, code, title = HTTPStatus.BAD_REQUEST, "column.unknown", "没有这个字段"

    def __init__(self, mart: str, column: str, available: Iterable[str], *, parameter: str) -> None:
        known = list(available)
        super().__init__(
            f"参数 {parameter}：数据集 {mart} 没有字段 {column}。",
            remedy=f"可用的字段：{'、'.join(known)}。",
            mart=mart,
            column=column,
            parameter=parameter,
            available=known,
        )


class ColumnWithheldError(ParkError):
    """A personal column cannot be used in this way."""

    status, code, title = HTTPStatus.FORBIDDEN, "column.personal", "个人信息字段受限"

    def __init__(self, mart: str, column: str, *, parameter: str) -> None:
        super().__init__(
            f"参数 {parameter}：{mart}.{column} 是个人信息字段，不能用于筛选、排序或分组，密文和摘要不对外提供。",
            remedy="请改用其他字段；确需核对个人信息时，请在业务系统中按审批流程办理。",
            mart=mart,
            column=column,
            parameter=parameter,
        )


class FilterInvalidError(ParkError):
    """A filter's operator or value cannot be understood."""

    code, title = "filter.invalid", "筛选条件有误"


class SelectionInvalidError(ParkError):
    """`columns`, `order`, `limit` or `format` cannot be used as given."""

    code, title = "selection.invalid", "查询参数有误"


class CursorInvalidError(ParkError):
    """The page mark is not one that we made for this query."""

    code, title = "page.invalid", "翻页标记无效"


class CursorOutdatedError(ParkError):
    """The mart was published anew between two pages."""

    status, code, title = HTTPStatus.CONFLICT, "page.outdated", "数据集已更新"

    def __init__(self, mart: str) -> None:
        super().__init__(
            f"翻页期间数据集 {mart} 重新发布，前后两页不再属于同一版本。",
            remedy="请从第一页重新读取；数据量大时可用 format=parquet 一次取全。",
            mart=mart,
        )


class FormatNotOfferedError(ParkError):
    """None of the asked media types is offered."""

    status, code, title = HTTPStatus.NOT_ACCEPTABLE, "format.not_offered", "不支持这种数据格式"


class ExportTooLargeError(ParkError):
    """A file would hold more rows than one request may ask for."""

    status, code, title = HTTPStatus.UNPROCESSABLE_ENTITY, "export.too_large", "导出的行数过多"
