"""The last step of a deployment: where the table is protected from deletion, the whole stack is."""

from dataclasses import replace

import pytest

from operations import deployment, protect
from operations.errors import Undone
from tests.unit.operations.scripted import DENIED, ScriptedAws, a_stack, resources


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> ScriptedAws:
    aws = ScriptedAws()
    aws.will("ListStackResources", resources())
    monkeypatch.setattr(protect, "connect", lambda _: aws.account)
    monkeypatch.setattr(deployment, "read", lambda name, read=deployment.read: replace(read(name), stack_name="school"))
    return aws


def test_prod_is_protected_and_says_so(aws: ScriptedAws) -> None:
    aws.will("DescribeStacks", a_stack())
    aws.will("UpdateTerminationProtection", {"StackId": "school/1"})
    said: list[str] = []

    protect.protect("prod", said.append)

    assert aws.called("UpdateTerminationProtection") == [{"StackName": "school", "EnableTerminationProtection": True}]
    assert said == ["school has termination protection: nothing of it is deleted until that is taken off."]


def test_a_stack_that_is_protected_already_is_left_so(aws: ScriptedAws) -> None:
    aws.will("DescribeStacks", a_stack(EnableTerminationProtection=True))

    protect.protect("prod", lambda _: None)

    assert aws.called("UpdateTerminationProtection") == []


@pytest.mark.parametrize("environment", ["default", "dev", "local"])
def test_a_stack_to_be_thrown_away_is_not_asked_about(aws: ScriptedAws, environment: str) -> None:
    protect.protect(environment, lambda _: None)

    assert aws.calls == []


def test_a_refusal_says_that_the_stack_is_there_and_open(aws: ScriptedAws) -> None:
    aws.will("DescribeStacks", a_stack())
    aws.will("UpdateTerminationProtection", DENIED)

    with pytest.raises(Undone, match=r"No permission for .* school is deployed, and without termination protection"):
        protect.protect("prod", lambda _: None)
