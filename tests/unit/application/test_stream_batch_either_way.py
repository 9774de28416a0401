"""What becomes of a class does not hang on which of its changes happen to be handled together."""

from collections.abc import Callable

import pytest

from classroom_scheduler.application.stream_batch import reconcile_batch
from classroom_scheduler.domain.tasks import START
from tests.unit.day import Day, a_day_in_class, a_day_with_a_class

Edit = Callable[[Day], None]


def deliver(day: Day, batches: str) -> None:
    """Everything at once, or one record after the other though the item has moved on by then."""
    changes, day.changes = day.changes, []
    for batch in [changes] if batches == "in one batch" else [[change] for change in changes]:
        assert reconcile_batch(batch, day.reconcile) == []


def in_turn(day: Day, batches: str, *edits: Edit) -> None:
    """Make the edits, and have them handled: each before the next one is made, or all of them afterwards."""
    day.look()
    for edit in edits:
        edit(day)
        if batches == "each at once":
            day.look()
    deliver(day, batches)


def stray_upsert(day: Day) -> None:
    day.edit(attendees=1)


def upsert_of_a_class_that_is_past(day: Day) -> None:
    day.edit(start="2026-12-01T06:00:00Z", end="2026-12-01T07:00:00Z")


def typo(day: Day) -> None:
    day.edit(end="noon")


def move(day: Day) -> None:
    day.edit(end="2026-12-01T11:00:00Z")


HANDLED = ["in one batch", "one by one", "each at once"]


@pytest.mark.parametrize("batches", HANDLED)
@pytest.mark.parametrize("upsert", [stray_upsert, upsert_of_a_class_that_is_past])
def test_a_cancelled_class_is_not_recorded_after_a_stray_upsert(batches: str, upsert: Edit) -> None:
    day = a_day_with_a_class()
    execution = day.session.execution_name

    in_turn(day, batches, Day.delete, upsert)

    assert day.item["status"] == "INVALID"
    assert "executionName" not in day.item
    assert execution in day.executions.stop_calls
    assert day.until("09:00").run(START, execution)["state"] == "FENCED"


@pytest.mark.parametrize("batches", HANDLED)
def test_a_recorder_is_stopped_though_its_cancelled_class_is_brought_back_by_a_stray_upsert(batches: str) -> None:
    day = a_day_in_class()
    recording_id = day.session.recording_id

    in_turn(day, batches, Day.delete, stray_upsert)

    assert f"{recording_id}-stop" in day.executions.started
    assert day.item["status"] == "INVALID"


@pytest.mark.parametrize("batches", HANDLED)
@pytest.mark.parametrize("a_day", [a_day_with_a_class, a_day_in_class])
def test_a_mistake_after_a_change_undoes_no_change(batches: str, a_day: Callable[[], Day]) -> None:
    day = a_day()

    in_turn(day, batches, move, typo)

    assert day.item["scheduled"]["end"] == "2026-12-01T11:00:00Z"
    assert day.item["status"] in {"SCHEDULED", "RECORDING"}
    assert "`end`" in day.item["reason"]
    assert day.item["executionName"] in day.executions.running


@pytest.mark.parametrize("batches", HANDLED)
def test_a_mistake_after_an_insert_costs_no_class(batches: str) -> None:
    day = Day()

    in_turn(day, batches, Day.write, typo)

    assert day.item["status"] == "SCHEDULED"
    assert "`end`" in day.item["reason"]


@pytest.mark.parametrize("batches", HANDLED)
def test_a_mistake_after_a_class_was_deleted_and_inserted_costs_no_class(batches: str) -> None:
    day = a_day_with_a_class()

    in_turn(day, batches, Day.delete, Day.write, typo)

    assert day.item["status"] == "SCHEDULED"
    assert day.item["executionName"] in day.executions.running


def test_an_old_record_that_comes_again_does_not_bring_back_what_was_asked_for_then() -> None:
    """Moved and mistyped, moved elsewhere, and mistyped in the same way."""
    day = a_day_with_a_class()
    in_turn(day, "in one batch", move, typo)
    old = [change for change in day.stream if change.new and change.new["end"] == "noon"][:1]
    day.edit(end="2026-12-01T12:00:00Z")
    day.look()
    day.edit(end="noon")
    day.look()

    assert reconcile_batch(old, day.reconcile) == []

    assert day.item["scheduled"]["end"] == "2026-12-01T12:00:00Z"
