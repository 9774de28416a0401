"""A change set that is made and not executed: CloudFormation reads template and parameters, and nothing is deployed."""

import copy
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from operations.account import Account
from operations.deployment import Deployment
from operations.results import Result, failed, passed, taken_away, warned

_BODY_LIMIT = 51_200
"""Bytes of a template that a request may carry; a larger one has to lie in S3."""
_KEY = "template.json"
_WITHIN = 120
EMPTY = "REVIEW_IN_PROGRESS"
"""The status of a stack that has a change set and nothing else."""
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_KEEPS = {"AWS::DynamoDB::Table", "AWS::SecretsManager::Secret", "AWS::StepFunctions::StateMachine"}
_CODE = {"CodeUri", "DefinitionUri", "ContentUri"}


def try_out(account: Account, deployment: Deployment, deployed: dict[str, str], status: str) -> Result:
    """Make a change set for a stack of this status, read it, and take away all that was made for it."""
    name, stack = f"preflight-{secrets.token_hex(4)}", deployment.stack_name
    cloudformation = account.client("cloudformation")
    with ExitStack() as made, _template(account, deployment.template, name) as template:
        cloudformation.create_change_set(
            StackName=stack,
            ChangeSetName=name,
            ChangeSetType="CREATE" if status in {"", EMPTY} else "UPDATE",
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=deployment.overrides(deployed),
            **template,
        )
        if not status:  # the change set of a new stack makes an empty one
            made.enter_context(
                taken_away(f"The empty stack {stack}", lambda: cloudformation.delete_stack(StackName=stack))
            )
        delete = partial(cloudformation.delete_change_set, StackName=stack, ChangeSetName=name)
        made.enter_context(taken_away(f"The change set {name} of {stack}", delete))
        return _read(cloudformation, stack, name)


def packaged(template: dict[str, Any]) -> str:
    """The template as `sam deploy` would send it, with code that lies nowhere: a change set does not fetch it."""
    copied = copy.deepcopy(template)
    for holder in _holders(copied):
        for key in _CODE & holder.keys():
            if isinstance(holder[key], str) and not holder[key].startswith("s3://"):
                holder[key] = "s3://preflight/nothing"
    return json.dumps(copied, separators=(",", ":"), default=str)


def _holders(template: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (each for each in template.get("Globals", {}).values() if isinstance(each, dict))
    yield from (each["Properties"] for each in template["Resources"].values() if "Properties" in each)


@contextmanager
def _template(account: Account, template: dict[str, Any], name: str) -> Iterator[dict[str, str]]:
    """The template for a request: in it, or where it is too large in a bucket that goes afterwards."""
    body = packaged(template)
    if len(body.encode()) <= _BODY_LIMIT:
        yield {"TemplateBody": body}
        return
    s3, bucket = account.client("s3"), f"classroom-scheduler-{account.number}-{name}"
    here = (
        {} if account.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": account.region}}
    )
    s3.create_bucket(Bucket=bucket, **here)
    with taken_away(f"The bucket {bucket}", lambda: s3.delete_bucket(Bucket=bucket)):
        s3.put_object(Bucket=bucket, Key=_KEY, Body=body.encode())
        with taken_away(f"{_KEY} in {bucket}", lambda: s3.delete_object(Bucket=bucket, Key=_KEY)):
            yield {"TemplateURL": _address(account, bucket)}


def _address(account: Account, bucket: str) -> str:
    if account.emulated:
        return f"{account.endpoint}/{bucket}/{_KEY}"
    suffix = "amazonaws.com.cn" if account.partition == "aws-cn" else "amazonaws.com"
    return f"https://{bucket}.s3.{account.region}.{suffix}/{_KEY}"


def _read(cloudformation: Any, stack: str, name: str, sleep: Callable[[float], None] = time.sleep) -> Result:
    deadline = time.monotonic() + _WITHIN
    while (described := _described(cloudformation, stack, name))["Status"] in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
        if time.monotonic() > deadline:
            return failed(
                f"After {_WITHIN} s it is not made.", "Look at the change sets in the CloudFormation console."
            )
        sleep(1)
    reason = described.get("StatusReason", "")
    if described["Status"] == "FAILED" and any(words in reason for words in _NO_CHANGES):
        return passed(f"CloudFormation takes the template and would change nothing of {stack}.")
    if described["Status"] != "CREATE_COMPLETE":
        return failed(f"CloudFormation refuses it: {reason}", "Mend template.yaml or the parameters in samconfig.toml.")
    pages = cloudformation.get_paginator("describe_change_set").paginate(StackName=stack, ChangeSetName=name)
    return _judge(stack, [each["ResourceChange"] for page in pages for each in page["Changes"]])


def _described(cloudformation: Any, stack: str, name: str) -> dict[str, Any]:
    try:
        described: dict[str, Any] = cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)
    except ClientError as error:
        if "ChangeSetNotFound" not in str(error):
            raise
        return {"Status": "CREATE_PENDING"}
    return described


def _judge(stack: str, changes: list[dict[str, Any]]) -> Result:
    counts = {action: sum(each["Action"] == action for each in changes) for action in ("Add", "Modify", "Remove")}
    said = (
        f"CloudFormation would add {counts['Add']}, change {counts['Modify']} and remove {counts['Remove']} of {stack}."
    )
    replaced = [
        each["LogicalResourceId"]
        for each in changes
        if each["ResourceType"] in _KEEPS and (each.get("Replacement") == "True" or each["Action"] == "Remove")
    ]
    if replaced:
        return warned(
            f"{said} It would replace or remove {', '.join(replaced)}.", "See docs/operations.md before you deploy."
        )
    return passed(said)
