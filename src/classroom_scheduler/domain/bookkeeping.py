"""What tasks write on their classroom's item: always under the condition that nothing moved since it was read."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from classroom_scheduler.domain.claim import Run
from classroom_scheduler.domain.classroom import Classroom, Session, Task, TaskRecord
from classroom_scheduler.domain.errors import ClassroomMoved, ClassroomUnsettled, SchedulerError
from classroom_scheduler.domain.names import is_later
from classroom_scheduler.domain.ports import Classrooms, Clock
from classroom_scheduler.domain.reconcile import TRIES, write_report
from classroom_scheduler.domain.report import HORIZON, attributes_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookkeeping:
    """What writing on items needs from outside."""

    classrooms: Classrooms
    clock: Clock
    horizon: timedelta = HORIZON

    def look(self, classroom_id: str) -> Classroom | None:
        """The classroom as its item is now, or None. Raises ServiceUnavailable."""
        item = self.classrooms.get(classroom_id)
        return None if item is None else Classroom.read(classroom_id, item)

    def write(self, classroom: Classroom, session: Session) -> Classroom:
        """Make the item say what is known of its session. Raises what `Classrooms.update` raises."""
        now = self.clock()
        return write_report(classroom, attributes_of(classroom, session, now, self.horizon), self.classrooms, now)

    def settle(self, run: Run, classroom: Classroom, records: Mapping[Task, TaskRecord]) -> Session | None:
        """Write what came of a task, after as many of others' writes as it takes; None where we may no longer.

        Raises ClassroomUnsettled where the item was wiped or put back meanwhile: the retry of the task, with the same
        webhook-id, finds it in order again. Raises ClassroomMoved where others won every time.
        """
        latest: Classroom | None = classroom
        for _ in range(TRIES):
            session = latest.session if latest is not None else None
            if latest is None or (session is None and latest.is_rejected):
                return None
            if session is None or is_later(run.execution_name, session.execution_name):
                raise ClassroomUnsettled(f"{run.classroom_id} was put again while its task ran")
            if session.execution_name != run.execution_name:
                return None
            session = replace(session, tasks={**session.tasks, **records})
            with suppress(ClassroomMoved):
                self.write(latest, session)
                return session
            latest = self.look(run.classroom_id)
        raise ClassroomMoved(f"{run.classroom_id} was changed by somebody else {TRIES} times while a task was recorded")

    def tell_previous(self, run: Run, classroom: Classroom | None, error: str | None) -> None:
        """Say on the item what came of stopping the recording before its own; an `error` of None is success.

        Only news: where it can't be written, the item says a little longer that the recording is being stopped.
        """
        with suppress(SchedulerError):
            for _ in range(TRIES):
                if classroom is None or classroom.session is None:
                    return
                previous = classroom.session.previous
                if previous is None or previous.recording_id != run.recording_id:
                    return
                outcome = None if error is None else replace(previous, error=error)
                with suppress(ClassroomMoved):
                    self.write(classroom, replace(classroom.session, previous=outcome))
                    return
                classroom = self.look(run.classroom_id)
