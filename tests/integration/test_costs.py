"""What a class costs in calls of AWS: counts, so that no clock has a part in it. `make bench` prices them."""

import itertools
import json
from typing import Any

import pytest

from classroom_scheduler.handlers._task import task_runner
from tests.builders import a_batch, a_change, a_classroom
from tests.integration.day import Day
from tests.template.project import ROOT

READ_AND_WRITTEN_TWICE = ["GetItem", "UpdateItem", "UpdateItem"]
"""A task reads the item, claims and writes the result down."""


def the_day_of_a_class(day: Day) -> None:
    """From the write to the end of the class, with a clear run at each step."""
    day.deliver(day.put(a_classroom("algebra-1", "09:00", "10:00", livePingDelay=60)), at_time="08:00")
    results: dict[str, Any] = {}
    for task, time in (("StartRecording", "09:00"), ("SendLivePing", "09:01"), ("StopRecording", "10:00")):
        results[task] = day.invoke(task, day.payload(results=dict(results)), at_time=time)


def test_a_class_costs_the_scheduler_seven_writes_and_three_reads(day: Day) -> None:
    the_day_of_a_class(day)

    calls = [call for call in day.account.calls if call != "GetSecretValue"]
    assert calls == ["UpdateItem", "StartExecution", *READ_AND_WRITTEN_TWICE * 3]
    assert day.item()["status"] == "COMPLETED"


def test_a_new_secret_and_the_one_before_are_read_once_in_five_minutes(day: Day) -> None:
    task_runner.cache_clear()  # a new Lambda environment

    the_day_of_a_class(day)

    assert day.account.calls.count("GetSecretValue") == 2


def test_the_schedulers_own_writes_cost_no_call(day: Day) -> None:
    sample = json.loads((ROOT / "events" / "stream" / "written-by-the-scheduler.json").read_text())

    day.invoke("ClassroomChanged", sample)

    assert day.account.calls == []


def test_an_edit_of_what_is_not_the_schedule_costs_no_call(day: Day) -> None:
    day.deliver(day.put(a_classroom("algebra-1")), at_time="08:00")
    record = day.update("algebra-1", teacher="Grace")
    day.account.calls.clear()

    day.deliver(record, at_time="08:01")

    assert day.account.calls == []


@pytest.mark.parametrize(
    ("changes", "calls"),
    [
        pytest.param(
            {"start": "2026-12-01T09:30:00Z"},
            ["GetItem", "UpdateItem", "StartExecution", "StopExecution"],
            id="rescheduled",
        ),
        pytest.param({"start": "tomorrow"}, ["GetItem", "UpdateItem", "StartExecution"], id="mistyped"),
    ],
)
def test_an_edit_costs_one_read_one_write_and_its_executions(
    day: Day, changes: dict[str, Any], calls: list[str]
) -> None:
    day.deliver(day.put(a_classroom("algebra-1")), at_time="08:00")
    record = day.update("algebra-1", **changes)
    day.account.calls.clear()

    day.deliver(record, at_time="08:01")

    assert day.account.calls == calls


def test_a_cancellation_costs_one_read_and_one_stop(day: Day) -> None:
    day.deliver(day.put(a_classroom("algebra-1")), at_time="08:00")
    record = day.delete("algebra-1")
    day.account.calls.clear()

    day.deliver(record, at_time="08:01")

    assert day.account.calls == ["GetItem", "StopExecution"]


def test_ten_edits_of_one_class_in_a_batch_cost_one_look(day: Day) -> None:
    item = a_classroom("algebra-1")
    versions = [{**item, "start": f"2026-12-01T09:{minute:02}:00Z"} for minute in range(11)]
    day.account.put(versions[-1])

    day.invoke("ClassroomChanged", a_batch([a_change(*pair) for pair in itertools.pairwise(versions)]))

    assert sorted(day.account.calls) == ["StartExecution", "UpdateItem"]
