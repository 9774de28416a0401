"""The frame of every picture: its size, its title, its colours. The same figures make the same bytes."""

from collections.abc import Iterable
from xml.sax.saxutils import escape

_INK = "#334155"
_STYLE = 'font-family="system-ui, sans-serif" font-size="12"'


def picture(title: str, width: int, height: int, parts: Iterable[str]) -> str:
    """An SVG document of these elements."""
    frame = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {_STYLE} fill="{_INK}">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="24" font-size="15" font-weight="600">{escape(title)}</text>',
    ]
    return "\n".join([*frame, *parts, "</svg>", ""])
