"""A day's classes, a page at a time, with tokens that lead from one page to the next."""

import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from classroom_scheduler.domain.item_codec import Item
from classroom_scheduler.http_api.api_errors import InvalidRequest
from classroom_scheduler.http_api.day_listing import Query, page, token_of
from classroom_scheduler.http_api.ports import Position
from tests.builders import a_classroom, at, z
from tests.fakes import FakeClassrooms

POSITION = {"classroomId": "algebra-1", "scheduledStart": "2026-12-01T09:00:00Z"}
DAY = Query("2026-12-01")


def a_day(*numbers: int, status: str = "SCHEDULED", **more: Any) -> list[dict[str, Any]]:
    return [
        a_classroom(
            f"class-{number:03}", day="2026-12-01", scheduledStart=z(at(f"09:{number:02}")), status=status, **more
        )
        for number in numbers
    ]


class CountingClassrooms(FakeClassrooms):
    """Keeps how many items each query may have read."""

    def __init__(self, *items: Item) -> None:
        super().__init__(*items)
        self.asked_for: list[int] = []

    def of_day(
        self, day: str, *, status: str | None, limit: int, after: Position | None
    ) -> tuple[Sequence[Item], Position | None]:
        self.asked_for.append(limit)
        return super().of_day(day, status=status, limit=limit, after=after)


def ids(query: Query, table: FakeClassrooms) -> list[list[str]]:
    """The ids on each page, from the first to the last."""
    pages, after = [], None
    while True:
        items, after = page(replace(query, after=after), table)
        pages.append([item["classroomId"] for item in items])
        if after is None:
            return pages


def test_a_day_is_listed_in_order_of_start_a_page_at_a_time() -> None:
    table = FakeClassrooms(
        *a_day(3, 1, 2), a_classroom("other", day="2026-12-02", scheduledStart="2026-12-02T09:00:00Z")
    )

    assert ids(Query("2026-12-01", limit=2), table) == [["class-001", "class-002"], ["class-003"]]


def test_a_page_of_a_rare_status_is_full_where_there_are_enough() -> None:
    table = FakeClassrooms(*a_day(*range(50)), *a_day(50, 51, 52, status="FAILED"))

    pages = ids(Query("2026-12-01", "FAILED", 2), table)

    assert pages == [["class-050", "class-051"], ["class-052"]]


def test_pages_of_large_classes_are_cut_before_they_are_too_large_to_answer() -> None:
    table = FakeClassrooms(*a_day(*range(6), notes="x" * 250_000))

    assert [len(each) for each in ids(DAY, table)] == [2, 2, 2]


@pytest.mark.parametrize(
    ("parameters", "fields"),
    [
        ({}, ["day"]),
        ({"day": ["today"]}, ["day"]),
        ({"day": ["2026-02-30"]}, ["day"]),
        ({"day": ["20261201"]}, ["day"]),
        ({"day": ["2026-12-01T00:00:00Z"]}, ["day"]),
        ({"day": ["2026-12-01", "2026-12-02"]}, ["day"]),
        ({"day": ["2026-12-01"], "status": ["scheduled"]}, ["status"]),
        ({"day": ["2026-12-01"], "limit": ["0"]}, ["limit"]),
        ({"day": ["2026-12-01"], "limit": ["101"]}, ["limit"]),
        ({"day": ["2026-12-01"], "limit": ["1e1"]}, ["limit"]),
        ({"day": ["2026-12-01"], "limit": ["٣"]}, ["limit"]),
        ({"day": ["2026-12-01"], "statsu": ["FAILED"]}, ["statsu"]),
        ({"status": ["no"], "limit": ["-1"], "page": ["2"]}, ["page", "day", "status", "limit"]),
    ],
)
def test_what_is_wrong_with_a_query_is_named(parameters: dict[str, list[str]], fields: list[str]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        Query.read(parameters)

    assert [wrong.field for wrong in refused.value.field_errors] == fields


def test_a_query_is_read() -> None:
    assert Query.read({"day": ["2026-12-01"]}) == Query("2026-12-01", None, 50, None)
    assert Query.read({"day": ["2026-12-01"], "status": ["FAILED"], "limit": ["7"]}) == Query("2026-12-01", "FAILED", 7)


@pytest.mark.parametrize("query", [Query("2026-12-01", limit=1), Query("2026-12-01", "FAILED", 1)], ids=str)
def test_a_request_reads_at_most_100_items_however_rare_the_status_is(query: Query) -> None:
    table = CountingClassrooms(*a_day(*range(250)), *a_day(250, status="FAILED"))

    items, after = page(query, table)

    assert table.asked_for <= [100]
    assert len(items) <= 1
    assert after is not None


# --- tokens -----------------------------------------------------------------------------------------------------------


def read(token: str, day: str = "2026-12-01") -> Query:
    return Query.read({"day": [day], "next": [token]})


@pytest.mark.parametrize("room", ["algebra-1", "Saal ü/1", "a" * 2048, '"\\'], ids=lambda room: room[:10])
def test_a_token_leads_to_where_its_page_ended_whatever_stands_there(room: str) -> None:
    """The index holds whatever people wrote as a key, and a page may end there."""
    position = {"classroomId": room, "scheduledStart": "soon"}

    assert read(token_of(position, DAY)).after == position


def test_a_token_is_of_one_day() -> None:
    with pytest.raises(InvalidRequest, match="expected the one that an answer gave for this day"):
        read(token_of(POSITION, DAY), "2026-12-02")


def encoded(content: str) -> str:
    return base64.urlsafe_b64encode(content.encode()).decode()


@pytest.mark.parametrize(
    "token",
    [
        *("", "a", "äöü", "????", "e30", "x" * 10_000, base64.urlsafe_b64encode(bytes(64)).decode()),
        *(encoded(each) for each in ("5", "null", "[]", '["2026-12-01"]', '["2026-12-01", "", "algebra-1"]')),
        *(encoded(each) for each in ('["2026-12-01", 5, "algebra-1"]', '["2026-12-01", "x", "y", "z"]')),
        encoded('["2026-12-01", "x", "\\ud800"]'),
        encoded('["2026-12-01", "x", "' + "a" * 2049 + '"]'),
        encoded("[" * 5000),
        encoded('{"2026-12-01": 1, "x": 2, "y": 3}') + "!",
    ],
    ids=lambda token: token[:20],
)
def test_a_token_of_another_shape_is_refused(token: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(token)

    assert [wrong.field for wrong in refused.value.field_errors] == ["next"]
