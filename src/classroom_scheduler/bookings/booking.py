"""Classes that other systems book, by events on the bus: each one is written to the table as a person would write it.

EventBridge and SQS deliver at least once and in any order. So each event carries the time at which it was booked, and
the latest one that was followed is remembered for each classroom, also after that was cancelled: an older event never
overwrites a newer one, and one that comes again does nothing. A revision, where there is one, decides before the time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from classroom_scheduler.application.ports import Clock
from classroom_scheduler.application.retry import retry_on_conflict
from classroom_scheduler.bookings.ports import BookingAhead, BookingOutdated, Bookings, RejectedBookings, Stamp
from classroom_scheduler.domain.item_codec import OWNED_ATTRIBUTES, Item, user_attributes
from classroom_scheduler.domain.quoting import describe
from classroom_scheduler.domain.schedule import SCHEDULE_ATTRIBUTES, InvalidClassroom, check_id, parse_schedule
from classroom_scheduler.domain.times import NoSuchTime, format_instant, read_instant
from classroom_scheduler.exact_json import InvalidJson, parse_object, problems_in

# A time further ahead than clocks disagree would shut out every later event of its classroom.
_CLOCKS_DISAGREE = timedelta(minutes=5)
_MAX_ID = 64
MAX_REVISION = 2**53 - 1
"""What every reader of JSON can tell from the next number."""


class Kind(StrEnum):
    """An event's detail-type."""

    BOOKED = "Classroom Booked"
    RESCHEDULED = "Classroom Rescheduled"
    CANCELLED = "Classroom Cancelled"


class InvalidBooking(Exception):
    """This event can't be followed, however often it comes; says why, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Booking:
    """One event: `attributes` are what it asks to be written on the item."""

    kind: Kind
    classroom_id: str
    attributes: Mapping[str, Any]
    stamp: Stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingService:
    """What receiving bookings needs from outside."""

    bookings: Bookings
    rejected: RejectedBookings
    clock: Clock


def parse_booking(text: str, now: datetime) -> Booking:
    """The booking in an EventBridge event as it came, read as strictly as a body of the HTTP API is."""
    try:
        return booking_in(parse_object(text), now)
    except InvalidJson as error:
        raise InvalidBooking(f"This is no event of EventBridge: {error}") from error


def booking_in(event: Mapping[str, Any], now: datetime) -> Booking:
    """The booking in an EventBridge event. Raises InvalidBooking naming what is wrong with it."""
    detail = event.get("detail")
    if not isinstance(detail, Mapping):
        raise InvalidBooking("This is no event of EventBridge: expected a JSON object with a `detail` that is one too.")
    kind = _kind(event.get("detail-type", ...))
    attributes = {} if kind is Kind.CANCELLED else _attributes(detail)
    try:
        check_id(detail.get("classroomId", ...))
        if kind is Kind.BOOKED:
            parse_schedule(detail)
    except InvalidClassroom as error:
        raise InvalidBooking(str(error)) from error
    if kind is Kind.RESCHEDULED and not attributes.keys() & set(SCHEDULE_ATTRIBUTES):
        raise InvalidBooking("Nothing is rescheduled: expected at least one of `start`, `end` and `livePingDelay`.")
    event_id = str(event.get("id", ""))[:_MAX_ID]
    return Booking(kind, detail["classroomId"], attributes, Stamp(_booked_at(event, now), event_id, _revision(detail)))


def follow(booking: Booking, bookings: Bookings) -> str:
    """Do what the booking asks for, and say in a sentence what that was.

    Raises InvalidBooking, BookingOutdated, BookingAhead, ConcurrentUpdate where other writers won every time,
    ClassroomNotWritable and ServiceUnavailable.
    """
    # Asked first: what is outdated may well be at odds with what came after it, and is no mistake.
    latest = bookings.latest(booking.classroom_id)
    if latest is not None and booking.stamp.is_covered_by(latest):
        raise BookingOutdated(_outdated(booking.stamp, latest))

    def follow_once(_number: int) -> str:
        return _FOLLOW[booking.kind](booking, bookings.get(booking.classroom_id), bookings)

    return retry_on_conflict(booking.classroom_id, follow_once)


def _book(booking: Booking, item: Item | None, bookings: Bookings) -> str:
    if item is None:
        bookings.insert({"classroomId": booking.classroom_id, **booking.attributes}, stamp=booking.stamp)
        return "The classroom was booked."
    # What the scheduler wrote stays: the class may be recording now.
    removed = user_attributes(item).keys() - {"classroomId", *booking.attributes}
    bookings.update(booking.classroom_id, booking.attributes, expected={}, removed=sorted(removed), stamp=booking.stamp)
    return "The classroom was there already; now it is as this booking says."


def _reschedule(booking: Booking, item: Item | None, bookings: Bookings) -> str:
    if item is None:
        raise BookingAhead(f"There is no classroom {booking.classroom_id} to reschedule; expected one that was booked.")
    try:
        parse_schedule({**user_attributes(item), **booking.attributes})
    except InvalidClassroom as error:
        raise InvalidBooking(f"The classroom could not be followed after this: {error}") from error
    # What was just found possible holds for these times and no others.
    expected = {name: item.get(name) for name in SCHEDULE_ATTRIBUTES}
    bookings.update(booking.classroom_id, booking.attributes, expected=expected, stamp=booking.stamp)
    return f"The classroom was rescheduled: {', '.join(sorted(booking.attributes))} written."


def _cancel(booking: Booking, item: Item | None, bookings: Bookings) -> str:
    bookings.delete(booking.classroom_id, stamp=booking.stamp)
    return "There was no such classroom (any more)." if item is None else "The classroom was cancelled."


_FOLLOW: dict[Kind, Callable[[Booking, Item | None, Bookings], str]] = {
    Kind.BOOKED: _book,
    Kind.RESCHEDULED: _reschedule,
    Kind.CANCELLED: _cancel,
}


def _kind(detail_type: object) -> Kind:
    try:
        return Kind(str(detail_type))
    except ValueError as error:
        expected = ", ".join(f'"{kind}"' for kind in Kind)
        raise InvalidBooking(f"`detail-type` {describe(detail_type)}; expected one of {expected}.") from error


def _attributes(detail: Mapping[str, Any]) -> dict[str, Any]:
    reserved = sorted(OWNED_ATTRIBUTES & detail.keys())
    if reserved:
        names = ", ".join(f"`{name}`" for name in reserved)
        raise InvalidBooking(f"`detail` has {names}, which the scheduler alone writes; expected a booking without.")
    unstorable = problems_in(detail)
    if unstorable:
        raise InvalidBooking(" ".join(wrong.message for wrong in unstorable))
    return {name: value for name, value in detail.items() if name != "classroomId"}


def _revision(detail: Mapping[str, Any]) -> int:
    value = detail.get("revision", 0)
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= MAX_REVISION or value % 1:
        raise InvalidBooking(f"`revision` {describe(value)}; expected a whole number from 0 to {MAX_REVISION}.")
    return int(value)


def _booked_at(event: Mapping[str, Any], now: datetime) -> datetime:
    """`bookedAt` of the detail, or the event's own `time`, which EventBridge keeps to the second."""
    field = "detail.bookedAt" if "bookedAt" in event["detail"] else "time"
    text = event["detail"].get("bookedAt", event.get("time", ...))
    try:
        booked_at = read_instant(text)
    except NoSuchTime as error:
        expected = "an RFC 3339 date-time with an offset, such as 2026-12-01T08:00:00.123Z"
        raise InvalidBooking(f"`{field}` {error.found}; expected {expected}.") from error
    if booked_at > now + _CLOCKS_DISAGREE:
        raise InvalidBooking(f"`{field}` is {text}, which is still to come; expected when this was booked.")
    return booked_at


def _outdated(stamp: Stamp, latest: Stamp) -> str:
    if latest == stamp:
        return "This event was followed before."
    if stamp.revision != latest.revision:
        return f"This is revision {stamp.revision}; revision {latest.revision} stays."
    earlier, later = format_instant(stamp.booked_at), format_instant(latest.booked_at)
    return f"This was booked at {earlier}; what was booked at {later} stays."
