"""One-time invocations: any payload, once, at a time to come."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from classroom_scheduler.http_api import invocations
from classroom_scheduler.http_api.api_errors import AlreadyExists, AlreadyOver, InvalidRequest, NotFound
from tests.builders import at, z
from tests.fakes import FakeInvocations

NOW = at("08:00")


@pytest.fixture
def machine() -> FakeInvocations:
    return FakeInvocations()


def schedule(machine: FakeInvocations, **body: Any) -> invocations.Invocation:
    whole = {"invocationTime": "2026-12-01T09:00:00Z", "payload": {"to": "Ada"}, "name": "remind-ada", **body}
    return invocations.schedule({key: each for key, each in whole.items() if each is not ...}, machine, "made-1", NOW)


def test_an_invocation_waits_for_its_time_in_utc_rounded_up(machine: FakeInvocations) -> None:
    scheduled = schedule(machine, invocationTime="2026-12-01T14:30:00.2+05:30", payload=[Decimal("1.50"), None])

    assert (scheduled.name, scheduled.time) == ("remind-ada", "2026-12-01T09:00:01Z")
    assert scheduled.arn.endswith(":remind-ada")
    assert json.loads(machine.requests["remind-ada"]) == {
        "invocationTime": "2026-12-01T09:00:01Z",
        "payload": [1.5, None],
    }


def test_an_invocation_without_a_name_is_given_one(machine: FakeInvocations) -> None:
    assert schedule(machine, name=...).name == "made-1"


def test_the_same_request_again_is_the_same_invocation(machine: FakeInvocations) -> None:
    assert schedule(machine) == schedule(machine)


def test_a_name_is_taken_by_another_payload_and_by_one_that_has_run(machine: FakeInvocations) -> None:
    schedule(machine)
    with pytest.raises(AlreadyExists, match="The name remind-ada is taken"):
        schedule(machine, payload="another")

    machine.statuses["remind-ada"] = "SUCCEEDED"
    with pytest.raises(AlreadyExists):
        schedule(machine)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"invocationTime": ...}, "`invocationTime` is missing; expected an RFC 3339 date-time"),
        ({"invocationTime": Decimal(5)}, "`invocationTime` is the number 5"),
        ({"invocationTime": "2026-12-01T09:00:00"}, '`invocationTime` is "2026-12-01T09:00:00"'),
        ({"invocationTime": z(NOW)}, "is already past; expected a time to come"),
        ({"invocationTime": z(NOW + timedelta(days=365))}, "expected at most 364 days from now, 2027-11-30T08:00:00Z"),
        ({"invocationTime": "9999-12-31T23:59:59.9Z"}, "expected an RFC 3339"),
        ({"payload": ...}, "`payload` is missing"),
        ({"payload": "x" * 262_144}, "`payload` makes an input of 262,198 bytes; expected at most 262,144"),
        ({"payload": "\0"}, "U+0000"),
        ({"name": ""}, "expected 1 to 80 of A-Z a-z 0-9 _ -"),
        ({"name": "a" * 81}, "of 81 characters"),
        ({"name": "a:b"}, '`name` is "a:b"'),
        ({"name": "ä"}, "`name`"),
        ({"name": None}, "`name` is missing"),
        ({"function": "other"}, "`function` is not known here; expected invocationTime, payload, name"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_wrong_is_said_and_nothing_is_started(
    machine: FakeInvocations, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        schedule(machine, **wrong)

    assert said in str(refused.value)
    assert len(refused.value.field_errors) == 1
    assert machine.statuses == {}


def test_the_largest_payload_is_taken(machine: FakeInvocations) -> None:
    schedule(machine, payload="x" * (262_144 - 54))

    assert len(machine.requests["remind-ada"].encode()) == 262_144


def test_all_that_is_wrong_is_said_at_once(machine: FakeInvocations) -> None:
    with pytest.raises(InvalidRequest) as refused:
        schedule(machine, invocationTime="soon", payload=..., name="a b")

    assert [wrong.field for wrong in refused.value.field_errors] == ["invocationTime", "name", "payload"]


def test_an_invocation_that_waits_is_cancelled_and_stays_so(machine: FakeInvocations) -> None:
    schedule(machine)

    invocations.cancel("remind-ada", machine)
    invocations.cancel("remind-ada", machine)

    assert machine.statuses == {"remind-ada": "ABORTED"}


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "TIMED_OUT"])
def test_an_invocation_that_has_run_cannot_be_cancelled(machine: FakeInvocations, status: str) -> None:
    machine.statuses["remind-ada"] = status

    with pytest.raises(AlreadyOver, match="has run already"):
        invocations.cancel("remind-ada", machine)


@pytest.mark.parametrize("name", ["unknown", "a:b", "", "a" * 81])
def test_an_invocation_that_is_not_there_is_not_found(machine: FakeInvocations, name: str) -> None:
    with pytest.raises(NotFound):
        invocations.cancel(name, machine)
