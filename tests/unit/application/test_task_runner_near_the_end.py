"""Every call is held against the schedule at the moment before it is made: past the end nothing starts or pings."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from classroom_scheduler.application.ports import Message
from classroom_scheduler.domain.errors import PermanentError, ServerUnavailable
from classroom_scheduler.domain.tasks import PING, START, STOP, TaskSpec
from tests.fakes import FakeServer, Fault
from tests.unit.day import Day, a_day_in_class, a_day_with_a_class


class SlowServer(FakeServer):
    """It notes how long each call may take; stopping a recording takes as long as it may, and fails."""

    def __init__(self, day: Day) -> None:
        super().__init__(day.now)
        self.day = day
        self.timeouts: list[tuple[str, float]] = []

    def send(self, message: Message, *, timeout: float) -> Any:
        self.timeouts.append((message.type, timeout))
        if message.type == "recording.stop":
            self.day.time += timedelta(seconds=timeout)
            raise ServerUnavailable("no answer in time")
        return super().send(message, timeout=timeout)


def slow_writes(day: Day, seconds: int) -> None:
    """From now on every write takes so long."""
    update = day.classrooms.update

    def update_slowly(*arguments: Any, **named: Any) -> None:
        update(*arguments, **named)
        day.time += timedelta(seconds=seconds)

    day.classrooms.update = update_slowly  # type: ignore[method-assign]  # the fake takes no time


# --- the start --------------------------------------------------------------------------------------------------------


def test_a_class_whose_server_is_down_until_its_end_is_never_started() -> None:
    day = a_day_with_a_class().until("09:00")
    day.server.will("recording.start", Fault.UNAVAILABLE)
    with pytest.raises(ServerUnavailable):
        day.run(START)

    with pytest.raises(PermanentError, match="had passed before it could be started"):
        day.until("10:00:01").run(START, attempt=1)

    assert day.told() == ["recording.start"], "the server works again, and is not told"
    assert day.item["status"] == "FAILED"
    assert day.item["reason"] == (
        "The recording could not be started (its end 2026-12-01T10:00:00Z had passed before it could be started; "
        "before that: 503 Service Unavailable, tried once); nothing more is tried: "
        "write another `start` or `end` to record again."
    )


def test_what_an_attempt_without_an_answer_may_have_started_is_stopped_when_the_end_has_come() -> None:
    day = a_day_with_a_class().until("09:59:50")
    day.server.will("recording.start", Fault.TIMES_OUT)
    with pytest.raises(ServerUnavailable):
        day.run(START)
    with pytest.raises(PermanentError):
        day.until("10:00:01").run(START, attempt=1)

    day.run(STOP)  # as StopUnconfirmedRecording does

    assert day.server.live == set()
    assert day.item["status"] == "FAILED"


def test_a_class_whose_end_comes_while_its_start_is_claimed_is_not_started() -> None:
    day = a_day_with_a_class().until("09:59:58")
    slow_writes(day, seconds=3)

    with pytest.raises(PermanentError, match="had passed"):
        day.run(START)

    assert day.told() == []
    assert day.run(STOP)["state"] == "SKIPPED", "nothing reached the server"
    assert "never tried" in day.item["reason"]


def test_a_start_has_no_more_time_than_its_class() -> None:
    day = a_day_with_a_class().until("09:59:58")
    server = SlowServer(day)
    day.server = server

    day.run(START)

    ((_, timeout),) = server.timeouts
    assert 1.9 < timeout <= 2


def test_the_recording_before_leaves_the_next_one_time_to_start() -> None:
    """Moved into the future while it recorded; the server stops the old recording too slowly."""
    day = a_day_in_class()
    day.edit(start="2026-12-01T11:00:00Z", end="2026-12-01T12:00:00Z")
    day.look()
    server = SlowServer(day)
    day.server = server

    day.until("11:59:58").run(START)

    assert [message for message, _ in server.timeouts] == ["recording.stop", "recording.start"]
    assert len(server.recordings[day.session.recording_id].starts) == 1


# --- the live ping ----------------------------------------------------------------------------------------------------


def test_a_ping_that_fails_twelve_seconds_before_the_end_is_tried_again() -> None:
    day = a_day_in_class()
    day.server.will("recording.live", Fault.UNAVAILABLE)

    with pytest.raises(ServerUnavailable):
        day.until("09:59:48").run(PING)
    assert day.until("09:59:50").run(PING, attempt=1)["state"] == "SUCCEEDED"


def test_a_ping_has_no_more_time_than_its_class() -> None:
    day = a_day_in_class()
    server = SlowServer(day)
    day.server = server

    day.until("09:59:59.500").run(PING)

    ((_, timeout),) = server.timeouts
    assert 0 < timeout <= 0.5


def test_a_ping_whose_claim_takes_until_the_end_is_not_sent() -> None:
    day = a_day_in_class().until("09:59:58")
    slow_writes(day, seconds=3)

    assert day.run(PING)["state"] == "SKIPPED"
    assert "recording.live" not in day.told()


@pytest.mark.parametrize("what_fails", ["the server", "the table"])
def test_a_ping_gives_up_when_the_next_attempt_could_make_the_stop_late(what_fails: str) -> None:
    day = a_day_in_class().until("09:59:55")
    day.server.will("recording.live", Fault.UNAVAILABLE)
    run = day.an_attempt(PING)
    day.classrooms.unavailable = what_fails == "the table"

    assert day.runner.run(run)["state"] == "FAILED"


def a_class_extended_after_its_ping(fault: Fault) -> Day:
    day = a_day_in_class().until("09:59:55")
    day.server.will("recording.live", fault)
    assert day.run(PING)["state"] == "FAILED"
    assert day.item["tasks"]["SendLivePing"]["state"] == "FAILED"
    day.until("09:59:57").edit(end="2026-12-01T11:00:00Z")
    day.look()
    return day.until("10:00")


def test_an_extension_gives_a_ping_that_ran_out_of_time_another_chance() -> None:
    day = a_class_extended_after_its_ping(Fault.UNAVAILABLE)

    assert day.run(PING)["state"] == "SUCCEEDED"
    assert day.item["tasks"]["SendLivePing"]["attempts"] == 2


def test_an_extension_gives_a_ping_whose_retries_ran_out_another_chance() -> None:
    day = a_day_in_class()
    day.fail(PING, "States.Timeout")
    day.edit(end="2026-12-01T11:00:00Z")
    day.look()

    assert day.run(PING)["state"] == "SUCCEEDED"


def test_an_extension_gives_a_ping_that_was_refused_none() -> None:
    day = a_class_extended_after_its_ping(Fault.REFUSES)

    assert day.run(PING)["state"] == "FAILED"
    assert day.told().count("recording.live") == 1


def test_a_ping_that_arrives_after_the_end_says_so() -> None:
    """Its class was shortened into the past: the ping was due before the end."""
    day = a_day_in_class()
    day.edit(end="2026-12-01T09:29:00Z")
    day.look()

    assert day.run(PING)["state"] == "SKIPPED"
    assert day.item["tasks"]["SendLivePing"]["error"] == "the class ended before it could be sent"


def test_a_ping_that_failed_keeps_its_error_when_it_arrives_once_more_after_the_end() -> None:
    day = a_day_in_class()
    day.server.will("recording.live", Fault.UNAVAILABLE)
    with pytest.raises(ServerUnavailable):
        day.run(PING)

    assert day.until("10:00:01").run(PING, attempt=1)["state"] == "FAILED"
    assert day.item["tasks"]["SendLivePing"]["error"] == "503 Service Unavailable"
    assert day.item["tasks"]["SendLivePing"]["attempts"] == 1


def test_a_recording_that_was_stopped_is_not_pinged() -> None:
    day = a_day_in_class()
    day.run(STOP)

    assert day.run(PING)["state"] == "SKIPPED"
    assert "recording.live" not in day.told()


# --- what is said of it -----------------------------------------------------------------------------------------------


def no_ping(day: Day) -> None:
    """SendLivePing was never invoked, or was lost before it could claim."""


def a_ping_that_crashed(day: Day) -> None:
    def crash(message: Message, *, timeout: float) -> Any:
        raise KeyboardInterrupt

    send, day.server.send = day.server.send, crash  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        day.run(PING)
    day.server.send = send  # type: ignore[method-assign]


def a_ping_without_an_answer(day: Day) -> None:
    day.server.will("recording.live", Fault.UNAVAILABLE)
    with pytest.raises(ServerUnavailable):
        day.run(PING)


@pytest.mark.parametrize(
    ("ping", "says"),
    [
        (no_ping, "whether the live ping went out is not known."),
        (a_ping_that_crashed, "whether the live ping went out is not known."),
        (a_ping_without_an_answer, "the live ping failed once (503 Service Unavailable)."),
    ],
)
def test_a_class_that_is_over_speaks_of_no_ping_to_come(ping: Callable[[Day], None], says: str) -> None:
    day = a_day_in_class()
    ping(day)
    day.until("10:00").run(STOP)

    assert day.item["status"] == "COMPLETED"
    assert day.item["reason"].endswith(says)


@pytest.mark.parametrize("task", [START, PING, STOP])
def test_a_task_that_never_reached_the_server_was_never_tried(task: TaskSpec) -> None:
    day = a_day_with_a_class().until("09:00") if task is START else a_day_in_class()

    day.fail(task, "States.Timeout")

    assert day.item["tasks"][str(task)]["attempts"] == 0
    assert "tried once" not in day.item["reason"]


def test_a_stop_that_never_reached_the_server_is_taken_up_by_the_next_sweep() -> None:
    day = a_day_in_class().until("10:00")
    recording_id = day.session.recording_id
    day.fail(STOP, "States.Timeout")

    day.until("10:06").sweep()

    assert f"{recording_id}-stop" in day.executions.started
    assert day.executions.started[f"{recording_id}-stop"]["end"] <= "2026-12-01T10:06:00Z"
