"""The HTTP API over the wire: what is created there is really scheduled, and nobody gets in unsigned."""

import json
import secrets
from typing import Any
from urllib.parse import urljoin

import boto3
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from local.environment import ACCESS_KEY, REGION
from local.places import PROJECT
from local.stack import Deployment
from tests.e2e.api import Api, Signature
from tests.e2e.client import ALL_THREE, NATURAL, Client, seconds_from_now
from tests.waiting import eventually

DOCUMENT = json.loads((PROJECT / "src" / "classroom_scheduler" / "openapi.json").read_text())


@pytest.fixture(scope="module")
def api(stack: Deployment) -> Api:
    return Api(stack.api_url, Signature())


# --- a class ----------------------------------------------------------------------------------------------------------


def test_a_class_created_over_http_is_recorded(api: Api, client: Client) -> None:
    room = client.new_id("http")
    body = {
        "classroomId": room,
        "start": seconds_from_now(1),
        "end": seconds_from_now(NATURAL),
        "livePingDelay": 1,
        "seats": 30.5,
    }

    created = api.ask("POST", "/classroom/create", body)

    assert (created.status_code, created.json()) == (201, body)
    client.wait_for(room, "COMPLETED")
    read = api.ask("GET", f"/classrooms/{room}")
    assert (read.json()["status"], read.json()["seats"]) == ("COMPLETED", 30.5)
    assert read.headers["ETag"] == created.headers["ETag"], "the scheduler's writes are no edit"
    assert read.url == urljoin(created.url, created.headers["Location"])
    assert client.calls(room) == ALL_THREE


def test_a_class_rescheduled_over_http_is_moved_and_one_that_is_deleted_is_cancelled(api: Api, client: Client) -> None:
    room = api.ask("POST", "/classroom/create", {"start": seconds_from_now(600), "end": seconds_from_now(900)}).json()[
        "classroomId"
    ]
    first = client.wait_for(room, "SCHEDULED")
    answer = api.ask("GET", f"/classrooms/{room}")

    moved = {**answer.json(), "start": seconds_from_now(1200), "end": seconds_from_now(1800)}
    stale = {"If-Match": '"0123456789abcdef0123456789abcdef"'}
    assert api.ask("PUT", f"/classrooms/{room}", moved, headers=stale).status_code == 412
    assert api.ask("PUT", f"/classrooms/{room}", moved, headers={"If-Match": answer.headers["ETag"]}).status_code == 200

    second = client.wait_until(room, lambda item: item["executionName"] != first["executionName"])
    assert second["scheduled"]["start"] == moved["start"]
    client.wait_for_execution(first["executionName"], "ABORTED")

    assert api.ask("DELETE", f"/classrooms/{room}").status_code == 204
    client.wait_for_execution(second["executionName"], "ABORTED")
    assert api.ask("GET", f"/classrooms/{room}").status_code == 404


def test_a_day_is_listed_page_by_page(api: Api, client: Client) -> None:
    day = seconds_from_now(30 * 86_400)[:10]
    rooms = sorted(client.new_id("listed") for _ in range(3))
    for minute, room in enumerate(rooms):
        start, end = f"{day}T09:0{minute}:00Z", f"{day}T10:00:00Z"
        assert (
            api.ask("POST", "/classroom/create", {"classroomId": room, "start": start, "end": end}).status_code == 201
        )
        client.wait_for(room, "SCHEDULED")

    first = api.ask("GET", f"/classrooms?day={day}&limit=2&status=SCHEDULED").json()
    second = api.ask(
        "GET", "/classrooms", params={"day": day, "limit": 2, "status": "SCHEDULED", "next": first["next"]}
    ).json()

    assert [item["classroomId"] for item in first["classrooms"] + second["classrooms"]] == rooms
    foreign = api.ask("GET", "/classrooms", params={"day": "2026-01-01", "next": first["next"]})
    assert (foreign.status_code, foreign.json()["errors"][0]["field"]) == (400, "next")


def test_an_invocation_is_scheduled_once_and_cancelled(api: Api, stack: Deployment) -> None:
    states = stack.aws.stepfunctions
    body = {"name": "e2e-reminder", "invocationTime": seconds_from_now(600), "payload": {"to": "Ada"}}

    scheduled = api.ask("POST", "/invocations", body)

    assert scheduled.status_code == 202
    execution = states.describe_execution(executionArn=scheduled.json()["executionArn"])
    assert json.loads(execution["input"]) == {"invocationTime": body["invocationTime"], "payload": {"to": "Ada"}}
    assert api.ask("POST", "/invocations", {**body, "payload": 2}).status_code == 409
    assert api.ask("DELETE", "/invocations/e2e-reminder").status_code == 204
    eventually(
        lambda: states.describe_execution(executionArn=execution["executionArn"])["status"],
        lambda found: found == "ABORTED",
    )
    assert api.ask("DELETE", "/invocations/nobody").status_code == 404


# --- who gets in ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/classroom/create",
        "/classrooms?day=2026-12-01",
        "/classrooms/x",
        "/invocations",
        "/openapi.json",
        "/nothing",
        "/",
    ],
)
def test_nobody_gets_in_unsigned(stack: Deployment, path: str) -> None:
    unsigned = Api(stack.api_url, None)

    assert {unsigned.ask(method, path).status_code for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS")} == {403}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/nothing"),
        ("PATCH", "/nothing/at/all"),
        ("POST", "/classrooms"),
        ("OPTIONS", "/classrooms"),
    ],
)
def test_a_method_or_address_that_there_is_not_is_a_problem(api: Api, method: str, path: str) -> None:
    answer = api.ask(method, path)

    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["type"] == "urn:classroom-scheduler:problem:not-found"


@pytest.fixture(scope="module")
def reader_key(stack: Deployment) -> dict[str, str]:
    """The key of somebody who may only read."""
    session: Any = boto3.Session(ACCESS_KEY, ACCESS_KEY, region_name=REGION)
    iam = session.client("iam", endpoint_url=stack.aws.endpoint_url)
    name = f"reader-{secrets.token_hex(3)}"
    iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "arn:aws:execute-api:*:*:*/v1/GET/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName="Read", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"]}


def test_a_caller_may_do_what_its_policy_says_and_no_more(stack: Deployment, reader_key: dict[str, str]) -> None:
    reader = Api(stack.api_url, Signature(**reader_key))

    assert reader.ask("GET", "/classrooms/nobody").status_code == 404
    assert reader.ask("GET", "/openapi.json").status_code == 200
    assert reader.ask("DELETE", "/classrooms/nobody").status_code == 403
    assert reader.ask("POST", "/classroom/create", {"classroomId": "nobody"}).status_code == 403


def test_a_signature_with_another_key_is_refused(stack: Deployment, reader_key: dict[str, str]) -> None:
    forger = Api(stack.api_url, Signature(reader_key["access_key"], "another secret"))

    assert forger.ask("GET", "/openapi.json").status_code == 403


# --- anything at all --------------------------------------------------------------------------------------------------


# Not by schemathesis' own plugin, which does not work with pytest 9.
OPERATIONS = {
    found.ok().label: found.ok()
    for found in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()
    if isinstance(found, Ok)
}
RIGHT, WRONG = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
# An address takes anything, so that only bodies and queries can be against their schema.
KINDS = [(name, RIGHT) for name in OPERATIONS]
KINDS += [(name, WRONG) for name, operation in OPERATIONS.items() if operation.body or operation.query]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def test_the_document_is_served_as_it_is_kept(api: Api) -> None:
    assert api.ask("GET", "/openapi.json").json() == DOCUMENT


@pytest.mark.parametrize(("operation", "mode"), KINDS, ids=str)
def test_whatever_is_sent_is_answered_as_the_document_says(operation: str, mode: GenerationMode, api: Api) -> None:
    @given(OPERATIONS[operation].as_strategy(generation_mode=mode))
    @settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def anything(case: Case[Any]) -> None:
        response = case.call(base_url=api.url, auth=Signature(), timeout=30)
        if "x-amzn-errortype" in response.headers:
            # API Gateway's own answer, for which the emulator does not know our form.
            assert response.status_code in {403, 429}
        else:
            case.validate_response(response, checks=CHECKS)

    anything()
