"""A deployed stack of this application: its outputs, parameters and resources."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from operations.account import Account
from operations.errors import AwsError, NotBegun, in_words

_OURS = ("ClassroomsTable", "ClassroomStateMachine")
"""Two resources that every stack of this application has and hardly any other."""
_OUTPUTS = ("ClassroomsTableName", "ClassroomStateMachineArn")
"""What is left of them in a stack that is half deleted."""


@dataclass(frozen=True)
class Resource:
    """A resource as CloudFormation knows it."""

    logical_id: str
    type: str
    physical_id: str
    status: str
    reason: str


@dataclass(frozen=True)
class Stack:
    """A stack as it was when it was looked up."""

    name: str
    id: str
    status: str
    reason: str
    protected: bool
    outputs: dict[str, str]
    parameters: dict[str, str]
    resources: tuple[Resource, ...]

    def of_type(self, type_: str) -> list[Resource]:
        """The resources of a type that are there."""
        return [each for each in self.resources if each.type == type_ and each.physical_id]


def find(account: Account, name: str) -> Stack:
    """The stack of this name, if it is one of this application. Raises NotBegun where it is not."""
    if not name:
        raise NotBegun("Name the stack, such as STACK=classroom-scheduler-dev. Nothing was done.")
    try:
        described = describe(account, name)
        resources = tuple(resources_of(account, name)) if described else ()
    except AwsError as error:
        raise NotBegun(f"{in_words(error)} Nothing was done.") from error
    if described is None:
        raise NotBegun(
            f"There is no stack {name} in {account}. Nothing was done. "
            "Check the name; another Region is chosen by AWS_REGION, another account by AWS_PROFILE."
        )
    stack = _read(described, resources)
    is_ours = {each.logical_id for each in resources} >= set(_OURS) or stack.outputs.keys() >= set(_OUTPUTS)
    if not is_ours:
        raise NotBegun(
            f"The stack {name} in {account} is one of another application: it has no "
            f"{' and no '.join(_OURS)}. Nothing was done."
        )
    return stack


def describe(account: Account, name: str) -> dict[str, Any] | None:
    """What CloudFormation says of a stack, or None where there is none. Raises AwsError."""
    try:
        stack: dict[str, Any] = account.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return stack


def resources_of(account: Account, stack: str) -> Iterator[Resource]:
    """All resources of a stack, those of nested stacks too. Raises AwsError."""
    pages = account.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    for summary in (each for page in pages for each in page["StackResourceSummaries"]):
        resource = Resource(
            summary["LogicalResourceId"],
            summary["ResourceType"],
            summary.get("PhysicalResourceId", ""),
            summary["ResourceStatus"],
            summary.get("ResourceStatusReason", ""),
        )
        yield resource
        if resource.type == "AWS::CloudFormation::Stack" and resource.status != "DELETE_COMPLETE":
            yield from resources_of(account, resource.physical_id)


def _read(described: dict[str, Any], resources: tuple[Resource, ...]) -> Stack:
    return Stack(
        name=described["StackName"],
        id=described["StackId"],
        status=described["StackStatus"],
        reason=described.get("StackStatusReason", ""),
        protected=bool(described.get("EnableTerminationProtection")),
        outputs={each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])},
        parameters={each["ParameterKey"]: each["ParameterValue"] for each in described.get("Parameters", [])},
        resources=resources,
    )
