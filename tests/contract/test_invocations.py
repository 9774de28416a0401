"""What the HTTP API may rely on of the one-time scheduler's executions: the adapter and the fake promise the same."""

from collections.abc import Callable
from typing import Protocol

import boto3
import pytest

from classroom_scheduler.adapters.invocations import StateMachineInvocations
from classroom_scheduler.domain.errors import ServiceUnavailable
from classroom_scheduler.http_api.ports import Invocations, NameTaken
from tests.aws import MACHINE_ARN, Account
from tests.fakes import FakeInvocations

REQUEST = '{"invocationTime":"2026-12-01T09:00:00Z","payload":{"to":"Ada"}}'


class Machine(Protocol):
    """The executions as tests see them, and the port to them."""

    @property
    def invocations(self) -> Invocations: ...
    def request_of(self, name: str) -> str: ...
    def fail(self) -> None:
        """Let the next calls fail as when Step Functions is out of order."""


class Fake:
    def __init__(self) -> None:
        self.invocations = FakeInvocations()

    def request_of(self, name: str) -> str:
        return self.invocations.requests[name]

    def fail(self) -> None:
        self.invocations.unavailable = True


class Real:
    def __init__(self, account: Account) -> None:
        self._account = account
        self.invocations = StateMachineInvocations(MACHINE_ARN)
        self.request_of = account.input_of

    def fail(self) -> None:
        for operation in ("StartExecution", "DescribeExecution", "StopExecution"):
            self._account.will(operation, "ThrottlingException")


@pytest.fixture(params=["fake", "machine"])
def machine(request: pytest.FixtureRequest) -> Machine:
    return Fake() if request.param == "fake" else Real(request.getfixturevalue("account"))


def test_an_invocation_is_started_with_what_it_was_given(machine: Machine) -> None:
    arn = machine.invocations.start("remind-ada", REQUEST)

    assert arn.endswith(":remind-ada")
    assert machine.request_of("remind-ada") == REQUEST
    assert machine.invocations.status("remind-ada") == "RUNNING"


def test_the_same_again_is_answered_the_same_while_it_runs(machine: Machine) -> None:
    assert machine.invocations.start("remind-ada", REQUEST) == machine.invocations.start("remind-ada", REQUEST)


def test_a_name_is_taken_by_another_request(machine: Machine) -> None:
    machine.invocations.start("remind-ada", REQUEST)

    with pytest.raises(NameTaken):
        machine.invocations.start("remind-ada", REQUEST.replace("Ada", "Grace"))


def test_a_name_stays_taken_when_it_is_over(machine: Machine) -> None:
    machine.invocations.start("remind-ada", REQUEST)
    machine.invocations.stop("remind-ada")

    assert machine.invocations.status("remind-ada") == "ABORTED"
    with pytest.raises(NameTaken):
        machine.invocations.start("remind-ada", REQUEST)


def test_an_invocation_that_was_never_started_has_no_status(machine: Machine) -> None:
    assert machine.invocations.status("remind-ada") is None


def test_an_execution_says_that_it_was_cancelled(account: Account) -> None:
    StateMachineInvocations(MACHINE_ARN).start("remind-ada", REQUEST)
    account.calls.clear()
    account.requests.clear()

    StateMachineInvocations(MACHINE_ARN).stop("remind-ada")

    (request,) = account.sent("StopExecution")
    assert (request["error"], request["cause"]) == ("Cancelled", "Cancelled by way of the HTTP API.")
    assert (
        boto3.client("stepfunctions").describe_execution(executionArn=account.arn_of("remind-ada"))["status"]
        == "ABORTED"
    )


@pytest.mark.parametrize(
    "call",
    [
        lambda invocations: invocations.start("remind-ada", REQUEST),
        lambda invocations: invocations.status("remind-ada"),
        lambda invocations: invocations.stop("remind-ada"),
    ],
    ids=["start", "status", "stop"],
)
def test_a_failure_is_told_from_an_answer(machine: Machine, call: Callable[[Invocations], object]) -> None:
    machine.fail()

    with pytest.raises(ServiceUnavailable):
        call(machine.invocations)
