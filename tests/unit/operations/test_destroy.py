"""`make destroy`: a stack goes with its waiting executions, and nothing goes without being said."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from operations.destroy import Terminal, destroy
from operations.errors import NotBegun, Undone
from tests.unit.operations.scripted import DENIED, Refused, ScriptedAws, a_stack, resources

GONE = Refused("ValidationError", "Stack with id school does not exist")


class School(ScriptedAws):
    """A stack with a class that is recorded, two that wait, and an execution of each."""

    def __init__(self) -> None:
        super().__init__()
        self.running = {f"arn:aws:states:::execution:classes:{name}" for name in ("algebra", "physics", "music")}
        self.said: list[str] = []
        self.will("DescribeStacks", a_stack(), a_stack("DELETE_IN_PROGRESS"), a_stack("DELETE_COMPLETE"))
        self.will("ListStackResources", resources())
        self.will("DescribeTable", {"Table": {"DeletionProtectionEnabled": False}})
        self.will("Scan", {"Items": [{"status": {"S": status}} for status in ("RECORDING", "SCHEDULED", "SCHEDULED")]})
        self.will("DescribeStateMachine", {"status": "DELETING"})
        self.will("DescribeStackEvents", {"StackEvents": []})
        self.will("DeleteStack", {})
        self.will("ListExecutions", self._listed)
        self.will("StopExecution", self._stop)

    def destroyed(self, *, agreed: bool = True, ask: Callable[[str], str] | None = None) -> str:
        """Run the command; what it said."""
        destroy(self.account, "school", Terminal(self.said.append, ask, every=0), agreed=agreed)
        return "\n".join(self.said)

    def _listed(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"executions": [{"executionArn": arn} for arn in sorted(self.running)]}

    def _stop(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        self.running.discard(params["executionArn"])
        return {}


@pytest.fixture
def school() -> School:
    return School()


def test_what_would_be_lost_is_said_before_anything_is_deleted(school: School) -> None:
    with pytest.raises(NotBegun, match="Nothing was deleted"):
        school.destroyed(agreed=False, ask=lambda _: "no")

    said = "\n".join(school.said)
    assert "3 classes in the table classrooms: 1 being recorded, 2 scheduled, 0 deferred" in said
    assert "3 open executions of ClassroomStateMachine" in said
    assert "their recorders go on until somebody stops them at the server" in said
    assert school.called("DeleteStack") == []


def test_the_stacks_name_has_to_be_typed(school: School) -> None:
    said = school.destroyed(agreed=False, ask=lambda _: "school")

    assert "school is gone. Stopped: 3 executions." in said


def test_a_closed_terminal_deletes_nothing(school: School) -> None:
    def closed(_: str) -> str:
        raise EOFError

    with pytest.raises(NotBegun, match="Nothing was deleted"):
        school.destroyed(agreed=False, ask=closed)
    assert school.called("DeleteStack") == []


def test_without_a_terminal_nothing_is_deleted_unless_a_script_agrees(school: School) -> None:
    with pytest.raises(NotBegun, match=r"no terminal here to ask at\. Nothing was deleted\. Scripts say --yes"):
        school.destroyed(agreed=False, ask=None)
    assert school.called("DeleteStack") == []


def test_executions_are_stopped_as_soon_as_nothing_can_start_them_again_and_not_before(school: School) -> None:
    stopped_so_far = []

    def still_active(_: Mapping[str, Any]) -> Mapping[str, Any]:
        stopped_so_far.append(len(school.called("StopExecution")))
        return {"status": "ACTIVE"}

    going = a_stack("DELETE_IN_PROGRESS")
    school.will("DescribeStacks", a_stack(), going, going, going, a_stack("DELETE_COMPLETE"))
    school.will("DescribeStateMachine", still_active, still_active, {"status": "DELETING"})

    school.destroyed()

    assert stopped_so_far == [0, 0]
    assert {(call["error"], call["cause"]) for call in school.called("StopExecution")} == {
        ("StackDeleted", "The stack school is being deleted.")
    }
    assert len(school.called("StopExecution")) == 3
    assert school.running == set()


def test_an_execution_that_could_not_be_stopped_is_asked_again(school: School) -> None:
    going = a_stack("DELETE_IN_PROGRESS")
    school.will("DescribeStacks", a_stack(), going, going, a_stack("DELETE_COMPLETE"))
    school.will("StopExecution", Refused("ThrottlingException"), ReadTimeoutError(endpoint_url="x"), school._stop)

    said = school.destroyed()

    assert "1 execution stopped, 2 could not be stopped yet" in said
    assert "Stopped: 3 executions." in said
    assert school.running == set()


def test_without_the_permission_to_stop_executions_it_says_what_they_hold_up(school: School) -> None:
    school.will("DescribeStacks", a_stack(), a_stack("DELETE_IN_PROGRESS"))
    school.will("StopExecution", DENIED)

    with pytest.raises(Undone, match="No permission for StopExecution") as raised:
        school.destroyed()

    assert "The deletion of school was started and goes on in CloudFormation" in str(raised.value)
    assert "`make destroy STACK=school` goes on" in str(raised.value)


def test_a_protected_stack_is_left_alone(school: School) -> None:
    school.will("DescribeStacks", a_stack(EnableTerminationProtection=True))
    school.will("DescribeTable", {"Table": {"DeletionProtectionEnabled": True}})

    with pytest.raises(NotBegun, match="Nothing was deleted") as raised:
        school.destroyed()

    assert "--no-enable-termination-protection --stack-name school" in str(raised.value)
    assert "ClassroomsTable (classrooms) has deletion protection" in str(raised.value)
    assert school.called("DeleteStack") == []


def test_what_could_not_be_deleted_is_named_with_the_reason(school: School) -> None:
    school.will("DescribeStacks", a_stack(), a_stack("DELETE_FAILED"))
    school.will("ListStackResources", resources(), resources(status="DELETE_FAILED", reason="it is in use"))

    with pytest.raises(Undone) as raised:
        school.destroyed()

    assert "ClassroomsTable (AWS::DynamoDB::Table, classrooms): it is in use" in str(raised.value)
    assert "`make destroy STACK=school` goes on" in str(raised.value)


def test_a_second_run_goes_on_without_asking(school: School) -> None:
    school.will("DescribeStacks", a_stack("DELETE_IN_PROGRESS"), a_stack("DELETE_IN_PROGRESS"), GONE)

    said = school.destroyed(agreed=False, ask=None)

    assert "is being deleted already" in said
    assert "Stopped: 3 executions." in said
    assert school.called("DeleteStack") == []


@pytest.mark.parametrize("moment", ["DeleteStack", "DescribeStateMachine", "StopExecution"])
def test_ctrl_c_says_what_was_done_and_what_was_not(school: School, moment: str) -> None:
    school.will("DescribeStacks", a_stack(), a_stack("DELETE_IN_PROGRESS"))
    school.will(moment, KeyboardInterrupt())

    with pytest.raises(KeyboardInterrupt) as raised:
        school.destroyed()

    assert "The deletion of school was started and goes on in CloudFormation. Stopped: 0 executions." in str(
        raised.value
    )


@pytest.mark.parametrize("operation", ["DeleteStack", "DescribeStacks", "ListStackResources"])
def test_a_call_that_fails_before_anything_is_deleted_says_so(school: School, operation: str) -> None:
    school.will(operation, DENIED)

    with pytest.raises(NotBegun, match=f"No permission for {operation}: .* Nothing was d"):
        school.destroyed()


def test_a_call_that_fails_afterwards_says_what_goes_on(school: School) -> None:
    school.will("DescribeStateMachine", ReadTimeoutError(endpoint_url="x"))

    with pytest.raises(Undone, match=r"AWS could not be reached: .* goes on in CloudFormation"):
        school.destroyed()


def test_classes_that_can_not_be_counted_do_not_keep_the_stack(school: School) -> None:
    school.will("Scan", DENIED)

    assert "classes that could not be counted: No permission for Scan" in school.destroyed()


def test_a_large_table_is_not_read_to_its_end(school: School) -> None:
    page = {"Items": [{"status": {"S": "SCHEDULED"}}] * 1000}
    school.will("Scan", *(page | {"LastEvaluatedKey": {"classroomId": {"S": str(number)}}} for number in range(30)))

    assert "at least 25,000 classes" in school.destroyed()


def test_what_stays_in_the_account_is_named(school: School) -> None:
    kept = {"LogicalResourceId": "ApiGatewayAccount", "ResourceStatus": "DELETE_SKIPPED"}
    event = {"StackId": "x", "EventId": "1", "StackName": "school", **kept}
    school.will("DescribeStackEvents", {"StackEvents": [event]})

    assert "On purpose these stay in the account: ApiGatewayAccount." in school.destroyed()


def test_a_stack_of_another_application_is_left_alone(school: School) -> None:
    school.will("DescribeStacks", a_stack(Outputs=[]))
    school.will("ListStackResources", {"StackResourceSummaries": []})

    with pytest.raises(NotBegun, match="is one of another application: it has no ClassroomsTable"):
        school.destroyed()
    assert school.called("DeleteStack") == []


def test_a_stack_that_is_not_there_names_region_and_account(school: School) -> None:
    school.will("DescribeStacks", GONE)

    with pytest.raises(NotBegun, match=r"no stack school in eu-west-1 of account 123456789012\. Nothing was done"):
        school.destroyed()
