"""The theme file: what a dashboard shows, in terms of metrics, columns and phrases of the semantic layer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationError,
    model_validator,
)

from semantic.catalogue import Colour, SnakeCase, explain, read_yaml

THEMES_FOLDER = Path(__file__).resolve().parent / "themes"
GRID_COLUMNS = 12

Every = Literal["hour", "day", "month"]


class ThemeError(ValueError):
    """A theme that cannot be compiled; the message names theme, chart, metric or column, and remedy."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Window(_Strict):
    """How far a chart looks back from the last full day (hourly charts: from now)."""

    days: int | None = Field(None, ge=1)
    months: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.days is None) == (self.months is None):
            raise ValueError("say either days or months")
        return self


class Rolling(_Strict):
    """A moving sum or mean over the last `periods` points."""

    kind: Literal["sum", "mean"]
    periods: int = Field(ge=2)


class Shade(_Strict):
    """How a table colours its cells: `cells` is coloured as the coded value of `by`, a column or metric, prescribes.

    `values` names the coded column whose colours are meant.
    """

    cells: SnakeCase
    by: SnakeCase
    values: SnakeCase


class MapLayer(_Strict):
    """One layer of a map: areas, the names of areas, or points, drawn from one mart.

    `boundary` is a column with a GeoJSON geometry; `point` names longitude and latitude. Many small points want no
    `outline`, which would hide their colour. `only` names the coded values of `colour_by` that are drawn: a second
    layer lifts what wants attention above the crowd. An `optional` layer is left out while its mart does not exist.
    """

    layer: SnakeCase
    title: SnakeCase
    mart: SnakeCase
    boundary: SnakeCase | None = None
    point: tuple[SnakeCase, SnakeCase] | None = None
    names_only: bool = False
    label: tuple[SnakeCase, ...] = ()
    tooltip: tuple[SnakeCase, ...] = ()
    colour_by: SnakeCase | None = None
    only: tuple[str | int, ...] = ()
    colour: Colour = "#8aa4c0"
    opacity: float = Field(1.0, ge=0, le=1)
    radius_m: int = Field(120, ge=1)
    outline: bool = True
    label_size: int = Field(13, ge=6)
    optional: bool = False

    @model_validator(mode="after")
    def _one_geometry(self) -> Self:
        if (self.boundary is None) == (self.point is None):
            raise ValueError("say either boundary or point")
        if self.only and self.colour_by is None:
            raise ValueError("`only` lists values of colour_by; say colour_by")
        return self


class _Chart(_Strict):
    chart: SnakeCase
    title: SnakeCase | None = None
    width: int = Field(ge=1, le=GRID_COLUMNS)
    height: int | None = Field(None, ge=8)
    phone_height: int | None = Field(None, ge=8)


class _OverTime(_Chart):
    mart: SnakeCase
    time: SnakeCase
    every: Every
    last: Window
    within: SnakeCase = "business_date"


class TrendNumber(_OverTime):
    """A big figure, the newest of a series, with the series below it."""

    kind: Literal["trend_number"] = Field(alias="as")
    metric: SnakeCase
    compare: SnakeCase | None = None
    rolling: Rolling | None = None
    subtitle: SnakeCase | None = None
    colour: Colour | None = None


class Number(_Chart):
    """A big figure without a series."""

    kind: Literal["number"] = Field(alias="as")
    mart: SnakeCase
    metric: SnakeCase
    subtitle: SnakeCase | None = None


class Lines(_OverTime):
    """Series over time, with limits drawn as steps.

    `highest` ends the axis there and lets it begin near the lowest value: shares and scores stand near the top.
    """

    kind: Literal["lines"] = Field(alias="as")
    metrics: tuple[SnakeCase, ...] = Field(min_length=1)
    limits: tuple[SnakeCase, ...] = ()
    by: SnakeCase | None = None
    highest: float | None = None

    @model_validator(mode="after")
    def _limits_or_highest(self) -> Self:
        if self.limits and self.highest is not None:
            raise ValueError("say either limits, whose axis begins at zero, or highest")
        return self


class Bars(_OverTime):
    """Bars over time, stacked by a column."""

    kind: Literal["bars"] = Field(alias="as")
    metrics: tuple[SnakeCase, ...] = Field(min_length=1)
    by: SnakeCase | None = None


class Ranking(_Chart):
    """A table of groups with metrics, by the first of them; its rows can be drilled into."""

    kind: Literal["ranking"] = Field(alias="as")
    mart: SnakeCase
    by: tuple[SnakeCase, ...] = ()
    metrics: tuple[SnakeCase, ...] = Field(min_length=1)
    lowest_first: bool = False
    last: Window | None = None
    within: SnakeCase = "business_date"
    shade: tuple[Shade, ...] = ()


class Records(_Chart):
    """A table of rows as they are."""

    kind: Literal["records"] = Field(alias="as")
    mart: SnakeCase
    columns: tuple[SnakeCase, ...] = Field(min_length=1)
    order: SnakeCase
    last: Window | None = None
    within: SnakeCase = "business_date"
    shade: tuple[Shade, ...] = ()


class Map(_Chart):
    """A map of several layers, drawn in the order given."""

    kind: Literal["map"] = Field(alias="as")
    layers: tuple[MapLayer, ...] = Field(min_length=1)


Chart = Annotated[TrendNumber | Number | Lines | Bars | Ranking | Records | Map, Field(discriminator="kind")]


def _chart_or_column(value: object) -> str:
    stack = "stack" in value if isinstance(value, dict) else isinstance(value, Column)
    return "column" if stack else "chart"


class Column(_Strict):
    """Charts above each other inside a row."""

    width: int = Field(ge=1, le=GRID_COLUMNS)
    stack: tuple[Chart, ...] = Field(min_length=1)


Item = Annotated[Annotated[Chart, Tag("chart")] | Annotated[Column, Tag("column")], Discriminator(_chart_or_column)]


class Row(_Strict):
    """Charts and columns of charts beside each other; `height` in units of 8 pixels."""

    height: int = Field(ge=8)
    charts: tuple[Item, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        width = sum(item.width for item in self.charts)
        if width > GRID_COLUMNS:
            raise ValueError(f"a row is {GRID_COLUMNS} wide, these charts need {width}")
        return self


class Filter(_Strict):
    """A filter of the whole dashboard: by the values of a column, or (`period`) by time."""

    filter: SnakeCase
    title: SnakeCase
    mart: SnakeCase | None = None
    column: SnakeCase | None = None
    under: SnakeCase | None = None
    period: bool = False

    @model_validator(mode="after")
    def _column_or_period(self) -> Self:
        if self.period == (self.column is not None and self.mart is not None):
            raise ValueError("say either `mart` and `column`, or `period: true`")
        return self


class Theme(_Strict):
    """One theme, the content of one file."""

    theme: SnakeCase
    title: SnakeCase
    audience: tuple[Annotated[str, StringConstraints(min_length=1)], ...]
    look: SnakeCase
    refresh_seconds: int = Field(ge=0)
    colours: dict[SnakeCase, Colour] = {}
    filters: tuple[Filter, ...] = ()
    rows: tuple[Row, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [chart.chart for chart in self.charts()]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"chart {', '.join(twice)} stands twice; give each its own name")
        return self

    def charts(self) -> Iterator[Chart]:
        """Yield every chart in reading order."""
        for row in self.rows:
            for item in row.charts:
                if isinstance(item, Column):
                    yield from item.stack
                else:
                    yield item


def load_theme(path: Path) -> Theme:
    """Read one theme file.

    Raises:
        ThemeError: the file is not a theme; the message names file, place and remedy.
        SemanticError: the file is not YAML.
    """
    content = read_yaml(path)
    try:
        theme = Theme.model_validate(content)
    except ValidationError as error:
        raise ThemeError(explain(path, content, error)) from error
    if theme.theme != path.stem:
        raise ThemeError(f"{path.name}: theme: is {theme.theme!r}; name it {path.stem!r} like its file.")
    return theme


def load_themes(folder: Path = THEMES_FOLDER) -> list[Theme]:
    """Read every theme of the folder, by name.

    Raises:
        ThemeError: a file is not a theme, or there is none.
    """
    themes = [load_theme(path) for path in sorted(folder.glob("*.yaml"))]
    if not themes:
        raise ThemeError(f"{folder}: holds no theme; restore at least one.")
    return themes
