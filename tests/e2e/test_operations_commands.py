"""The operator's commands against a deployed stack: a look before, a proof after, and the way out.

They run in a Region of their own, on a second stack of the same template, which goes at the end.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.environment import environment
from local.places import PROJECT
from local.stack import STACK_NAME, Deployment
from tests.e2e.client import seconds_from_now
from tests.e2e.stacks import SharedStack, running_region

DISPOSABLE = "classroom-scheduler-disposable"
BUCKET = "classroom-scheduler-templates"
_CREATED_WITHIN = 60


class Operator:
    """Somebody at a shell with the stack's account."""

    def __init__(self, stack: Deployment, folder: Path) -> None:
        self.stack = stack
        self._environment = environment(stack.aws.endpoint_url, folder)

    def runs(self, *arguments: str) -> tuple[int, list[str]]:
        """The exit code of a command, and the lines that it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "operations", *arguments],
            cwd=PROJECT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return done.returncode, (done.stdout + done.stderr).splitlines()


@pytest.fixture(scope="module")
def own(stack: SharedStack) -> Iterator[Deployment]:
    """The only stack of a Region: commands look at all that an account has."""
    with running_region(stack.template) as region:
        yield region.client.stack


@pytest.fixture
def operator(own: Deployment, tmp_path: Path) -> Operator:
    return Operator(own, tmp_path)


@pytest.fixture(scope="module")
def outputs(own: Deployment) -> Iterator[dict[str, str]]:
    """The outputs of a second stack, deployed from what `sam` deployed the first from."""
    aws = own.aws
    deployed = aws.cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
    template = aws.cloudformation.get_template(StackName=STACK_NAME, TemplateStage="Original")["TemplateBody"]
    aws.s3.create_bucket(Bucket=BUCKET)
    aws.s3.put_object(Bucket=BUCKET, Key="template.yaml", Body=str(template).encode())
    # Bookings of other tests are none of its own.
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in deployed["Parameters"]}
    parameters["BookingSource"] = "classroom.disposable"
    aws.cloudformation.create_stack(
        StackName=DISPOSABLE,
        TemplateURL=f"{aws.endpoint_url}/{BUCKET}/template.yaml",
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    yield _outputs(own)
    aws.cloudformation.delete_stack(StackName=DISPOSABLE)


def _outputs(stack: Deployment) -> dict[str, str]:
    deadline = time.monotonic() + _CREATED_WITHIN
    while (found := stack.aws.cloudformation.describe_stacks(StackName=DISPOSABLE)["Stacks"][0])[
        "StackStatus"
    ] != "CREATE_COMPLETE":
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}


def lines_of(outcome: str, said: list[str]) -> set[str]:
    """The names of the checks that ended so."""
    return {line[6:40].strip() for line in said if line.startswith(f"{outcome:<6}")}


def made_by_hand(stack: Deployment) -> tuple[set[str], set[str], set[str]]:
    """What a command might leave: buckets, functions and stacks."""
    aws = stack.aws
    return (
        {each["Name"] for each in aws.s3.list_buckets()["Buckets"]},
        {each["FunctionName"] for each in aws.functions.list_functions()["Functions"]},
        {each["StackName"] for each in aws.cloudformation.describe_stacks()["Stacks"]},
    )


@pytest.mark.parametrize(("environment_", "stack_name"), [("local", STACK_NAME), ("default", "classroom-scheduler")])
def test_preflight_passes_what_it_can_ask_and_never_what_it_can_not(
    operator: Operator, environment_: str, stack_name: str
) -> None:
    before = made_by_hand(operator.stack)

    code, said = operator.runs("preflight", "--config-env", environment_)

    assert code == 0, said
    assert stack_name in said[0]
    assert {"Change set", "One-time invocation times", "Event bus"} <= lines_of("pass", said)
    assert {"classroom.asl.json", "Step Functions rates", "Lambda concurrency"} <= lines_of("n/a", said)
    assert "0 failed" in said[-1]
    assert made_by_hand(operator.stack) == before


def test_smoke_proves_a_stack_and_leaves_it_as_it_was(operator: Operator, outputs: dict[str, str]) -> None:
    before = made_by_hand(operator.stack)

    code, said = operator.runs("smoke", DISPOSABLE)

    assert code == 0, said
    # Late by more than five seconds is a warning, and no wonder on two shared cores.
    assert lines_of("warn", said) <= {"A class"}, said
    assert len(lines_of("pass", said) | {"A class"}) >= 12
    assert "Metrics of the alarms" in lines_of("n/a", said)
    assert made_by_hand(operator.stack) == before
    assert operator.stack.aws.tables.Table(outputs["ClassroomsTableName"]).scan()["Items"] == []
    assert task_servers(operator.stack) == {f"{operator.stack.server_url}/webhooks"}


def task_servers(stack: Deployment) -> set[str]:
    """The addresses that functions of any stack call."""
    functions = stack.aws.functions.list_functions()["Functions"]
    variables = [each.get("Environment", {}).get("Variables", {}) for each in functions]
    return {each["CLASSROOM_SERVER_URL"] for each in variables if "CLASSROOM_SERVER_URL" in each}


def test_destroy_takes_a_stack_away_with_the_executions_that_wait(operator: Operator, outputs: dict[str, str]) -> None:
    aws = operator.stack.aws
    table, machine = aws.tables.Table(outputs["ClassroomsTableName"]), outputs["ClassroomStateMachineArn"]
    rooms = {f"waits-{number}" for number in range(3)}
    for room in rooms:
        table.put_item(Item={"classroomId": room, "start": seconds_from_now(86_400), "end": seconds_from_now(90_000)})
    wait_for_executions(operator.stack, machine, rooms)

    code, said = operator.runs("destroy", DISPOSABLE)
    assert (code, "There is no terminal here to ask at. Nothing was deleted." in said[-1]) == (2, True)
    assert any("3 classes in the table" in line and "3 scheduled" in line for line in said), said

    code, said = operator.runs("destroy", DISPOSABLE, "--yes")
    assert code == 0, said
    assert f"{DISPOSABLE} is gone." in "\n".join(said)
    executions = aws.stepfunctions.list_executions(stateMachineArn=machine)["executions"]
    of_rooms = [each for each in executions if each["name"].rpartition("-")[0] in rooms]
    assert {each["status"] for each in of_rooms} == {"ABORTED"}
    described = [aws.stepfunctions.describe_execution(executionArn=each["executionArn"]) for each in of_rooms]
    assert len(described) == 3

    code, said = operator.runs("destroy", DISPOSABLE, "--yes")
    assert (code, f"There is no stack {DISPOSABLE}" in said[-1]) == (2, True)


def wait_for_executions(stack: Deployment, machine: str, rooms: set[str]) -> None:
    """Return as soon as each of these classes has an execution. Fails after 20 seconds."""
    deadline = time.monotonic() + 20
    while (found := running(stack, machine)) < rooms:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def running(stack: Deployment, machine: str) -> set[str]:
    found = stack.aws.stepfunctions.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
    return {each["name"].rpartition("-")[0] for each in found if each["name"].startswith("waits-")}
