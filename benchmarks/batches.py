"""Stream batches through the handler and through its peers, in a process of its own whose output nobody reads."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from benchmarks.slow_aws import item
from classroom_scheduler.handlers.classroom_changed import handler
from local.places import PROJECT

NEW, OWN = 100, 100
"""Records of a batch: new classrooms, and writes of the scheduler itself. The template's BatchSize is 100."""
ROUNDS = 5
_NO_OP_BATCHES = 60
_context: Any = SimpleNamespace(
    function_name="bench", memory_limit_in_mb=512, invoked_function_arn="arn:bench", aws_request_id="bench"
)
_machine = "arn:aws:states:us-east-1:123456789012:stateMachine:Classroom"


def new_classrooms(batch: int) -> dict[str, Any]:
    """An event of 100 inserts."""
    return {
        "Records": [
            {
                "eventID": f"{batch}-{number}",
                "eventName": "INSERT",
                "dynamodb": {
                    "ApproximateCreationDateTime": int(time.time()),
                    "Keys": {"classroomId": {"S": f"room-{batch}-{number}"}},
                    "NewImage": item(f"room-{batch}-{number}"),
                    "SequenceNumber": f"{batch}{number:020}",
                },
            }
            for number in range(NEW)
        ]
    }


def own_writes() -> dict[str, Any]:
    """An event of 100 writes that the scheduler did."""
    sample = json.loads((PROJECT / "events" / "stream" / "written-by-the-scheduler.json").read_text())
    return {"Records": (sample["Records"] * OWN)[:OWN]}


def article(client: Any) -> Callable[[dict[str, Any]], object]:
    """What is usually written: each new classroom's execution started, one after the other."""

    def run(event: dict[str, Any]) -> None:
        for record in event["Records"]:
            _start(client, record)

    return run


def powertools(client: Any) -> Callable[[dict[str, Any]], object]:
    """The same in Powertools' batch processor, which adds partial failures."""
    processor = BatchProcessor(event_type=EventType.DynamoDBStreams)

    def one(record: Any) -> None:
        _start(client, record.raw_event)

    def run(event: dict[str, Any]) -> object:
        return process_partial_response(event=event, record_handler=one, processor=processor, context=_context)

    return run


def _start(client: Any, record: dict[str, Any]) -> None:
    image = record["dynamodb"]["NewImage"]
    classroom = {name: value["S"] for name, value in image.items()}
    client.start_execution(stateMachineArn=_machine, name=classroom["classroomId"], input=json.dumps(classroom))


def main(results: Path) -> None:
    """Everybody by turns, after a round to warm up."""
    client = boto3.client("stepfunctions")
    subjects = {
        "ours": lambda event: handler(event, _context),
        "article": article(client),
        "powertools": powertools(client),
    }
    times: dict[str, list[float]] = {name: [] for name in (*subjects, "ours, processor", "no-op")}
    for round_ in range(ROUNDS + 1):
        for name, run in subjects.items():
            elapsed, cpu = _timed(run, new_classrooms(round_))
            if round_:
                times[name].append(elapsed)
                times.setdefault(f"{name}, processor", []).append(cpu)
    event = own_writes()
    for _ in range(_NO_OP_BATCHES):
        times["no-op"].append(_timed(subjects["ours"], event)[1])
    results.write_text(json.dumps(times))


def _timed(run: Callable[[dict[str, Any]], object], event: dict[str, Any]) -> tuple[float, float]:
    began, began_cpu = time.perf_counter(), time.process_time()
    run(event)
    return time.perf_counter() - began, time.process_time() - began_cpu


if __name__ == "__main__":
    main(Path(sys.argv[1]))
