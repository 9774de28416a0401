"""What the domain may rely on of the Classrooms table: DynamoDB's adapter and the fake keep the same promises."""

from decimal import Decimal
from typing import Any

import pytest

from classroom_scheduler.adapters.classrooms import TableClassrooms
from classroom_scheduler.application.ports import Classrooms
from classroom_scheduler.domain.classroom import Classroom
from classroom_scheduler.domain.errors import ClassroomNotWritable, ConcurrentUpdate, ServiceUnavailable
from tests.aws import TABLE, Account
from tests.builders import a_classroom
from tests.contract.store import Store, fake_store, real_store
from tests.fakes import FakeClassrooms

EVERYTHING: dict[str, Any] = {
    "text": "Ada Lovelace",
    "empty text": "",
    "number": Decimal("12.50"),
    "whole": Decimal(7),
    "large": Decimal("12345678901234567890123456789012345678"),
    "yes": True,
    "no": False,
    "nothing": None,
    "bytes": b"\x00\x01",
    "map": {"room": {"name": "R1", "seats": Decimal(30)}, "dots.and-dashes": "fine"},
    "list": ["a", Decimal(1), {"deep": [None, True]}],
    "texts": {"a", "b"},
    "numbers": {Decimal(1), Decimal("2.5")},
    "blobs": {b"a", b"b"},
    "reserved": "status, name and size are words of DynamoDB's own",
    "name": "algebra",
    "a.b": "a dot in a name",
    "#hash :colon": "other signs",
}


@pytest.fixture(scope="module")
def classrooms(the_account: Account) -> TableClassrooms:
    return TableClassrooms(TABLE)


@pytest.fixture(params=["fake", "table"])
def store(request: pytest.FixtureRequest) -> Store[Classrooms]:
    if request.param == "fake":
        table = FakeClassrooms()
        return fake_store(table, table)
    account, classrooms = request.getfixturevalue("account"), request.getfixturevalue("classrooms")
    return real_store(classrooms, account, ["GetItem", "UpdateItem"])


@pytest.fixture
def table(account: Account, classrooms: TableClassrooms) -> TableClassrooms:
    account.put(a_classroom("algebra-1"))
    return classrooms


# --- reading ----------------------------------------------------------------------------------------------------------


def test_a_classroom_that_nobody_wrote_is_not_there(store: Store[Classrooms]) -> None:
    assert store.port.get("algebra-1") is None


def test_a_classroom_is_read_as_it_was_written_with_every_type_of_dynamodb(store: Store[Classrooms]) -> None:
    item = a_classroom("algebra-1", **EVERYTHING)
    store.put(item)

    read = store.port.get("algebra-1")

    assert read == item
    assert {name: type(value) for name, value in (read or {}).items()} == {n: type(v) for n, v in item.items()}


def test_binary_values_are_bytes_wherever_they_stand(store: Store[Classrooms]) -> None:
    store.put(a_classroom("algebra-1", photo=b"jpeg", album=[{"page": b"png"}], keys={b"k"}))

    read = store.port.get("algebra-1") or {}

    assert [type(read["photo"]), type(read["album"][0]["page"]), *map(type, read["keys"])] == [bytes] * 3


def test_a_class_with_a_photo_is_read_like_any_other(store: Store[Classrooms]) -> None:
    store.put(a_classroom("algebra-1", photo=b"jpeg", keys={b"k"}))

    item = store.port.get("algebra-1")

    assert item is not None
    assert Classroom.from_item("algebra-1", item).problem is None


@pytest.mark.parametrize("wrong", [5, True, None, ["09:00"], {"at": "09:00"}, {"09:00"}, b"09:00"], ids=repr)
def test_a_start_of_any_type_can_be_read(store: Store[Classrooms], wrong: Any) -> None:
    """A model would refuse to; but whoever wrote it has to be told what is wrong with it."""
    store.put(a_classroom("algebra-1", start=wrong))

    assert (store.port.get("algebra-1") or {})["start"] == wrong


def test_what_was_just_written_is_what_is_read(store: Store[Classrooms]) -> None:
    store.put(a_classroom("algebra-1"))

    store.port.update("algebra-1", {"status": "SCHEDULED"}, expected={})

    assert (store.port.get("algebra-1") or {})["status"] == "SCHEDULED"


# --- writing ----------------------------------------------------------------------------------------------------------


def test_a_write_changes_its_attributes_and_no_other(store: Store[Classrooms]) -> None:
    store.put(a_classroom("algebra-1", **EVERYTHING))

    store.port.update("algebra-1", {"status": "SCHEDULED", "tasks": {}}, expected={})

    assert store.item("algebra-1") == a_classroom("algebra-1", **EVERYTHING, status="SCHEDULED", tasks={})


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_value_is_kept_as_it_was_given(store: Store[Classrooms], name: str) -> None:
    store.put(a_classroom("algebra-1"))

    store.port.update("algebra-1", {name: EVERYTHING[name]}, expected={})

    assert (store.port.get("algebra-1") or {})[name] == EVERYTHING[name]


def test_whole_numbers_are_kept_as_numbers(store: Store[Classrooms]) -> None:
    store.put(a_classroom("algebra-1"))

    store.port.update("algebra-1", {"scheduled": {"livePingDelay": 60}}, expected={})

    assert (store.item("algebra-1") or {})["scheduled"] == {"livePingDelay": Decimal(60)}


def test_a_write_removes_what_it_is_told_to_be_it_there_or_not(store: Store[Classrooms]) -> None:
    store.put(a_classroom("algebra-1", attentionAt="x", teacher="Ada"))

    store.port.update("algebra-1", {"status": "COMPLETED"}, expected={}, removed=["attentionAt", "attentionShard"])

    assert store.item("algebra-1") == a_classroom("algebra-1", teacher="Ada", status="COMPLETED")


# --- the condition ----------------------------------------------------------------------------------------------------


def test_a_classroom_that_was_deleted_is_never_brought_back_by_a_write(store: Store[Classrooms]) -> None:
    with pytest.raises(ConcurrentUpdate):
        store.port.update("algebra-1", {"status": "SCHEDULED"}, expected={})

    assert store.item("algebra-1") is None


@pytest.mark.parametrize("name", [name for name, value in EVERYTHING.items() if value is not None])
def test_a_write_goes_through_where_everything_is_as_it_was_read(store: Store[Classrooms], name: str) -> None:
    store.put(a_classroom("algebra-1", **EVERYTHING))
    read = store.port.get("algebra-1") or {}

    store.port.update("algebra-1", {"status": "SCHEDULED"}, expected={name: read[name]})

    assert (store.item("algebra-1") or {})["status"] == "SCHEDULED"


@pytest.mark.parametrize(
    ("stands", "expected"),
    [
        ("09:00", "09:01"),
        ("60", 60),
        (60, "60"),
        (60, 61),
        (b"a", b"b"),
        ("a", b"a"),
        (True, False),
        ({"a": 1, "b": {"c": [1]}}, {"a": 1, "b": {"c": [2]}}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2}, {"a": 1}),
        ([1, 2], [2, 1]),
        ([1, 2], [1, 2, 3]),
        ({"a", "b"}, {"a"}),
        ({1, 2}, {1, 3}),
        ({"a", "b"}, ["a", "b"]),
        ("", {}),
    ],
    ids=repr,
)
def test_a_write_fails_where_an_attribute_is_not_as_it_was_read(
    store: Store[Classrooms], stands: Any, expected: Any
) -> None:
    store.put(a_classroom("algebra-1", livePingDelay=stands))

    with pytest.raises(ConcurrentUpdate):
        store.port.update("algebra-1", {"status": "SCHEDULED"}, expected={"livePingDelay": expected})

    assert store.item("algebra-1") == a_classroom("algebra-1", livePingDelay=stands)


@pytest.mark.parametrize(
    ("stands", "expected"), [(60, Decimal("60.0")), (Decimal("0.50"), Decimal("0.5")), (0, Decimal("-0"))]
)
def test_numbers_are_compared_by_value(store: Store[Classrooms], stands: Any, expected: Any) -> None:
    store.put(a_classroom("algebra-1", livePingDelay=stands, scheduled={"livePingDelay": stands}))

    as_read = {"livePingDelay": expected, "scheduled": {"livePingDelay": expected}}
    store.port.update("algebra-1", {"status": "SCHEDULED"}, expected=as_read)

    assert (store.item("algebra-1") or {})["status"] == "SCHEDULED"


@pytest.mark.parametrize("stands", ["x", 0, "", False, {}, []], ids=repr)
def test_expecting_none_means_that_the_attribute_is_absent(store: Store[Classrooms], stands: Any) -> None:
    store.put(a_classroom("algebra-1"))
    store.port.update("algebra-1", {"recordingId": stands}, expected={"recordingId": None})

    with pytest.raises(ConcurrentUpdate):
        store.port.update("algebra-1", {"recordingId": "second"}, expected={"recordingId": None})

    assert (store.item("algebra-1") or {})["recordingId"] == stands


def test_null_is_as_good_as_absent(store: Store[Classrooms]) -> None:
    """Both are read as None: a class whose delay is NULL must be writable, or its record would come again for ever."""
    store.put(a_classroom("algebra-1", livePingDelay=None))

    store.port.update("algebra-1", {"status": "INVALID"}, expected={"livePingDelay": None})

    assert store.item("algebra-1") == a_classroom("algebra-1", livePingDelay=None, status="INVALID")


def test_every_expectation_counts(store: Store[Classrooms]) -> None:
    store.put(a_classroom("algebra-1", status="SCHEDULED"))

    with pytest.raises(ConcurrentUpdate):
        store.port.update("algebra-1", {"status": "x"}, expected={"status": "SCHEDULED", "executionName": "mine"})

    assert (store.item("algebra-1") or {})["status"] == "SCHEDULED"


def test_of_two_writers_who_read_the_same_only_one_wins(store: Store[Classrooms]) -> None:
    store.put(a_classroom("algebra-1"))
    as_both_read_it = {"executionName": None}

    store.port.update("algebra-1", {"executionName": "first"}, expected=as_both_read_it)
    with pytest.raises(ConcurrentUpdate):
        store.port.update("algebra-1", {"executionName": "second"}, expected=as_both_read_it)

    assert (store.item("algebra-1") or {})["executionName"] == "first"


# --- what DynamoDB refuses --------------------------------------------------------------------------------------------


def test_an_item_that_would_grow_beyond_400_kilobytes_is_not_writable(store: Store[Classrooms]) -> None:
    """moto measures the new value alone, AWS the whole item."""
    item = a_classroom("algebra-1", notes="x" * 8192)
    store.put(item)

    with pytest.raises(ClassroomNotWritable):
        store.port.update("algebra-1", {"reason": "y" * 406 * 1024}, expected={})

    assert store.item("algebra-1") == item


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("\ud800", id="half a character"),
        pytest.param({"answer": ["\udfff"]}, id="half a character in depth"),
        pytest.param(10**126, id="a number beyond DynamoDB's range"),
        pytest.param(Decimal("NaN"), id="not a number"),
        pytest.param(Decimal("Infinity"), id="infinity"),
        pytest.param(1.5, id="a float"),
        pytest.param(object(), id="no value at all"),
        pytest.param(set(), id="an empty set"),
    ],
)
def test_a_value_that_dynamodb_has_no_type_for_is_not_writable(store: Store[Classrooms], value: Any) -> None:
    store.put(a_classroom("algebra-1"))

    with pytest.raises(ClassroomNotWritable):
        store.port.update("algebra-1", {"tasks": value}, expected={})

    assert store.item("algebra-1") == a_classroom("algebra-1")


# --- what only the real one can meet ----------------------------------------------------------------------------------


def test_whatever_dynamodb_calls_invalid_is_not_writable(account: Account, table: TableClassrooms) -> None:
    """An empty key in a map, a map 33 levels deep, an index key that is a number: moto takes them, AWS does not."""
    account.will("UpdateItem", "ValidationException")

    with pytest.raises(ClassroomNotWritable, match="algebra-1: ValidationException, as the test asked for"):
        table.update("algebra-1", {"tasks": {"": 1}}, expected={})


@pytest.mark.parametrize(
    "code",
    [
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "RequestLimitExceeded",
        "InternalServerError",
        "ItemCollectionSizeLimitExceededException",
        "AccessDeniedException",
        "ResourceNotFoundException",
        "UnrecognizedClientException",
    ],
)
def test_an_aws_that_does_not_serve_us_is_unavailable_and_says_why(
    account: Account, table: TableClassrooms, code: str
) -> None:
    account.will("GetItem", code)
    account.will("UpdateItem", code)

    with pytest.raises(ServiceUnavailable, match=code):
        table.get("algebra-1")
    with pytest.raises(ServiceUnavailable, match=code):
        table.update("algebra-1", {"status": "SCHEDULED"}, expected={})


def test_an_answer_that_gets_lost_is_unavailable(account: Account, table: TableClassrooms) -> None:
    account.will("UpdateItem", "time-out", acted=True)

    with pytest.raises(ServiceUnavailable):
        table.update("algebra-1", {"status": "SCHEDULED"}, expected={"status": None})

    assert (account.item("algebra-1") or {})["status"] == "SCHEDULED"


def test_an_unreachable_dynamodb_is_tried_four_times(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens on port 1: the client really tries, and tries again. moto answers for Amazon's names alone."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1")
    pauses: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time.sleep", pauses.append)
    table = TableClassrooms(TABLE)

    with pytest.raises(ServiceUnavailable):
        table.get("algebra-1")

    assert len(pauses) == 3


def test_a_store_that_failed_has_written_nothing(store: Store[Classrooms]) -> None:
    store.put(a_classroom("algebra-1"))
    store.fail()

    with pytest.raises(ServiceUnavailable):
        store.port.get("algebra-1")
    with pytest.raises(ServiceUnavailable):
        store.port.update("algebra-1", {"status": "SCHEDULED"}, expected={})

    assert store.item("algebra-1") == a_classroom("algebra-1")


def test_a_read_is_consistent_and_one_call(account: Account, table: TableClassrooms) -> None:
    table.get("algebra-1")

    assert account.calls == ["GetItem"]
    assert account.sent("GetItem")[0]["ConsistentRead"] is True


def test_no_table_is_described_to_write_to_it(account: Account, table: TableClassrooms) -> None:
    """PynamoDB would ask for the table's keys in each cold start, unless it is told."""
    table.update("algebra-1", {"status": "SCHEDULED"}, expected={"status": None})

    assert account.calls == ["UpdateItem"]
