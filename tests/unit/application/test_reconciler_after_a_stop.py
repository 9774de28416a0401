"""A recording whose stop was started is never taken up again: `<recordingId>-stop` outlives the item."""

from classroom_scheduler.application.stream_batch import Change, reconcile_batch
from classroom_scheduler.domain.plan import Action
from classroom_scheduler.domain.tasks import START
from tests.unit.day import Day, a_day_in_class, a_day_with_a_class


def deleted_in_class() -> tuple[Day, list[Change], str]:
    """09:30: the class recorded, was deleted, and that was carried out; the records so far, and the recording."""
    day = a_day_in_class()
    recording_id = day.session.recording_id
    records = list(day.stream)
    day.changes.clear()
    day.delete()
    day.look()
    assert f"{recording_id}-stop" in day.executions.started
    return day, records, recording_id


def test_a_class_put_again_after_it_was_stopped_is_a_new_recording_though_only_old_records_come() -> None:
    """They know of a class that waits, and its execution was lost; the put's own record has not come yet."""
    day, records, stopped = deleted_in_class()
    day.abort(stopped)
    day.write(start="09:20", end="11:00")

    assert reconcile_batch(records[:2], day.reconcile) == []
    day.look()

    assert day.session.recording_id != stopped
    assert day.run(START)["state"] == "SUCCEEDED"
    assert day.item["status"] == "RECORDING"


def test_the_record_that_named_a_recording_does_not_name_it_again_after_it_was_stopped() -> None:
    """Put again as it was; the insert's record comes again before the put's, and then the removal's."""
    day, records, stopped = deleted_in_class()
    day.write()

    assert reconcile_batch(day.stream[: len(records) + 1], day.reconcile) == []
    day.look()

    assert day.session.recording_id != stopped
    assert f"{day.session.recording_id}-stop" not in day.executions.started


def test_a_recording_that_was_taken_up_by_mistake_is_given_up_when_its_execution_ends() -> None:
    """The insert's record alone came again, and its execution had not stopped yet."""
    day, records, stopped = deleted_in_class()
    day.write()
    assert reconcile_batch(records[:1], day.reconcile) == []
    assert day.session.recording_id == stopped, "no record that could tell has come"
    day.executions.settle()

    day.hear_of_the_end(stopped)

    assert day.decisions[-1].action is Action.RENEW
    assert day.session.recording_id != stopped


def test_a_class_is_taken_up_though_nobody_can_say_whether_it_was_stopped() -> None:
    day = a_day_with_a_class()
    first = day.session
    day.changes.clear()
    day.delete()
    day.write()
    day.executions.unanswered = True

    day.look()

    assert day.session.recording_id == first.recording_id
    assert day.session.execution_name != first.execution_name
