"""The code of functions that do nothing but the one thing: what punctuality is held against. Deployed as it is."""

import json
import os
import time
from typing import Any

import boto3

_machine = boto3.client("stepfunctions") if "STATE_MACHINE_ARN" in os.environ else None
_table = boto3.resource("dynamodb").Table(os.environ["TABLE"]) if "TABLE" in os.environ else None


def tell_the_time(_event: object, _context: object) -> dict[str, float]:
    """When it ran. It logs, because the emulator keeps a silent function waiting for 50 ms."""
    now = time.time()
    print(json.dumps({"at": now}))
    return {"at": now}


def claim(event: dict[str, Any], _context: object) -> dict[str, float]:
    """Read the item, write on it under a condition, and say when that was done."""
    assert _table is not None
    key = {"classroomId": event["classroomId"]}
    assert "Item" in _table.get_item(Key=key, ConsistentRead=True)
    _table.update_item(
        Key=key,
        UpdateExpression="SET claimed = :yes",
        ConditionExpression="attribute_exists(classroomId) AND attribute_not_exists(claimed)",
        ExpressionAttributeValues={":yes": True},
    )
    return tell_the_time(event, _context)


def start(event: dict[str, Any], _context: object) -> None:
    """Start an execution for each record."""
    assert _machine is not None
    for record in event["Records"]:
        image = record["dynamodb"]["NewImage"]
        request = json.dumps({name: value["S"] for name, value in image.items()})
        _machine.start_execution(
            stateMachineArn=os.environ["STATE_MACHINE_ARN"], name=image["classroomId"]["S"], input=request
        )
    print(json.dumps({"started": len(event["Records"])}))
