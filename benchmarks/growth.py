"""Growth: what a sweep, an audit and a reconciliation cost with 1,000, 10,000 and 100,000 classrooms in the table.

The table is virtual: the emulator can't follow, and what grows is ours, requests and processor time. Its classrooms are
those of a term of 26 weeks with classes on the hour, five days a week, ten hours a day, seen on the first Wednesday at
9:30; each item says what the scheduler itself would write. What AWS takes to answer isn't in these times.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from benchmarks.curves import Point, lines
from benchmarks.rows import Row, Say, ratio
from benchmarks.virtual_table import CountedExecutions, VirtualTable
from classroom_scheduler.application.reconciler import Reconciler
from classroom_scheduler.application.recovery import AuditResult, audit, sweep
from classroom_scheduler.domain.classroom import Classroom, History
from classroom_scheduler.domain.execution_names import name_of_record
from classroom_scheduler.domain.item_codec import Item
from classroom_scheduler.domain.policy import ATTENTION_SHARDS, SchedulingPolicy
from classroom_scheduler.domain.reasons import reason_for, report
from classroom_scheduler.domain.session import Session, TaskRecord, TaskState
from classroom_scheduler.domain.tasks import PING, START, STOP
from classroom_scheduler.domain.times import format_time
from classroom_scheduler.handlers.sweep import SEGMENTS

TITLE = "Growth of the table"
ABOUT = (
    "A term's classrooms in an in-memory table. Requests are counted; processor time stands beside a loop that reads "
    "and copies the same items. A sweep and a reconciliation make the same requests at 1,000 and 10,000."
)
SIZES = (1_000, 10_000, 100_000)
POLICY = SchedulingPolicy(horizon=timedelta(days=300))
HORIZONS = {"1 hour": timedelta(hours=1), "300 days": POLICY.horizon}
_MONDAY = datetime(2026, 9, 7, tzinfo=UTC)
NOW = _MONDAY + timedelta(days=2, hours=9, minutes=30)
_HOURS = [
    timedelta(weeks=week, days=day, hours=hour) for week in range(26) for day in range(5) for hour in range(8, 18)
]
_ROUNDS, _LOOKS = 5, 200


def starts(number: int) -> Iterator[datetime]:
    """The starts of so many classes, spread evenly over the hours of the term."""
    return (_MONDAY + _HOURS[index * len(_HOURS) // number] for index in range(number))


def items(number: int, policy: SchedulingPolicy = POLICY) -> Iterator[Item]:
    """The classrooms as they stand in a healthy table at NOW."""
    executions = CountedExecutions()
    for index, start in enumerate(starts(number)):
        written = {
            "classroomId": f"room-{index}",
            "start": format_time(start),
            "end": format_time(start + timedelta(minutes=50)),
            "teacher": "Ada Lovelace",
            "title": "Notes on the analytical engine",
        }
        classroom = Classroom.from_item(f"room-{index}", written)
        session = _session(classroom, start, policy)
        reason = reason_for(classroom, session, NOW, policy)
        attributes = report(classroom, session, reason, NOW, policy)
        attributes["executionArn"] = executions.arn(session.execution_name)
        yield {**written, **attributes, "updatedAt": f"{format_time(_MONDAY)[:-1]}.000000Z"}


def _session(classroom: Classroom, start: datetime, policy: SchedulingPolicy) -> Session:
    assert classroom.desired is not None
    name = name_of_record(classroom.classroom_id, _MONDAY, "1")
    lead = policy.lead(classroom.classroom_id, start, _MONDAY)
    session = Session(recording_id=name, execution_name=name, scheduled=classroom.desired, lead=lead)
    due = {
        START: start,
        PING: start + timedelta(seconds=60),
        STOP: classroom.desired.end,
    }
    done = {
        task: TaskRecord(TaskState.SUCCEEDED, moment, moment, moment) for task, moment in due.items() if moment <= NOW
    }
    return replace(session, tasks=done)


def measure(say: Say) -> list[Row]:
    """Requests are counted; processor time stands beside a bare loop over the same items, by turns in the same run."""
    rows = []
    for number in SIZES:
        say(f"{number:,} classrooms")
        table = VirtualTable(items(number))
        rows += [*_sweep(table), *_audit(table), *_look(table), *_open(number)]
    return rows


def _sweep(table: VirtualTable) -> Iterable[Row]:
    table.requests.clear()
    seconds = _median(lambda: sweep(table, _nobody, NOW))
    requests = table.requests["Query"] / _ROUNDS
    yield _row(len(table.items), "a sweep", requests, "requests", f"{ATTENTION_SHARDS} at any size", ATTENTION_SHARDS)
    yield _row(len(table.items), "a sweep, processor", seconds * 1e6, "us")


def _audit(table: VirtualTable) -> Iterable[Row]:
    """An hour's part of the table, and how much longer it takes than to go through the same items and copy each."""
    executions = CountedExecutions()

    def ours() -> None:
        found = audit(table.segment(NOW.hour, SEGMENTS), Reconciler(table, executions, lambda: NOW, POLICY))
        assert set(found) == {AuditResult.HEALTHY}, f"the table is not what the scheduler writes: {found}"

    def floor() -> None:
        for item in table.segment(NOW.hour, SEGMENTS):
            dict(item)

    table.requests.clear()
    seconds, bare = _by_turns(ours, floor)
    pages = table.requests["Scan"] / (2 * _ROUNDS)
    assert not table.requests["UpdateItem"] + executions.requests.total()
    yield _row(len(table.items), "an hour's audit", pages, "requests")
    yield replace(
        _row(len(table.items), "an hour's audit, processor", seconds * 1000, "ms"),
        compared_with="reading and copying the same items",
        compared_value=round(bare * 1000, 3),
        ratio=ratio(seconds, bare),
    )


def _look(table: VirtualTable) -> Iterable[Row]:
    """A class that waits is looked at again: it is read, and its execution is asked for."""
    executions = CountedExecutions()
    watched = [name for name, item in table.items.items() if item["status"] == "SCHEDULED"][-_LOOKS:]

    def look() -> None:
        for name in watched:
            Reconciler(table, executions, lambda: NOW, POLICY).reconcile(name, History())

    table.requests.clear()
    seconds = _median(look)
    looks = _ROUNDS * len(watched)
    requests = (table.requests.total() + executions.requests.total()) / looks
    yield _row(len(table.items), "one reconciliation", requests, "requests", "2 at any size", 2)
    yield _row(len(table.items), "one reconciliation, processor", seconds / len(watched) * 1e6, "us")


def _open(number: int) -> Iterable[Row]:
    open_ = {words: open_executions(number, horizon) for words, horizon in HORIZONS.items()}
    (near, many), (_, most) = open_.items()
    yield replace(
        _row(number, f"open executions, horizon {near}", many, ""),
        compared_with="horizon 300 days",
        compared_value=most,
        ratio=round(many / most, 4),
    )


def open_executions(number: int, horizon: timedelta) -> int:
    """Executions that wait or run at NOW: those of classes inside the horizon that are not over."""
    policy = replace(POLICY, horizon=horizon)
    sessions = (read_back(item) for item in items(number, policy))
    return sum(not session.is_over and not policy.is_deferred(session, NOW) for session in sessions)


def read_back(item: Item) -> Session:
    """The session that the item names."""
    session = Classroom.from_item(str(item["classroomId"]), item).session
    assert session is not None
    return session


def _nobody(classroom_id: str, _history: History) -> None:
    raise AssertionError(f"{classroom_id} is overdue in a healthy table")


def _median(run: Callable[[], object]) -> float:
    return statistics.median(_timed(run) for _ in range(_ROUNDS))


def _by_turns(ours: Callable[[], object], other: Callable[[], object]) -> tuple[float, float]:
    times = [(_timed(ours), _timed(other)) for _ in range(_ROUNDS)]
    mine, others = zip(*times, strict=True)
    return statistics.median(mine), statistics.median(others)


def _timed(run: Callable[[], object]) -> float:
    began = time.process_time()
    run()
    return time.process_time() - began


def _row(number: int, what: str, value: float, unit: str, goal: str = "", expected: float | None = None) -> Row:
    return Row(
        question=TITLE,
        measure=f"{number:,} classrooms: {what}",
        value=round(value, 3),
        unit=unit,
        goal=goal,
        met=None if expected is None else value == expected,
        headline=number == SIZES[-1] and unit != "us",
    )


def plot(rows: Sequence[Row]) -> str:
    """Requests and open executions by the number of classrooms."""
    found = {row.measure: row for row in rows}

    def curve(what: str) -> list[Point]:
        return [(float(number), max(found[f"{number:,} classrooms: {what}"].value, 1)) for number in SIZES]

    near = "open executions, horizon 1 hour"
    most = [(float(number), found[f"{number:,} classrooms: {near}"].compared_value or 1.0) for number in SIZES]
    curves = {
        "open executions, horizon 300 days": most,
        near: curve(near),
        "requests of an hour's audit": curve("an hour's audit"),
        "requests of a sweep": curve("a sweep"),
        "requests of one reconciliation": curve("one reconciliation"),
    }
    return lines(TITLE, ("classrooms in the table", ""), curves, logarithmic=True)
