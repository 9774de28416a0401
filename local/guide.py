"""What `make run` tells a person to try next."""

import json
import sys
from pathlib import Path
from typing import Any

from local.environment import ACCESS_KEY, REGION
from local.ports import LOOPBACK
from local.stack import STACK_NAME, Deployment


def guide(stack: Deployment) -> str:
    """How to write, read and end classrooms of this stack: commands to be pasted into another terminal."""
    table = f"--table-name {stack.table_name}"
    item = (
        f"classroomId={{S=physics-1}},start={{S={_seconds_from_now(10)}}},end={{S={_seconds_from_now(40)}}}"
        ",livePingDelay={N=5}"
    )
    machine = f"--state-machine-arn {stack.outputs['OneTimeLambdaSchedulerArn']}"
    execution_input = f"""'{{"invocationTime": "'"{_seconds_from_now(10)}"'", "payload": {{"name": "Ada"}}}}'"""
    body = _quoted(
        {"classroomId": "physics-2", "start": _seconds_from_now(10), "end": _seconds_from_now(40), "livePingDelay": 5}
    )
    return f"""
The stack stays up until Ctrl-C. In another terminal:

  export {" ".join(_variables(stack))}

A class that starts in 10 seconds and ends in 40:
  {_aws()} dynamodb put-item {table} --item "{item}"

What became of it:
  {_aws()} dynamodb get-item {table} --key 'classroomId={{S=physics-1}}'

End it early:
  {_aws()} dynamodb delete-item {table} --key 'classroomId={{S=physics-1}}'

A class written over HTTP, signed by curl:
  {_curl()} $API/classroom/create -d "{body}"

What the API takes and answers:
  {_curl()} $API/openapi.json

Any Lambda function once, in 10 seconds (this one says hello):
  {_aws()} stepfunctions start-execution {machine} --input {execution_input}

What the classroom server received, and what its recorders do:
  curl -s {stack.server_url}/log
  curl -s {stack.server_url}/recordings

Logs of the start are in {stack.logs}. What the classroom server hears from now on:
"""


def _variables(stack: Deployment) -> list[str]:
    return [
        f"STACK={STACK_NAME}",
        f"API={stack.api_url}",
        f"AWS_ENDPOINT_URL={stack.aws.endpoint_url}",
        f"AWS_REGION={REGION}",
        f"AWS_DEFAULT_REGION={REGION}",
        f"AWS_ACCESS_KEY_ID={ACCESS_KEY}",
        f"AWS_SECRET_ACCESS_KEY={ACCESS_KEY}",
        f"no_proxy={LOOPBACK}",  # a person's proxy can't reach this machine's loopback
    ]


def _curl() -> str:
    signed = f'--aws-sigv4 aws:amz:{REGION}:execute-api -u "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"'
    return f"curl -s {signed} -H content-type:application/json"


def _quoted(body: dict[str, Any]) -> str:
    """JSON for between double quotes of a shell, which fills in the times."""
    return json.dumps(body).replace('"', '\\"')


def _aws() -> Path:
    return Path(sys.executable).parent / "aws"


def _seconds_from_now(seconds: int) -> str:
    """A shell substitution for the time that many seconds after the command is pasted."""
    option = f"-v+{seconds}S" if sys.platform == "darwin" else f"-d '+{seconds} sec'"
    return f"$(date -u {option} +%FT%TZ)"
