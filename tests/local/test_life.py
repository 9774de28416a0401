"""`make demo` says that all went well only where it did."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from local.life import TASKS, Class, Told, problems, timetable

DUE = ("2026-12-01T08:00:00Z", "2026-12-01T08:00:03.250Z", "2026-12-01T08:00:08Z")
RECEIVED = ("2026-12-01T08:00:00.120Z", "2026-12-01T08:00:03.300Z", "2026-12-01T08:00:08.050Z")

Item = dict[str, Any]
Log = list[dict[str, Any]]


def a_good_class() -> tuple[Item, Log]:
    tasks = {name: {"state": "SUCCEEDED", "dueAt": due, "latenessMs": 20} for name, due in zip(TASKS, DUE, strict=True)}
    log = [
        {"type": type_, "receivedAt": at, "recordingId": "r-1", "status": 200, "answer": {"state": "recording"}}
        for type_, at in zip(TASKS.values(), RECEIVED, strict=True)
    ]
    return {"status": "COMPLETED", "reason": "Recorded.", "tasks": tasks}, log


def test_a_class_started_pinged_and_stopped_on_time_is_well() -> None:
    assert list(problems(*a_good_class())) == []


def never_completed(item: Item, log: Log) -> None:
    item["status"] = "FAILED"


def no_status(item: Item, log: Log) -> None:
    item.clear()


def no_ping(item: Item, log: Log) -> None:
    del log[1]


def started_twice(item: Item, log: Log) -> None:
    log.insert(1, log[0])


def out_of_order(item: Item, log: Log) -> None:
    log.reverse()


def too_late(item: Item, log: Log) -> None:
    log[0]["receivedAt"] = "2026-12-01T08:00:05.001Z"


def too_early(item: Item, log: Log) -> None:
    log[2]["receivedAt"] = "2026-12-01T08:00:07.999Z"


def refused(item: Item, log: Log) -> None:
    log[1]["status"] = 503


def ignored(item: Item, log: Log) -> None:
    log[1]["answer"]["ignored"] = "it is stopped, not live"


def another_recording_stopped(item: Item, log: Log) -> None:
    log[2]["recordingId"] = "r-2"


def ping_skipped(item: Item, log: Log) -> None:
    item["tasks"]["SendLivePing"]["state"] = "SKIPPED"


@pytest.mark.parametrize(
    "mishap",
    [
        never_completed,
        no_status,
        no_ping,
        started_twice,
        out_of_order,
        too_late,
        too_early,
        refused,
        ignored,
        another_recording_stopped,
        ping_skipped,
    ],
)
def test_any_mishap_is_a_problem(mishap: Callable[[Item, Log], None]) -> None:
    item, log = a_good_class()
    mishap(item, log)
    assert list(problems(item, log))
    assert list(timetable(item, log))


def test_the_item_is_what_people_write() -> None:
    class_ = Class.soon("room-1", datetime(2026, 12, 1, 7, 59, 55, 999_999, tzinfo=UTC))
    assert class_.item() == {
        "classroomId": "room-1",
        "start": "2026-12-01T08:00:00Z",
        "end": "2026-12-01T08:00:10Z",
        "livePingDelay": 3,
        "title": "How a class is recorded",
    }


def test_each_piece_of_news_is_told_once() -> None:
    item = {"status": "RECORDING", "reason": "It records."}
    log = a_good_class()[1]
    told = Told()
    heard, said = told.news(item, log[:1])
    assert heard == "08:00:00.120  server     recording.start, answered 200"
    assert said.endswith("  RECORDING  It records.")
    assert list(told.news(item | {"updatedAt": "later"}, log[:1])) == []
    assert list(told.news(item, log[:2])) == ["08:00:03.300  server     recording.live, answered 200"]
