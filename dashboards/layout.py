"""Where the charts of a theme stand on a page: the wide page, and the single column of a phone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboards.theme_file import GRID_COLUMNS, Chart, Column, Theme

_ROOT = "ROOT_ID"
_GRID = "GRID_ID"
_PHONE_HEIGHT = {"trend_number": 21, "number": 16, "map": 44}
_PHONE_HEIGHT_OTHERS = 36


class Page:
    """A page under construction; `place` maps a chart's name to its number on the page, uuid and heading."""

    def __init__(self, title: str, charts: Mapping[str, tuple[int, str, str]]) -> None:
        self._charts = charts
        self.position: dict[str, Any] = {
            "DASHBOARD_VERSION_KEY": "v2",
            "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": title}},
            _ROOT: {"type": "ROOT", "id": _ROOT, "children": [_GRID]},
            _GRID: {"type": "GRID", "id": _GRID, "children": [], "parents": [_ROOT]},
        }

    def _add(self, kind: str, name: str, parents: list[str], meta: dict[str, Any]) -> list[str]:
        identifier = f"{kind}-{name}"
        self.position[identifier] = {
            "type": kind,
            "id": identifier,
            "children": [],
            "parents": parents,
            "meta": meta,
        }
        self.position[parents[-1]]["children"].append(identifier)
        return [*parents, identifier]

    def add_row(self, name: str) -> list[str]:
        """Add a row and return its path."""
        return self._add("ROW", name, [_ROOT, _GRID], {"background": "BACKGROUND_TRANSPARENT"})

    def add_column(self, name: str, row: list[str], width: int) -> list[str]:
        """Add a column to a row and return its path."""
        return self._add("COLUMN", name, row, {"background": "BACKGROUND_TRANSPARENT", "width": width})

    def add_chart(self, name: str, parents: list[str], *, width: int, height: int) -> None:
        """Add a chart to a row or column."""
        number, identifier, title = self._charts[name]
        meta = {"chartId": number, "uuid": identifier, "sliceName": title, "width": width, "height": height}
        self._add("CHART", name, parents, meta)


def wide_page(theme: Theme, title: str, charts: Mapping[str, tuple[int, str, str]]) -> dict[str, Any]:
    """Lay out a theme as its file says, on twelve columns."""
    page = Page(title, charts)
    for number, row in enumerate(theme.rows, start=1):
        path = page.add_row(f"{theme.theme}-{number}")
        for item in row.charts:
            if isinstance(item, Column):
                column = page.add_column(f"{theme.theme}-{item.stack[0].chart}", path, item.width)
                share = row.height // len(item.stack)
                for chart in item.stack:
                    page.add_chart(chart.chart, column, width=item.width, height=chart.height or share)
            else:
                page.add_chart(item.chart, path, width=item.width, height=item.height or row.height)
    return page.position


def _phone_height(chart: Chart) -> int:
    return chart.phone_height or _PHONE_HEIGHT.get(chart.kind, _PHONE_HEIGHT_OTHERS)


def phone_page(theme: Theme, title: str, charts: Mapping[str, tuple[int, str, str]]) -> dict[str, Any]:
    """Lay out a theme as a single column, every chart as wide as the page."""
    page = Page(title, charts)
    for chart in theme.charts():
        row = page.add_row(f"{theme.theme}-{chart.chart}")
        page.add_chart(chart.chart, row, width=GRID_COLUMNS, height=_phone_height(chart))
    return page.position
