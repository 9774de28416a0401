"""What people do to classrooms by way of the HTTP API: nothing of the scheduler's is touched, and no edit gets lost."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from classroom_scheduler.domain.errors import ConcurrentUpdate
from classroom_scheduler.domain.item_codec import Item
from classroom_scheduler.http_api import editing
from classroom_scheduler.http_api.api_errors import AlreadyExists, HasChanged, InvalidRequest, NotFound, NotReplaceable
from classroom_scheduler.http_api.etags import IfMatch, etag
from tests.builders import a_classroom, at
from tests.fakes import FakeClassrooms

SCHEDULERS = {
    "status": "SCHEDULED",
    "reason": "Recording starts at …",
    "tasks": {},
    "updatedAt": "2026-12-01T08:00:00Z",
}


@pytest.fixture
def table() -> FakeClassrooms:
    return FakeClassrooms(a_classroom(teacher="Ada", **SCHEDULERS))


def item(table: FakeClassrooms) -> Item:
    found = table.look("algebra-1")
    assert found is not None
    return found


def create(table: FakeClassrooms, **body: Any) -> Item:
    return editing.create(
        {name: value for name, value in body.items() if value is not ...}, table, "made-1", at("08:00")
    )


def interfere(table: FakeClassrooms, *edits: Callable[[], None]) -> None:
    """Let somebody else edit between each of the next reads and the write that follows it."""
    waiting, get = list(edits), table.get

    def get_and_lose_the_race(classroom_id: str) -> Item | None:
        found = get(classroom_id)
        if waiting:
            waiting.pop(0)()
        return found

    table.get = get_and_lose_the_race  # type: ignore[method-assign]  # somebody writes right after each read


# --- creating ---------------------------------------------------------------------------------------------------------


def test_a_classroom_is_created_as_it_was_stated(table: FakeClassrooms) -> None:
    body = a_classroom("algebra-2", teacher="Grace", seats=Decimal("30"))

    assert create(table, **body) == body == table.look("algebra-2")


def test_a_classroom_without_an_id_is_given_one(table: FakeClassrooms) -> None:
    assert create(table, **a_classroom(...))["classroomId"] == "made-1"


def test_a_classroom_is_not_created_over_another(table: FakeClassrooms) -> None:
    before = item(table)

    with pytest.raises(AlreadyExists, match="There is a classroom algebra-1 already"):
        create(table, **a_classroom())

    assert item(table) == before


def test_all_that_is_wrong_is_said_at_once(table: FakeClassrooms) -> None:
    wrong = {"classroomId": "room 1", "start": "tomorrow", "end": ..., "livePingDelay": Decimal(-1), "status": "NEW"}

    with pytest.raises(InvalidRequest) as refused:
        create(table, **wrong, notes="a\0b")

    assert {each.field: each.value for each in refused.value.field_errors} == {
        "status": "NEW",
        "notes": "a\0b",
        "classroomId": "room 1",
        "start": "tomorrow",
        "end": ...,
        "livePingDelay": Decimal(-1),
    }
    assert table.look("made-1") is None


def test_a_class_that_is_over_is_not_created(table: FakeClassrooms) -> None:
    with pytest.raises(InvalidRequest, match="`end` is 2026-12-01T07:30:00Z, which was already past"):
        create(table, **a_classroom(..., "07:00", "07:30"))


def test_more_attributes_than_can_be_checked_later_are_refused(table: FakeClassrooms) -> None:
    with pytest.raises(InvalidRequest, match="The body has 65 attributes; expected at most 64"):
        create(table, **a_classroom(...), **{f"a{number}": True for number in range(62)})


def test_what_is_the_schedulers_is_refused_by_name(table: FakeClassrooms) -> None:
    with pytest.raises(InvalidRequest, match="`status` is written by the scheduler; leave it out"):
        editing.replace("algebra-1", a_classroom(status="CANCELLED"), IfMatch(), table)


# --- replacing --------------------------------------------------------------------------------------------------------


def test_a_replacement_is_what_people_wrote_and_what_the_scheduler_had_written(table: FakeClassrooms) -> None:
    answered = editing.replace(
        "algebra-1", {"start": "2026-12-01T09:30:00Z", "end": "2026-12-01T10:30:00Z"}, IfMatch(), table
    )

    assert answered == item(table) == a_classroom(start="09:30", end="10:30", **SCHEDULERS)


def test_an_answer_that_comes_back_edited_is_no_mistake(table: FakeClassrooms) -> None:
    editing.replace("algebra-1", {**item(table), "teacher": "Grace", "status": "OLD NEWS"}, IfMatch(), table)

    assert item(table) == a_classroom(teacher="Grace", **SCHEDULERS)


def test_what_json_does_not_know_survives_its_way_through_json(table: FakeClassrooms) -> None:
    table.put(a_classroom(tags={"b", "a"}, photo=b"jpeg", seats=Decimal(3)))

    editing.replace(
        "algebra-1",
        a_classroom(tags=["a", "b"], photo="anBlZw==", seats=Decimal("3.0"), teacher="Ada"),
        IfMatch(),
        table,
    )

    assert item(table) == a_classroom(tags={"b", "a"}, photo=b"jpeg", seats=Decimal(3), teacher="Ada")


def test_a_replacement_that_changes_nothing_is_not_written(table: FakeClassrooms) -> None:
    editing.replace("algebra-1", a_classroom(teacher="Ada"), IfMatch(), table)

    assert table.writes == 0


def test_a_replacement_creates_nothing(table: FakeClassrooms) -> None:
    with pytest.raises(NotFound, match="There is no classroom algebra-9"):
        editing.replace("algebra-9", a_classroom("algebra-9"), IfMatch(), table)

    assert table.look("algebra-9") is None


def test_a_classroom_keeps_its_id(table: FakeClassrooms) -> None:
    with pytest.raises(InvalidRequest, match='`classroomId` is "algebra-2", but that of the address is algebra-1'):
        editing.replace("algebra-1", a_classroom("algebra-2"), IfMatch(), table)


def test_an_edit_at_the_same_moment_is_not_overwritten_unread(table: FakeClassrooms) -> None:
    read = etag(item(table))
    interfere(table, lambda: table.update_attributes("algebra-1", {"teacher": "Grace"}))

    with pytest.raises(HasChanged, match="no longer as you read it"):
        editing.replace("algebra-1", a_classroom(teacher="Ada", start="09:30"), IfMatch(read), table)

    assert item(table)["teacher"] == "Grace"


def test_without_a_precondition_the_last_edit_wins_whole(table: FakeClassrooms) -> None:
    interfere(table, lambda: table.update_attributes("algebra-1", {"teacher": "Grace", "room": "R1"}))

    editing.replace("algebra-1", a_classroom(teacher="Edith"), IfMatch(), table)

    assert item(table) == a_classroom(teacher="Edith", **SCHEDULERS)


def test_what_the_scheduler_writes_meanwhile_is_no_conflict(table: FakeClassrooms) -> None:
    read = etag(item(table))
    interfere(table, lambda: table.update_attributes("algebra-1", {"status": "RECORDING", "updatedAt": "later"}))

    editing.replace("algebra-1", a_classroom(teacher="Grace"), IfMatch(read), table)

    assert (item(table)["teacher"], item(table)["status"]) == ("Grace", "RECORDING")


def test_an_item_that_does_not_come_to_rest_is_given_up_on(table: FakeClassrooms) -> None:
    edits = [
        lambda number=number: table.update_attributes("algebra-1", {"teacher": f"T{number}"}) for number in range(9)
    ]
    interfere(table, *edits)

    with pytest.raises(ConcurrentUpdate, match="5 times"):
        editing.replace("algebra-1", a_classroom(teacher="Edith"), IfMatch(), table)


def test_an_item_with_more_attributes_than_a_condition_holds_is_not_replaced(table: FakeClassrooms) -> None:
    table.put(a_classroom(**{f"a{number}": True for number in range(62)}))

    with pytest.raises(NotReplaceable, match="has 65 attributes of people's"):
        editing.replace("algebra-1", a_classroom(), IfMatch(), table)


# --- deleting ---------------------------------------------------------------------------------------------------------


def test_a_deleted_classroom_is_gone_and_cannot_be_deleted_again(table: FakeClassrooms) -> None:
    editing.delete("algebra-1", IfMatch(), table)

    assert table.look("algebra-1") is None
    with pytest.raises(NotFound):
        editing.delete("algebra-1", IfMatch(), table)


def test_an_edit_at_the_same_moment_is_not_deleted_unread(table: FakeClassrooms) -> None:
    read = etag(item(table))
    interfere(table, lambda: table.update_attributes("algebra-1", {"teacher": "Grace"}))

    with pytest.raises(HasChanged):
        editing.delete("algebra-1", IfMatch(read), table)

    assert item(table)["teacher"] == "Grace"


def test_an_item_that_could_never_be_scheduled_can_be_read_and_deleted(table: FakeClassrooms) -> None:
    table.put({"classroomId": "saal ü/1"})

    assert editing.read("saal ü/1", table) == {"classroomId": "saal ü/1"}
    editing.delete("saal ü/1", IfMatch(), table)
    assert table.look("saal ü/1") is None


@pytest.mark.parametrize("impossible", ["", "a\0", "\n", "ü" * 1025, "\ud800"])
def test_an_id_that_no_item_can_have_is_not_found_without_asking(table: FakeClassrooms, impossible: str) -> None:
    table.unavailable = True

    with pytest.raises(NotFound):
        editing.read(impossible, table)


# --- ETags ------------------------------------------------------------------------------------------------------------


def test_an_etag_is_of_what_people_wrote_alone() -> None:
    assert etag(a_classroom(**SCHEDULERS)) == etag(a_classroom())
    assert etag(a_classroom(seats=Decimal("3.0"))) == etag(a_classroom(seats=Decimal(3)))
    assert etag(a_classroom(seats="3")) != etag(a_classroom(seats=Decimal(3)))
    assert etag(a_classroom(teacher="Ada")) != etag(a_classroom())


@pytest.mark.parametrize("header", [None, "*", " * ", "{}", '"other", {}', '{},"other"', '"", {}'])
def test_a_precondition_holds(header: str | None) -> None:
    IfMatch(None if header is None else header.format(etag(a_classroom()))).check(a_classroom())


@pytest.mark.parametrize("header", ['"other"', "W/{}", 'W/"a", "b"', '""'])
def test_a_precondition_does_not_hold(header: str) -> None:
    with pytest.raises(HasChanged):
        IfMatch(header.format(etag(a_classroom()))).check(a_classroom())


@pytest.mark.parametrize("header", ["", "abc", '"a" "b"', '"a', '*, "a"', ","])
def test_a_precondition_that_is_none_is_refused(header: str) -> None:
    with pytest.raises(InvalidRequest, match="`If-Match` is not a list of ETags"):
        IfMatch(header)
