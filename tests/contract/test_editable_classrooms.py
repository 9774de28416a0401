"""What the HTTP API may rely on of the Classrooms table: DynamoDB's adapter and the fake keep the same promises."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from classroom_scheduler.adapters.classrooms import stored
from classroom_scheduler.adapters.editable_classrooms import EditableTableClassrooms
from classroom_scheduler.domain.errors import ClassroomNotWritable, ConcurrentUpdate, ServiceUnavailable
from classroom_scheduler.domain.item_codec import Item
from classroom_scheduler.exact_json import MAX_LEVELS, parse_object, problems_in
from classroom_scheduler.http_api.editing import MAX_ATTRIBUTES
from classroom_scheduler.http_api.ports import EditableClassrooms, NameTaken, Position
from tests.aws import TABLE, Account
from tests.builders import a_classroom, at, z
from tests.contract.store import Store, fake_store, real_store
from tests.fakes import FakeClassrooms


@pytest.fixture(scope="module")
def classrooms(the_account: Account) -> EditableTableClassrooms:
    return EditableTableClassrooms(TABLE)


@pytest.fixture(params=["fake", "table"])
def store(request: pytest.FixtureRequest) -> Store[EditableClassrooms]:
    if request.param == "fake":
        table = FakeClassrooms()
        return fake_store(table, table)
    account, classrooms = request.getfixturevalue("account"), request.getfixturevalue("classrooms")
    return real_store(classrooms, account, ["PutItem", "DeleteItem", "Query"])


# --- creating and deleting --------------------------------------------------------------------------------------------


def test_a_new_classroom_is_written(store: Store[EditableClassrooms]) -> None:
    item = a_classroom(seats=Decimal("30.5"), tags=["a", None, {"deep": True}])

    store.port.create(item)

    assert store.item("algebra-1") == item


def test_a_classroom_that_is_there_is_not_written_over(store: Store[EditableClassrooms]) -> None:
    store.put(a_classroom(teacher="Ada"))

    with pytest.raises(NameTaken):
        store.port.create(a_classroom(teacher="Grace"))

    assert store.item("algebra-1") == a_classroom(teacher="Ada")


@pytest.mark.parametrize(
    "value", [1.5, Decimal("1" * 39), "x" * 500_000, object()], ids=["float", "39", "large", "none"]
)
def test_what_dynamodb_refuses_is_not_created(store: Store[EditableClassrooms], value: Any) -> None:
    with pytest.raises(ClassroomNotWritable):
        store.port.create(a_classroom(notes=value))

    assert store.item("algebra-1") is None


def test_whatever_the_api_lets_through_can_be_stored(store: Store[EditableClassrooms]) -> None:
    deep = "[" * MAX_LEVELS + "]" * MAX_LEVELS
    text = (
        f'{{"n": {"9" * 38}, "small": 1e-130, "large": 1.5e125, "deep": {deep}, "empty": "", "name": {{"ü.#:": null}}}}'
    )
    body = parse_object(text)
    assert problems_in(body) == []

    store.port.create(a_classroom(**body))

    assert store.item("algebra-1") == a_classroom(**body)


def test_a_classroom_is_deleted_if_it_is_as_it_was_read(store: Store[EditableClassrooms]) -> None:
    store.put(a_classroom(teacher="Ada", notes=None))

    store.port.remove("algebra-1", expected=a_classroom(teacher="Ada", notes=None))

    assert store.item("algebra-1") is None


@pytest.mark.parametrize("expected", [{"teacher": "Grace"}, {"teacher": None}, {"room": "R1"}], ids=str)
def test_a_classroom_that_is_not_as_it_was_read_stays(store: Store[EditableClassrooms], expected: Item) -> None:
    store.put(a_classroom(teacher="Ada"))

    with pytest.raises(ConcurrentUpdate):
        store.port.remove("algebra-1", expected=expected)

    assert store.item("algebra-1") is not None


def test_a_classroom_that_is_not_there_is_not_deleted(store: Store[EditableClassrooms]) -> None:
    with pytest.raises(ConcurrentUpdate):
        store.port.remove("algebra-1", expected={})


def test_as_many_attributes_as_the_api_lets_in_fit_into_one_condition(store: Store[EditableClassrooms]) -> None:
    item = a_classroom(**{f"attribute {number}": None for number in range(MAX_ATTRIBUTES - 3)})
    store.put(item)

    store.port.update("algebra-1", {"teacher": "Ada"}, expected=item, removed=item.keys() - a_classroom().keys())

    assert store.item("algebra-1") == a_classroom(teacher="Ada")


def test_such_a_condition_is_within_the_four_kilobytes_that_dynamodb_takes(
    account: Account, classrooms: EditableTableClassrooms
) -> None:
    item = a_classroom(**{f"attribute {number}": None for number in range(MAX_ATTRIBUTES - 3)})
    account.put(item)

    classrooms.update("algebra-1", dict.fromkeys(item.keys() - {"classroomId"}, "new"), expected=item)

    (request,) = account.sent("UpdateItem")
    assert len(request["ConditionExpression"]) < 4096
    assert len(request["UpdateExpression"]) < 4096
    # One AND between two clauses, and three operators in each that may be NULL.
    assert 4 * MAX_ATTRIBUTES < 300


# --- a day's list -----------------------------------------------------------------------------------------------------


def a_day(store: Store[EditableClassrooms]) -> None:
    for number, status in enumerate(["SCHEDULED", "FAILED", "SCHEDULED", "FAILED", "SCHEDULED"]):
        start = z(at(f"09:{number:02}"))
        store.put(a_classroom(f"room-{number}", day="2026-12-01", scheduledStart=start, status=status, photo=b"jpeg"))
    store.put(a_classroom("tomorrow", day="2026-12-02", scheduledStart="2026-12-02T09:00:00Z", status="SCHEDULED"))
    store.put(a_classroom("new"))


def listed(
    store: Store[EditableClassrooms], status: str | None = None, limit: int = 100, after: Position | None = None
) -> Any:
    items, position = store.port.of_day("2026-12-01", status=status, limit=limit, after=after)
    return [item["classroomId"] for item in items], position


def test_the_classes_of_a_day_come_in_order_of_start(store: Store[EditableClassrooms]) -> None:
    a_day(store)

    assert listed(store) == (["room-0", "room-1", "room-2", "room-3", "room-4"], None)


def test_a_day_goes_on_after_the_position_where_it_stopped(store: Store[EditableClassrooms]) -> None:
    a_day(store)

    first, position = listed(store, limit=2)
    second, _ = listed(store, limit=3, after=position)

    assert (first, second) == (["room-0", "room-1"], ["room-2", "room-3", "room-4"])
    assert position == {"classroomId": "room-1", "scheduledStart": "2026-12-01T09:01:00Z"}


def test_any_class_can_be_gone_on_after(store: Store[EditableClassrooms]) -> None:
    a_day(store)

    assert listed(store, after={"classroomId": "room-2", "scheduledStart": "2026-12-01T09:02:00Z"})[0] == [
        "room-3",
        "room-4",
    ]


def test_a_status_is_looked_for_among_as_many_as_the_limit(store: Store[EditableClassrooms]) -> None:
    a_day(store)

    found, position = listed(store, status="FAILED", limit=3)

    assert found == ["room-1"]
    assert listed(store, status="FAILED", after=position)[0] == ["room-3"]


def test_items_are_listed_as_they_are(store: Store[EditableClassrooms]) -> None:
    a_day(store)

    items, _ = store.port.of_day("2026-12-01", status=None, limit=1, after=None)

    assert items == [store.item("room-0")]


def test_a_class_that_was_moved_or_deleted_a_moment_ago_is_not_listed(
    account: Account, classrooms: EditableTableClassrooms
) -> None:
    """The index is some milliseconds behind: here it still shows two classes as they were."""
    start = "2026-12-01T09:00:00Z"
    account.put(a_classroom("moved", day="2026-12-01", scheduledStart="2026-12-01T11:00:00Z"))
    account.put(a_classroom("stays", day="2026-12-01", scheduledStart=start))
    keys = [{"classroomId": id_, "day": "2026-12-01", "scheduledStart": start} for id_ in ("moved", "gone", "stays")]
    account.will_answer("Query", {"Items": [stored(key) for key in keys], "Count": 3})

    items, position = classrooms.of_day("2026-12-01", status=None, limit=3, after=None)

    assert ([item["classroomId"] for item in items], position) == (["stays"], None)


def test_a_page_ends_before_what_dynamodb_left_unread(account: Account, classrooms: EditableTableClassrooms) -> None:
    a_day(real_store(classrooms, account, []))
    read = [stored(account.item(f"room-{number}") or {}) for number in (3, 0, 1)]
    left = {TABLE: {"Keys": [stored({"classroomId": f"room-{number}"}) for number in (4, 2)]}}
    account.will_answer("BatchGetItem", {"Responses": {TABLE: read}, "UnprocessedKeys": left})

    items, position = classrooms.of_day("2026-12-01", status=None, limit=5, after=None)

    assert [item["classroomId"] for item in items] == ["room-0", "room-1"]
    assert position == {"classroomId": "room-1", "scheduledStart": "2026-12-01T09:01:00Z"}


def test_a_page_of_which_nothing_was_read_is_a_failure(account: Account, classrooms: EditableTableClassrooms) -> None:
    a_day(real_store(classrooms, account, []))
    left = {TABLE: {"Keys": [stored({"classroomId": f"room-{number}"}) for number in range(5)]}}
    account.will_answer("BatchGetItem", {"Responses": {}, "UnprocessedKeys": left})

    with pytest.raises(ServiceUnavailable):
        classrooms.of_day("2026-12-01", status=None, limit=5, after=None)


def test_an_empty_day_is_empty(store: Store[EditableClassrooms]) -> None:
    assert listed(store) == ([], None)


# --- when DynamoDB is out of order ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda classrooms: classrooms.create(a_classroom()),
        lambda classrooms: classrooms.remove("algebra-1", expected={}),
        lambda classrooms: classrooms.of_day("2026-12-01", status=None, limit=1, after=None),
    ],
    ids=["create", "remove", "of_day"],
)
def test_a_failure_is_told_from_an_answer(
    store: Store[EditableClassrooms], call: Callable[[EditableClassrooms], object]
) -> None:
    store.fail()

    with pytest.raises(ServiceUnavailable):
        call(store.port)
