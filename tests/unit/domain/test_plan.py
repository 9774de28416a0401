"""What a change does: the table of what people may write and when, row by row, with the decision and its reason.

Times are of one day. The class runs from 09:00 to 10:00 unless a row says otherwise.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from classroom_scheduler.domain.classroom import Classroom, History
from classroom_scheduler.domain.execution_names import name_of_record, next_name
from classroom_scheduler.domain.plan import Action, Decision, plan
from classroom_scheduler.domain.reasons import reason_for, report
from classroom_scheduler.domain.schedule import Schedule
from classroom_scheduler.domain.session import Session, TaskRecord, TaskState
from classroom_scheduler.domain.tasks import PING, START, STOP, TaskSpec
from tests.builders import CLASS_DAY, POLICY, a_classroom, at

ID = "algebra-1"
FIRST = next_name(ID, at("07:00"))
RECORD = name_of_record(ID, at("08:00"), "1")
LEAVE, REJECT, KEEP, REPLACE, RENEW, GIVE_UP, CANCEL = Action


def scheduled(start: str = "09:00", end: str = "10:00") -> Session:
    return Session(FIRST, FIRST, Schedule(at(start), at(end)))


def done(task: TaskSpec, time: str, state: TaskState = TaskState.SUCCEEDED, **more: Any) -> tuple[TaskSpec, TaskRecord]:
    return task, TaskRecord(state, at(time), at(time), None if state is TaskState.CLAIMED else at(time), **more)


def after(session: Session, *records: tuple[TaskSpec, TaskRecord]) -> Session:
    return replace(session, tasks=dict(records))


WAITING = scheduled()
STARTING = after(WAITING, done(START, "09:00", TaskState.CLAIMED))
RECORDING = after(WAITING, done(START, "09:00"))
PINGED = after(WAITING, done(START, "09:00"), done(PING, "09:01"))
STOPPING = after(WAITING, done(START, "09:00"), done(STOP, "10:00", TaskState.CLAIMED))
COMPLETED = after(WAITING, done(START, "09:00"), done(PING, "09:01"), done(STOP, "10:00"))
REFUSED = after(
    WAITING,
    done(START, "09:00", TaskState.FAILED, error="HTTP 409"),
    done(STOP, "09:00", TaskState.SKIPPED, error="HTTP 409"),
)
NOTHING = None


class Row(NamedTuple):
    """`wanted` is what people wrote (None: they deleted it), `on_item` and `in_record` are what two places remember."""

    what: str
    wanted: dict[str, Any] | None
    on_item: Session | None
    in_record: Session | None
    now: str
    action: Action
    reason: str
    history: Mapping[str, Any] = MappingProxyType({})


def wants(start: Any = "09:00", end: Any = "10:00", **more: Any) -> dict[str, Any]:
    return a_classroom(ID, start, end, **more)


STARTS_AT_9 = "Recording starts at 2026-12-01T09:00:00Z, the live ping follows 60 s later"
TYPO = {"end": "half past"}

TABLE = [
    # a new item
    Row("a class is written", wants(), NOTHING, NOTHING, "08:00", RENEW, STARTS_AT_9),
    Row("a class is written while it runs", wants(), NOTHING, NOTHING, "09:30", RENEW, STARTS_AT_9),
    Row("a class is written after its end", wants(), NOTHING, NOTHING, "10:00", REJECT, "was already past"),
    Row("a class without an end", wants(end=...), NOTHING, NOTHING, "08:00", REJECT, "`end` is missing"),
    Row(
        "a class next year",
        wants(CLASS_DAY + timedelta(days=301), CLASS_DAY + timedelta(days=301, hours=1)),
        *(NOTHING, NOTHING, "08:00", RENEW, "more than 300 days away"),
    ),
    # before it starts
    Row("start moved", wants("09:30"), WAITING, WAITING, "08:00", REPLACE, "starts at 2026-12-01T09:30:00Z"),
    Row("end moved", wants(end="11:00"), WAITING, WAITING, "08:00", REPLACE, "stops at 2026-12-01T11:00:00Z"),
    Row("delay changed", wants(livePingDelay=5), WAITING, WAITING, "08:00", REPLACE, "follows 5 s later"),
    Row("another attribute changed", wants(teacher="Ada"), WAITING, WAITING, "08:00", KEEP, STARTS_AT_9),
    Row("put again, wiped", wants(), NOTHING, WAITING, "08:00", KEEP, STARTS_AT_9),
    Row("put again with other times", wants("09:30"), NOTHING, WAITING, "08:00", REPLACE, "2026-12-01T09:30:00Z"),
    Row("a typo", wants(**TYPO), WAITING, WAITING, "08:00", KEEP, '"half past".* The schedule in force stays.'),
    Row("moved into the past", wants("06:00", "07:00"), WAITING, WAITING, "08:00", KEEP, "was already past"),
    Row("deleted", None, NOTHING, WAITING, "08:00", CANCEL, "before its class started: nothing runs"),
    Row(
        "deleted and put again at once",
        *(wants(), NOTHING, WAITING, "08:00", REPLACE, STARTS_AT_9),
        {"deleted": frozenset({FIRST})},
    ),
    # while it records
    Row("extended", wants(end="11:00"), RECORDING, RECORDING, "09:30", REPLACE, "stops at 2026-12-01T11:00:00Z"),
    Row("cut short", wants(end="09:45"), RECORDING, RECORDING, "09:30", REPLACE, "stops at 2026-12-01T09:45:00Z"),
    Row("start moved ahead", wants("09:40"), RECORDING, RECORDING, "09:30", RENEW, "is being stopped"),
    Row("start moved within the past", wants("08:50"), RECORDING, RECORDING, "09:30", REPLACE, "Recording since"),
    Row("another attribute changed in class", wants(room=5), PINGED, PINGED, "09:30", KEEP, "went out at .*09:01"),
    Row("put again in class, wiped", wants(), NOTHING, PINGED, "09:30", KEEP, "Recording since 2026-12-01T09:00"),
    Row("a typo in class", wants(**TYPO), RECORDING, RECORDING, "09:30", KEEP, "The latest edit is not followed"),
    Row("deleted in class", None, NOTHING, RECORDING, "09:30", CANCEL, f"recording {FIRST} is stopped now"),
    Row("deleted during the start", None, NOTHING, STARTING, "09:00:05", CANCEL, "is stopped now"),
    Row("extended while it stops", wants(end="11:00"), STOPPING, STOPPING, "10:00:05", RENEW, "is being stopped"),
    # after it
    Row("put again after the end, wiped", wants(), NOTHING, COMPLETED, "10:30", KEEP, "Recorded from"),
    Row("edited after the end", wants(teacher="Ada"), COMPLETED, COMPLETED, "10:30", KEEP, "Recorded from"),
    Row("new times after the end", wants("11:00", "12:00"), COMPLETED, COMPLETED, "10:30", RENEW, "11:00:00Z"),
    Row("past times after the end", wants("06:00", "07:00"), COMPLETED, COMPLETED, "10:30", KEEP, "Recorded from"),
    Row("a typo after the end", wants(**TYPO), COMPLETED, COMPLETED, "10:30", REJECT, "until this is corrected"),
    Row("deleted after the end", None, NOTHING, COMPLETED, "10:30", LEAVE, "after its class was over"),
    Row("new times after a failure", wants(end="11:00"), REFUSED, REFUSED, "09:30", RENEW, STARTS_AT_9),
    # what happens without an edit
    Row(
        "its execution is lost",
        *(wants(), WAITING, NOTHING, "08:30", REPLACE, "was replaced .1 of at most 3"),
        {"aborted": frozenset({FIRST})},
    ),
    Row(
        "its execution is lost for the fourth time",
        *(wants(), replace(RECORDING, restarts=3), NOTHING, "09:30", GIVE_UP, "ended 4 times before its time"),
        {"aborted": frozenset({FIRST})},
    ),
    Row("a sweep finds it in order", wants(), RECORDING, NOTHING, "09:30", KEEP, "Recording since", {"name": None}),
    Row("a sweep finds it wiped", wants(), NOTHING, NOTHING, "09:30", LEAVE, "does not tell", {"name": None}),
    Row("an unknown class is deleted", None, NOTHING, NOTHING, "08:00", LEAVE, "Nothing was scheduled"),
    Row(
        "its recording was stopped since",
        *(wants(), NOTHING, RECORDING, "09:30", RENEW, STARTS_AT_9),
        {"ended": frozenset({FIRST})},
    ),
]


def decided(row: Row) -> Decision:
    current = None if row.wanted is None else an_item(row.wanted, row.on_item, row.now)
    sessions = () if row.in_record is None else (row.in_record,)
    history = History(**{"sessions": sessions, "left": current, "name": RECORD, **row.history})
    return plan(current, history, at(row.now), POLICY)


def an_item(wanted: dict[str, Any], session: Session | None, now: str) -> Classroom:
    """The item as people left it: what the scheduler wrote on it is from before their edit."""
    if session is None:
        return Classroom.from_item(ID, wanted)
    before = Classroom.from_item(ID, wants())
    reason = reason_for(before, session, at(now), POLICY)
    return Classroom.from_item(ID, {**wanted, **report(before, session, reason, at(now), POLICY)})


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.what)
def test_a_change_does(row: Row) -> None:
    decision = decided(row)

    assert decision.action is row.action
    assert re.search(row.reason, decision.reason), decision.reason


@pytest.mark.parametrize("row", [row for row in TABLE if row.action in {REPLACE, RENEW}], ids=lambda row: row.what)
def test_a_class_that_changes_gets_an_execution_of_a_new_name(row: Row) -> None:
    decision = decided(row)

    assert decision.session is not None
    assert decision.session.execution_name != FIRST
    assert (decision.session.recording_id == FIRST) is (row.action is REPLACE)


@pytest.mark.parametrize(
    ("what", "abandoned"),
    [
        ("deleted in class", [FIRST]),
        ("deleted during the start", [FIRST]),
        ("deleted", []),
        ("start moved ahead", [FIRST]),
        ("extended", []),
        ("its execution is lost for the fourth time", [FIRST]),
    ],
)
def test_a_recording_that_no_item_answers_for_is_stopped(what: str, abandoned: list[str]) -> None:
    decision = decided(next(row for row in TABLE if row.what == what))

    assert [recording.recording_id for recording in decision.abandoned] == abandoned
