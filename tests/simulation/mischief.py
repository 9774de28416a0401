"""What can go wrong between two instructions of ours: every external call is surrounded by two points where it does."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum


class Crash(BaseException):
    """The process is gone: no `except Exception` of ours sees it."""


class Act(Enum):
    CRASH = "crash"
    FAIL = "fail"  # the call fails: before it took effect, or after, when nobody hears of the success


@dataclass
class Points:
    """Counts the points that were passed, and does what was planned for them.

    A plan is a list of (how many points from now, what happens there): an `Act`, or something else that goes on in the
    world just then, such as an edit or another Lambda.
    """

    counts: Counter[str]
    planned: list[tuple[int, Act | Callable[[], None]]] = field(default_factory=list)
    passed: int = 0

    def plan(self, mischief: list[tuple[int, Act | Callable[[], None]]]) -> None:
        """Replace the plan; points are counted from here."""
        self.passed = 0
        self.planned = sorted(mischief, key=lambda planned: planned[0])

    def forget(self) -> None:
        """No more mischief."""
        self.planned = []

    def cross(self, call: str, side: str) -> bool:
        """Pass the point before or after a call; True where the call is to fail. Raises Crash."""
        self.passed += 1
        fails = False
        while self.planned and self.planned[0][0] <= self.passed:
            _, act = self.planned.pop(0)
            if act is Act.CRASH:
                self.counts[f"crash {side} {call}"] += 1
                raise Crash(f"{side} {call}")
            if act is Act.FAIL:
                self.counts[f"failure {side} {call}"] += 1
                fails = True
            elif not isinstance(act, Act):
                self.counts[f"something else {side} {call}"] += 1
                act()
        return fails
