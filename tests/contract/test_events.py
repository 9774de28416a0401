"""What we rely on of the event bus and of the queue for refused bookings: the adapters of EventBridge and SQS."""

import json
from datetime import timedelta
from typing import Any

import pytest

from classroom_scheduler.adapters.events import MAX_BYTES, MAX_ENTRIES, EventBridgeBus
from classroom_scheduler.adapters.rejected_bookings import QueueOfRejectedBookings
from classroom_scheduler.domain.errors import ServiceUnavailable
from classroom_scheduler.lifecycle.ports import Event
from tests.aws import BUS, STACK, Account
from tests.builders import at

THROTTLED = {"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"}


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def bus(account: Account, pauses: list[float]) -> EventBridgeBus:
    return EventBridgeBus(BUS, "classroom.scheduler", STACK, sleep=pauses.append)


def some_events(count: int, **detail: Any) -> list[Event]:
    return [
        Event("Classroom Scheduled", at("08:00") + timedelta(seconds=number), {"number": number, **detail})
        for number in range(count)
    ]


def numbers(sent: dict[str, Any]) -> list[int]:
    return [json.loads(entry["Detail"])["number"] for entry in sent["Entries"]]


def an_answer(*results: dict[str, str]) -> dict[str, Any]:
    return {"FailedEntryCount": sum("ErrorCode" in each for each in results), "Entries": list(results)}


def taken(number: int = 0) -> dict[str, str]:
    return {"EventId": f"id-{number}"}


# --- what goes out ----------------------------------------------------------------------------------------------------


def test_an_event_arrives_at_those_who_listen_for_our_source(account: Account, bus: EventBridgeBus) -> None:
    event = Event("Classroom Scheduled", at("08:00"), {"classroomId": "algebra-1", "reason": "Größe — „gut“"})

    assert bus.publish([event]) == {}

    (arrived,) = account.published()
    assert (arrived["source"], arrived["detail-type"]) == ("classroom.scheduler", "Classroom Scheduled")
    assert arrived["detail"] == {"stackName": STACK, **event.detail}


def test_an_event_carries_the_time_at_which_it_came_about(account: Account, bus: EventBridgeBus) -> None:
    bus.publish(some_events(1))

    (entry,) = account.sent("PutEvents")[0]["Entries"]
    assert entry["Time"] == at("08:00").timestamp()
    assert entry["EventBusName"] == BUS


def test_nothing_to_publish_costs_no_call(account: Account, bus: EventBridgeBus) -> None:
    assert bus.publish([]) == {}
    assert account.calls == []


def test_events_go_out_in_order_ten_a_call(account: Account, bus: EventBridgeBus) -> None:
    bus.publish(some_events(23))

    assert [numbers(sent) for sent in account.sent("PutEvents")] == [
        list(range(10)),
        list(range(10, 20)),
        list(range(20, 23)),
    ]
    assert len(account.published()) == 23


def test_large_events_go_out_fewer_a_call(account: Account, bus: EventBridgeBus) -> None:
    bus.publish(some_events(5, notes="x" * 100_000))

    assert [numbers(sent) for sent in account.sent("PutEvents")] == [[0, 1], [2, 3], [4]]


def test_a_call_is_never_larger_than_eventbridge_takes(account: Account, bus: EventBridgeBus) -> None:
    bus.publish(some_events(30, notes="ä" * 5_000))

    for sent in account.sent("PutEvents"):
        assert len(sent["Entries"]) <= MAX_ENTRIES
        assert sum(len(entry["Detail"].encode()) for entry in sent["Entries"]) <= MAX_BYTES <= 256 * 1024


# --- what does not ----------------------------------------------------------------------------------------------------


def test_entries_that_were_not_taken_are_sent_again_alone_after_a_pause(
    account: Account, bus: EventBridgeBus, pauses: list[float]
) -> None:
    account.will_answer("PutEvents", an_answer(taken(0), THROTTLED, taken(2), THROTTLED))
    account.will_answer("PutEvents", an_answer(taken(1), THROTTLED))

    assert bus.publish(some_events(4)) == {}

    assert [numbers(sent) for sent in account.sent("PutEvents")] == [[0, 1, 2, 3], [1, 3], [3]]
    assert len(pauses) == 2
    assert all(0 <= pause <= limit for pause, limit in zip(pauses, (0.2, 0.4), strict=True))


def test_entries_that_are_never_taken_are_given_up_after_three_times_with_the_reason(
    account: Account, bus: EventBridgeBus
) -> None:
    account.will_answer("PutEvents", an_answer(taken(), THROTTLED))
    account.will_answer("PutEvents", an_answer(THROTTLED), times=2)

    assert bus.publish(some_events(2)) == {1: "ThrottlingException: Rate exceeded"}

    assert account.calls == ["PutEvents"] * 3


def test_after_a_call_that_failed_the_rest_is_left_for_later(account: Account, bus: EventBridgeBus) -> None:
    """Lambda delivers again from the first failure on: what was published after it would be published twice."""
    account.will_answer("PutEvents", an_answer(THROTTLED, *[taken()] * 9))
    account.will_answer("PutEvents", an_answer(THROTTLED), times=2)

    failed = bus.publish(some_events(25))

    assert sorted(failed) == [0, *range(10, 25)]
    assert failed[0] == "ThrottlingException: Rate exceeded"
    assert "one before it" in failed[24]


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "InternalException", "AccessDeniedException", "ResourceNotFoundException"]
)
def test_a_bus_that_does_not_serve_us_takes_nothing_and_says_why(
    account: Account, bus: EventBridgeBus, code: str
) -> None:
    account.will("PutEvents", code)

    failed = bus.publish(some_events(12))

    assert sorted(failed) == list(range(12))
    assert code in failed[0]
    assert account.calls == ["PutEvents"]


def test_an_answer_that_gets_lost_counts_as_not_published(account: Account, bus: EventBridgeBus) -> None:
    account.will("PutEvents", "time-out", acted=True)

    assert list(bus.publish(some_events(1))) == [0]


def test_an_unreachable_bus_is_tried_three_times(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens on port 1: the client really tries, and tries again. moto answers for Amazon's names alone."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_EVENTBRIDGE", "http://127.0.0.1:1")
    pauses: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time.sleep", pauses.append)

    assert list(EventBridgeBus(BUS, "classroom.scheduler", STACK).publish(some_events(1))) == [0]

    assert len(pauses) == 2


# --- the queue of refused bookings ------------------------------------------------------------------------------------


@pytest.fixture
def refused(account: Account) -> QueueOfRejectedBookings:
    return QueueOfRejectedBookings(account.failed_bookings)


def test_a_refused_booking_is_kept_as_it_came_with_the_reason(
    account: Account, refused: QueueOfRejectedBookings
) -> None:
    refused.keep('{"detail": "Größe"}', "`detail` is “Größe”.")

    assert account.refused() == [('{"detail": "Größe"}', "`detail` is “Größe”.")]


def test_a_reason_that_quotes_what_sqs_does_not_take_is_kept_all_the_same(
    account: Account, refused: QueueOfRejectedBookings
) -> None:
    refused.keep("{}", "`start` is \x00\ud800\uffff." + "x" * 5_000)

    ((_, reason),) = account.refused()
    assert reason.startswith("`start` is \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}.")
    assert len(reason) == 1_024


@pytest.mark.parametrize("code", ["AWS.SimpleQueueService.NonExistentQueue", "ThrottlingException", "AccessDenied"])
def test_a_queue_that_does_not_serve_us_is_unavailable(
    account: Account, refused: QueueOfRejectedBookings, code: str
) -> None:
    account.will("SendMessage", code)

    with pytest.raises(ServiceUnavailable, match=code):
        refused.keep("{}", "because")
