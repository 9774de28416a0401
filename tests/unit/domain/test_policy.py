"""Recorders are started up to StartLeadSeconds before their class, so that not all of an hour's start in one second."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from classroom_scheduler.application.recovery import AuditResult, audit
from classroom_scheduler.domain.plan import MAX_RESTARTS, Action
from classroom_scheduler.domain.policy import SchedulingPolicy
from classroom_scheduler.domain.session import MAX_START_LEAD
from classroom_scheduler.domain.tasks import PING, START, STOP
from tests.builders import POLICY, at
from tests.unit.day import Day, a_day_with_a_class

LEAD = 60
EARLY = "08:59:51"
"""When the recorder of algebra-1 is started for 09:00 with a lead of 60 s: its id says 9 s."""


def a_lead_of(seconds: int) -> SchedulingPolicy:
    return replace(POLICY, start_lead=timedelta(seconds=seconds))


def a_day_with_a_lead(lead: int = LEAD, **attributes: Any) -> Day:
    """08:00: the class is written and scheduled, and its recorder will be started at 08:59:51."""
    day = Day(a_lead_of(lead))
    day.write(**attributes)
    day.look()
    return day


def a_day_recording_early(**attributes: Any) -> Day:
    """08:59:55: the recorder has been running for 4 s, and the class starts in 5 s."""
    day = a_day_with_a_lead(**attributes)
    day.until(EARLY).run(START)
    return day.until("08:59:55")


def change_the_parameter(day: Day, lead: int) -> None:
    day.policy = a_lead_of(lead)


# --- when -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lead", [1, 60, 600])
def test_recorders_start_spread_over_the_lead_and_none_later_than_a_second_before_the_class(lead: int) -> None:
    policy = a_lead_of(lead)
    starts = Counter(policy.spread(f"room-{number}") // timedelta(seconds=1) for number in range(10_000))

    assert set(starts) == set(range(1, lead + 1))
    assert max(starts.values()) <= 10_000 / lead + 25


def test_without_a_lead_every_recorder_starts_with_its_class() -> None:
    assert {POLICY.spread(f"room-{number}") for number in range(1000)} == {timedelta()}


def test_a_class_has_the_same_lead_whoever_computes_it() -> None:
    """Not Python's hash, which differs from process to process."""
    assert a_lead_of(LEAD).spread("algebra-1") == timedelta(seconds=9)


def test_its_execution_starts_the_recorder_earlier_and_the_class_keeps_its_times() -> None:
    day = a_day_with_a_lead()

    assert day.executions.started[day.item["executionName"]] == {
        "classroomId": "algebra-1",
        "recordingId": day.item["recordingId"],
        "start": "2026-12-01T08:59:51Z",
        "end": "2026-12-01T10:00:00Z",
        "livePingDelay": 60,
    }
    assert day.item["scheduled"] == {
        "start": "2026-12-01T09:00:00Z",
        "end": "2026-12-01T10:00:00Z",
        "livePingDelay": Decimal(60),
        "recorderStart": "2026-12-01T08:59:51Z",
    }
    assert (day.item["day"], day.item["scheduledStart"]) == ("2026-12-01", "2026-12-01T09:00:00Z")
    assert day.item["attentionAt"] == "2026-12-01T09:04:51Z"


def test_the_reason_says_when_the_recorder_starts_and_why_before_the_class() -> None:
    assert a_day_with_a_lead().item["reason"] == (
        "Recording starts at 2026-12-01T08:59:51Z, 9 s before the class at 2026-12-01T09:00:00Z, so that not all "
        "recorders of that time start at once; the live ping follows 60 s into the class, "
        "and recording stops at 2026-12-01T10:00:00Z."
    )


def test_lateness_counts_from_the_earlier_start() -> None:
    day = a_day_with_a_lead()

    day.until("08:59:51.25").run(START)

    assert day.item["tasks"]["StartRecording"]["dueAt"] == "2026-12-01T08:59:51.000Z"
    assert day.item["tasks"]["StartRecording"]["latenessMs"] == Decimal(250)


def test_the_server_is_told_the_times_of_the_class_and_when_its_recorder_was_due() -> None:
    (message,) = a_day_recording_early().server.sent("recording.start")

    assert message.data["dueAt"] == "2026-12-01T08:59:51.000Z"
    assert (message.data["start"], message.data["end"]) == ("2026-12-01T09:00:00Z", "2026-12-01T10:00:00Z")


@pytest.mark.parametrize("delay", [0, 60])
def test_the_live_ping_comes_its_delay_after_the_start_of_the_class_not_of_the_recorder(delay: int) -> None:
    day = a_day_with_a_lead(livePingDelay=Decimal(delay))

    told = day.until(EARLY).run(START)
    day.until("09:00").time += timedelta(seconds=delay)
    day.run(PING)

    assert told["wait"] == 9 + delay
    assert day.item["tasks"]["SendLivePing"]["dueAt"] == f"2026-12-01T09:0{delay // 60}:00.000Z"


def test_a_recorder_that_starts_after_the_class_did_is_pinged_its_delay_later() -> None:
    day = a_day_with_a_lead()

    assert day.until("09:00:30").run(START)["wait"] == 60


@pytest.mark.parametrize(("written_at", "recorder_start"), [("08:59:55.5", "08:59:55"), ("08:59:51", "08:59:51")])
def test_a_class_written_within_its_lead_starts_at_once_and_is_not_called_late(
    written_at: str, recorder_start: str
) -> None:
    day = Day(a_lead_of(LEAD)).until(written_at)
    day.write()
    day.look()

    day.run(START)

    assert day.item["scheduled"]["recorderStart"] == f"2026-12-01T{recorder_start}Z"
    assert day.item["tasks"]["StartRecording"]["latenessMs"] < 1000


def test_a_class_written_after_its_start_starts_at_once_and_says_how_late() -> None:
    day = a_day_with_a_lead(start="07:45")

    day.run(START)

    assert "recorderStart" not in day.item["scheduled"]
    assert day.item["tasks"]["StartRecording"]["latenessMs"] == Decimal(15 * 60 * 1000)


def test_a_deferred_class_has_its_lead_when_it_is_taken_up() -> None:
    day = Day(a_lead_of(LEAD))
    day.write(start="2027-12-01T09:00:00Z", end="2027-12-01T10:00:00Z")
    day.look()
    assert (day.item["status"], day.item["attentionAt"]) == ("DEFERRED", "2027-02-04T09:00:00Z")

    day.time = day.time.replace(year=2027, month=6)
    day.reconcile("algebra-1")

    (request,) = day.executions.started.values()
    assert request["start"] == "2027-12-01T08:59:51Z"


# --- recording before the class starts --------------------------------------------------------------------------------


def test_a_class_whose_recorder_runs_already_is_recording() -> None:
    day = a_day_recording_early()

    assert day.item["status"] == "RECORDING"
    assert "the live ping is due at 2026-12-01T09:01:00.000Z" in day.item["reason"]


@pytest.mark.parametrize(
    "edit", [{"end": "2026-12-01T11:00:00Z"}, {"livePingDelay": 5}, {"start": "2026-12-01T09:00:04Z"}], ids=str
)
def test_an_edit_while_the_recorder_runs_already_goes_on_with_the_recording(edit: dict[str, object]) -> None:
    day = a_day_recording_early()
    before = day.session

    day.edit(**edit)

    assert day.look() == [Action.REPLACE]
    assert day.session.recording_id == before.recording_id
    assert day.run(START)["state"] == "SUCCEEDED"
    assert day.told() == ["recording.start"]


def test_a_class_moved_while_the_recorder_runs_already_goes_on_though_another_machines_clock_is_behind() -> None:
    day = a_day_recording_early()
    day.edit(start="2026-12-01T09:00:02Z")
    day.look()

    day.time -= timedelta(seconds=0.5)
    day.reconcile("algebra-1")

    assert day.decisions[-1].action is Action.KEEP


def test_a_class_moved_so_that_its_recorder_need_not_run_yet_is_stopped_and_recorded_again() -> None:
    day = a_day_recording_early()
    before = day.session

    day.edit(start="2026-12-01T09:30:00Z")

    assert day.look() == [Action.RENEW]
    assert day.executions.started[f"{before.recording_id}-stop"]["end"] == "2026-12-01T08:59:55Z"
    assert day.executions.started[day.session.execution_name]["start"] == "2026-12-01T09:29:51Z"


@pytest.mark.parametrize("times", [1, 2])
def test_a_class_put_again_while_the_recorder_runs_already_is_not_interrupted(times: int) -> None:
    day = a_day_recording_early()
    before = day.session

    for _ in range(times):
        day.write()
        assert day.look() == [Action.KEEP]

    assert (day.session, day.executions.stop_calls) == (before, [])


def test_a_class_put_again_with_a_later_end_while_the_recorder_runs_already_goes_on() -> None:
    day = a_day_recording_early()
    before = day.session

    day.write(end="11:00")

    assert day.look() == [Action.REPLACE]
    assert day.session.recording_id == before.recording_id
    assert day.session.recorder_start == at(EARLY)


def test_a_class_deleted_and_inserted_again_while_the_recorder_runs_already_goes_on() -> None:
    day = a_day_recording_early()
    before = day.session

    day.delete()
    day.write()

    assert day.look() == [Action.REPLACE]
    assert day.session.recording_id == before.recording_id


def test_a_class_deleted_while_the_recorder_runs_already_is_stopped() -> None:
    day = a_day_recording_early()
    before = day.session

    day.delete()

    assert day.look() == [Action.CANCEL]
    assert f"{before.recording_id}-stop" in day.executions.started


def test_an_execution_lost_while_the_recorder_runs_already_is_taken_up_with_the_same_start() -> None:
    day = a_day_recording_early()
    day.executions.aborted[day.session.execution_name] = "by hand"

    day.reconcile("algebra-1")

    assert day.executions.started[day.session.execution_name]["start"] == "2026-12-01T08:59:51Z"
    assert day.session.has_begun


def test_a_class_given_up_before_it_started_was_due_when_its_recorder_was() -> None:
    day = a_day_with_a_lead()
    day.edit(restarts=MAX_RESTARTS)
    day.executions.aborted[day.session.execution_name] = "by hand, again and again"

    day.reconcile("algebra-1")

    assert day.decisions[-1].action is Action.GIVE_UP
    assert day.item["tasks"]["StartRecording"]["dueAt"] == "2026-12-01T08:59:51.000Z"


def test_a_class_extended_before_it_starts_keeps_its_early_start() -> None:
    day = a_day_with_a_lead()

    day.edit(end="2026-12-01T11:00:00Z")
    day.look()

    assert day.session.recorder_start == at(EARLY)


def test_a_class_extended_when_its_recorder_is_overdue_is_still_due_when_it_was() -> None:
    day = a_day_with_a_lead()

    day.until("08:59:57").edit(end="2026-12-01T11:00:00Z")
    day.look()

    assert day.session.recorder_start == at(EARLY)


def test_a_class_with_a_lead_costs_no_more_writes_and_completes() -> None:
    day = a_day_with_a_lead()
    day.until(EARLY).run(START)
    day.until("09:01").run(PING)
    day.until("10:00").run(STOP)

    assert day.item["status"] == "COMPLETED"
    assert day.classrooms.writes == 7


def test_a_class_put_again_whose_stop_came_before_its_record_completes_all_the_same() -> None:
    """The stop can't tell by its execution's own start, the earlier one, that the item asks for the same class."""
    day = a_day_recording_early()
    name = day.session.execution_name
    day.write()
    day.until("10:04").run(STOP, name, attempt=STOP.patience, StartRecording={"state": "SUCCEEDED"})
    day.abort(name)

    day.look()
    day.run(START)
    day.run(STOP)

    assert day.item["status"] == "COMPLETED"
    assert day.item["scheduled"]["start"] == "2026-12-01T09:00:00Z"
    assert len({message.id for message in day.server.sent("recording.stop")}) == 1


def test_a_class_whose_recorder_is_stopped_while_its_item_stays_wiped_says_so_at_once() -> None:
    day = a_day_recording_early()
    name = day.session.execution_name
    scheduled = day.item["scheduled"]
    started = day.run(START)
    day.write()

    day.until("10:04").run(STOP, name, attempt=STOP.patience, StartRecording=started)

    assert day.item["scheduled"] == scheduled, "the lead included"
    assert "was stopped, but was never seen to start" in day.item["reason"]
    day.look()
    assert day.item["status"] == "COMPLETED"
    assert day.told() == ["recording.start", "recording.stop"]
    assert {message.data["start"] for message in day.server.received} == {"2026-12-01T09:00:00Z"}


def test_a_class_moved_while_its_item_is_wiped_is_not_told_the_stop_of_the_one_before() -> None:
    day = a_day_recording_early()
    name = day.session.execution_name
    started = day.run(START)
    day.write(start="2026-12-01T09:05:00Z")

    day.until("10:04").run(STOP, name, attempt=STOP.patience, StartRecording=started)

    assert "scheduled" not in day.item


# --- the parameter changes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lead", [0, 5, 600])
def test_the_parameter_may_change_while_a_class_waits(lead: int) -> None:
    day = a_day_with_a_lead()
    before = day.session

    change_the_parameter(day, lead)
    day.reconcile("algebra-1")
    day.until(EARLY).run(START)

    assert (day.session.execution_name, day.session.recorder_start) == (before.execution_name, at(EARLY))
    assert day.item["tasks"]["StartRecording"]["latenessMs"] == 0


@pytest.mark.parametrize("lead", [0, 5, 600])
def test_the_parameter_may_change_while_a_recorder_runs_before_its_class(lead: int) -> None:
    day = a_day_recording_early()
    before = day.session

    change_the_parameter(day, lead)
    day.edit(end="2026-12-01T11:00:00Z")

    assert day.look() == [Action.REPLACE]
    assert day.session.recording_id == before.recording_id


def test_a_class_that_waits_without_a_lead_keeps_its_start_when_one_is_set() -> None:
    day = a_day_with_a_class()

    change_the_parameter(day, LEAD)
    day.reconcile("algebra-1")

    assert day.executions.started[day.session.execution_name]["start"] == "2026-12-01T09:00:00Z"
    assert "recorderStart" not in day.item["scheduled"]


def test_the_audit_finds_nothing_wrong_with_a_class_of_another_lead() -> None:
    day = a_day_recording_early()

    found = audit([day.item], replace(day.reconciler, policy=POLICY))

    assert found == {AuditResult.HEALTHY: 1}


# --- the item ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage", ["2026-12-01T09:00:01Z", "2026-12-01T08:00:00Z", "yesterday", Decimal(5), None], ids=str
)
def test_a_recorders_start_that_somebody_damaged_is_put_back(damage: object) -> None:
    day = a_day_recording_early()
    before = day.session

    day.edit(scheduled={**day.item["scheduled"], "recorderStart": damage})

    assert day.look() == [Action.KEEP]
    assert day.session == before


def test_a_share_of_the_longest_lead_is_read_back_from_the_item() -> None:
    day = a_day_with_a_lead(lead=MAX_START_LEAD // timedelta(seconds=1))

    assert day.session.lead == timedelta(seconds=90)
