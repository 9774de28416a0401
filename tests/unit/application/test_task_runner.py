"""The three tasks of a class: claimed before the call, told once, written down, and fenced where they may not act."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from classroom_scheduler.application.ports import Message
from classroom_scheduler.domain.errors import ConcurrentUpdate, PermanentError, ReconcilePending, ServerUnavailable
from classroom_scheduler.domain.fence import TaskAttempt
from classroom_scheduler.domain.item_codec import Item
from classroom_scheduler.domain.tasks import PING, START, STOP, TASKS, TaskSpec
from tests.fakes import FakeServer, Fault
from tests.unit.day import Day, a_day_in_class, a_day_with_a_class


def test_a_class_costs_seven_writes() -> None:
    day = a_day_with_a_class()
    day.until("09:00").run(START)
    day.until("09:01").run(PING)
    day.until("10:00").run(STOP)

    assert day.item["status"] == "COMPLETED"
    assert day.classrooms.writes == 7


def test_the_item_says_what_each_task_did_and_how_late() -> None:
    day = a_day_with_a_class()
    day.server.answer = {"recorder": "r1", "volume": 0.5}

    day.until("09:00:00.25").run(START)

    assert day.item["tasks"]["StartRecording"] == {
        "state": "SUCCEEDED",
        "dueAt": "2026-12-01T09:00:00.000Z",
        "startedAt": "2026-12-01T09:00:00.250Z",
        "finishedAt": "2026-12-01T09:00:00.250Z",
        "latenessMs": Decimal(250),
        "attempts": Decimal(1),
        "result": {"recorder": "r1", "volume": Decimal("0.5")},
    }


def test_the_server_is_told_all_there_is_to_know() -> None:
    day = a_day_with_a_class(teacher="Ada", start="2026-12-01T14:30:00+05:30")
    day.until("09:00").run(START)
    results: dict[str, Any] = {"StartRecording": {"state": "SUCCEEDED", "reason": None, "result": {"recorder": "r1"}}}

    day.until("10:00").run(STOP, None, attempt=0, **results)

    (message,) = day.server.sent("recording.stop")
    session = day.session
    assert message.id == f"{session.recording_id}-stop"
    assert message.data == {
        "classroomId": "algebra-1",
        "recordingId": session.recording_id,
        "executionName": session.execution_name,
        "dueAt": "2026-12-01T10:00:00.000Z",
        "start": "2026-12-01T09:00:00Z",
        "end": "2026-12-01T10:00:00Z",
        "attempt": 1,
        "classroom": {
            "classroomId": "algebra-1",
            "start": "2026-12-01T14:30:00+05:30",
            "end": "2026-12-01T10:00:00Z",
            "teacher": "Ada",
        },
        "results": results,
    }


@pytest.mark.parametrize(("delay", "wait"), [(0, 0), (60, 60), (3599, 3599), (3600, 0), (7200, 0)])
def test_the_live_ping_waits_its_delay_unless_the_class_is_shorter(delay: int, wait: int) -> None:
    day = a_day_with_a_class(livePingDelay=Decimal(delay))

    assert day.until("09:00").run(START)["wait"] == wait


def test_the_live_ping_hangs_on_when_the_recording_really_started() -> None:
    day = a_day_with_a_class()
    day.until("09:05:30").run(START)

    assert "the live ping is due at 2026-12-01T09:06:30.000Z" in day.item["reason"]
    day.until("09:06:30").run(PING)
    assert day.item["tasks"]["SendLivePing"]["latenessMs"] == 0


def test_a_class_shorter_than_the_delay_skips_the_ping() -> None:
    day = a_day_with_a_class(end="09:00:30")
    day.until("09:00").run(START)

    outcome = day.run(PING)

    assert outcome["state"] == "SKIPPED"
    assert day.item["tasks"]["SendLivePing"]["error"] == "the class ends before it is due"
    assert "recording.live" not in day.told()


# --- the server fails -------------------------------------------------------------------------------------------------


def test_a_server_that_fails_twice_is_told_again_under_the_same_id() -> None:
    day = a_day_with_a_class().until("09:00")
    day.server.will("recording.start", Fault.UNAVAILABLE, Fault.TIMES_OUT)

    for attempt in range(2):
        with pytest.raises(ServerUnavailable):
            day.run(START, attempt=attempt)
    assert day.item["reason"].startswith("Starting the recording failed 2 times (no answer in time)")
    assert day.item["status"] == "SCHEDULED"
    day.run(START, attempt=2)

    assert len({message.id for message in day.server.received}) == 1
    assert [message.data["attempt"] for message in day.server.received] == [1, 2, 3]
    assert len(day.server.recordings[day.session.recording_id].starts) == 1
    assert day.item["tasks"]["StartRecording"]["attempts"] == 3
    assert "error" not in day.item["tasks"]["StartRecording"]


def test_a_refused_start_fails_the_class_and_stops_nothing() -> None:
    day = a_day_with_a_class().until("09:00")
    day.server.will("recording.start", Fault.REFUSES)

    with pytest.raises(PermanentError, match="400"):
        day.run(START)
    assert day.item["status"] == "FAILED"
    assert day.item["reason"] == (
        "The recording could not be started (400 Bad Request, tried once); nothing more is tried: "
        "write another `start` or `end` to record again."
    )
    assert day.run(STOP)["state"] == "SKIPPED", "nothing was started"
    assert day.told() == ["recording.start"]


def test_a_start_that_was_refused_only_at_the_second_attempt_is_stopped() -> None:
    """The first attempt timed out, and may have started the recorder."""
    day = a_day_with_a_class().until("09:00")
    day.server.will("recording.start", Fault.TIMES_OUT, Fault.REFUSES)
    with pytest.raises(ServerUnavailable):
        day.run(START)
    with pytest.raises(PermanentError):
        day.run(START, attempt=1)

    day.run(STOP)

    assert day.server.live == set()
    assert day.item["status"] == "FAILED"


def test_a_refused_task_that_is_tried_again_calls_nobody() -> None:
    day = a_day_with_a_class().until("09:00")
    day.server.will("recording.start", Fault.REFUSES)
    with pytest.raises(PermanentError):
        day.run(START)

    with pytest.raises(PermanentError, match="400"):
        day.run(START, attempt=1)
    assert day.told() == ["recording.start"]


def test_retries_that_are_exhausted_fail_the_class_in_words() -> None:
    day = a_day_with_a_class().until("09:00")
    day.server.will("recording.start", Fault.UNAVAILABLE)
    with pytest.raises(ServerUnavailable):
        day.run(START)

    day.fail(START, "ServerUnavailable: 503")

    assert day.item["status"] == "FAILED"
    assert "could not be started (ServerUnavailable: 503, tried once)" in day.item["reason"]
    day.run(STOP)
    assert day.told()[-1] == "recording.stop", "the start may have been heard"


def test_a_function_that_broke_before_its_claim_fails_the_class_as_well() -> None:
    day = a_day_with_a_class().until("09:00")

    day.fail(START, "Lambda.Unknown")

    assert day.item["status"] == "FAILED"


def test_a_stop_that_fails_for_good_fails_the_class_and_says_what_to_do() -> None:
    day = a_day_in_class().until("10:00")
    day.server.will("recording.stop", Fault.UNAVAILABLE)
    with pytest.raises(ServerUnavailable):
        day.run(STOP)
    assert "stopping it failed once (503 Service Unavailable) and is tried again" in day.item["reason"]

    day.fail(STOP, "ServerUnavailable: 503")

    assert day.item["status"] == "FAILED"
    assert "stop it at the classroom server" in day.item["reason"]


def test_a_live_ping_that_fails_for_good_costs_the_class_nothing() -> None:
    day = a_day_in_class()
    day.server.will("recording.live", Fault.REFUSES)

    assert day.run(PING)["state"] == "FAILED"
    assert day.item["status"] == "RECORDING"
    day.until("10:00").run(STOP)

    assert day.item["status"] == "COMPLETED"
    assert "no live ping was sent (400 Bad Request)" in day.item["reason"]


def test_a_live_ping_gives_up_in_time_for_the_end() -> None:
    day = a_day_in_class()
    day.server.will("recording.live", Fault.UNAVAILABLE, Fault.UNAVAILABLE)
    with pytest.raises(ServerUnavailable):
        day.run(PING)

    assert day.until("09:59:54").run(PING, attempt=1)["state"] == "FAILED"


def test_a_class_whose_end_came_before_its_start_could_be_tried_fails() -> None:
    """The execution woke up an hour late: there is nothing left to record."""
    day = a_day_with_a_class().until("10:00")

    with pytest.raises(PermanentError, match="had passed before it could be started"):
        day.run(START)

    assert day.item["status"] == "FAILED"
    assert day.run(STOP)["state"] == "SKIPPED"
    assert day.told() == []


def test_an_answer_that_dynamodb_cannot_store_is_dropped_and_the_deed_counts() -> None:
    day = a_day_with_a_class().until("09:00")
    day.server.answer = {"": "an empty key", "pi": 10**60}

    assert day.run(START)["state"] == "SUCCEEDED"
    assert "result" not in day.item["tasks"]["StartRecording"]


def test_an_item_without_room_for_a_claim_costs_no_class() -> None:
    """People can fill an item up to DynamoDB's 400 KB in the middle of its class."""
    day = a_day_with_a_class()
    day.until("08:59").edit(notes="x" * (400 * 1024 - 900))

    start = day.until("09:00").run(START)
    stop = day.until("10:00").run(STOP)

    assert (start["state"], start["wait"], stop["state"]) == ("SUCCEEDED", 60, "SUCCEEDED")
    assert day.told() == ["recording.start", "recording.stop"]
    assert day.server.live == set()


def test_an_edit_into_the_past_stays_refused_after_the_class_has_begun() -> None:
    day = a_day_with_a_class(start="07:30")
    day.edit(end="2026-12-01T07:45:00Z")
    day.look()

    assert day.run(START)["state"] == "SUCCEEDED"
    assert "which was already past" in day.item["reason"]
    assert day.until("08:10").run(PING)["state"] == "SUCCEEDED"
    assert day.session.scheduled.end.hour == 10


# --- the fence --------------------------------------------------------------------------------------------------------


def test_a_task_waits_while_its_item_is_wiped() -> None:
    day = a_day_with_a_class()
    name = day.session.execution_name
    day.write()

    with pytest.raises(ReconcilePending):
        day.until("09:00").run(START, name)
    assert day.told() == []
    day.look()
    assert day.run(START, name, attempt=1)["state"] == "SUCCEEDED"


def test_a_task_waits_while_an_edit_is_not_carried_out_yet() -> None:
    """Moved from 09:00 to 09:30 at 08:59:59: the old time must not start it."""
    day = a_day_with_a_class()
    name = day.session.execution_name
    day.until("08:59:59").edit(start="2026-12-01T09:30:00Z")

    with pytest.raises(ReconcilePending):
        day.until("09:00").run(START, name)
    day.look()
    assert day.run(START, name, attempt=1)["state"] == "FENCED"


def test_a_task_does_not_wait_for_ever_for_an_edit_that_nobody_carries_out() -> None:
    """Its record ran out of retries: the schedule in force is followed."""
    day = a_day_with_a_class()
    day.edit(start="2026-12-01T09:30:00Z")

    assert day.until("09:00:40").run(START, attempt=START.patience)["state"] == "SUCCEEDED"


@pytest.mark.parametrize("damage", ["gone", {"StartRecording": {"state": "DANCING"}}], ids=str)
def test_a_task_waits_while_it_cannot_see_what_has_been_done(damage: object) -> None:
    """At its end a class without a start would have been missed, and this one may only look like it."""
    day = a_day_in_class()
    name = day.session.execution_name
    day.edit(tasks=damage)

    with pytest.raises(ReconcilePending):
        day.until("10:00").run(STOP, name)
    day.look()
    assert day.run(STOP, name, attempt=1)["state"] == "SUCCEEDED"


def test_an_old_recording_is_not_written_on_an_item_that_asks_for_a_later_class() -> None:
    day = a_day_in_class()
    name = day.session.execution_name
    day.write(start="14:00", end="15:00")

    assert day.until("13:00").run(STOP, name, attempt=STOP.patience)["state"] == "SUCCEEDED"
    assert "status" not in day.item


def test_a_wiped_item_starts_nothing_however_long_it_stays_so() -> None:
    """The handler puts it back and the start is tried again; the state machine gives up after hours, aloud."""
    day = a_day_with_a_class()
    name = day.session.execution_name
    day.write()

    with pytest.raises(ReconcilePending):
        day.until("09:05").run(START, name, attempt=999)


def test_a_live_ping_without_a_recording_is_not_sent() -> None:
    day = a_day_with_a_class()

    assert day.until("09:01").run(PING, StartRecording={"state": "FENCED"})["state"] == "SKIPPED"
    assert day.item["tasks"]["SendLivePing"]["error"] == "the recording has not started"


def test_a_class_that_was_never_started_fails_at_its_end_and_says_why() -> None:
    day = a_day_with_a_class()

    with pytest.raises(PermanentError, match="not there"):
        day.until("10:00").run(STOP, StartRecording={"state": "FENCED", "attempt": 0})
    assert day.item["status"] == "FAILED"
    assert "could not be started (at its start the classroom was not there" in day.item["reason"]
    assert day.told() == []


def test_a_recorder_is_stopped_even_if_its_item_stays_wiped() -> None:
    day = a_day_in_class()
    name = day.session.execution_name
    day.write()

    assert day.until("10:00").run(STOP, name, attempt=STOP.patience)["state"] == "SUCCEEDED"
    assert day.server.live == set()
    assert "was stopped, but was never seen to start" in day.item["reason"]
    day.look()
    assert day.item["status"] == "COMPLETED"
    assert day.item["reason"].startswith("Recorded from 2026-12-01T09:00:00"), "what was wiped is merged in"


def test_a_task_waits_where_its_item_names_an_older_execution() -> None:
    """An old copy of the item was put back; the stream handler will merge what came after it."""
    day = a_day_with_a_class()
    copy = day.item
    day.edit(end="2026-12-01T11:00:00Z")
    day.look()
    name = day.session.execution_name
    day.classrooms.put({**copy, "end": "2026-12-01T11:00:00Z"})

    with pytest.raises(ReconcilePending):
        day.until("09:00").run(START, name)
    day.look()
    assert day.session.execution_name >= name


def test_a_start_tries_again_where_its_item_became_a_copy_from_before_the_class_was_right() -> None:
    """What the copy says of itself is older than this execution: the stream handler will put back what it hides."""
    day = a_day_with_a_class(start="nine")
    rejected = day.item
    day.until("08:30").edit(start="2026-12-01T09:00:00Z")
    day.look()
    day.until("09:00")

    with pytest.raises(ReconcilePending):
        start_interrupted(day, lambda: day.classrooms.put(rejected))
    day.look()
    day.run(START, attempt=1)

    assert day.item["status"] == "RECORDING"
    assert day.item["tasks"]["StartRecording"]["state"] == "SUCCEEDED"


def test_a_task_is_late_by_when_it_began_and_not_by_how_long_its_item_took_to_read() -> None:
    day = a_day_with_a_class().until("09:00:00.250")
    read = day.classrooms.get

    def read_slowly(classroom_id: str) -> Item | None:
        day.time += timedelta(seconds=2)
        return read(classroom_id)

    day.classrooms.get = read_slowly  # type: ignore[method-assign]  # the fake takes no time
    day.run(START)

    assert day.item["tasks"]["StartRecording"]["latenessMs"] == 250
    assert day.item["tasks"]["StartRecording"]["finishedAt"] >= "2026-12-01T09:00:02"


def test_an_execution_stopped_in_the_middle_of_its_call_writes_nothing() -> None:
    day = a_day_with_a_class().until("09:00")
    old = day.session.execution_name

    def edited_meanwhile() -> None:
        day.edit(end="2026-12-01T11:00:00Z")
        day.look()

    outcome = start_interrupted(day, edited_meanwhile)

    assert outcome["state"] == "FENCED"
    assert day.session.execution_name != old
    assert not day.session.tasks[START].is_finished
    assert day.run(START)["state"] == "SUCCEEDED"
    assert len(day.server.recordings[day.session.recording_id].starts) == 1


def test_a_class_wiped_in_the_middle_of_a_call_is_told_again_and_acts_once() -> None:
    day = a_day_with_a_class().until("09:00")

    with pytest.raises(ReconcilePending):
        start_interrupted(day, day.write)
    day.look()
    day.run(START, attempt=1)

    assert day.told() == ["recording.start", "recording.start"]
    assert len(day.server.recordings[day.session.recording_id].starts) == 1


def test_an_edit_of_other_attributes_in_the_middle_of_a_call_changes_nothing() -> None:
    day = a_day_with_a_class().until("09:00")

    outcome = start_interrupted(day, lambda: day.edit(teacher="Ada", status="HAPPY"))

    assert outcome["state"] == "SUCCEEDED"
    assert day.item["teacher"] == "Ada"
    assert day.item["status"] == "RECORDING"


def test_two_executions_at_once_claim_once_each_and_write_once() -> None:
    """One that Step Functions runs twice: the second finds the task done."""
    day = a_day_with_a_class().until("09:00")

    day.run(START)
    again = day.run(START)

    assert again["state"] == "SUCCEEDED"
    assert day.told() == ["recording.start"]


def test_a_deleted_class_is_left_alone_by_its_execution_but_for_the_stop() -> None:
    day = a_day_in_class()
    name = day.session.execution_name
    day.delete()

    assert day.run(PING, name)["state"] == "FENCED"
    assert day.until("10:00").run(STOP, name, StartRecording={"state": "SUCCEEDED"})["state"] == "SUCCEEDED"
    assert day.told() == ["recording.start", "recording.stop"]


def test_an_item_that_is_always_changed_by_others_is_tried_again_later() -> None:
    day = a_day_with_a_class().until("09:00")
    day.classrooms.update = _never  # type: ignore[method-assign]  # another writer wins every time

    with pytest.raises(ConcurrentUpdate, match="5 times"):
        day.run(START)
    assert day.told() == []


def _never(*arguments: object, **others: object) -> None:
    raise ConcurrentUpdate("somebody else was first")


class InterruptedServer:
    """While it is being called, something else happens."""

    def __init__(self, server: FakeServer, interruption: Callable[[], object]) -> None:
        self._server, self._interruption = server, interruption

    def send(self, message: Message, *, timeout: float) -> Any:
        answer = self._server.send(message, timeout=timeout)
        self._interruption()
        return answer


def start_interrupted(day: Day, interruption: Callable[[], object]) -> dict[str, Any]:
    runner = replace(day.runner, server=InterruptedServer(day.server, interruption))
    return runner.run(day.an_attempt(START))


NAMED = {"classroomId": "a", "recordingId": "a-0123456789"}
A_CLASS = {"start": "2026-12-01T09:00:00Z", "end": "2026-12-01T10:00:00Z"}
NO_WHOLE_NUMBERS = (-1, 10**400, 1.5, 1e300, float("nan"), True, "60", None, [60])


def of_a_class(**given: object) -> dict[str, object]:
    return {"input": {**NAMED, **A_CLASS, **given}, "executionName": "a-0123456789"}


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({}, "`classroomId` is None; expected a string that is not empty"),
        ({"input": {"classroomId": "a", "recordingId": 5}}, "`recordingId` is 5"),
        ({"input": {**NAMED, "start": "tomorrow", "end": "x"}, "executionName": "a-0123456789"}, "tomorrow"),
        *((of_a_class(livePingDelay=number), "`livePingDelay` is ") for number in NO_WHOLE_NUMBERS),
        *((of_a_class() | {"attempt": number}, "`attempt` is ") for number in NO_WHOLE_NUMBERS),
    ],
    ids=lambda given: str(given)[:80],
)
def test_a_payload_that_is_none_is_refused_by_name(event: dict[str, object], said: str) -> None:
    with pytest.raises(PermanentError, match=said):
        TaskAttempt.from_event(START, event)


@pytest.mark.parametrize("lead", [*NO_WHOLE_NUMBERS, 601], ids=lambda given: str(given)[:80])
def test_a_lead_that_no_start_answered_is_none(lead: object) -> None:
    event = of_a_class(results={"StartRecording": {"lead": lead}})

    assert TaskAttempt.from_event(STOP, event).lead == timedelta()


@pytest.mark.parametrize(
    "names",
    [
        {"classroomId": "nobody", "recordingId": "algebra-1-hoo2gmk8w0"},
        {"classroomId": "algebra", "recordingId": "algebra-1-hoo2gmk8w0"},
        {"recordingId": "algebra-2-hoo2gmk8w0"},
        {"recordingId": "algebra-1-hoo2gmk8w0-stop"},
        {"recordingId": "algebra-1-by-hand"},
        {"executionName": "algebra-2-hoo2gmk8w0"},
        {"executionName": "algebra-2-hoo2gmk8w0-stop"},
        {"executionName": "algebra-2-hoo2gmk8w0-halt"},
    ],
    ids=str,
)
@pytest.mark.parametrize("task", TASKS, ids=str)
def test_whoever_may_start_executions_can_not_touch_another_classs_recording(
    task: TaskSpec, names: dict[str, str]
) -> None:
    own = "algebra-1-hoo2gmk8w0"
    given = {"classroomId": "algebra-1", "recordingId": own, "executionName": own, **A_CLASS, **names}
    event = {"input": given, "executionName": given.pop("executionName")}

    with pytest.raises(PermanentError, match=r"expected (a recording|an execution) of"):
        TaskAttempt.from_event(task, event)


@pytest.mark.parametrize(
    "name", ["algebra-1-hoo2gmk8w5", "algebra-1-hoo2gmk8w0-stop", "algebra-1-hoo2gmk8w0-halt", "x"]
)
def test_a_recording_of_its_class_is_taken_under_any_execution_of_it_or_one_by_hand(name: str) -> None:
    given = {"classroomId": "algebra-1", "recordingId": "algebra-1-hoo2gmk8w0", **A_CLASS}

    assert TaskAttempt.from_event(STOP, {"input": given, "executionName": name}).recording_id == "algebra-1-hoo2gmk8w0"


def test_a_recorder_that_somebody_else_stopped_is_not_stopped_again() -> None:
    """Two executions of one recording lose patience with a wiped item; the first one stops it."""
    day = a_day_in_class()
    first = day.session.execution_name
    day.edit(end="2026-12-01T10:30:00Z")
    day.look()
    second = day.session.execution_name
    day.write(end="half past")

    day.until("10:30").run(STOP, first, attempt=STOP.patience)

    assert day.run(STOP, second, attempt=STOP.patience)["state"] == "FENCED"
    assert day.told().count("recording.stop") == 1


def test_a_start_that_was_tried_before_it_was_fenced_is_stopped() -> None:
    """Nobody heard the answer, and by the next attempt the class had been deleted."""
    day = a_day_with_a_class()
    execution = day.session.execution_name
    day.server.will("recording.start", Fault.TIMES_OUT)
    with pytest.raises(ServerUnavailable):
        day.until("09:00").run(START)
    run = day.an_attempt(STOP, execution)
    again = day.an_attempt(START, execution, attempt=1)
    day.delete()

    fenced = day.runner.run(again)
    assert fenced["state"] == "FENCED"
    assert day.runner.run(replace(run, results={"StartRecording": fenced}))["state"] == "SUCCEEDED"
    assert day.server.live == set()


def test_a_start_whose_class_is_deleted_in_the_middle_of_its_call_is_stopped_though_nobody_hears_of_it() -> None:
    day = a_day_with_a_class().until("09:00")
    run = day.an_attempt(STOP)

    fenced = start_interrupted(day, day.delete)
    stopped = day.until("10:00").runner.run(replace(run, results={"StartRecording": fenced}))

    assert (fenced["state"], stopped["state"]) == ("FENCED", "SUCCEEDED")
    assert day.server.live == set()


def test_a_class_put_back_after_its_start_was_fenced_in_the_middle_of_its_call_is_stopped_at_its_end() -> None:
    day = a_day_with_a_class().until("09:00")
    before = day.item

    fenced = start_interrupted(day, day.delete)
    day.classrooms.put(before)
    day.until("10:00").run(STOP, StartRecording=fenced)

    assert day.server.live == set()
    assert "was stopped, but was never seen to start" in day.item["reason"]


def test_a_start_that_comes_late_and_twice_writes_nothing_over_a_stop() -> None:
    """The item was wiped for so long that the stop was written without knowing of the start."""
    day = a_day_in_class()
    name = day.session.execution_name
    day.write()
    day.changes.clear()
    day.until("10:00").run(STOP, name, attempt=STOP.patience)
    stopped = day.item

    assert day.until("10:10").run(START)["state"] == "FENCED"
    assert day.item == stopped
    assert day.told().count("recording.start") == 1
