"""The commands of docs/operations.md, as they stand there, on the deployed stack."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local.environment import REGION, environment
from local.stack import STACK_NAME
from tests.e2e.client import Client
from tests.template.project import ROOT

DOCUMENT = (ROOT / "docs" / "operations.md").read_text()


def commands_under(heading: str) -> list[str]:
    """The shell blocks of a section, without those of sections in it."""
    section = re.split(rf"^#+ {re.escape(heading)}$", DOCUMENT, maxsplit=1, flags=re.MULTILINE)[1]
    return re.findall(r"^```sh\n(.*?)^```", re.split(r"^#+ ", section, flags=re.MULTILINE)[0], re.MULTILINE | re.DOTALL)


class Operator:
    """Somebody at a shell who has pasted the first block of the document."""

    def __init__(self, client: Client, folder: Path) -> None:
        self._url = client.stack.aws.endpoint_url
        self._environment = environment(self._url, folder)
        [preamble] = commands_under("Operations")
        own = preamble.replace("STACK=classroom-scheduler\n", f"STACK={STACK_NAME}\n")
        set_there = self.runs("set -o allexport", own, "env -0").split("\0")
        self._environment = dict(each.split("=", 1) for each in set_there if each)

    def runs(self, *commands: str) -> str:
        """What the commands print. Fails with what they complain of."""
        script = "\n".join(commands)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self._of_version_1(script)],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _of_version_1(self, script: str) -> str:
        """The CLI that PyPI has takes no payload for base64, and looks for SQS at its old address unless told."""
        script = script.replace("--cli-binary-format raw-in-base64-out ", "")
        return script.replace("aws sqs ", f"aws --endpoint-url {self._url} sqs ")


@pytest.fixture(scope="module")
def operator(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Operator:
    return Operator(client, tmp_path_factory.mktemp("operator"))


def test_the_first_block_finds_the_stack(operator: Operator, client: Client) -> None:
    said = operator.runs('echo "$TABLE" "$MACHINE" "$SWEEP"').split()

    assert said[:2] == [client.stack.table_name, client.stack.state_machine_arn]
    assert "Sweep" in said[2]


def test_a_sweep_and_an_audit_by_hand_say_what_they_found(operator: Operator) -> None:
    [sweep] = commands_under("Sweep missed")
    [*_, audit] = commands_under("Records that ran out of retries")

    assert '"StatusCode": 200' in operator.runs(sweep)
    assert "FunctionError" not in operator.runs(audit)


def test_a_pointer_in_the_failures_queue_leads_to_the_classrooms(operator: Operator, client: Client) -> None:
    stream = operator.runs(
        'aws dynamodb describe-table --table-name "$TABLE" --query Table.LatestStreamArn --output text'
    )
    described = json.loads(operator.runs(f"aws dynamodbstreams describe-stream --stream-arn {stream}"))
    [shard, *_] = described["StreamDescription"]["Shards"]
    shard_id = f"--stream-arn {stream.strip()} --shard-id {shard['ShardId']}"
    latest = operator.runs(
        f"aws dynamodbstreams get-shard-iterator {shard_id} --shard-iterator-type LATEST --output text"
    )
    room = client.write_class(600, 900)
    written = operator.runs(f"aws dynamodbstreams get-records --shard-iterator {latest}")
    records = [record["dynamodb"] for record in json.loads(written)["Records"]]
    first = next(each["SequenceNumber"] for each in records if each["Keys"]["classroomId"]["S"] == room)
    receive, read, _ = commands_under("Records that ran out of retries")
    pointer = f"STREAM={stream.strip()} SHARD={shard['ShardId']} FIRST={first} SIZE=1000"
    found = read.replace("STREAM=… SHARD=… FIRST=… SIZE=…", pointer)
    assert pointer in found

    operator.runs(receive)
    assert room in operator.runs(found)


def test_status_events_are_moved_from_the_failures_queue_to_the_one_that_is_read(operator: Operator) -> None:
    """As far as the emulator goes, which has no StartMessageMoveTask."""
    [move] = commands_under("Status events that could not be looked at")
    said = operator.runs(move.replace("aws sqs start-message-move-task", "echo")).split()

    option_from, source, option_to, destination = said
    assert (option_from, option_to) == ("--source-arn", "--destination-arn")
    assert "ExecutionEndedFailuresQueue" in source
    assert "ExecutionEndedQueue" in destination


def test_the_deployed_dashboard_shows_the_deployed_alarms(operator: Operator) -> None:
    alarms = json.loads(operator.runs("aws cloudwatch describe-alarms"))["MetricAlarms"]
    name = f"{STACK_NAME}-{REGION}"
    dashboard = operator.runs(
        f"aws cloudwatch get-dashboard --dashboard-name {name} --query DashboardBody --output text"
    )
    body: dict[str, Any] = json.loads(dashboard)

    shown = next(widget for widget in body["widgets"] if widget["type"] == "alarm")["properties"]["alarms"]
    assert sorted(shown) == sorted(alarm["AlarmArn"] for alarm in alarms)
    assert {dimension["Value"] for alarm in alarms for dimension in alarm["Dimensions"]} >= {STACK_NAME}
