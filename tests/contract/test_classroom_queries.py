"""What the domain may rely on of the classroom_queries: DynamoDB's adapter and the fake keep the same promises."""

from collections import Counter
from typing import Any

import pytest

from classroom_scheduler.adapters.classroom_queries import TableClassroomQueries
from classroom_scheduler.application.ports import ClassroomQueries
from classroom_scheduler.domain.errors import ServiceUnavailable
from classroom_scheduler.domain.item_codec import Item
from tests.aws import TABLE, Account
from tests.builders import a_classroom, at, instant
from tests.contract.store import Store, fake_store, real_store
from tests.fakes import FakeClassrooms

A_THIRD_OF_A_PAGE = "x" * 350_000


@pytest.fixture(scope="module")
def classroom_queries(the_account: Account) -> TableClassroomQueries:
    return TableClassroomQueries(TABLE)


@pytest.fixture(params=["fake", "table"])
def table(request: pytest.FixtureRequest) -> Store[ClassroomQueries]:
    if request.param == "fake":
        table = FakeClassrooms()
        return fake_store(table, table)
    account, classroom_queries = request.getfixturevalue("account"), request.getfixturevalue("classroom_queries")
    return real_store(classroom_queries, account, ["Query", "Scan"])


def watched(classroom_id: str, shard: str = "3", attention: str = "09:05", **others: Any) -> dict[str, Any]:
    return a_classroom(classroom_id, attentionShard=shard, attentionAt=instant(attention), **others)


def overdue(table: Store[ClassroomQueries], shard: str = "3", time: str = "09:30") -> list[str]:
    return list(table.port.overdue(shard, at(time)))


def parts(table: Store[ClassroomQueries], of: int) -> list[list[Item]]:
    return [list(table.port.segment(number, of)) for number in range(of)]


# --- what is overdue --------------------------------------------------------------------------------------------------


def test_an_empty_table_has_nothing_overdue(table: Store[ClassroomQueries]) -> None:
    assert overdue(table) == []


def test_what_is_due_by_now_is_overdue_and_the_longest_overdue_comes_first(table: Store[ClassroomQueries]) -> None:
    table.put(watched("at-nine", attention="09:05"))
    table.put(watched("on-the-second", attention="09:30"))
    table.put(watched("a-second-later", attention="09:30:01"))
    table.put(watched("at-eight", attention="08:05"))

    assert overdue(table, time="09:30:00.75") == ["at-eight", "at-nine", "on-the-second"]


def test_a_shard_has_its_own_classrooms_only(table: Store[ClassroomQueries]) -> None:
    table.put(watched("algebra-1", shard="3"))
    table.put(watched("physics-1", shard="5"))

    assert (overdue(table, "3"), overdue(table, "5"), overdue(table, "0")) == (["algebra-1"], ["physics-1"], [])


def test_a_class_that_is_over_or_was_never_seen_is_not_in_the_index(table: Store[ClassroomQueries]) -> None:
    table.put(a_classroom("over-1", status="COMPLETED"))
    table.put(a_classroom("half-1", attentionShard="3"))
    table.put(a_classroom("half-2", attentionAt="2026-12-01T09:05:00Z"))

    assert overdue(table) == []


def test_whatever_people_wrote_into_attention_at_does_no_harm(table: Store[ClassroomQueries]) -> None:
    table.put(a_classroom("algebra-1", attentionShard="3", attentionAt="soon"))
    table.put(a_classroom("algebra-2", attentionShard="3", attentionAt="0"))

    assert overdue(table) == ["algebra-2"]


def test_more_is_overdue_than_one_answer_holds(table: Store[ClassroomQueries]) -> None:
    """An answer holds 1 MB. In the template's index, which has keys alone, that is some ten thousand classrooms."""
    rooms = {f"room-{number}" for number in range(7)}
    for room in rooms:
        table.put(watched(room, notes=A_THIRD_OF_A_PAGE))

    found = overdue(table)

    assert (set(found), len(found)) == (rooms, 7)


# --- the parts of the table -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("of", [1, 2, 24])
def test_the_parts_together_are_the_whole_table_once(table: Store[ClassroomQueries], of: int) -> None:
    rooms = {f"room-{number}" for number in range(30)}
    for room in rooms:
        table.put(a_classroom(room))

    counted = Counter(str(item["classroomId"]) for part in parts(table, of) for item in part)

    assert counted == dict.fromkeys(rooms, 1)


def test_every_part_of_an_empty_table_is_empty(table: Store[ClassroomQueries]) -> None:
    assert parts(table, 3) == [[], [], []]


def test_a_part_is_larger_than_one_answer(table: Store[ClassroomQueries]) -> None:
    rooms = {f"room-{number}" for number in range(7)}
    for room in rooms:
        table.put(a_classroom(room, notes=A_THIRD_OF_A_PAGE))

    (found,) = parts(table, 1)

    assert sorted(str(item["classroomId"]) for item in found) == sorted(rooms)


def test_an_item_of_a_part_is_read_as_it_was_written(table: Store[ClassroomQueries]) -> None:
    item = a_classroom("algebra-1", livePingDelay=60, photo=b"jpeg", keys={b"k"}, album=[{"page": b"png"}], none=None)
    table.put(item)

    ((read,),) = parts(table, 1)

    assert read == item
    assert [type(read["photo"]), type(read["album"][0]["page"]), *map(type, read["keys"])] == [bytes] * 3


# --- when DynamoDB does not serve us ----------------------------------------------------------------------------------


def test_a_watchlist_that_failed_says_so(table: Store[ClassroomQueries]) -> None:
    table.put(watched("algebra-1"))
    table.fail()

    with pytest.raises(ServiceUnavailable):
        overdue(table)
    with pytest.raises(ServiceUnavailable):
        parts(table, 1)


@pytest.mark.parametrize(
    "code",
    [
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "RequestLimitExceeded",
        "InternalServerError",
        "ValidationException",
        "AccessDeniedException",
        "ResourceNotFoundException",
    ],
)
def test_an_aws_that_does_not_serve_us_is_unavailable_and_says_why(
    account: Account, classroom_queries: TableClassroomQueries, code: str
) -> None:
    for operation in ("Query", "Scan"):
        account.will(operation, code)

    with pytest.raises(ServiceUnavailable, match=code):
        list(classroom_queries.overdue("3", at("09:30")))
    with pytest.raises(ServiceUnavailable, match=code):
        list(classroom_queries.segment(0, 1))


def test_what_came_before_the_answer_that_failed_is_not_lost(
    account: Account, classroom_queries: TableClassroomQueries
) -> None:
    for number in range(7):
        account.put(watched(f"room-{number}", notes=A_THIRD_OF_A_PAGE))
    answers = iter(classroom_queries.overdue("3", at("09:30")))
    first = next(answers)
    account.will("Query", "ThrottlingException")

    with pytest.raises(ServiceUnavailable):
        list(answers)

    assert first.startswith("room-")


@pytest.mark.parametrize("operation", ["Query", "Scan"])
def test_an_answer_that_gets_lost_is_unavailable(
    account: Account, classroom_queries: TableClassroomQueries, operation: str
) -> None:
    account.will(operation, "time-out", acted=True)

    with pytest.raises(ServiceUnavailable):
        list(classroom_queries.overdue("3", at("09:30")) if operation == "Query" else classroom_queries.segment(0, 1))


def test_an_unreachable_dynamodb_is_tried_four_times(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens on port 1: the client really tries, and tries again."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1")
    pauses: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time.sleep", pauses.append)

    with pytest.raises(ServiceUnavailable):
        list(TableClassroomQueries(TABLE).overdue("3", at("09:30")))

    assert len(pauses) == 3


def test_a_query_asks_the_index_for_the_overdue_of_one_shard(
    account: Account, classroom_queries: TableClassroomQueries
) -> None:
    list(classroom_queries.overdue("3", at("09:30")))

    (asked,) = account.sent("Query")
    assert asked["IndexName"] == "ByAttention"
    assert {"S": "2026-12-01T09:30:00Z"} in asked["ExpressionAttributeValues"].values()
    assert "FilterExpression" not in asked, "what is filtered out is read, and paid for, all the same"
