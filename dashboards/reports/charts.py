"""Line charts as SVG text: written figure by figure, so that the same values give the same bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from dashboards.fonts import FAMILY

# Told apart by colour-blind readers too (Okabe and Ito); from the seventh series on the lines are dashed.
SERIES_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#b8860b")
_DASHES = ("", "5 2.5", "1.5 2")
_INK, _GRID, _LIMIT = "#3d4a5c", "#e1e6ed", "#c00000"
_LEFT, _RIGHT, _TOP, _BOTTOM = 30.0, 14.0, 8.0, 18.0
_LEGEND_ROW = 14.0


@dataclass(frozen=True)
class Series:
    """One line; None is a missing value and leaves a gap."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True)
class Tick:
    """A mark below the chart at a point's index."""

    index: int
    label: str


@dataclass(frozen=True)
class Band:
    """A tinted range of values, `high` open when None."""

    low: float
    high: float | None
    colour: str


@dataclass(frozen=True)
class LineChart:
    """A chart of lines over equally spaced points.

    Args:
        series: lines of the same length, in the order of the legend.
        ticks: labels of the horizontal axis.
        unit: what stands above the vertical axis.
        limit: a limit a point, drawn in steps; where it changes the step shows from when it counts.
        bands: tinted ranges, e.g. the levels of an index.
        width: width in points.
        height: height in points without the legend.
    """

    series: Sequence[Series]
    ticks: Sequence[Tick]
    unit: str
    limit: Series | None = None
    bands: Sequence[Band] = ()
    width: float = 442.0
    height: float = 138.0

    def svg(self) -> str:
        """Return the chart as SVG."""
        legend, legend_height = self._legend()
        height = self.height + legend_height
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(self.width)} {_n(height)}">',
            f'<g font-family="{FAMILY}" font-size="8">',
            *legend,
            f'<g transform="translate(0 {_n(legend_height)})">',
            *self._bands(),
            *self._axes(),
            *self._limit(),
            *(part for position, series in enumerate(self.series) for part in self._line(position, series)),
            *self._nothing(),
            "</g></g></svg>",
        ]
        return "".join(parts)

    @property
    def _points(self) -> int:
        return max((len(series.values) for series in self.series), default=0)

    @property
    def _ceiling(self) -> tuple[float, float]:
        lines = [*self.series, *([self.limit] if self.limit is not None else [])]
        highest = max((value for line in lines for value in line.values if value is not None), default=0.0)
        return nice_ceiling(highest * 1.06)

    def _x(self, index: float) -> float:
        return _LEFT + (self.width - _LEFT - _RIGHT) * index / max(self._points - 1, 1)

    def _y(self, value: float) -> float:
        room = self.height - _TOP - _BOTTOM
        return _TOP + room * (1 - value / self._ceiling[0])

    def _legend(self) -> tuple[list[str], float]:
        """Return the legend and its height; it breaks into rows where the names need it."""
        parts: list[str] = []
        x, row = _LEFT, 0
        entries = [(series.name, *_stroke(position)) for position, series in enumerate(self.series)]
        if self.limit is not None:
            entries.append((self.limit.name, _LIMIT, "4 2"))
        for name, colour, dash in entries:
            needed = 16 + text_width(name, 8) + 9
            if x + needed > self.width and x > _LEFT:
                x, row = _LEFT, row + 1
            y = 7 + row * _LEGEND_ROW
            parts.append(
                f'<path d="M{_n(x)} {_n(y)}h12" stroke="{colour}" stroke-width="1.5" fill="none"{_dashed(dash)}/>'
                f'<text x="{_n(x + 16)}" y="{_n(y + 3)}" fill="{_INK}">{escape(name)}</text>'
            )
            x += needed
        return parts, (row + 1) * _LEGEND_ROW + 2 if entries else 0.0

    def _bands(self) -> list[str]:
        ceiling = self._ceiling[0]
        left, width = _LEFT, self.width - _LEFT - _RIGHT
        parts = []
        for band in self.bands:
            high = ceiling if band.high is None else min(band.high, ceiling)
            if band.low < ceiling:
                top, bottom = self._y(high), self._y(band.low)
                parts.append(
                    f'<rect x="{_n(left)}" y="{_n(top)}" width="{_n(width)}" height="{_n(bottom - top)}" '
                    f'fill="{band.colour}" fill-opacity="0.1"/>'
                )
        return parts

    def _axes(self) -> list[str]:
        ceiling, step = self._ceiling
        right, floor = self.width - _RIGHT, self._y(0)
        parts = [f'<text x="{_n(_LEFT)}" y="4" fill="{_INK}" font-size="7">{escape(self.unit)}</text>']
        for position in range(round(ceiling / step) + 1):
            value = step * position
            y = self._y(value)
            colour = _INK if position == 0 else _GRID
            parts.append(
                f'<path d="M{_n(_LEFT)} {_n(y)}H{_n(right)}" stroke="{colour}" stroke-width="0.5" fill="none"/>'
                f'<text x="{_n(_LEFT - 4)}" y="{_n(y + 2.8)}" text-anchor="end" fill="{_INK}">{value:g}</text>'
            )
        for tick in self.ticks:
            x = self._x(tick.index)
            parts.append(
                f'<path d="M{_n(x)} {_n(floor)}v3" stroke="{_INK}" stroke-width="0.5" fill="none"/>'
                f'<text x="{_n(x)}" y="{_n(floor + 12)}" text-anchor="middle" fill="{_INK}">{escape(tick.label)}</text>'
            )
        return parts

    def _limit(self) -> list[str]:
        """Draw the limit as steps: each point's value holds half-way to its neighbours."""
        if self.limit is None:
            return []
        commands: list[str] = []
        before: float | None = None
        for index, value in enumerate(self.limit.values):
            if value is not None:
                left = self._x(max(index - 0.5, 0))
                right = self._x(min(index + 0.5, self._points - 1))
                y = self._y(value)
                start = f"M{_n(left)} {_n(y)}" if before is None else "" if before == value else f"V{_n(y)}"
                commands.append(f"{start}H{_n(right)}")
            before = value
        path = "".join(commands)
        return [f'<path d="{path}" stroke="{_LIMIT}" stroke-width="1" stroke-dasharray="4 2" fill="none"/>']

    def _line(self, position: int, series: Series) -> list[str]:
        colour, dash = _stroke(position)
        commands: list[str] = []
        lonely: list[str] = []
        values = series.values
        for index, value in enumerate(values):
            if value is None:
                continue
            has_before = index > 0 and values[index - 1] is not None
            has_after = index + 1 < len(values) and values[index + 1] is not None
            x, y = _n(self._x(index)), _n(self._y(value))
            commands.append(f"{'L' if has_before else 'M'}{x} {y}")
            if not has_before and not has_after:
                lonely.append(f'<circle cx="{x}" cy="{y}" r="1.6" fill="{colour}"/>')
        if not commands:
            return []
        path = (
            f'<path d="{"".join(commands)}" stroke="{colour}" stroke-width="1.2" stroke-linejoin="round" '
            f'fill="none"{_dashed(dash)}/>'
        )
        return [path, *lonely]

    def _nothing(self) -> list[str]:
        """Say in the chart that there is nothing to draw; an empty frame would look like a fault."""
        if any(value is not None for series in self.series for value in series.values):
            return []
        x, y = _n((_LEFT + self.width - _RIGHT) / 2), _n((self.height - _BOTTOM + _TOP) / 2)
        return [f'<text x="{x}" y="{y}" text-anchor="middle" fill="{_INK}" font-size="9">无有效数据</text>']


def nice_ceiling(highest: float) -> tuple[float, float]:
    """Return the top of an axis and the step of its grid: 3 to 6 round steps that hold `highest`."""
    if highest <= 0:
        return 1.0, 0.5
    magnitude = 10.0 ** math.floor(math.log10(highest))
    for factor in (0.2, 0.5, 1.0, 2.0, 5.0):
        step = factor * magnitude
        steps = math.ceil(highest / step - 1e-9)
        if steps <= 6:
            return step * max(steps, 2), step
    return 10 * magnitude, 2 * magnitude


def text_width(text: str, size: float) -> float:
    """Return about how wide a text is: Chinese characters are square, others a little over half as wide."""
    return sum(size if ord(character) > 0x2E7F else size * 0.56 for character in text)


def _stroke(position: int) -> tuple[str, str]:
    colours = len(SERIES_COLOURS)
    return SERIES_COLOURS[position % colours], _DASHES[position // colours % len(_DASHES)]


def _dashed(dash: str) -> str:
    return f' stroke-dasharray="{dash}"' if dash else ""


def _n(value: float) -> str:
    """Write a coordinate with at most two decimals, never as -0."""
    return f"{round(value, 2) + 0.0:g}"
