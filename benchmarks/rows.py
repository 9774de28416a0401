"""The answer to a question: figures, each beside its peer's."""

from collections.abc import Callable
from dataclasses import dataclass

Say = Callable[[str], None]
"""Reports progress."""


@dataclass(frozen=True)
class Row:
    """One figure. `ratio` relates it to its peer's in the same run, so that the machine cancels out.

    docs/performance.md shows the headlines; results.json has every row.
    """

    question: str
    measure: str
    value: float
    unit: str
    compared_with: str = ""
    compared_value: float | None = None
    ratio: float | None = None
    goal: str = ""
    met: bool | None = None
    headline: bool = True


def ratio(value: float, other: float) -> float:
    """`value` as a multiple of `other`. Two places are more than a shared machine can tell."""
    return round(value / other, 2)
