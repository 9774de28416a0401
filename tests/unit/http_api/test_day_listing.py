"""A day's classes, a page at a time, with tokens that are good for an hour and for one query."""

import base64
from datetime import timedelta
from typing import Any

import pytest

from classroom_scheduler.http_api.api_errors import InvalidRequest
from classroom_scheduler.http_api.day_listing import Query, page
from classroom_scheduler.http_api.page_tokens import LIFETIME, seal, unseal
from classroom_scheduler.http_api.ports import Position
from tests.builders import a_classroom, at, z
from tests.fakes import FakeClassrooms

KEY = "a key of 44 characters"
POSITION = {"classroomId": "algebra-1", "scheduledStart": "2026-12-01T09:00:00Z"}
DAY = Query("2026-12-01")


def a_day(*numbers: int, status: str = "SCHEDULED", **more: Any) -> list[dict[str, Any]]:
    return [
        a_classroom(
            f"class-{number:03}", day="2026-12-01", scheduledStart=z(at(f"09:{number:02}")), status=status, **more
        )
        for number in numbers
    ]


def ids(query: Query, table: FakeClassrooms) -> list[list[str]]:
    """The ids on each page, from the first to the last."""
    pages, after = [], None
    while True:
        items, after = page(query, after, table)
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
    assert Query.read({"day": ["2026-12-01"], "status": ["FAILED"], "limit": ["7"], "next": ["t"]}) == Query(
        "2026-12-01", "FAILED", 7, "t"
    )


# --- tokens -----------------------------------------------------------------------------------------------------------


def opened(token: str, query: Query = DAY, key: str = KEY, after: timedelta = timedelta(0)) -> Position | None:
    return unseal(Query(query.day, query.status, query.limit, token), key, at("08:00") + after)


def test_a_token_leads_to_where_its_page_ended() -> None:
    assert opened(seal(POSITION, DAY, KEY, at("08:00")), after=LIFETIME) == POSITION


@pytest.mark.parametrize(
    "query", [Query("2026-12-02"), Query("2026-12-01", "FAILED"), Query("2026-12-01", limit=51)], ids=str
)
def test_a_token_is_of_one_query(query: Query) -> None:
    with pytest.raises(InvalidRequest, match="`next` does not belong to this query"):
        opened(seal(POSITION, DAY, KEY, at("08:00")), query)


def test_a_token_is_of_one_key() -> None:
    with pytest.raises(InvalidRequest, match="does not belong"):
        opened(seal(POSITION, DAY, KEY, at("08:00")), key="another key")


def test_a_token_grows_old() -> None:
    with pytest.raises(InvalidRequest, match="`next` is older than 60 minutes; start again"):
        opened(seal(POSITION, DAY, KEY, at("08:00")), after=LIFETIME + timedelta(seconds=1))


@pytest.mark.parametrize(
    "token", ["", "a", "äöü", "????", "e30", "x" * 10_000, base64.urlsafe_b64encode(bytes(64)).decode()]
)
def test_a_token_cannot_be_made_up(token: str) -> None:
    with pytest.raises(InvalidRequest, match="does not belong"):
        opened(token)


def test_no_character_of_a_token_can_be_changed() -> None:
    token = seal(POSITION, DAY, KEY, at("08:00"))
    last_but_padding = len(token) - 1
    for number in range(0, last_but_padding, 7):
        forged = token[:number] + ("A" if token[number] != "A" else "B") + token[number + 1 :]
        with pytest.raises(InvalidRequest):
            opened(forged)
