"""One picture a question: bars, ours beside what it is compared with."""

from collections.abc import Sequence
from itertools import chain
from xml.sax.saxutils import escape

from benchmarks.rows import Row
from benchmarks.svg import picture

_LINE, _BAR, _LEFT, _WIDTH, _ROOM = 44, 14, 330, 420, 150
_OURS, _OTHERS = "#c2410c", "#94a3b8"


def bars(title: str, rows: Sequence[Row]) -> str:
    """An SVG of the rows that have something to be compared with, each pair of bars on its own scale."""
    shown = [row for row in rows if row.compared_value is not None]
    height = 40 + _LINE * len(shown)
    width = _LEFT + _WIDTH + _ROOM
    pairs = (_pair(row, 40 + _LINE * number) for number, row in enumerate(shown))
    return picture(title, width, height, chain.from_iterable(pairs))


def _pair(row: Row, y: int) -> list[str]:
    other = row.compared_value or 0.0
    longest = max(row.value, other) or 1.0
    return [
        f'<text x="{_LEFT - 10}" y="{y + 11}" text-anchor="end">{escape(row.measure)}</text>',
        f'<text x="{_LEFT - 10}" y="{y + 27}" text-anchor="end" fill="{_OTHERS}">{escape(row.compared_with)}</text>',
        *_bar(row.value, longest, row.unit, y, _OURS),
        *_bar(other, longest, row.unit, y + _BAR + 2, _OTHERS),
    ]


def _bar(value: float, longest: float, unit: str, y: int, colour: str) -> list[str]:
    length = round(_WIDTH * value / longest, 1)
    return [
        f'<rect x="{_LEFT}" y="{y}" width="{length}" height="{_BAR}" rx="2" fill="{colour}"/>',
        f'<text x="{_LEFT + length + 6}" y="{y + 11}">{value:,.6g} {escape(unit)}</text>',
    ]
