"""Stream records as changes of classrooms: which of them matter, and what they tell that the items can't."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from classroom_scheduler.domain.classroom import Classroom, History, updated_at
from classroom_scheduler.domain.errors import PermanentError
from classroom_scheduler.domain.execution_names import is_later, name_of_record
from classroom_scheduler.domain.item_codec import OWNED_ATTRIBUTES, Item, decode, user_attributes
from classroom_scheduler.domain.schedule import Schedule
from classroom_scheduler.domain.session import Session, newest

Each = Callable[[Callable[[list["Change"]], str | None], Iterable[list["Change"]]], Iterable[str | None]]
"""`map`, or something that maps concurrently."""


@dataclass(frozen=True, slots=True)
class Change:
    """One stream record: the item before and after it, either of them None. `changed_at` is in whole seconds."""

    sequence_number: str
    changed_at: datetime
    classroom_id: str
    old: Item | None
    new: Item | None

    @property
    def images(self) -> list[Item]:
        """The item as it was before this change, and as it was after it if the scheduler itself made it."""
        images = [self.old, self.new] if is_own_write(self.old, self.new) else [self.old]
        return [image for image in images if image is not None]

    @property
    def named(self) -> list[Session]:
        """The sessions that those images name."""
        sessions = [decode(self.classroom_id, image) for image in self.images]
        return [session for session in sessions if session is not None]

    @property
    def brought(self) -> Session | None:
        """The session in an item that was inserted with a copy of the scheduler's attributes."""
        return None if self.new is None or self.old is not None else decode(self.classroom_id, self.new)

    @property
    def name(self) -> str:
        """The name for a session that this change starts: the same however often its record is delivered."""
        return name_of_record(self.classroom_id, self.changed_at, self.sequence_number)


def is_own_write(old: Item | None, new: Item | None) -> bool:
    """Whether the scheduler itself made this change: it writes `updatedAt` forward and touches nothing of people's.

    Works on items and on raw images alike. A copy of the item put back by people carries an older `updatedAt`.
    """
    if old is None or new is None:
        return False
    before, after = updated_at(old), updated_at(new)
    return after != "" and after > before and user_attributes(old) == user_attributes(new)


def matters(change: Change) -> bool:
    """Whether there may be anything to do: people changed the times, or damaged what the scheduler wrote."""
    if change.old is None or change.new is None:
        return True
    if is_own_write(change.old, change.new):
        return False
    old = Classroom.from_item(change.classroom_id, change.old)
    new = Classroom.from_item(change.classroom_id, change.new)
    return not old.asks_the_same_as(new) or _owned_attributes(change.old) != _owned_attributes(change.new)


def reconcile_batch(
    changes: Sequence[Change], reconcile: Callable[[str, History], object], each: Each = map
) -> list[str]:
    """Reconcile every classroom in the batch; the sequence numbers from which each failed one has to come again.

    `each` reconciles different classrooms and may be concurrent. All changes of one classroom are reconciled once: only
    its newest state counts, and what the changes tell of its sessions is put together.
    """

    def reconcile_one(of_one_classroom: list[Change]) -> str | None:
        relevant = [change for change in of_one_classroom if matters(change)]
        if not relevant:
            return None
        try:
            reconcile(relevant[0].classroom_id, history_of(of_one_classroom, relevant[-1].name))
        except PermanentError:  # no delivery would make it better
            return None
        except Exception:  # noqa: BLE001 - whatever it is, only this classroom's records come again
            return relevant[0].sequence_number
        return None

    by_classroom: dict[str, list[Change]] = {}
    for change in changes:
        by_classroom.setdefault(change.classroom_id, []).append(change)
    return [failed for failed in each(reconcile_one, by_classroom.values()) if failed is not None]


def history_of(changes: Sequence[Change], name: str) -> History:
    """What all changes of one classroom, the scheduler's own among them, tell together."""
    latest = changes[-1]
    named = [(change, session) for change in changes for session in change.named]
    # Whoever inserts a classroom again after its class is over wants it to run again; nor may an older one come back.
    over = newest(session for change, session in named if change.new is None and session.is_over)
    counted = [(change, session) for change, session in named if over is None or _is_after(session, over)]
    removals = [change.sequence_number for change in changes if change.new is None]
    deleted = {
        session.execution_name for change, session in counted if change.sequence_number <= max(removals, default="")
    }
    left = None if latest.new is None else Classroom.from_item(latest.classroom_id, latest.new)
    brought = [change.brought for change in changes if change.brought is not None]
    return History(
        sessions=tuple(session for _, session in counted),
        left=left,
        asked=(left and left.desired) or _asked(changes),
        name=name,
        copied=next((session for session in brought if session.execution_name not in deleted), None),
        deleted=frozenset(deleted),
        left_running=None if over is None else over.left_running,
        written_at=max((updated_at(image) for change in changes for image in change.images), default=""),
    )


def _asked(changes: Sequence[Change]) -> Schedule | None:
    """What people asked for last that can be followed, since the item was inserted: a mistake does not undo it."""
    for change in reversed(changes):
        for image in (change.new, change.old):
            if image is None:
                return None
            desired = Classroom.from_item(change.classroom_id, image).desired
            if desired is not None:
                return desired
    return None


def _is_after(session: Session, over: Session) -> bool:
    return is_later(session.recording_id, over.recording_id)


def _owned_attributes(item: Item) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name in OWNED_ATTRIBUTES}
