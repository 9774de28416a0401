"""A classroom as its item shows it: what people want, and the session that the scheduler has in force for it."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from classroom_scheduler.domain.execution_names import is_later, is_name_of, named_at
from classroom_scheduler.domain.item_codec import Item, decode, has_damaged_tasks, user_attributes
from classroom_scheduler.domain.schedule import InvalidClassroom, Schedule, WrongField, parse_schedule
from classroom_scheduler.domain.session import Recording, Session, Status
from classroom_scheduler.domain.times import NoSuchTime, format_instant, format_time, parse_time, read_instant

_AS_DOCUMENTED = "attributes as README.md has them"


@dataclass(frozen=True, slots=True)
class Classroom:
    """One item. Either `desired` or `problem` is set: what people ask for, or why it can't be followed."""

    classroom_id: str
    item: Item
    desired: Schedule | None
    problem: InvalidClassroom | None
    session: Session | None

    @classmethod
    def from_item(cls, classroom_id: str, item: Item) -> Self:
        desired, problem = None, None
        try:
            desired = parse_schedule(user_attributes(item))
        except InvalidClassroom as error:
            problem = error
        except Exception as error:  # noqa: BLE001 - whatever it is, it harms this item alone, which says so
            problem = InvalidClassroom(WrongField("item", f"can't be read ({type(error).__name__})", _AS_DOCUMENTED))
        return cls(classroom_id, item, desired, problem, decode(classroom_id, item))

    @property
    def is_rejected(self) -> bool:
        """Whether the scheduler rejected it, which it never does without a reason: people may write a status, too."""
        return bool(self.item.get("status") == Status.INVALID and self.item.get("reason"))

    @property
    def never_had_a_session(self) -> bool:
        """Whether the scheduler looked at this item and rejected it, and nothing on it tells of a session."""
        return self.is_rejected and not {"recordingId", "executionName", "scheduled", "tasks"} & self.item.keys()

    def needs_attention(self, now: datetime) -> bool:
        """Whether `attentionAt` has come: the sweep has found what no record told of."""
        due = self.item.get("attentionAt")
        return isinstance(due, str) and due <= format_time(now)

    @property
    def known_attention(self) -> str:
        """When the sweep is to look; later than any time where people wrote something else there."""
        try:
            return format_time(parse_time(self.item.get("attentionAt")))
        except NoSuchTime:
            return "~"

    @property
    def updated_at(self) -> str:
        return updated_at(self.item)

    def is_rejected_since(self, execution_name: str) -> bool:
        """Whether the item was rejected after this execution was named, and is no copy from before it."""
        return self.is_rejected and self.updated_at >= format_instant(named_at(execution_name), "microseconds")

    def asks_the_same_as(self, other: "Classroom") -> bool:
        """Whether people ask the same of both, be it possible or not."""
        return self.desired == other.desired and str(self.problem) == str(other.problem)

    def names_later_than(self, execution_name: str) -> bool:
        """Whether the item, however damaged, names a later execution than this one."""
        named = self.item.get("executionName")
        return is_name_of(self.classroom_id, named) and is_later(str(named), execution_name)

    @property
    def has_damaged_tasks(self) -> bool:
        """Whether the item may hide what has been done: `tasks` is there, and isn't what the scheduler wrote."""
        return has_damaged_tasks(self.item)

    @property
    def hides_its_session(self) -> bool:
        """Whether there is no session, or one that the item may not tell all of."""
        return self.session is None or self.has_damaged_tasks

    @property
    def tells_its_problem(self) -> bool:
        """Whether a class that ran in spite of a mistake says so already; it is no less completed for it."""
        return not self.is_rejected and str(self.problem) in str(self.item.get("reason"))


@dataclass(frozen=True, slots=True)
class History:
    """What the stream's records and Step Functions know of a classroom and its item does not: wiped attributes too.

    - `sessions`: those that the item named before each change.
    - `left`: the item as the latest change left it; None where that change deleted it.
    - `asked`: the last schedule that people asked for since the item was inserted.
    - `name`: the name for a session that the latest record starts; None without a record.
    - `copied`: a session that an insert brought along from an item deleted before.
    - `deleted`: executions whose item was deleted; they may have found it gone and given up.
    - `aborted`: executions that have ended before their time.
    - `ended`: recordings that have been stopped.
    - `left_running`: the recording of an item that was deleted after its class was over.
    - `written_at`: when the scheduler last wrote on those images.
    """

    sessions: tuple[Session, ...] = ()
    left: Classroom | None = None
    asked: Schedule | None = None
    name: str | None = None
    copied: Session | None = None
    deleted: frozenset[str] = frozenset()
    aborted: frozenset[str] = frozenset()
    ended: frozenset[str] = frozenset()
    left_running: Recording | None = None
    written_at: str = ""

    def is_outdated_by(self, current: Classroom) -> bool:
        """Whether the item has changed since, so that another record is on its way; never without a record at all."""
        return self.name is not None and (self.left is None or not self.left.asks_the_same_as(current))

    def asked_before(self, current: Classroom) -> Schedule | None:
        """What people asked for before a mistake, be it handled together with that or before it.

        Only where nothing was written on the item since: an old record that comes again knows an old schedule.
        """
        is_old = current.updated_at > self.written_at or (current.session is None and self.is_outdated_by(current))
        return self.asked if current.desired is None and not is_old else None

    def brought_by_an_insert(self, session: Session) -> bool:
        return self.copied is not None and self.copied.execution_name == session.execution_name


def updated_at(item: Item) -> str:
    """When the scheduler last wrote this item or raw image ({"S": …}): text that sorts by time, or nothing."""
    value: Any = item.get("updatedAt", "")
    text = value.get("S", "") if isinstance(value, dict) else value
    return text if isinstance(text, str) else ""


def next_update(item: Item, now: datetime) -> str:
    """`updatedAt` for a write over this item: later than it was, even by a clock that is behind.

    This is how the scheduler's writes and people's are told apart.
    """
    update, before = format_instant(now, "microseconds"), updated_at(item)
    with suppress(NoSuchTime):
        if update <= before:
            return format_instant(read_instant(before) + timedelta(microseconds=1), "microseconds")
    return update
