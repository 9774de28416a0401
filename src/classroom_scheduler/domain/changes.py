"""Stream records as changes of classrooms: which of them matter, and in what order they are looked at."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import groupby
from operator import attrgetter
from typing import Any

from classroom_scheduler.domain.classroom import Classroom, Session, newest, read_session, written
from classroom_scheduler.domain.ports import Item


@dataclass(frozen=True, slots=True)
class Change:
    """One stream record: the item before and after it, either of them None."""

    sequence_number: str
    classroom_id: str
    old: Item | None
    new: Item | None

    @property
    def previous(self) -> Session | None:
        """The session that the item named before this change.

        A session that was over when its item was deleted is forgotten: whoever inserts the classroom again wants it
        to run again.
        """
        session = None if self.old is None else read_session(self.classroom_id, self.old)
        if session is not None and self.new is None and session.is_over:
            return None
        return session


def is_own_write(old: Item | None, new: Item | None) -> bool:
    """Whether the scheduler itself made this change: it writes `updatedAt` forward and touches nothing of people's.

    Works on items and on raw images alike. A copy of the item put back by people carries an older `updatedAt`.
    """
    if old is None or new is None:
        return False
    before, after = _updated_at(old), _updated_at(new)
    return after != "" and after > before and written(old) == written(new)


def matters(change: Change) -> bool:
    """Whether there may be anything to do: people changed the times, or damaged what the scheduler wrote."""
    if change.old is None or change.new is None:
        return True
    if is_own_write(change.old, change.new):
        return False
    old = Classroom.read(change.classroom_id, change.old)
    new = Classroom.read(change.classroom_id, change.new)
    return (
        old.wanted != new.wanted
        or str(old.problem) != str(new.problem)
        or _schedulers(change.old) != _schedulers(change.new)
    )


def handle(
    changes: Sequence[Change],
    look_at: Callable[[str, Session | None], object],
    concurrently: Callable[[Callable[[list[Change]], str | None], Iterable[list[Change]]], Iterable[str | None]] = map,
) -> list[str]:
    """Look at every classroom in the batch; the sequence numbers from which each failed one has to come again.

    One classroom's changes are looked at in order, different classrooms `concurrently`. `look_at` is given the
    classroom's id and the session that its item named before.
    """

    def in_order(of_one_classroom: list[Change]) -> str | None:
        for first, previous in _coalesced(of_one_classroom):
            try:
                look_at(first.classroom_id, previous)
            except Exception:  # noqa: BLE001 - whatever it is, only this classroom's records come again
                return first.sequence_number
        return None

    by_classroom: dict[str, list[Change]] = {}
    for change in changes:
        by_classroom.setdefault(change.classroom_id, []).append(change)
    return [failed for failed in concurrently(in_order, by_classroom.values()) if failed is not None]


def _coalesced(changes: list[Change]) -> Iterable[tuple[Change, Session | None]]:
    """One look for neighbouring changes of the same session: only the newest state counts, and it is read anyway.

    Changes of different sessions are looked at one by one, so that each one's recording is found and stopped.
    """
    relevant = [change for change in changes if matters(change)]
    runs = groupby(relevant, key=lambda change: getattr(change.previous, "recording_id", None))
    for _, run in runs:
        neighbours = list(run)
        previous: Session | None = reduce(newest, map(attrgetter("previous"), neighbours))
        yield neighbours[0], previous


def _updated_at(item: Item) -> str:
    """`updatedAt` of an item or of a raw image ({"S": …})."""
    value: Any = item.get("updatedAt", "")
    text = value.get("S", "") if isinstance(value, dict) else value
    return text if isinstance(text, str) else ""


def _schedulers(item: Item) -> dict[str, Any]:
    people = written(item)
    return {name: value for name, value in item.items() if name not in people}
