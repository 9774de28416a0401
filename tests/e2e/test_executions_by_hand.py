"""Executions of the Classroom state machine that somebody starts by hand act for no class."""

import json
from pathlib import Path
from typing import Any

from tests.e2e.client import Client

EVENTS = Path(__file__).parents[2] / "events" / "executions"
DONE_BY_NOBODY = {"class.json", "class-that-no-item-names.json"}


def _start(client: Client, file: str, name: str) -> dict[str, Any]:
    written = (EVENTS / file).read_text()
    client.stack.aws.stepfunctions.start_execution(
        stateMachineArn=client.stack.state_machine_arn, name=name, input=written
    )
    return dict(json.loads(written))


def test_a_class_that_no_item_names_starts_nothing_and_makes_sure_that_nothing_runs(client: Client) -> None:
    given = _start(client, "class-that-no-item-names.json", "nowhere-1-by-hand")

    client.wait_for_execution("nowhere-1-by-hand", "SUCCEEDED")

    assert client.calls(given["classroomId"]) == ["recording.stop"]
    described = client.stack.aws.stepfunctions.describe_execution(
        executionArn=client.execution_arn("nowhere-1-by-hand")
    )
    results = json.loads(described["output"])["results"]
    assert [results[task]["state"] for task in ("StartRecording", "SendLivePing")] == ["FENCED", "FENCED"]
    assert "no longer acts for this classroom" in results["StartRecording"]["reason"]


def test_a_class_that_is_to_come_waits(client: Client) -> None:
    given = _start(client, "class.json", "algebra-1-by-hand")

    client.wait_for_execution("algebra-1-by-hand", "RUNNING")
    client.stop_execution("algebra-1-by-hand")

    assert client.log(given["classroomId"]) == []


def test_every_sample_input_is_tried_here() -> None:
    assert {path.name for path in EVENTS.iterdir()} == DONE_BY_NOBODY
