"""What the domain may rely on of the executions: Step Functions' adapter and the fake keep the same promises."""

from datetime import UTC, datetime
from typing import Any, Protocol

import pytest
from botocore.stub import Stubber

from classroom_scheduler.adapters.executions import StateMachineExecutions
from classroom_scheduler.application.ports import Executions
from classroom_scheduler.domain.errors import ServiceUnavailable
from tests.aws import MACHINE_ARN, Account
from tests.fakes import FakeExecutions

NAME = "algebra-1-0gq0000001"
REQUEST = {
    "classroomId": "algebra-1",
    "recordingId": NAME,
    "start": "2026-12-01T09:00:00Z",
    "end": "2026-12-01T10:00:00Z",
    "livePingDelay": 60,
}


class Machine(Protocol):
    """The state machine as tests see it, and the port to it."""

    @property
    def executions(self) -> Executions: ...
    def running(self) -> set[str]: ...
    def names(self) -> set[str]: ...
    def stop_is_refused(self) -> None: ...
    def start_is_refused(self) -> None: ...


class Fake:
    def __init__(self) -> None:
        self.executions = FakeExecutions()

    def running(self) -> set[str]:
        self.executions.settle()
        return set(self.executions.running)

    def names(self) -> set[str]:
        return set(self.executions.started)

    def stop_is_refused(self) -> None:
        self.executions.stops_throttled = True

    def start_is_refused(self) -> None:
        self.executions.unavailable = True


class Real:
    def __init__(self, account: Account, executions: StateMachineExecutions) -> None:
        self._account = account
        self.executions = executions
        self.running = account.running

    def names(self) -> set[str]:
        return set(self._account.executions())

    def stop_is_refused(self) -> None:
        self._account.will("StopExecution", "ThrottlingException")

    def start_is_refused(self) -> None:
        self._account.will("StartExecution", "ThrottlingException")


@pytest.fixture(scope="module")
def executions(the_account: Account) -> StateMachineExecutions:
    return StateMachineExecutions(MACHINE_ARN)


@pytest.fixture(params=["fake", "step functions"])
def machine(request: pytest.FixtureRequest) -> Machine:
    if request.param == "fake":
        return Fake()
    return Real(request.getfixturevalue("account"), request.getfixturevalue("executions"))


# --- starting ---------------------------------------------------------------------------------------------------------


def test_an_execution_that_was_started_runs(machine: Machine) -> None:
    machine.executions.start(NAME, REQUEST)

    assert machine.running() == {NAME}


def test_starting_an_execution_again_while_it_runs_does_nothing(machine: Machine) -> None:
    assert machine.executions.start(NAME, REQUEST)
    assert machine.executions.start(NAME, REQUEST)

    assert machine.running() == {NAME}


def test_an_execution_that_has_ended_is_not_started_again(machine: Machine) -> None:
    machine.executions.start(NAME, REQUEST)
    machine.executions.stop(NAME, "its class was moved")
    assert machine.running() == set()

    assert not machine.executions.start(NAME, REQUEST)

    assert machine.running() == set()
    assert machine.names() == {NAME}


def test_a_name_that_was_used_for_other_times_keeps_its_first_request(machine: Machine) -> None:
    """Names are never reused, so this is somebody's mistake; the item's own execution must not be disturbed by it."""
    machine.executions.start(NAME, REQUEST)
    machine.executions.start(NAME, {**REQUEST, "end": "2026-12-01T11:00:00Z"})

    assert machine.running() == {NAME}


def test_executions_of_different_names_run_side_by_side(machine: Machine) -> None:
    machine.executions.start(NAME, REQUEST)
    machine.executions.start(f"{NAME}-stop", REQUEST)

    assert machine.running() == {NAME, f"{NAME}-stop"}


def test_the_longest_name_that_we_give_is_accepted(machine: Machine) -> None:
    longest = "x" * 64 + "-0gq0000001-stop"
    assert len(longest) == 80

    machine.executions.start(longest, REQUEST)

    assert machine.running() == {longest}


def test_a_start_that_is_throttled_is_unavailable_and_starts_nothing(machine: Machine) -> None:
    machine.start_is_refused()

    with pytest.raises(ServiceUnavailable):
        machine.executions.start(NAME, REQUEST)

    assert machine.names() == set()


# --- stopping ---------------------------------------------------------------------------------------------------------


def test_an_execution_that_was_stopped_runs_no_more(machine: Machine) -> None:
    machine.executions.start(NAME, REQUEST)

    assert machine.executions.stop(NAME, "its class was moved") is True

    assert machine.running() == set()


def test_stopping_an_execution_twice_is_no_error(machine: Machine) -> None:
    machine.executions.start(NAME, REQUEST)
    machine.executions.stop(NAME, "its class was moved")
    machine.running()

    assert machine.executions.stop(NAME, "its class was moved again") is True


def test_stopping_one_execution_leaves_its_neighbours_alone(machine: Machine) -> None:
    machine.executions.start(NAME, REQUEST)
    machine.executions.start("physics-2-0gq0000001", REQUEST)

    machine.executions.stop(NAME, "its class was moved")

    assert machine.running() == {"physics-2-0gq0000001"}


def test_a_stop_that_is_throttled_is_no_error_because_the_fence_holds(machine: Machine) -> None:
    machine.executions.start(NAME, REQUEST)
    machine.stop_is_refused()

    assert machine.executions.stop(NAME, "its class was moved") is False

    assert machine.running() == {NAME}


def test_a_name_has_one_arn_started_or_not(machine: Machine) -> None:
    before = machine.executions.arn(NAME)
    machine.executions.start(NAME, REQUEST)

    assert machine.executions.arn(NAME) == before
    assert before.startswith("arn:aws:states:eu-west-1:123456789012:execution:Classroom:")
    assert before.endswith(f":{NAME}")


# --- what only the real one can meet ----------------------------------------------------------------------------------


def test_stopping_an_execution_that_never_was_is_no_error(account: Account, executions: StateMachineExecutions) -> None:
    """Intent comes before the start: killed in between, the retired name may never have been started."""
    assert executions.stop("algebra-1-0gq0000009", "its class was moved") is True


def test_the_arn_is_the_one_that_step_functions_gives(account: Account, executions: StateMachineExecutions) -> None:
    executions.start(NAME, REQUEST)

    assert account.input_of(NAME)
    assert executions.arn(NAME) == account.arn_of(NAME)


def test_the_input_is_canonical_json(account: Account, executions: StateMachineExecutions) -> None:
    """AWS does not say how it compares the inputs of two starts: the same class is always the same text."""
    executions.start(NAME, REQUEST)
    executions.start("algebra-1-0gq0000002", dict(reversed(REQUEST.items())))

    assert account.input_of(NAME) == (
        '{"classroomId":"algebra-1","end":"2026-12-01T10:00:00Z","livePingDelay":60,'
        '"recordingId":"algebra-1-0gq0000001","start":"2026-12-01T09:00:00Z"}'
    )
    assert account.input_of("algebra-1-0gq0000002") == account.input_of(NAME)


@pytest.mark.parametrize(
    "code",
    [
        "TooManyRequests",
        "TooManyRequestsException",
        "ThrottlingException",
        "ExecutionLimitExceeded",
        "StateMachineDeleting",
        "StateMachineDoesNotExist",
        "KmsThrottlingException",
        "AccessDeniedException",
        "InternalServerError",
    ],
)
def test_whatever_step_functions_says_a_start_is_unavailable_and_a_stop_is_not_done(
    account: Account, executions: StateMachineExecutions, code: str
) -> None:
    account.will("StartExecution", code)
    account.will("StopExecution", code)

    with pytest.raises(ServiceUnavailable, match=code):
        executions.start(NAME, REQUEST)
    assert executions.stop(NAME, "its class was moved") is False


def test_a_start_whose_answer_gets_lost_is_made_up_for_by_the_next(
    account: Account, executions: StateMachineExecutions
) -> None:
    account.will("StartExecution", "time-out", acted=True)

    with pytest.raises(ServiceUnavailable):
        executions.start(NAME, REQUEST)
    executions.start(NAME, REQUEST)

    assert account.executions() == {NAME: "RUNNING"}


def test_a_stop_whose_answer_gets_lost_counts_as_not_done(account: Account, executions: StateMachineExecutions) -> None:
    executions.start(NAME, REQUEST)
    account.will("StopExecution", "time-out", acted=True)

    assert executions.stop(NAME, "its class was moved") is False


def test_step_functions_out_of_reach_is_unavailable(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens on port 1: the client really tries, and tries again. moto answers for Amazon's names alone."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SFN", "http://127.0.0.1:1")
    pauses: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time.sleep", pauses.append)
    executions = StateMachineExecutions(MACHINE_ARN)

    with pytest.raises(ServiceUnavailable):
        executions.start(NAME, REQUEST)
    assert executions.stop(NAME, "its class was moved") is False

    assert len(pauses) >= 4


def test_the_reason_of_a_stop_is_kept_and_never_too_long(account: Account, executions: StateMachineExecutions) -> None:
    executions.start(NAME, REQUEST)

    assert executions.stop(NAME, "The class was moved. " * 2000) is True

    sent: dict[str, Any] = account.sent("StopExecution")[-1]
    assert sent["error"] == "ClassroomChanged"
    assert sent["cause"].startswith("The class was moved.")
    assert len(sent["cause"]) == 32_768


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        ("FAILED", "ClassroomFailed", "FAILED"),
        ("FAILED", "States.Runtime", "ABORTED"),
        ("TIMED_OUT", "States.Timeout", "ABORTED"),
        ("SUCCEEDED", None, "SUCCEEDED"),
        ("ABORTED", "ClassroomChanged", "ABORTED"),
    ],
)
def test_an_execution_that_the_service_lost_is_told_from_one_whose_task_failed(
    executions: StateMachineExecutions, status: str, error: str | None, told: str
) -> None:
    arn = executions.arn(NAME)
    began = datetime(2026, 12, 1, tzinfo=UTC)
    answer = {"executionArn": arn, "stateMachineArn": MACHINE_ARN, "status": status, "startDate": began}
    with Stubber(executions._client) as step_functions:
        step_functions.add_response("describe_execution", answer | ({"error": error} if error else {}))

        assert executions.status(NAME) == told
