"""A picture of curves, where bars don't say it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from benchmarks.svg import picture

Point = tuple[float, float]

_LEFT, _TOP, _WIDE, _HIGH, _LEGEND, _BELOW = 70, 56, 560, 300, 240, 50
_COLOURS = ("#c2410c", "#0f766e", "#94a3b8", "#1e40af", "#a21caf", "#4d7c0f")
_GRID = "#e2e8f0"


@dataclass(frozen=True)
class Scale:
    """From `low` to `high`; on a logarithmic one both are powers of ten."""

    low: float
    high: float
    logarithmic: bool

    @classmethod
    def around(cls, values: Sequence[float], *, logarithmic: bool) -> "Scale":
        """The values with a tick at either end."""
        if logarithmic:
            low, high = (round_(math.log10(of(values))) for round_, of in ((math.floor, min), (math.ceil, max)))
            return cls(10.0**low, 10.0**high, logarithmic)
        step = _step(min(values), max(values))
        return cls(math.floor(min(values) / step) * step, math.ceil(max(values) / step) * step, logarithmic)

    def share(self, value: float) -> float:
        """Where the value is, from 0 to 1."""
        low, high, at = (math.log10(each) if self.logarithmic else each for each in (self.low, self.high, value))
        return (at - low) / (high - low)

    def ticks(self) -> list[float]:
        if self.logarithmic:
            return [10.0**power for power in range(round(math.log10(self.low)), round(math.log10(self.high)) + 1)]
        step = _step(self.low, self.high)
        return [self.low + step * number for number in range(round((self.high - self.low) / step) + 1)]


def lines(
    title: str, axes: tuple[str, str], series: Mapping[str, Sequence[Point]], *, logarithmic: bool = False
) -> str:
    """An SVG with a line for each of the series, whose names stand beside it."""
    x, y = (
        Scale.around([point[axis] for points in series.values() for point in points], logarithmic=logarithmic)
        for axis in (0, 1)
    )
    width, height = _LEFT + _WIDE + _LEGEND, _TOP + _HIGH + _BELOW
    parts = [
        f'<text x="{_LEFT + _WIDE}" y="{height - 10}" text-anchor="end">{escape(axes[0])}</text>',
        f'<text x="{_LEFT}" y="{_TOP - 8}">{escape(axes[1])}</text>',
        *_grid(x, y),
    ]
    for number, (name, points) in enumerate(series.items()):
        parts += _line(number, name, [_place(x, y, point) for point in points])
    return picture(title, width, height, parts)


def _place(x: Scale, y: Scale, point: Point) -> Point:
    return round(_LEFT + x.share(point[0]) * _WIDE, 1), round(_TOP + (1 - y.share(point[1])) * _HIGH, 1)


def _grid(x: Scale, y: Scale) -> list[str]:
    parts = []
    for tick in x.ticks():
        at, _ = _place(x, y, (tick, y.low))
        parts.append(f'<line x1="{at}" y1="{_TOP}" x2="{at}" y2="{_TOP + _HIGH}" stroke="{_GRID}"/>')
        parts.append(f'<text x="{at}" y="{_TOP + _HIGH + 18}" text-anchor="middle">{tick:,.6g}</text>')
    for tick in y.ticks():
        _, at = _place(x, y, (x.low, tick))
        parts.append(f'<line x1="{_LEFT}" y1="{at}" x2="{_LEFT + _WIDE}" y2="{at}" stroke="{_GRID}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{at + 4}" text-anchor="end">{tick:,.6g}</text>')
    return parts


def _line(number: int, name: str, places: Sequence[Point]) -> list[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    path = " ".join(f"{x},{y}" for x, y in places)
    x, y = _LEFT + _WIDE + 16, _TOP + 12 + 20 * number
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        f'<rect x="{x}" y="{y - 9}" width="12" height="10" fill="{colour}"/>',
        f'<text x="{x + 18}" y="{y}">{escape(name)}</text>',
    ]


def _step(low: float, high: float) -> float:
    """1, 2 or 5 times a power of ten, for some eight ticks."""
    rough = (high - low or 1.0) / 8
    power = 10.0 ** math.floor(math.log10(rough))
    return next(times * power for times in (1, 2, 5, 10) if times * power >= rough)
