"""What other systems book: read strictly, refused in words, followed in the order in which it was booked."""

import itertools
import json
import time
from contextlib import suppress
from typing import Any

import pytest

from classroom_scheduler.application.retry import TRIES
from classroom_scheduler.bookings.booking import (
    MAX_REVISION,
    Booking,
    InvalidBooking,
    Kind,
    booking_in,
    follow,
    parse_booking,
)
from classroom_scheduler.bookings.ports import BookingAhead, BookingOutdated
from classroom_scheduler.domain.errors import ConcurrentUpdate, ServiceUnavailable
from classroom_scheduler.domain.item_codec import OWNED_ATTRIBUTES
from tests.builders import a_booking, a_classroom, at
from tests.fakes import FakeBookings, FakeClassrooms
from tests.schemas import complaints

NOW = at("08:00")


class Desk:
    """Where bookings come in, and the table that they are written to."""

    def __init__(self) -> None:
        self.classrooms = FakeClassrooms()
        self.bookings = FakeBookings(self.classrooms)

    def receive(self, event: dict[str, Any]) -> str:
        return follow(booking_in(event, NOW), self.bookings)

    @property
    def item(self) -> dict[str, Any] | None:
        return self.classrooms.look("algebra-1")


@pytest.fixture
def desk() -> Desk:
    return Desk()


def booked(time: str = "07:30", **detail: Any) -> dict[str, Any]:
    return a_booking("Classroom Booked", time=time, **detail)


def rescheduled(time: str = "07:40", **detail: Any) -> dict[str, Any]:
    return a_booking("Classroom Rescheduled", time=time, **detail)


def cancelled(time: str = "07:50", **detail: Any) -> dict[str, Any]:
    return a_booking("Classroom Cancelled", time=time, **detail)


# --- what is booked is written ----------------------------------------------------------------------------------------


def test_a_class_that_is_booked_is_written_with_everything_that_is_theirs(desk: Desk) -> None:
    desk.receive(booked(teacher="Ada", room={"floor": 2, "seats": [1, 2]}, livePingDelay=30))

    assert desk.item == a_classroom(teacher="Ada", room={"floor": 2, "seats": [1, 2]}, livePingDelay=30)


def test_a_class_that_is_rescheduled_keeps_what_is_not_mentioned(desk: Desk) -> None:
    desk.receive(booked(teacher="Ada"))

    desk.receive(rescheduled(start="09:30", end="10:30"))

    assert desk.item == a_classroom(start="09:30", end="10:30", teacher="Ada")


def test_a_class_that_is_cancelled_is_gone(desk: Desk) -> None:
    desk.receive(booked())

    desk.receive(cancelled(reason="Ada is ill"))

    assert desk.item is None


def test_a_class_that_is_booked_again_otherwise_becomes_so_and_keeps_what_the_scheduler_wrote(desk: Desk) -> None:
    session = {"status": "RECORDING", "tasks": {"StartRecording": {"state": "SUCCEEDED"}}, "executionName": "x"}
    desk.classrooms.put(a_classroom(teacher="Ada", room="R1", livePingDelay=30, **session))

    desk.receive(booked(end="11:00", teacher="Grace"))

    assert desk.item == a_classroom(end="11:00", teacher="Grace", **session)


def test_a_class_that_people_wrote_may_be_moved_and_cancelled_by_events(desk: Desk) -> None:
    desk.classrooms.put(a_classroom())

    desk.receive(rescheduled(end="11:00"))
    assert desk.item == a_classroom(end="11:00")

    desk.receive(cancelled())
    assert desk.item is None


@pytest.mark.parametrize(
    "event", [booked(), rescheduled(end="11:00"), cancelled()], ids=lambda event: event["detail-type"]
)
def test_what_was_done_is_said(desk: Desk, event: dict[str, Any]) -> None:
    desk.classrooms.put(a_classroom())

    assert desk.receive(event).startswith("The classroom was ")


# --- in any order, any number of times --------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_whatever_the_order_the_latest_booking_counts(desk: Desk, order: tuple[int, ...]) -> None:
    events = [booked("07:30"), booked("07:40", teacher="Ada"), booked("07:50", teacher="Grace")]

    _receive_all(desk, [events[position] for position in order])

    assert desk.item == a_classroom(teacher="Grace")


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_whatever_the_order_a_cancelled_class_stays_cancelled(desk: Desk, order: tuple[int, ...]) -> None:
    events = [booked("07:30"), rescheduled("07:40", end="11:00"), cancelled("07:50")]

    _receive_all(desk, [events[position] for position in order])

    assert desk.item is None


@pytest.mark.parametrize("again", range(3))
def test_an_event_that_comes_again_after_all_others_does_nothing(desk: Desk, again: int) -> None:
    events = [booked("07:30"), rescheduled("07:40", end="11:00"), cancelled("07:50")]
    for event in events:
        desk.receive(event)

    with pytest.raises(BookingOutdated):
        desk.receive(events[again])

    assert desk.item is None


def test_an_event_that_comes_again_does_not_undo_what_people_wrote_since(desk: Desk) -> None:
    event = booked()
    desk.receive(event)
    desk.classrooms.put(a_classroom(end="11:00"))

    with pytest.raises(BookingOutdated, match="followed before"):
        desk.receive(event)

    assert desk.item == a_classroom(end="11:00")


def test_a_class_that_was_cancelled_may_be_booked_anew(desk: Desk) -> None:
    for event in (booked("07:30"), cancelled("07:40"), booked("07:50", teacher="Grace")):
        desk.receive(event)

    assert desk.item == a_classroom(teacher="Grace")


def test_of_two_events_at_the_same_second_the_one_that_comes_last_counts(desk: Desk) -> None:
    desk.receive(booked(teacher="Ada"))
    desk.receive(booked(teacher="Grace"))

    assert desk.item == a_classroom(teacher="Grace")


def test_a_finer_time_of_booking_tells_two_events_of_one_second_apart(desk: Desk) -> None:
    first, second = "2026-12-01T07:30:00.250+00:00", "2026-12-01t13:00:00.251+05:30"
    desk.receive(booked(teacher="Grace", bookedAt=second.upper()))

    with pytest.raises(BookingOutdated):
        desk.receive(booked(teacher="Ada", bookedAt=first))

    assert desk.item == a_classroom(teacher="Grace", bookedAt=second.upper())


def test_an_outdated_event_is_not_called_invalid(desk: Desk) -> None:
    desk.receive(booked("07:50", start="12:00", end="13:00"))

    with pytest.raises(BookingOutdated, match=r"what was booked at 2026-12-01T07:50:00\.000Z stays"):
        desk.receive(rescheduled("07:40", end="11:00"))


def test_a_move_that_comes_before_its_booking_waits_for_it(desk: Desk) -> None:
    move = rescheduled("07:40", end="11:00")
    with pytest.raises(BookingAhead, match="no classroom algebra-1 to reschedule"):
        desk.receive(move)

    desk.receive(booked("07:30"))
    desk.receive(move)

    assert desk.item == a_classroom(end="11:00")


def test_who_loses_against_another_writer_reads_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.classrooms.put(a_classroom())
    once = itertools.count()
    read = desk.bookings.get

    def read_and_be_overtaken(classroom_id: str) -> Any:
        item = read(classroom_id)
        if next(once) == 0:
            desk.classrooms.put(a_classroom(start="08:30", end="09:30"))
        return item

    monkeypatch.setattr(desk.bookings, "get", read_and_be_overtaken)
    desk.receive(rescheduled(end="11:00"))

    assert desk.item == a_classroom(start="08:30", end="11:00")


def test_who_loses_every_time_tries_again_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = itertools.count()

    def lose(item: Any, *, stamp: Any) -> None:
        next(tries)
        raise ConcurrentUpdate("somebody else was faster")

    monkeypatch.setattr(desk.bookings, "insert", lose)

    with pytest.raises(ConcurrentUpdate, match=f"{TRIES} times"):
        desk.receive(booked())
    assert next(tries) == TRIES


def test_a_table_that_is_out_of_order_is_no_fault_of_the_booking(desk: Desk) -> None:
    desk.classrooms.unavailable = True

    with pytest.raises(ServiceUnavailable):
        desk.receive(booked())


# --- revisions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_whatever_the_order_the_highest_revision_counts_before_the_time(desk: Desk, order: tuple[int, ...]) -> None:
    """Two events of one second, and one whose clock is ahead: only who sends them knows which is the last."""
    events = [
        booked("07:30", revision=1),
        rescheduled("07:59", end="11:00", revision=2),
        cancelled("07:30", revision=3),
        cancelled("07:50"),
    ]

    _receive_all(desk, [events[position] for position in order])

    assert desk.item is None


def test_a_cancellation_of_the_same_second_stays_where_it_is_the_later_revision(desk: Desk) -> None:
    desk.receive(cancelled("07:30", revision=2))

    with pytest.raises(BookingOutdated, match="This is revision 1; revision 2 stays"):
        desk.receive(booked("07:30", revision=1))

    assert desk.item is None


def test_of_one_revision_the_later_time_counts(desk: Desk) -> None:
    desk.receive(cancelled("07:40", revision=5))

    with pytest.raises(BookingOutdated, match="what was booked at"):
        desk.receive(booked("07:30", revision=5))


def test_an_event_without_a_revision_is_of_revision_0(desk: Desk) -> None:
    desk.receive(booked("07:30", revision=0))
    desk.receive(cancelled("07:40"))
    desk.receive(booked("07:50", revision=MAX_REVISION, teacher="Grace"))

    with pytest.raises(BookingOutdated, match="This is revision 0"):
        desk.receive(cancelled("07:59"))

    assert desk.item == a_classroom(revision=MAX_REVISION, teacher="Grace")


# --- what can't be followed -------------------------------------------------------------------------------------------

INVALID = {
    "no detail-type": (
        {**booked(), "detail-type": None},
        '`detail-type` is null; expected one of "Classroom Booked"',
    ),
    "another detail-type": ({**booked(), "detail-type": "Classroom Closed"}, '`detail-type` is "Classroom Closed"'),
    "no detail": ({**booked(), "detail": None}, "expected a JSON object with a `detail`"),
    "a list for the detail": ({**booked(), "detail": []}, "expected a JSON object with a `detail`"),
    "no id of the classroom": (booked(classroomId=...), "`classroomId` is missing; expected 1 to 64 of"),
    "a number for the id": (cancelled(classroomId=7), "`classroomId` is the number 7"),
    "an id with a space": (rescheduled(classroomId="room 7", end="11:00"), '`classroomId` is "room 7"'),
    "no start": (booked(start=...), "`start` is missing; expected a string with an RFC 3339 date-time"),
    "no end": (booked(end=...), "`end` is missing"),
    "an end before its start": (booked(end="08:30"), "not after the start"),
    "words for a delay": (
        booked(livePingDelay="soon"),
        '`livePingDelay` is the text "soon", not a number; expected a whole number',
    ),
    "half a second of delay": (booked(livePingDelay=0.5), "`livePingDelay`"),
    "what the scheduler writes": (booked(status="COMPLETED", tasks={}), "`status`, `tasks`, which the scheduler alone"),
    "the day": (rescheduled(day="2026-12-02", end="11:00"), "`day`, which the scheduler alone writes"),
    "nothing to reschedule": (rescheduled(), "expected at least one of `start`, `end` and `livePingDelay`"),
    "only others to reschedule": (rescheduled(teacher="Grace"), "expected at least one of"),
    "no time": ({**booked(), "time": None}, "`time` is null; expected an RFC 3339 date-time"),
    "a time without an offset": ({**booked(), "time": "2026-12-01T07:30:00"}, '`time` is "2026-12-01T07:30:00"'),
    "a number for the time of booking": (booked(bookedAt=1796110200), "`detail.bookedAt` is the number 1796110200"),
    "a time of booking in 200 KB": (
        booked(bookedAt=f"2026-12-01T07:30:00.{'0' * 200_000}Z"),
        "a time has at most 64 characters; expected an RFC 3339 date-time with an offset",
    ),
    "a revision in words": (cancelled(revision="3"), '`revision` is "3"; expected a whole number from 0 to'),
    "half a revision": (booked(revision=1.5), "`revision`"),
    "a revision below 0": (rescheduled(end="11:00", revision=-1), "`revision` is the number -1"),
    "a revision of 20 digits": (cancelled(revision=10**20), "`revision` is the number 1"),
    "no revision after all": (cancelled(revision=None), "`revision`"),
    "a time to come": (booked("08:06"), "which is still to come; expected when this was booked"),
}


@pytest.mark.parametrize(("event", "said"), INVALID.values(), ids=INVALID)
def test_what_can_not_be_followed_is_refused_in_words(desk: Desk, event: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidBooking) as refused:
        desk.receive(event)

    assert said in str(refused.value)
    assert str(refused.value).endswith(".")
    assert desk.item is None


@pytest.mark.parametrize("event", [None, [], "Classroom Booked", 5, {}])
def test_what_is_no_event_at_all_is_refused(event: Any) -> None:
    with pytest.raises(InvalidBooking, match="no event of EventBridge"):
        parse_booking(json.dumps(event), NOW)


NO_JSON_THAT_COULD_BE_KEPT = {
    "400 levels": ('"notes": ' + "[" * 400 + "]" * 400, "`notes` is nested too deeply; expected at most 30 levels"),
    "100,000 levels": ('"notes": ' + "[" * 100_000 + "]" * 100_000, "nested too deeply"),
    "a delay of a million digits": ('"livePingDelay": 1e1000000', "`livePingDelay`"),
    "a number beyond DynamoDB's": ('"seats": 1e126', "expected at most 38 digits"),
    "a number of 39 digits": ('"seats": ' + "1" * 39, "expected at most 38 digits"),
    "a number beyond Python's": ('"seats": 1e9999999999999999999', "out of range"),
    "a revision beyond all": ('"revision": 1e1000000', "`revision`"),
    "NaN": ('"seats": NaN', "no number of JSON"),
    "a name twice": ('"teacher": "Ada", "teacher": "Grace"', "`teacher` stands twice"),
    "a name without a character": ('"": 1', "empty name"),
    "half a character": ('"teacher": "\\ud800"', "surrogate"),
    "U+0000": ('"teacher": "\\u0000"', "U+0000"),
}


@pytest.mark.parametrize(("member", "said"), NO_JSON_THAT_COULD_BE_KEPT.values(), ids=NO_JSON_THAT_COULD_BE_KEPT)
@pytest.mark.parametrize("kind", [booked, rescheduled])
def test_what_dynamodb_could_not_keep_is_refused_as_over_http(kind: Any, member: str, said: str) -> None:
    text = json.dumps(kind(here="HERE", **({} if kind is booked else {"end": "11:00"}))).replace(
        '"here": "HERE"', member
    )

    began = time.monotonic()
    with pytest.raises(InvalidBooking) as refused:
        parse_booking(text, NOW)

    assert said in str(refused.value)
    assert len(str(refused.value)) < 500
    assert time.monotonic() - began < 15, "it hung"


def test_a_cancellation_is_followed_whatever_else_it_says() -> None:
    """It writes nothing of it: a class that is off must not take place because a note is nested too deeply."""
    text = json.dumps(cancelled(here="HERE")).replace('"HERE"', "[" * 400 + "]" * 400)

    assert parse_booking(text, NOW).kind is Kind.CANCELLED


def test_everything_that_is_wrong_with_a_booking_is_named() -> None:
    with pytest.raises(InvalidBooking) as refused:
        booking_in(booked(start="soon", end=..., livePingDelay=-1), NOW)

    assert all(field in str(refused.value) for field in ("`start`", "`end`", "`livePingDelay`"))


@pytest.mark.parametrize("name", sorted(OWNED_ATTRIBUTES))
def test_nobody_books_what_the_scheduler_writes(name: str) -> None:
    with pytest.raises(InvalidBooking, match=f"`{name}`"):
        booking_in(booked(**{name: "x"}), NOW)


def test_a_move_after_which_the_class_could_not_be_followed_is_refused(desk: Desk) -> None:
    desk.receive(booked())

    with pytest.raises(InvalidBooking, match="not after the start 2026-12-01T09:00:00Z"):
        desk.receive(rescheduled(end="08:30"))

    assert desk.item == a_classroom()


def test_clocks_may_disagree_by_minutes(desk: Desk) -> None:
    desk.receive(booked("08:04"))

    assert desk.item == a_classroom()


# --- the schemas ------------------------------------------------------------------------------------------------------

BEYOND_A_SCHEMA = {"a time to come", "an end before its start"}
"""What takes a clock or two fields to see."""


@pytest.mark.parametrize(
    "event",
    [
        booked(),
        booked(teacher="Ada", livePingDelay=0, bookedAt="2026-12-01T07:30:00.123Z"),
        rescheduled(end="11:00"),
        rescheduled(livePingDelay=5, teacher="Grace"),
        cancelled(),
        cancelled(status="off", reason="Ada is ill"),
        cancelled(revision=0),
        booked(revision=MAX_REVISION),
        rescheduled(livePingDelay=5, revision=7),
    ],
    ids=str,
)
def test_what_is_followed_fits_its_schema(event: dict[str, Any]) -> None:
    assert isinstance(booking_in(event, NOW), Booking)
    assert complaints("received", event) == []


@pytest.mark.parametrize(
    "event",
    [
        event
        for name, (event, _) in INVALID.items()
        if name not in BEYOND_A_SCHEMA and event["detail-type"] in set(Kind)
    ],
    ids=str,
)
def test_what_is_refused_does_not_fit_its_schema(event: dict[str, Any]) -> None:
    assert complaints("received", event) != []


def _receive_all(desk: Desk, events: list[dict[str, Any]]) -> None:
    """As SQS delivers them: what fails for now comes again after the others."""
    waiting = list(events)
    for event in [*events, *events]:
        if event in waiting:
            with suppress(BookingAhead):
                with suppress(BookingOutdated):
                    desk.receive(event)
                waiting.remove(event)
    assert waiting == []
