"""What stream records and status events tell of a classroom that its item can't."""

from dataclasses import dataclass

from classroom_scheduler.domain.classroom import Classroom
from classroom_scheduler.domain.schedule import Schedule
from classroom_scheduler.domain.session import Recording, Session


@dataclass(frozen=True, slots=True)
class History:
    """What stream records tell of a classroom that its item can't: the only place where wiped attributes still are.

    `sessions` are those that the item named before each change; `told_at` is when the scheduler last wrote on those
    images. Of their executions, those of an item that was `deleted` may have found it gone and given up, and those
    `aborted` have ended; of their recordings, `ended` ones have been stopped, and `left_running` is one of an item that
    was deleted after its class was over. `left` is the item as the latest change left it, None where that deleted it,
    and `asked` the last schedule that people asked for since it was inserted. `name` is what the latest record names a
    session that it starts; `copied` is one that an insert brought from an item deleted before.
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
    told_at: str = ""

    def is_outdated_by(self, current: Classroom) -> bool:
        """Whether the item has changed since, so that another record is on its way; never without a record at all."""
        return self.name is not None and (self.left is None or not self.left.asks_the_same_as(current))

    def asked_before(self, current: Classroom) -> Schedule | None:
        """What people asked for before a mistake, be it handled together with that or before it.

        Only where nothing was written on the item since: an old record that comes again knows an old schedule.
        """
        is_old = current.updated_at > self.told_at or (current.session is None and self.is_outdated_by(current))
        return self.asked if current.desired is None and not is_old else None

    def brought_by_an_insert(self, session: Session) -> bool:
        return self.copied is not None and self.copied.execution_name == session.execution_name
