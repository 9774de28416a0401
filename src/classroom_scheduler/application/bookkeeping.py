"""What tasks write on their classroom's item: always under the condition that nothing moved since it was read."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from classroom_scheduler.application.ports import Classrooms, Clock
from classroom_scheduler.application.reconciler import TRIES, read, write_report
from classroom_scheduler.domain.classroom import Classroom
from classroom_scheduler.domain.errors import ConcurrentUpdate, ReconcilePending, SchedulerError
from classroom_scheduler.domain.execution_names import is_later
from classroom_scheduler.domain.fence import Run
from classroom_scheduler.domain.item_codec import encode
from classroom_scheduler.domain.session import Session, Task, TaskRecord
from classroom_scheduler.domain.status import HORIZON


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookkeeping:
    """What writing on items needs from outside."""

    classrooms: Classrooms
    clock: Clock
    horizon: timedelta = HORIZON

    def look(self, classroom_id: str) -> Classroom | None:
        """The classroom as its item is now, or None. Raises ServiceUnavailable."""
        return read(classroom_id, self.classrooms)

    def write(self, classroom: Classroom, session: Session) -> Classroom:
        """Make the item say what is known of its session. Raises what `Classrooms.update` raises."""
        now = self.clock()
        return write_report(classroom, encode(classroom, session, now, self.horizon), self.classrooms, now)

    def settle(self, run: Run, classroom: Classroom, records: Mapping[Task, TaskRecord]) -> Session | None:
        """Write what came of a task, after as many of others' writes as it takes; None where we may no longer.

        Raises ReconcilePending where the item was wiped or put back meanwhile: the retry of the task, with the same
        webhook-id, finds it in order again. Raises ConcurrentUpdate where others won every time.
        """
        latest: Classroom | None = classroom
        for _ in range(TRIES):
            session = latest.session if latest is not None else None
            if latest is None or (session is None and latest.is_rejected_since(run.execution_name)):
                return None
            if session is None or is_later(run.execution_name, session.execution_name):
                raise ReconcilePending(f"{run.classroom_id} was put again while its task ran")
            if session.execution_name != run.execution_name:
                return None
            session = replace(session, tasks={**session.tasks, **records})
            with suppress(ConcurrentUpdate):
                self.write(latest, session)
                return session
            latest = self.look(run.classroom_id)
        raise ConcurrentUpdate(
            f"{run.classroom_id} was changed by somebody else {TRIES} times while a task was recorded"
        )

    def tell(self, classroom: Classroom | None, news: Callable[[Classroom], Session | None]) -> None:
        """Write what `news` makes of the classroom, None being nothing, as often as somebody else's write comes first.

        For what an execution does that the item does not name: only news, so that nothing is raised where the item
        can't be read or written.
        """
        with suppress(SchedulerError):
            for _ in range(TRIES):
                session = None if classroom is None else news(classroom)
                if classroom is None or session is None:
                    return
                with suppress(ConcurrentUpdate):
                    self.write(classroom, session)
                    return
                classroom = self.look(classroom.classroom_id)


def previous_told(run: Run, error: str | None) -> Callable[[Classroom], Session | None]:
    """What came of stopping the recording before the item's own; an `error` of None is success."""

    def news(classroom: Classroom) -> Session | None:
        session = classroom.session
        if session is None or session.previous is None or session.previous.recording_id != run.recording_id:
            return None
        return replace(session, previous=None if error is None else replace(session.previous, error=error))

    return news


def stop_told(run: Run, stopped: TaskRecord) -> Callable[[Classroom], Session | None]:
    """The recording was stopped although its item was wiped or put back: nobody may take it for one that still runs."""

    def news(classroom: Classroom) -> Session | None:
        session = classroom.session
        asks_for_another = classroom.desired is not None and classroom.desired.start != run.class_schedule.start
        if session is None and not classroom.is_rejected and not asks_for_another:
            session = Session(run.recording_id, run.execution_name, run.class_schedule, lead=run.lead)
        if session is None or session.recording_id != run.recording_id:
            return previous_told(run, None)(classroom)
        return session.with_task(Task.STOP_RECORDING, stopped)

    return news
