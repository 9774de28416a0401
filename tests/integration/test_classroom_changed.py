"""ClassroomChanged: what people write to the table, and what comes of it in AWS."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from classroom_scheduler.application.retry import TRIES
from tests.builders import a_change, a_classroom, an_insert, at
from tests.integration.conftest import forget_clients
from tests.integration.day import Day

# --- a class is written -----------------------------------------------------------------------------------------------


def test_a_class_that_is_written_has_an_execution_that_waits_for_its_start(day: Day) -> None:
    record = day.put(a_classroom("algebra-1", "09:00", "10:00", livePingDelay=30, teacher="Ada"))

    assert day.deliver(record, at_time="08:00") == []

    item = day.item()
    name = item["executionName"]
    assert item["status"] == "SCHEDULED"
    assert item["recordingId"] == name
    assert item["scheduled"] == {"start": "2026-12-01T09:00:00Z", "end": "2026-12-01T10:00:00Z", "livePingDelay": 30}
    assert item["executionArn"] == day.account.arn_of(name)
    assert "2026-12-01T09:00:00Z" in item["reason"]
    assert item["teacher"] == "Ada"
    assert day.account.running() == {name}
    assert day.account.input_of(name) == (
        '{"classroomId":"algebra-1","end":"2026-12-01T10:00:00Z","livePingDelay":30,'
        f'"recordingId":"{name}","start":"2026-12-01T09:00:00Z"}}'
    )


def test_a_new_class_costs_one_write_and_one_start(day: Day) -> None:
    day.deliver(day.put(a_classroom()), at_time="08:00")

    # No read: the record's image stands for it, and the write fails if the item has changed since.
    assert day.account.calls == ["UpdateItem", "StartExecution"]


def test_a_new_class_that_was_changed_before_its_record_came_is_left_to_the_record_of_the_change(day: Day) -> None:
    inserted = day.put(a_classroom("algebra-1", "09:00", "10:00"))
    changed = day.update("algebra-1", start="2026-12-01T09:30:00Z")

    assert day.deliver(inserted, at_time="08:00") == []
    assert day.account.calls == ["UpdateItem", "GetItem"]  # the write on the old image is refused
    assert day.deliver(changed, at_time="08:01") == []

    assert day.item()["scheduled"]["start"] == "2026-12-01T09:30:00Z"
    assert day.account.running() == {day.item()["executionName"]}


def test_a_new_class_that_was_deleted_before_its_record_came_starts_nothing(day: Day) -> None:
    record = day.put(a_classroom("algebra-1"))
    day.delete("algebra-1")

    assert day.deliver(record, at_time="08:00") == []

    assert day.account.item("algebra-1") is None
    assert day.account.running() == set()


def test_the_log_says_what_was_decided_for_which_class(day: Day) -> None:
    day.deliver(day.put(a_classroom("algebra-1")), at_time="08:00")

    (line,) = day.logged("reconciled")
    assert line["classroomId"] == "algebra-1"
    assert line["executionName"] == day.item()["executionName"]
    assert line["decision"] == "RENEW"
    assert line["level"] == "INFO"
    assert line["service"] == "classroom-scheduler"
    assert line["reason"] == day.item()["reason"]
    assert day.counted() == {"ClassroomsScheduled": 1}


def test_a_class_with_a_photo_and_sets_is_scheduled_like_any_other(day: Day) -> None:
    extras = {"photo": b"\xff\xd8jpeg", "keys": {b"a", b"b"}, "tags": {"x", "y"}, "seats": {1, 2}, "none": None}
    record = day.put(a_classroom("algebra-1", **extras))

    assert day.deliver(record, at_time="08:00") == []

    assert day.item()["status"] == "SCHEDULED"
    assert {name: day.item()[name] for name in extras} == extras


def test_the_schedulers_own_write_costs_no_call_of_aws(day: Day) -> None:
    written = a_classroom("algebra-1")
    day.deliver(day.put(written), at_time="08:00")
    day.account.calls.clear()

    assert day.deliver(a_change(written, day.item())) == []

    assert day.account.calls == []


def test_a_record_that_is_delivered_twice_changes_nothing(day: Day) -> None:
    record = day.put(a_classroom("algebra-1"))
    day.deliver(record, at_time="08:00")
    before = day.item()
    day.account.calls.clear()

    assert day.deliver(record, record, at_time="08:01") == []

    assert day.item() == before
    assert day.account.running() == {before["executionName"]}
    # The write on the record's image is refused, the item read: it says what is to be.
    assert day.account.calls == ["UpdateItem", "GetItem", "StartExecution"]


def test_edits_of_one_class_in_one_batch_end_at_the_newest(day: Day) -> None:
    records = [day.put(a_classroom("algebra-1", "09:00", "10:00"))]
    records += [day.update("algebra-1", start=f"2026-12-01T09:{minute}:00Z") for minute in ("10", "20", "30")]

    assert day.deliver(*records, at_time="08:00") == []

    item = day.item()
    assert item["scheduled"]["start"] == "2026-12-01T09:30:00Z"
    assert day.account.running() == {item["executionName"]}


def test_a_class_that_is_moved_has_a_new_execution_and_the_old_one_is_stopped(day: Day) -> None:
    day.deliver(day.put(a_classroom("algebra-1", "09:00", "10:00")), at_time="08:00")
    first = day.item()["executionName"]

    assert day.deliver(day.update("algebra-1", start="2026-12-01T09:30:00Z"), at_time="08:10") == []

    second = day.item()["executionName"]
    assert day.account.executions() == {first: "ABORTED", second: "RUNNING"}
    assert day.account.sent("StopExecution")[0]["cause"]


def test_a_class_that_is_put_again_gets_back_what_was_wiped(day: Day) -> None:
    day.deliver(day.put(a_classroom("algebra-1")), at_time="08:00")
    before = day.item()

    assert day.deliver(day.put(a_classroom("algebra-1")), at_time="08:10") == []

    changed = {"updatedAt"}
    assert {n: v for n, v in day.item().items() if n not in changed} == {
        n: v for n, v in before.items() if n not in changed
    }
    assert day.account.executions() == {before["executionName"]: "RUNNING"}


# --- a class is deleted -----------------------------------------------------------------------------------------------


def test_a_class_that_is_deleted_before_its_start_never_runs(day: Day) -> None:
    day.deliver(day.put(a_classroom("algebra-1")), at_time="08:00")
    name = day.item()["executionName"]

    assert day.deliver(day.delete("algebra-1"), at_time="08:30") == []

    assert day.account.executions() == {name: "ABORTED"}
    assert day.account.item("algebra-1") is None
    assert day.counted()["ClassroomsCancelled"] == 1


def test_a_class_that_is_deleted_while_recording_is_stopped_by_an_execution_of_its_own(day: Day) -> None:
    day.deliver(day.put(a_classroom("algebra-1", "09:00", "10:00")), at_time="08:00")
    name = day.item()["executionName"]
    day.invoke("StartRecording", day.payload(), at_time="09:00:00.250")

    assert day.deliver(day.delete("algebra-1"), at_time="09:20") == []

    assert day.account.executions() == {name: "ABORTED", f"{name}-stop": "RUNNING"}
    assert '"end":"2026-12-01T09:20:00Z"' in day.account.input_of(f"{name}-stop")


def test_a_class_whose_stop_is_throttled_is_cancelled_all_the_same(day: Day) -> None:
    day.deliver(day.put(a_classroom("algebra-1")), at_time="08:00")
    name = day.item()["executionName"]
    day.account.will("StopExecution", "ThrottlingException")

    assert day.deliver(day.delete("algebra-1"), at_time="08:30") == []

    assert day.account.running() == {name}  # and its tasks will find no item that names it
    assert day.counted()["StopExecutionFailed"] == 1
    assert day.logged("not stopped")[0]["executionName"] == name


# --- bad input --------------------------------------------------------------------------------------------------------

A_TIME = "an RFC 3339 date-time with an offset"

BAD_INPUTS = {
    "no start": (a_classroom(start=...), "`start` is missing", A_TIME),
    "no end": (a_classroom(end=...), "`end` is missing", A_TIME),
    "a number for the start": (a_classroom(start=900), "`start` is the number 900", f"a string with {A_TIME}"),
    "a boolean for the end": (a_classroom(end=True), "`end` is the boolean True", f"a string with {A_TIME}"),
    "a map for the start": (a_classroom(start={"at": "09:00"}), "`start` is of the type map", A_TIME),
    "a list for the start": (a_classroom(start=["09:00"]), "`start` is of the type list", A_TIME),
    "a set for the start": (a_classroom(start={"a", "b"}), "`start` is of the type set", A_TIME),
    "binary for the start": (a_classroom(start=b"09:00"), "`start` is of the type binary", A_TIME),
    "an empty start": (a_classroom(start=""), '`start` is ""', A_TIME),
    "a start without an offset": (
        a_classroom(start="2026-12-01T09:00:00"),
        '`start` is "2026-12-01T09:00:00"',
        A_TIME,
    ),
    "31 February": (a_classroom(start="2027-02-31T09:00:00Z"), '`start` is "2027-02-31T09:00:00Z"', A_TIME),
    "an end before its start": (
        a_classroom(start="2026-12-01T10:00:00Z", end="2026-12-01T09:00:00Z"),
        "`end` is 2026-12-01T09:00:00Z, not after the start 2026-12-01T10:00:00Z",
        "a later time",
    ),
    "an end at its start": (a_classroom(end=a_classroom()["start"]), "`end` is 2026-12-01T09:00:00Z", "a later time"),
    "an end that has passed": (
        a_classroom(start="2026-12-01T06:00:00Z", end="2026-12-01T07:00:00Z"),
        "`end` is 2026-12-01T07:00:00Z, which was already past",
        "a time to come",
    ),
    "a class of a year": (a_classroom(end="2027-12-01T10:00:00Z"), "365 days after the start", "at most 60 days"),
    "a string for the delay": (
        a_classroom(livePingDelay="60"),
        '`livePingDelay` is the text "60", not a number',
        "from 0 to 86400",
    ),
    "a negative delay": (a_classroom(livePingDelay=-1), "`livePingDelay` is the number -1", "from 0 to 86400"),
    "a delay beyond a day": (a_classroom(livePingDelay=86_401), "`livePingDelay` is the number 86401", "0 to 86400"),
    "a delay of nothing": (a_classroom(livePingDelay=None), "`livePingDelay` is null", "0 to 86400"),
    "an id of 200 characters": (a_classroom("x" * 200), "of 200 characters", "1 to 64 of A-Z a-z 0-9 _ -"),
    "an id with spaces": (a_classroom("room 12 b"), '`classroomId` is "room 12 b"', "1 to 64 of A-Z a-z 0-9 _ -"),
    "an id with other letters": (a_classroom("Zürich"), '`classroomId` is "Zürich"', "1 to 64 of A-Z a-z 0-9 _ -"),
    "300 KB of extra attributes": (
        a_classroom(notes="x" * 300 * 1024),
        "`notes` makes the item too large",
        "at most 262,144 bytes",
    ),
}


@pytest.mark.parametrize(("item", "found", "expected"), BAD_INPUTS.values(), ids=BAD_INPUTS.keys())
def test_bad_input_is_marked_invalid_with_the_reason_in_words(
    day: Day, item: dict[str, Any], found: str, expected: str
) -> None:
    """Named: the field, what stands there and what is expected. Nothing is started and nothing comes again."""
    assert day.deliver(day.put(item), at_time="08:00") == []

    marked = day.item(item["classroomId"])
    assert marked["status"] == "INVALID"
    assert re.search(rf"{re.escape(found)}.*; expected .*{re.escape(expected)}", marked["reason"]), marked["reason"]
    assert {name: marked[name] for name in item} == item
    assert day.account.executions() == {}
    assert day.counted() == {"ClassroomsInvalid": 1}


def test_bad_input_is_marked_once_and_then_left_alone(day: Day) -> None:
    record = day.put(a_classroom(end=...))
    day.deliver(record, at_time="08:00")
    before = day.item()
    day.account.calls.clear()

    assert day.deliver(record, record, at_time="08:05") == []

    assert day.item() == before
    assert day.account.calls == ["UpdateItem", "GetItem"]  # the first of them refused


def test_bad_input_that_is_corrected_runs(day: Day) -> None:
    day.deliver(day.put(a_classroom("algebra-1", end=...)), at_time="08:00")

    assert day.deliver(day.update("algebra-1", end="2026-12-01T10:00:00Z"), at_time="08:05") == []

    assert day.item()["status"] == "SCHEDULED"
    assert day.account.running() == {day.item()["executionName"]}


def test_the_neighbours_of_bad_input_go_on(day: Day) -> None:
    bad = [item for item, _, _ in BAD_INPUTS.values()]
    for number, item in enumerate(bad):
        if item["classroomId"] == "algebra-1":
            bad[number] = {**item, "classroomId": f"bad-{number}"}
    good = [a_classroom(f"good-{number}") for number in range(len(bad))]
    records = [day.put(item) for pair in zip(bad, good, strict=True) for item in pair]

    assert day.deliver(*records, at_time="08:00") == []

    assert {day.item(item["classroomId"])["status"] for item in bad} == {"INVALID"}
    assert {day.item(item["classroomId"])["status"] for item in good} == {"SCHEDULED"}
    assert day.account.running() == {day.item(item["classroomId"])["executionName"] for item in good}


def test_a_class_that_cannot_be_written_back_to_is_logged_and_counted(day: Day) -> None:
    """399 KB leave no room for a reason. moto measures what is put and not what it grows to: AWS's answer is put in."""
    large = day.put(a_classroom("large-1", notes="x" * 399 * 1000))
    neighbours = [day.put(a_classroom("before-1")), day.put(a_classroom("behind-1"))]
    day.account.will("UpdateItem", "ValidationException", of="large-1")

    assert day.deliver(neighbours[0], large, neighbours[1], at_time="08:00") == []

    (line,) = day.logged("item can't be written to")
    assert (line["level"], line["classroomId"]) == ("ERROR", "large-1")
    assert day.counted() == {"ClassroomsNotWritable": 1, "ClassroomsScheduled": 2}
    assert {day.item(neighbour)["status"] for neighbour in ("before-1", "behind-1")} == {"SCHEDULED"}
    assert len(day.account.running()) == 2


def test_a_valid_class_that_cannot_be_written_back_to_is_not_started_unknown_to_its_item(day: Day) -> None:
    day.account.will("UpdateItem", "ValidationException")

    assert day.deliver(day.put(a_classroom("algebra-1")), at_time="08:00") == []

    assert day.account.executions() == {}


A_RECORD = an_insert(a_classroom("algebra-1"))
MALFORMED = {
    "nothing": {},
    "no change": {"eventName": "INSERT"},
    "an empty change": {"dynamodb": {}},
    "null for the change": {"dynamodb": None},
    "no keys": {"dynamodb": {"SequenceNumber": "1"}},
    "another table's key": {"dynamodb": {"SequenceNumber": "1", "Keys": {"roomId": {"S": "12"}}}},
    "a key that is a number": {"dynamodb": {"SequenceNumber": "1", "Keys": {"classroomId": {"N": "12"}}}},
    "no sequence number": {"dynamodb": {"Keys": {"classroomId": {"S": "algebra-1"}}}},
    "a message of a queue": {"messageId": "1", "body": "{}"},
}


@pytest.mark.parametrize("malformed", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_record_is_ignored_and_counted(day: Day, malformed: dict[str, Any]) -> None:
    good = day.put(a_classroom("algebra-1"))

    assert day.deliver({**malformed, "eventID": "e-1"}, good, at_time="08:00") == []

    (line,) = day.logged("record ignored")
    assert (line["level"], line["event_id"]) == ("ERROR", "e-1")
    assert day.counted() == {"RecordsIgnored": 1, "ClassroomsScheduled": 1}
    assert day.item()["status"] == "SCHEDULED"


def test_an_event_without_records_is_no_error(day: Day) -> None:
    assert day.invoke("ClassroomChanged", {}) == {"batchItemFailures": []}


# --- somebody edits what the scheduler wrote --------------------------------------------------------------------------

JUNK: list[Any] = ["", "junk", Decimal("1E+100"), True, None, b"junk", ["junk"], {"start": 7}, {"a"}]
OTHERS_NAMES = ["algebra-1", "algebra-1-zzzzzzzzzz", "physics-2-hoo2gmk8w0", "algebra-1-hoo2gmk8w0-stop"]
JUNK_OF_TASKS = [
    {"StartRecording": junk}
    for junk in [
        *JUNK,
        {"state": "CLAIMED"},
        {"state": "DONE", "dueAt": "2026-12-01T09:00:00Z", "startedAt": "2026-12-01T09:00:00Z", "attempts": 1},
        {"state": "CLAIMED", "dueAt": "tomorrow", "startedAt": "2026-12-01T09:00:00Z", "attempts": 1},
        {"state": "CLAIMED", "dueAt": "2026-12-01T09:00:00", "startedAt": "2026-12-01T09:00:00", "attempts": 1},
        {"state": "CLAIMED", "dueAt": "2026-12-01T09:00:00Z", "startedAt": 7, "attempts": "many"},
        {"state": "CLAIMED", "dueAt": "9999-12-31T23:59:59Z", "startedAt": "0001-01-01T00:00:00Z", "attempts": -1},
    ]
]
A_MAP_FOR_AN_ERROR = {"recordingId": "algebra-1-0000000001", "start": "2026-12-01T07:00:00Z", "error": {"a": 1}}
DAMAGE = {
    "status": JUNK,
    "reason": JUNK,
    "executionName": [*JUNK, *OTHERS_NAMES],
    "executionArn": JUNK,
    "recordingId": [*JUNK, *OTHERS_NAMES],
    "scheduled": [
        *JUNK,
        {"start": "2026-12-01T09:00:00Z"},
        {"start": "2026-12-01T09:00:00Z", "end": "2026-12-01T08:00:00Z"},
        {"start": "2026-12-01T09:00:00Z", "end": "2026-12-01T10:00:00Z", "livePingDelay": "60"},
        {"start": "0001-01-01T00:00:00Z", "end": "0001-01-01T01:00:00Z"},
    ],
    "tasks": [*JUNK, *JUNK_OF_TASKS],
    "previousRecording": [
        *JUNK,
        {"recordingId": "algebra-1-hoo2gmk8w0"},
        {"recordingId": 7, "start": "2026-12-01T09:00:00Z"},
        {"recordingId": "algebra-1-hoo2gmk8w0", "start": "yesterday"},
        A_MAP_FOR_AN_ERROR,
    ],
    "updatedAt": [*JUNK, "9999-12-31T23:59:59.999999Z"],
    "day": ["junk"],
    "attentionAt": ["junk"],
}
DAMAGES = [
    pytest.param(
        name,
        value,
        id=f"{name}-{number}",
    )
    for name, values in DAMAGE.items()
    for number, value in enumerate(values)
]


@pytest.mark.parametrize("recording", [False, True], ids=["waiting", "recording"])
@pytest.mark.parametrize(("name", "value"), DAMAGES)
def test_a_class_is_in_order_again_after_somebody_edited_the_schedulers_attributes(
    day: Day, name: str, value: Any, recording: bool
) -> None:
    """Whatever it is, no record comes again for ever, and the class goes on."""
    day.deliver(day.put(a_classroom("algebra-1", "09:00", "10:00")), at_time="08:00")
    if recording:
        day.invoke("StartRecording", day.payload(), at_time="09:00:00.250")
    day.server.received.clear()

    assert day.deliver(day.update("algebra-1", **{name: value}), at_time="09:10" if recording else "08:10") == []

    item = day.item()
    assert item["status"] == ("RECORDING" if recording else "SCHEDULED")
    assert item["executionName"] in day.account.running()
    if not recording:
        day.invoke("StartRecording", day.payload(), at_time="09:00:01")
    stopped = day.invoke("StopRecording", day.payload(results={}), at_time="10:00:00.125")
    assert stopped["state"] == "SUCCEEDED"
    assert day.item()["status"] == "COMPLETED"
    assert [kind for kind, _ in day.called() if kind != "recording.live"][-1] == "recording.stop"


# --- AWS fails --------------------------------------------------------------------------------------------------------

FAILURES = [
    pytest.param(operation, code, acted, id=f"{operation} {code}{' after it acted' if acted else ''}")
    for operation, code, acted in [
        ("GetItem", "ProvisionedThroughputExceededException", False),
        ("GetItem", "InternalServerError", False),
        ("GetItem", "AccessDeniedException", False),
        ("GetItem", "time-out", True),
        ("UpdateItem", "ThrottlingException", False),
        ("UpdateItem", "InternalServerError", False),
        ("UpdateItem", "time-out", True),
        ("StartExecution", "TooManyRequests", False),
        ("StartExecution", "ExecutionLimitExceeded", False),
        ("StartExecution", "ThrottlingException", False),
        ("StartExecution", "StateMachineDeleting", False),
        ("StartExecution", "time-out", True),
    ]
]


@pytest.mark.parametrize(("operation", "code", "acted"), FAILURES)
def test_only_the_record_whose_call_failed_comes_again_and_then_converges(
    day: Day, operation: str, code: str, acted: bool
) -> None:
    # Each with an attribute copied from another item: it isn't a new one then, and is read.
    rooms = [a_classroom(room, reason="copied") for room in ("before-1", "algebra-1", "behind-1")]
    before, failing, behind = map(day.put, rooms)
    day.account.will(operation, code, acted=acted, of="algebra-1")

    failed = day.deliver(before, failing, behind, at_time="08:00")

    assert failed == [failing["dynamodb"]["SequenceNumber"]]
    assert len({"before-1", "behind-1"} & {name.rpartition("-")[0] for name in day.account.running()}) == 2
    (line,) = day.logged("not reconciled")
    assert line["classroomId"] == "algebra-1"
    assert line["exception_name"] == "ServiceUnavailable"
    assert day.counted() == {"ClassroomsScheduled": 2, "ChangesFailed": 1}

    # Lambda redelivers everything from the failed record on.
    assert day.deliver(failing, behind, at_time="08:01") == []

    names = {day.item(room)["executionName"] for room in ("before-1", "algebra-1", "behind-1")}
    assert day.account.executions() == dict.fromkeys(names, "RUNNING")


@pytest.mark.parametrize(("operation", "code", "acted"), FAILURES)
def test_a_move_whose_call_failed_converges_when_it_comes_again(
    day: Day, operation: str, code: str, acted: bool
) -> None:
    day.deliver(day.put(a_classroom("algebra-1")), at_time="08:00")
    first = day.item()["executionName"]
    moved = day.update("algebra-1", start="2026-12-01T09:30:00Z")
    day.account.will(operation, code, acted=acted)

    assert day.deliver(moved, at_time="08:10") == [moved["dynamodb"]["SequenceNumber"]]
    assert day.deliver(moved, at_time="08:11") == []

    second = day.item()["executionName"]
    assert day.account.executions() == {first: "ABORTED", second: "RUNNING"}
    assert day.item()["scheduled"]["start"] == "2026-12-01T09:30:00Z"


def test_a_cancellation_whose_read_failed_converges_when_it_comes_again(day: Day) -> None:
    day.deliver(day.put(a_classroom("algebra-1")), at_time="08:00")
    name = day.item()["executionName"]
    deleted = day.delete("algebra-1")
    day.account.will("GetItem", "InternalServerError")

    assert day.deliver(deleted, at_time="08:10") == [deleted["dynamodb"]["SequenceNumber"]]
    assert day.deliver(deleted, at_time="08:11") == []

    assert day.account.executions() == {name: "ABORTED"}


def test_somebody_elses_write_in_between_is_read_again_at_once(day: Day) -> None:
    record = day.put(a_classroom("algebra-1"))
    day.account.will("UpdateItem", "ConditionalCheckFailedException", times=TRIES - 1)

    assert day.deliver(record, at_time="08:00") == []

    assert day.item()["status"] == "SCHEDULED"
    assert len(day.account.running()) == 1


def test_a_record_whose_item_is_always_changed_in_between_comes_again(day: Day) -> None:
    record = day.put(a_classroom("algebra-1"))
    day.account.will("UpdateItem", "ConditionalCheckFailedException", times=TRIES)

    assert day.deliver(record, at_time="08:00") == [record["dynamodb"]["SequenceNumber"]]

    assert day.account.executions() == {}
    assert day.logged("not reconciled")[0]["exception_name"] == "ConcurrentUpdate"


def test_a_whole_batch_that_fails_is_told_record_by_record(day: Day) -> None:
    records = [day.put(a_classroom(f"room-{number}")) for number in range(20)]
    day.account.will("UpdateItem", "InternalServerError", times=20)

    failed = day.deliver(*records, at_time="08:00")

    assert sorted(failed) == sorted(record["dynamodb"]["SequenceNumber"] for record in records)


# --- many at once -----------------------------------------------------------------------------------------------------


def test_a_batch_of_120_new_classes_starts_120_executions_and_counts_each(day: Day) -> None:
    """More than 100 values of one metric: Powertools flushes then, in whichever thread it happens to be."""
    records = [day.put(a_classroom(f"room-{number}")) for number in range(120)]

    assert day.deliver(*records, at_time="08:00") == []

    assert len(day.account.running()) == 120
    assert day.counted() == {"ClassroomsScheduled": 120}
    assert {line["classroomId"] for line in day.logged("reconciled")} == {f"room-{number}" for number in range(120)}


def test_a_class_beyond_the_horizon_waits_without_an_execution(day: Day) -> None:
    record = day.put(a_classroom("algebra-1", start="2028-01-10T09:00:00Z", end="2028-01-10T10:00:00Z"))

    assert day.deliver(record, at_time="08:00") == []

    assert day.item()["status"] == "DEFERRED"
    assert day.account.executions() == {}


@pytest.fixture
def a_lead_of_a_minute(day: Day, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("START_LEAD_SECONDS", "60")
    forget_clients()
    yield
    forget_clients()


@pytest.mark.usefixtures("a_lead_of_a_minute")
def test_the_recorder_is_started_before_its_class_where_the_stack_says_so(day: Day) -> None:
    day.deliver(day.put(a_classroom("algebra-1", "09:00", "10:00")), at_time="08:00")

    assert '"start":"2026-12-01T08:59:51Z"' in day.account.input_of(day.item()["executionName"])
    assert day.item()["scheduled"]["recorderStart"] == "2026-12-01T08:59:51Z"


def test_a_class_that_has_begun_already_starts_at_once(day: Day) -> None:
    day.deliver(day.put(a_classroom("algebra-1", "09:00", "10:00")), at_time="09:10")

    assert day.account.running() == {day.item()["executionName"]}
    assert '"start":"2026-12-01T09:00:00Z"' in day.account.input_of(day.item()["executionName"])
    day.invoke("StartRecording", day.payload(), at_time="09:10:01")
    assert day.item()["tasks"]["StartRecording"]["latenessMs"] == (at("09:10:01") - at("09:00")).total_seconds() * 1000
