"""What deleting a stack would cost, and what forbids it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from operations.account import Account
from operations.errors import AwsError, code_of, in_words
from operations.executions import how_many
from operations.results import counted
from operations.stacks import Stack

_PAGES = 25
"""Megabytes of the table that are read to count classes. A larger table is said to have at least so many."""
_EXECUTIONS = 10_000
_ALIVE = {"RECORDING": "being recorded", "SCHEDULED": "scheduled", "DEFERRED": "deferred"}


def protections(account: Account, stack: Stack) -> list[str]:
    """Each protection that is on, and how to take it off. CloudFormation would meet a table's half way through."""
    found = []
    if stack.protected:
        off = "aws cloudformation update-termination-protection --no-enable-termination-protection"
        found.append(f"  The stack has termination protection. Take it off: {off} --stack-name {stack.name}")
    for table in stack.of_type("AWS::DynamoDB::Table"):
        described = _table(account, table.physical_id)
        # An emulator may answer with the text of the parameter.
        if described is not None and str(described.get("DeletionProtectionEnabled")).lower() == "true":
            off = "deploy with DeletionProtection=false"
            found.append(
                f"  The table {table.logical_id} ({table.physical_id}) has deletion protection. To end it, {off}."
            )
    return found


def losses(account: Account, stack: Stack) -> Iterator[str]:
    """What is in the stack that nobody gets back, in lines."""
    yield f"  {counted(_resources(stack), 'resource')}"
    yield from _classes(account, stack)
    for machine in stack.of_type("AWS::StepFunctions::StateMachine"):
        count = how_many(account, machine.physical_id, _EXECUTIONS)
        at_least = "at least " if count == _EXECUTIONS else ""
        yield f"  {at_least}{counted(count, 'open execution')} of {machine.logical_id}"


def _resources(stack: Stack) -> int:
    return sum(each.status != "DELETE_COMPLETE" for each in stack.resources)


def _classes(account: Account, stack: Stack) -> Iterator[str]:
    name = stack.outputs.get("ClassroomsTableName", "")
    try:
        described = _table(account, name) if name else None
        if described is None:
            yield "  no table with classes: it is gone already"
            return
        statuses, cut = _count(account, name)
    except AwsError as error:
        yield f"  classes that could not be counted: {in_words(error)}"
        return
    alive = ", ".join(f"{statuses[status]:,} {words}" for status, words in _ALIVE.items())
    yield f"  {'at least ' if cut else ''}{counted(statuses.total(), 'class', 'classes')} in the table {name}: {alive}"
    if statuses["RECORDING"]:
        yield "  Nobody stops the recordings that run: their recorders go on until somebody stops them at the server."


def _count(account: Account, table: str) -> tuple[Counter[str], bool]:
    """The items by status, and whether there are more than were read."""
    pages = (
        account.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=table, ProjectionExpression="#status", ExpressionAttributeNames={"#status": "status"})
    )
    found: Counter[str] = Counter()
    for number, page in enumerate(pages, start=1):
        found.update(each.get("status", {}).get("S", "") for each in page["Items"])
        if number == _PAGES:
            return found, "LastEvaluatedKey" in page
    return found, False


def _table(account: Account, name: str) -> dict[str, Any] | None:
    try:
        table: dict[str, Any] = account.client("dynamodb").describe_table(TableName=name)["Table"]
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        return None
    return table
