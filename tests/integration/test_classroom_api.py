"""The function behind the HTTP API, on a table and a machine of moto: what is wrong is said, and not done."""

import base64
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from classroom_scheduler.handlers import classroom_api
from classroom_scheduler.handlers.classroom_api import page_token_key
from classroom_scheduler.http_api import editing
from classroom_scheduler.http_api.etags import etag
from tests.builders import a_classroom, an_api_request
from tests.integration.day import Day

CLASS = a_classroom(teacher="Ada")


class Answer:
    """An answer as API Gateway passes it on."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.status: int = raw["statusCode"]
        self.headers = {name.lower(): values[0] for name, values in raw["multiValueHeaders"].items()}
        self.text: str = raw["body"]
        assert raw["isBase64Encoded"] is False

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def fields(self) -> list[str]:
        """The fields that a problem names."""
        return [error["field"] for error in self.json["errors"]]


def ask(day: Day, method: str, path: str, body: Any = None, **more: Any) -> Answer:
    return Answer(day.invoke("ClassroomApi", an_api_request(method, path, body, **more), "08:00"))


def is_problem(answer: Answer, status: int, kind: str) -> bool:
    """Whether this is a problem as RFC 9457 has it, with all that ours have."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json["status"] == answer.status
    assert answer.json["instance"] == "urn:uuid:c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
    assert answer.json["title"]
    assert answer.json["detail"].endswith(".")
    assert all(error["message"] for error in answer.json.get("errors", ()))
    return (answer.status, answer.json["type"]) == (status, f"urn:classroom-scheduler:problem:{kind}")


@pytest.fixture
def nothing_is_written(day: Day) -> Iterator[None]:
    """The table is after the test as before: it holds algebra-1."""
    day.put(CLASS)
    yield
    assert day.account.table_client.scan(TableName="Classrooms")["Count"] == 1
    assert day.item() == CLASS
    assert day.account.executions() == {}


# --- a class ----------------------------------------------------------------------------------------------------------


def test_a_class_is_created_read_rescheduled_and_deleted(day: Day) -> None:
    created = ask(day, "POST", "/classroom/create", a_classroom(seats=30.5))
    assert (created.status, created.headers["location"]) == (201, "../classrooms/algebra-1")
    assert created.json == json.loads(json.dumps(a_classroom(seats=30.5)))

    read = ask(day, "GET", "/classrooms/algebra-1")
    assert (read.status, read.json) == (200, created.json)
    assert read.headers["etag"] == created.headers["etag"] == etag(day.item())

    moved = ask(day, "PUT", "/classrooms/algebra-1", a_classroom(start="09:30"), if_match=read.headers["etag"])
    assert (moved.status, day.item()) == (200, a_classroom(start="09:30"))
    assert moved.headers["etag"] == etag(day.item())

    late = ask(day, "DELETE", "/classrooms/algebra-1", if_match=read.headers["etag"])
    assert is_problem(late, 412, "has-changed")

    assert ask(day, "DELETE", "/classrooms/algebra-1", if_match=moved.headers["etag"]).status == 204
    assert is_problem(ask(day, "GET", "/classrooms/algebra-1"), 404, "not-found")


def test_a_class_without_an_id_is_given_one_that_an_execution_name_can_have(day: Day) -> None:
    created = ask(day, "POST", "/classroom/create", a_classroom(...))

    assert created.status == 201
    assert day.item(created.json["classroomId"])["start"] == CLASS["start"]


@pytest.mark.usefixtures("nothing_is_written")
def test_an_id_that_is_taken_is_said(day: Day) -> None:
    assert is_problem(ask(day, "POST", "/classroom/create", a_classroom(teacher="Grace")), 409, "already-exists")


@pytest.mark.usefixtures("nothing_is_written")
def test_a_classroom_that_is_not_there_is_not_made_by_replacing_or_deleting_it(day: Day) -> None:
    for if_match in ({}, {"if_match": "*"}, {"if_match": '"old"'}):
        assert is_problem(ask(day, "PUT", "/classrooms/algebra-9", a_classroom(...), **if_match), 404, "not-found")
        assert is_problem(ask(day, "DELETE", "/classrooms/algebra-9", **if_match), 404, "not-found")


def test_the_scheduler_is_not_disturbed_by_an_answer_that_comes_back(day: Day) -> None:
    record = day.put(CLASS)
    assert day.deliver(record, at_time="07:00") == []
    scheduled = day.item()

    answer = ask(
        day, "PUT", "/classrooms/algebra-1", {**ask(day, "GET", "/classrooms/algebra-1").json, "teacher": "Grace"}
    )

    assert (answer.status, answer.json["status"]) == (200, "SCHEDULED")
    assert day.item() == {**scheduled, "teacher": "Grace"}


@pytest.mark.usefixtures("nothing_is_written")
def test_all_that_is_wrong_is_named_with_its_value(day: Day) -> None:
    wrong = {"classroomId": "algebra 2", "start": "tomorrow", "end": 5, "livePingDelay": -1, "status": "NEW"}
    answer = ask(day, "POST", "/classroom/create", wrong)

    assert is_problem(answer, 400, "invalid-request")
    assert {error["field"]: error["value"] for error in answer.json["errors"]} == wrong
    messages = {error["field"]: error["message"] for error in answer.json["errors"]}
    assert messages["livePingDelay"] == (
        "`livePingDelay` is the number -1; expected a whole number of seconds from 0 to 86400."
    )


BAD_BODIES = {
    "no JSON": "{",
    "empty": "",
    "an array": "[]",
    "NaN": '{"start": NaN}',
    "a name twice": '{"start": "a", "start": "b"}',
    "nested without end": "[" * 200_000,
    "nested in an object without end": '{"a":' * 100_000,
    "nested too deep": json.dumps({**CLASS, "notes": json.loads("[" * 40 + "]" * 40)}),
    "an empty name": json.dumps({**CLASS, "notes": {"": 1}}),
    "an attribute without name": json.dumps({**CLASS, "": 1}),
    "a null character": json.dumps({**CLASS, "notes": "\0"}),
    "a null character as a name": json.dumps({**CLASS, "\0": 1}),
    "half a character": json.dumps({**CLASS, "notes": "\ud800"}),
    "half a character as a name": json.dumps({**CLASS, "\ud800": 1}),
    "half a character as a time": json.dumps({**CLASS, "start": "\ud800"}),
    "39 digits": json.dumps({**CLASS, "notes": 10**38 + 1}),
    "a huge number": '{"notes": 1e400}',
    "a number without end": '{"notes": 1e99999999999999999999999}',
    "many digits": '{"notes": ' + "9" * 10_000 + "}",
    "too many attributes": json.dumps({**CLASS, **{f"a{number}": 1 for number in range(100)}}),
    "too large an item": json.dumps({**CLASS, "notes": "x" * 300_000}),
}
TIMES: list[Any] = [
    *(
        "",
        "tomorrow",
        "2026-12-01",
        "2026-12-01T09:00:00",
        "2026-12-01 09:00:00Z",
        "2026-12-01T09:00Z",
        "2026-12-01T25:00:00Z",
    ),
    *("2026-02-30T09:00:00Z", "2026-12-01T09:00:60Z", "2026-12-01T09:00:00+24:00", "9999-12-31T23:59:59.9Z"),
    *("0000-01-01T00:00:00Z", "-2026-12-01T09:00:00Z", "1796115600", "٢٠٢٦-12-01T09:00:00Z", "2026-12-01T09:00:00Z\n"),
    *(None, True, 1796115600, 1.5, [], {}, ["2026-12-01T09:00:00Z"]),
]


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/classroom/create"), ("PUT", "/classrooms/algebra-1"), ("POST", "/invocations")]
)
def test_a_body_that_cannot_be_kept_is_refused(day: Day, method: str, path: str, body: str) -> None:
    answer = ask(day, method, path, body)

    assert is_problem(answer, 400, "invalid-request")
    answer.text.encode()


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize("field", ["start", "end"])
@pytest.mark.parametrize("time", TIMES, ids=repr)
def test_a_time_of_any_other_shape_is_refused(day: Day, field: str, time: Any) -> None:
    for method, path in (("POST", "/classroom/create"), ("PUT", "/classrooms/algebra-1")):
        answer = ask(day, method, path, {**CLASS, "classroomId": "algebra-1", field: time})

        assert is_problem(answer, 400, "invalid-request")
        assert answer.fields == [field]


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize("time", [*TIMES, "2026-12-01T07:59:59Z", "2027-12-01T08:00:01Z"], ids=repr)
def test_an_invocation_at_no_possible_time_is_refused(day: Day, time: Any) -> None:
    answer = ask(day, "POST", "/invocations", {"invocationTime": time, "payload": 1})

    assert is_problem(answer, 400, "invalid-request")
    assert answer.fields == ["invocationTime"]


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
        "json",
        "é",
        'a/b; c="',
        ";;;",
    ],
)
def test_a_body_that_is_not_declared_as_json_is_refused(day: Day, content_type: str) -> None:
    answer = ask(day, "POST", "/classroom/create", a_classroom("algebra-2"), content_type=content_type)

    assert is_problem(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    "content_type", ["Application/JSON", "application/json; charset=UTF-8", "application/merge-patch+json"]
)
def test_json_may_be_declared_in_other_ways(day: Day, content_type: str) -> None:
    assert ask(day, "POST", "/classroom/create", CLASS, content_type=content_type).status == 201


@pytest.mark.usefixtures("nothing_is_written")
def test_a_body_beyond_what_can_be_kept_is_not_even_read(day: Day) -> None:
    answer = ask(day, "POST", "/classroom/create", {**CLASS, "notes": "x" * 524_288})

    assert is_problem(answer, 413, "too-large")
    assert "expected at most 524,288" in answer.json["detail"]


def test_a_body_in_base64_is_the_same_body(day: Day) -> None:
    request = an_api_request("POST", "/classroom/create", {**CLASS, "teacher": "Zoë"})
    request |= {"body": base64.b64encode(request["body"].encode()).decode(), "isBase64Encoded": True}

    assert Answer(day.invoke("ClassroomApi", request, "08:00")).status == 201
    assert day.item()["teacher"] == "Zoë"


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize("body", ["%%%", base64.b64encode(b"\xff\xfe{}").decode(), "é"])
def test_a_body_that_is_not_the_base64_it_is_said_to_be_is_refused(day: Day, body: str) -> None:
    request = an_api_request("POST", "/classroom/create", body) | {"isBase64Encoded": True}

    assert is_problem(Answer(day.invoke("ClassroomApi", request, "08:00")), 400, "invalid-request")


def test_a_number_comes_back_with_every_digit(day: Day) -> None:
    text = json.dumps(CLASS)[:-1] + ', "exact": 0.1234567890123456789012345678901234567, "large": 12345678901234567890}'

    assert ask(day, "POST", "/classroom/create", text).status == 201

    read = ask(day, "GET", "/classrooms/algebra-1").text
    assert '"exact":0.1234567890123456789012345678901234567' in read
    assert '"large":12345678901234567890' in read


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize(
    "path",
    [
        *(
            "/",
            "/classroom",
            "/classroom/create/now",
            "/classrooms/a/b",
            "/classrooms/%00",
            "/classrooms/%0a",
            "/nothing",
        ),
        *(
            "/classrooms/" + "a" * 3000,
            "/classrooms/%ff",
            "/classrooms/ü%2F",
            "/classrooms/a%252F",
            '/classrooms/a"b\\',
        ),
        *("/classrooms/..%2f", "/invocations/a%3Ab", "/invocations/a/b", "/classrooms/%ed%a0%80"),
    ],
    ids=lambda path: path[:30],
)
def test_an_address_that_leads_nowhere_is_not_found(day: Day, path: str) -> None:
    method = "DELETE" if path.startswith("/invocations") else "GET"

    assert is_problem(ask(day, method, path), 404, "not-found")


def test_any_item_can_be_read_and_deleted_whatever_its_id(day: Day) -> None:
    day.put({"classroomId": "Saal ü/1", "start": "soon"})

    for path in ("/classrooms/Saal%20%C3%BC%2F1",):
        assert ask(day, "GET", path).json == {"classroomId": "Saal ü/1", "start": "soon"}
        assert is_problem(ask(day, "PUT", path, a_classroom(...)), 400, "invalid-request")
        assert ask(day, "DELETE", path).status == 204


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/classroom/create", "POST"),
        ("POST", "/classrooms", "GET"),
        ("PATCH", "/classrooms/algebra-1", "DELETE, GET, PUT"),
        ("HEAD", "/classrooms/algebra-1", "DELETE, GET, PUT"),
        ("GET", "/invocations", "POST"),
        ("GET", "/invocations/a", "DELETE"),
        ("DELETE", "/openapi.json", "GET"),
        ("OPTIONS", "/classrooms", "GET"),
    ],
)
def test_a_method_that_an_address_does_not_know_is_told_which_it_does(
    day: Day, method: str, path: str, allowed: str
) -> None:
    answer = ask(day, method, path)

    assert is_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == allowed


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize("if_match", ["", "abc", '"a', '"a" "b"', "é"])
def test_a_precondition_that_is_none_is_refused(day: Day, if_match: str) -> None:
    assert ask(day, "DELETE", "/classrooms/algebra-1", if_match=if_match).fields == ["If-Match"]
    assert ask(day, "PUT", "/classrooms/algebra-1", a_classroom(), if_match=if_match).fields == ["If-Match"]


def test_the_document_is_served_as_it_is(day: Day) -> None:
    answer = ask(day, "GET", "/openapi.json")

    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json["openapi"] == "3.1.0"


# --- a day's list -----------------------------------------------------------------------------------------------------


@pytest.fixture
def week(day: Day) -> Day:
    records = [day.put(a_classroom(f"room-{number}", f"09:0{number}", "10:00", photo=b"jpeg")) for number in range(5)]
    records.append(day.put(a_classroom("tomorrow", "2026-12-02T09:00:00Z", "2026-12-02T10:00:00Z")))
    assert day.deliver(*records, at_time="07:00") == []
    return day


def listed(today: Day, at_time: str = "08:00", /, **query: str) -> Answer:
    request = an_api_request("GET", "/classrooms", query={name: [value] for name, value in query.items()})
    return Answer(today.invoke("ClassroomApi", request, at_time))


def test_a_day_is_listed_page_by_page(week: Day) -> None:
    ids: list[list[str]] = []
    token: dict[str, str] = {}
    while True:
        page = listed(week, day="2026-12-01", limit="2", **token)
        assert page.status == 200
        ids.append([item["classroomId"] for item in page.json["classrooms"]])
        if "next" not in page.json:
            break
        token = {"next": page.json["next"]}

    assert ids == [["room-0", "room-1"], ["room-2", "room-3"], ["room-4"]]


def test_a_day_is_listed_by_status(week: Day) -> None:
    week.account.put({**week.item("room-3"), "status": "FAILED"})

    assert [item["classroomId"] for item in listed(week, day="2026-12-01", status="FAILED").json["classrooms"]] == [
        "room-3"
    ]
    assert listed(week, day="2026-12-03").json == {"classrooms": []}


@pytest.mark.parametrize(
    "other", [{"day": "2026-12-02"}, {"status": "SCHEDULED"}, {"limit": "3"}, {"next": "e30"}, {"next": ""}], ids=str
)
def test_a_token_that_is_not_of_this_query_is_refused(week: Day, other: dict[str, str]) -> None:
    query = {"day": "2026-12-01", "limit": "2"}
    token = listed(week, **query).json["next"]

    answer = listed(week, **{**query, "next": token, **other})

    assert is_problem(answer, 400, "invalid-request")
    assert answer.fields == ["next"]


def test_a_token_that_is_too_old_is_refused(week: Day) -> None:
    query = {"day": "2026-12-01", "limit": "2"}

    answer = listed(week, "09:00:01", **query, next=listed(week, "08:00", **query).json["next"])

    assert is_problem(answer, 400, "invalid-request")
    assert "older than 60 minutes" in answer.json["detail"]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({}, ["day"]),
        ({"day": "today", "status": "GONE", "limit": "many", "offset": "2"}, ["offset", "day", "status", "limit"]),
        ({"day": "\0"}, ["day"]),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_query_is_named(day: Day, query: dict[str, str], fields: list[str]) -> None:
    answer = listed(day, **query)

    assert is_problem(answer, 400, "invalid-request")
    assert answer.fields == fields


# --- invocations ------------------------------------------------------------------------------------------------------

REMINDER = {"name": "remind-ada", "invocationTime": "2026-12-01T09:55:00+01:00", "payload": {"to": "Ada", "of": 1.5}}


def test_an_invocation_is_scheduled_and_cancelled(day: Day) -> None:
    scheduled = ask(day, "POST", "/invocations", REMINDER)

    assert scheduled.status == 202
    assert scheduled.json == {
        "name": "remind-ada",
        "invocationTime": "2026-12-01T08:55:00Z",
        "executionArn": day.account.arn_of("remind-ada"),
    }
    assert json.loads(day.account.input_of("remind-ada"))["payload"] == {"to": "Ada", "of": 1.5}
    assert ask(day, "POST", "/invocations", REMINDER).status == 202, "the same again is the same"
    assert is_problem(ask(day, "POST", "/invocations", {**REMINDER, "payload": 2}), 409, "already-exists")

    assert ask(day, "DELETE", "/invocations/remind-ada").status == 204
    assert ask(day, "DELETE", "/invocations/remind-ada").status == 204
    assert day.account.executions() == {"remind-ada": "ABORTED"}
    assert is_problem(ask(day, "POST", "/invocations", REMINDER), 409, "already-exists")


def test_an_invocation_without_a_name_is_given_one(day: Day) -> None:
    name = ask(day, "POST", "/invocations", {**REMINDER, "name": "x"} | {"payload": None}).json["name"]

    assert day.account.executions() == {name: "RUNNING"}


def test_an_invocation_that_is_not_there_is_not_found(day: Day) -> None:
    assert is_problem(ask(day, "DELETE", "/invocations/nobody"), 404, "not-found")


# --- when AWS is out of order -----------------------------------------------------------------------------------------

CALLS: dict[str, tuple[str, Callable[[Day], Answer]]] = {
    "create": ("PutItem", partial(ask, method="POST", path="/classroom/create", body=a_classroom("algebra-2"))),
    "read": ("GetItem", partial(ask, method="GET", path="/classrooms/algebra-1")),
    "replace": (
        "UpdateItem",
        partial(ask, method="PUT", path="/classrooms/algebra-1", body=a_classroom(teacher="Eve")),
    ),
    "delete": ("DeleteItem", partial(ask, method="DELETE", path="/classrooms/algebra-1")),
    "list": ("Query", partial(ask, method="GET", path="/classrooms", query={"day": ["2026-12-01"]})),
    "schedule": ("StartExecution", partial(ask, method="POST", path="/invocations", body=REMINDER)),
    "cancel": ("DescribeExecution", partial(ask, method="DELETE", path="/invocations/remind-ada")),
}


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerError", "AccessDeniedException"])
def test_aws_out_of_order_is_told_as_such_and_nothing_else_of_it(day: Day, call: str, code: str) -> None:
    operation, request = CALLS[call]
    day.account.will(operation, code)

    answer = request(day)

    assert is_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "5"
    assert not [word for word in (code, operation, "arn:", "Classrooms", "as the test") if word in answer.text]
    assert code in day.logged("request not carried out")[0]["reason"]


def test_a_secret_that_cannot_be_read_is_no_empty_page(week: Day) -> None:
    page_token_key.cache_clear()
    week.account.will("GetSecretValue", "InternalServiceError")

    assert is_problem(listed(week, day="2026-12-01", limit="1"), 503, "unavailable")


@pytest.mark.usefixtures("nothing_is_written")
def test_an_item_that_dynamodb_refuses_all_the_same_is_no_mistake_of_ours(day: Day) -> None:
    day.account.will("PutItem", "ValidationException")

    answer = ask(day, "POST", "/classroom/create", a_classroom("algebra-2"))

    assert is_problem(answer, 400, "not-writable")
    assert "as the test asked" not in answer.text


@pytest.mark.usefixtures("nothing_is_written")
def test_a_mistake_of_ours_is_logged_and_not_told(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("a secret thing")

    monkeypatch.setattr(editing, "read", broken)

    answer = ask(day, "GET", "/classrooms/algebra-1")

    assert is_problem(answer, 500, "internal-error")
    assert "secret" not in answer.text
    assert "a secret thing" in day.logged("request failed")[0]["exception"]
    assert day.counted()["ApiFailed"] == 1


# --- web pages --------------------------------------------------------------------------------------------------------


@pytest.fixture
def pages_may_call(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CORS_ORIGINS", "https://school.example,https://admin.school.example")
    classroom_api._app.cache_clear()
    yield
    classroom_api._app.cache_clear()


@pytest.mark.usefixtures("pages_may_call")
@pytest.mark.parametrize("origin", ["https://school.example", "https://admin.school.example"])
def test_a_page_of_a_given_origin_may_call(day: Day, origin: str) -> None:
    preflight = ask(day, "OPTIONS", "/classrooms/algebra-1", origin=origin)
    refused = ask(day, "GET", "/classrooms/algebra-1", origin=origin)

    assert (preflight.status, preflight.headers["access-control-allow-origin"]) == (204, origin)
    assert "PUT" in preflight.headers["access-control-allow-methods"]
    assert "If-Match" in preflight.headers["access-control-allow-headers"]
    assert is_problem(refused, 404, "not-found")
    assert refused.headers["access-control-allow-origin"] == origin
    assert "ETag" in refused.headers["access-control-expose-headers"]


@pytest.mark.usefixtures("pages_may_call")
def test_a_page_of_another_origin_may_not(day: Day) -> None:
    preflight = ask(day, "OPTIONS", "/classrooms", origin="https://elsewhere.example")

    assert "access-control-allow-origin" not in preflight.headers


def test_no_page_may_call_unless_it_was_given(day: Day) -> None:
    day.put(CLASS)

    answer = ask(day, "GET", "/classrooms/algebra-1", origin="https://school.example")

    assert answer.status == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]
