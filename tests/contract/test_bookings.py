"""What the domain may rely on when it follows bookings: DynamoDB's adapter and the fake keep the same promises."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from classroom_scheduler.adapters.bookings import TableBookings
from classroom_scheduler.bookings.ports import BookingOutdated, Bookings, Stamp
from classroom_scheduler.domain.errors import ClassroomNotWritable, ConcurrentUpdate, ServiceUnavailable
from tests.aws import BOOKINGS_TABLE, TABLE, Account
from tests.builders import a_classroom, at
from tests.contract.store import Store, fake_store, real_store
from tests.fakes import FakeBookings, FakeClassrooms

FIRST = Stamp(at("07:30"), "event-1")
SECOND = Stamp(at("07:40:00.000001"), "event-2")
SAME_TIME = replace(FIRST, event_id="event-3")


@pytest.fixture(scope="module")
def bookings(the_account: Account) -> TableBookings:
    return TableBookings(TABLE, BOOKINGS_TABLE)


@pytest.fixture(params=["fake", "table"])
def store(request: pytest.FixtureRequest) -> Store[Bookings]:
    if request.param == "fake":
        table = FakeClassrooms()
        return fake_store(FakeBookings(table), table)
    account, bookings = request.getfixturevalue("account"), request.getfixturevalue("bookings")
    return real_store(bookings, account, ["GetItem", "TransactWriteItems"], times=10)


def write(bookings: Bookings, kind: str, stamp: Stamp) -> None:
    """One of the three writes, to a classroom that is there for all but the insert."""
    if kind == "insert":
        bookings.insert(a_classroom(), stamp=stamp)
    elif kind == "update":
        bookings.update("algebra-1", {"teacher": "Grace"}, expected={}, stamp=stamp)
    else:
        bookings.delete("algebra-1", stamp=stamp)


# --- writing ----------------------------------------------------------------------------------------------------------


def test_an_item_is_written_with_everything_that_is_theirs(store: Store[Bookings]) -> None:
    theirs = {"room": {"floor": 2}, "tags": ["a", None, True], "share": Decimal("0.25"), "status-of": "x", "a.b": ""}

    store.port.insert(a_classroom(**theirs), stamp=FIRST)

    assert store.item("algebra-1") == a_classroom(**theirs)
    assert store.port.get("algebra-1") == a_classroom(**theirs)


def test_an_item_that_is_there_is_not_written_over(store: Store[Bookings]) -> None:
    store.put(a_classroom(teacher="Ada"))

    with pytest.raises(ConcurrentUpdate):
        store.port.insert(a_classroom(), stamp=FIRST)

    assert store.item("algebra-1") == a_classroom(teacher="Ada")
    assert store.port.latest("algebra-1") is None


def test_an_update_changes_and_removes_its_attributes_and_no_other(store: Store[Bookings]) -> None:
    store.put(a_classroom(status="SCHEDULED", teacher="Ada", room="R1"))

    store.port.update("algebra-1", {"end": "later", "name": "x"}, expected={}, removed=["room", "gone"], stamp=FIRST)

    assert store.item("algebra-1") == a_classroom(status="SCHEDULED", teacher="Ada", name="x") | {"end": "later"}


@pytest.mark.parametrize("expected", [{"start": "another"}, {"livePingDelay": 60}, {"end": None}])
def test_an_update_fails_where_the_item_is_not_as_it_was_read(store: Store[Bookings], expected: dict[str, Any]) -> None:
    store.put(a_classroom())

    with pytest.raises(ConcurrentUpdate):
        store.port.update("algebra-1", {"teacher": "Grace"}, expected=expected, stamp=FIRST)

    assert store.item("algebra-1") == a_classroom()
    assert store.port.latest("algebra-1") is None


def test_an_item_that_is_gone_is_not_brought_back_by_an_update(store: Store[Bookings]) -> None:
    with pytest.raises(ConcurrentUpdate):
        store.port.update("algebra-1", {"teacher": "Grace"}, expected={}, stamp=FIRST)

    assert store.item("algebra-1") is None


@pytest.mark.parametrize("there", [True, False])
def test_an_item_is_deleted_be_it_there_or_not(store: Store[Bookings], there: bool) -> None:
    if there:
        store.put(a_classroom())

    store.port.delete("algebra-1", stamp=FIRST)

    assert store.item("algebra-1") is None
    assert store.port.latest("algebra-1") == FIRST


# --- the order of events ----------------------------------------------------------------------------------------------


def test_a_classroom_that_nobody_booked_has_no_latest_event(store: Store[Bookings]) -> None:
    assert store.port.latest("algebra-1") is None


@pytest.mark.parametrize("kind", ["insert", "update", "delete"])
def test_each_write_is_remembered_to_the_microsecond(store: Store[Bookings], kind: str) -> None:
    if kind != "insert":
        store.put(a_classroom())

    write(store.port, kind, SECOND)

    assert store.port.latest("algebra-1") == SECOND


@pytest.mark.parametrize("kind", ["insert", "update", "delete"])
def test_what_is_older_than_the_latest_writes_nothing(store: Store[Bookings], kind: str) -> None:
    store.port.delete("algebra-1", stamp=SECOND)
    if kind != "insert":
        store.put(a_classroom())
    before = store.item("algebra-1")

    with pytest.raises(BookingOutdated):
        write(store.port, kind, FIRST)

    assert store.item("algebra-1") == before
    assert store.port.latest("algebra-1") == SECOND


@pytest.mark.parametrize("kind", ["insert", "update", "delete"])
def test_the_same_event_writes_once(store: Store[Bookings], kind: str) -> None:
    if kind != "insert":
        store.put(a_classroom())
    write(store.port, kind, FIRST)
    store.put(a_classroom(teacher="Ada"))

    with pytest.raises(BookingOutdated):
        write(store.port, kind, FIRST)

    assert store.item("algebra-1") == a_classroom(teacher="Ada")


def test_another_event_at_the_same_time_writes(store: Store[Bookings]) -> None:
    store.port.insert(a_classroom(), stamp=FIRST)

    store.port.delete("algebra-1", stamp=SAME_TIME)

    assert store.item("algebra-1") is None


def test_a_microsecond_makes_an_event_later(store: Store[Bookings]) -> None:
    store.port.delete("algebra-1", stamp=replace(FIRST, booked_at=FIRST.booked_at + timedelta(microseconds=1)))

    with pytest.raises(BookingOutdated):
        store.port.insert(a_classroom(), stamp=FIRST)


@pytest.mark.parametrize(
    ("latest", "event"),
    [
        (replace(FIRST, revision=2), replace(SECOND, revision=1)),
        (replace(FIRST, revision=1), SECOND),
        (replace(SECOND, revision=10), replace(FIRST, revision=9)),
        (replace(SECOND, revision=2), replace(FIRST, revision=2)),
    ],
    ids=["a later time", "none at all", "by number and not by digits", "an earlier time"],
)
def test_an_older_revision_writes_nothing(store: Store[Bookings], latest: Stamp, event: Stamp) -> None:
    store.port.delete("algebra-1", stamp=latest)

    with pytest.raises(BookingOutdated):
        store.port.insert(a_classroom(), stamp=event)

    assert store.item("algebra-1") is None
    assert store.port.latest("algebra-1") == latest


@pytest.mark.parametrize("event", [replace(FIRST, revision=1), replace(SECOND, revision=2**53 - 1)], ids=str)
def test_a_higher_revision_writes_whatever_its_time(store: Store[Bookings], event: Stamp) -> None:
    store.port.delete("algebra-1", stamp=SECOND)

    store.port.insert(a_classroom(), stamp=event)

    assert store.item("algebra-1") == a_classroom()
    assert store.port.latest("algebra-1") == event


def test_events_of_one_classroom_say_nothing_of_another(store: Store[Bookings]) -> None:
    store.port.delete("algebra-2", stamp=SECOND)

    store.port.insert(a_classroom("algebra-1"), stamp=FIRST)

    assert store.item("algebra-1") == a_classroom("algebra-1")


# --- what DynamoDB refuses --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    ["\ud800", {"in": ["\udfff"]}, 1.5, 10**126, Decimal("NaN"), object()],
    ids=["half a character", "half in a map", "float", "126 digits", "no number", "no value at all"],
)
@pytest.mark.parametrize("kind", ["insert", "update"])
def test_a_value_that_dynamodb_has_no_type_for_is_not_writable(store: Store[Bookings], kind: str, value: Any) -> None:
    def write() -> None:
        if kind == "insert":
            store.port.insert(a_classroom("algebra-2", notes=value), stamp=FIRST)
        else:
            store.port.update("algebra-1", {"notes": value}, expected={}, stamp=FIRST)

    store.put(a_classroom())
    with pytest.raises(ClassroomNotWritable):
        write()

    assert store.port.latest("algebra-1") is None
    assert store.port.latest("algebra-2") is None


def test_an_item_beyond_400_kilobytes_is_not_writable(store: Store[Bookings]) -> None:
    with pytest.raises(ClassroomNotWritable):
        store.port.insert(a_classroom(notes="x" * 406 * 1024), stamp=FIRST)

    assert store.item("algebra-1") is None


# --- a table that is out of order -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["insert", "update", "delete"])
def test_a_store_that_failed_has_written_nothing(store: Store[Bookings], kind: str) -> None:
    store.put(a_classroom())
    store.fail()

    with pytest.raises(ServiceUnavailable):
        store.port.get("algebra-1")
    with pytest.raises(ServiceUnavailable):
        store.port.latest("algebra-1")
    with pytest.raises(ServiceUnavailable):
        write(store.port, kind, FIRST)

    assert store.item("algebra-1") == a_classroom()


# --- what only the real one can meet ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reasons", "error"),
    [
        (["TransactionConflict", "None"], ConcurrentUpdate),
        (["None", "TransactionConflict"], ConcurrentUpdate),
        (["ConditionalCheckFailed", "ConditionalCheckFailed"], BookingOutdated),
        (["ValidationError", "None"], ClassroomNotWritable),
        (["ThrottlingError", "None"], ServiceUnavailable),
        (["ProvisionedThroughputExceeded", "None"], ServiceUnavailable),
    ],
)
def test_a_transaction_that_is_cancelled_says_why(
    account: Account, bookings: TableBookings, reasons: list[str], error: type[Exception]
) -> None:
    account.will_cancel(reasons)

    with pytest.raises(error, match=r"algebra-1|DynamoDB"):
        bookings.delete("algebra-1", stamp=FIRST)


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException", "TransactionInProgressException"])
def test_an_aws_that_does_not_serve_us_is_unavailable_and_says_why(
    account: Account, bookings: TableBookings, code: str
) -> None:
    account.will("TransactWriteItems", code)

    with pytest.raises(ServiceUnavailable, match=code):
        bookings.delete("algebra-1", stamp=FIRST)


def test_an_answer_that_gets_lost_is_unavailable_and_the_event_comes_again_in_vain(
    account: Account, bookings: TableBookings
) -> None:
    account.will("TransactWriteItems", "time-out", acted=True)

    with pytest.raises(ServiceUnavailable):
        bookings.insert(a_classroom(), stamp=FIRST)
    with pytest.raises(BookingOutdated):
        bookings.insert(a_classroom(), stamp=FIRST)

    assert account.item("algebra-1") == a_classroom()


def test_reads_are_consistent_and_no_table_is_described(account: Account, bookings: TableBookings) -> None:
    bookings.get("algebra-1")
    bookings.latest("algebra-1")
    bookings.delete("algebra-1", stamp=FIRST)

    assert account.calls == ["GetItem", "GetItem", "TransactWriteItems"]
    assert all(sent["ConsistentRead"] for sent in account.sent("GetItem"))


def test_a_stamp_is_forgotten_after_30_days(account: Account, bookings: TableBookings) -> None:
    bookings.delete("algebra-1", stamp=FIRST)

    stored = account.table_client.get_item(TableName=BOOKINGS_TABLE, Key={"classroomId": {"S": "algebra-1"}})["Item"]
    assert int(stored["expiresAt"]["N"]) == int((FIRST.booked_at + timedelta(days=30)).timestamp())
