"""What a question is answered with: figures, each beside what it is compared with."""

from collections.abc import Callable
from dataclasses import dataclass

Say = Callable[[str], None]
"""Tells whoever waits what goes on."""


@dataclass(frozen=True)
class Row:
    """One figure. `ratio` is its share of what it was compared with in the same run: the machine cancels out of it."""

    question: str
    measure: str
    value: float
    unit: str
    compared_with: str = ""
    compared_value: float | None = None
    ratio: float | None = None
    goal: str = ""
    met: bool | None = None


def ratio(value: float, other: float) -> float:
    """How many times `other` is `value`: to two places, which is more than a shared machine knows."""
    return round(value / other, 2)
