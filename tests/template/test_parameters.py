"""What may be given when the stack is deployed, and what is refused."""

import re

import pytest

from classroom_scheduler.domain.session import MAX_START_LEAD
from tests.template.project import ROOT, Json, template

PARAMETERS: dict[str, Json] = template()["Parameters"]
LAMBDA = "arn:aws:lambda:eu-west-1:123456789012:function:my-function"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
GIVEN = {
    "HasAlarmTopic": "AlarmTopicArn",
    "HasCorsOrigins": "CorsOrigins",
    "HasFormerKmsKey": "FormerKmsKeyArn",
    "HasKmsKey": "KmsKeyArn",
    "HasOneTimeTarget": "OneTimeTargetFunctionArn",
    "HasUserPool": "CognitoUserPoolArn",
}
"""The conditions that stand for a parameter that was given."""
TAKEN = {
    "ClassroomServerUrl": [
        *("https://classroom.example", "https://classroom.example/webhooks?tenant=7"),
        *("https://classroom.example:8443/a/b", "http://127.0.0.1:8790/webhooks", "http://localhost"),
    ],
    "OneTimeTargetFunctionArn": [
        *("", LAMBDA, f"{LAMBDA}:7", f"{LAMBDA}:$LATEST"),
        "arn:aws-cn:lambda:cn-north-1:123456789012:function:my_function:live",
    ],
    "BookingSource": ["classroom.booking", "com.example.lms/v2", "timetable_1", "awsome", "x" * 256],
    "KmsKeyArn": ["", KEY, "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab"],
    "CorsOrigins": ["", "https://school.example", "https://school.example,http://localhost:5173"],
}
REFUSED = {
    # Nobody but this machine is called unencrypted, and user and password would end up in logs.
    "ClassroomServerUrl": [
        *("", "classroom.example", "http://classroom.example", "http://127.0.0.1.example", "http://localhost.example"),
        *("http://localhost@classroom.example", "https://ada:secret@classroom.example", "https://", "https:///path"),
        *("https://classroom.example/a b", "ftp://classroom.example", "https://classroom.example\n"),
    ],
    "OneTimeTargetFunctionArn": [
        *("my-function", LAMBDA.replace("my-function", "*"), LAMBDA.replace("function", "layer", 1)),
        *(LAMBDA.replace("123456789012", ""), f"{LAMBDA},{LAMBDA}"),
    ],
    # Our own `Classroom Cancelled`, taken for a booking, would cancel the class that comes after it.
    "BookingSource": ["", "aws.states", "classroom.scheduler", "a b", "x" * 257],
    # Policies know keys by their ARN alone, and a wildcard is no key.
    "KmsKeyArn": ["alias/classrooms", KEY.rpartition("/")[2], KEY.replace("key/", "alias/"), f"{KEY[:-36]}*"],
    # Not any page in the world.
    "CorsOrigins": ["*", "https://*.example", "school.example", "https://a.example, https://b.example"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in TAKEN.items() for value in values])
def test_a_parameter_takes(name: str, value: str) -> None:
    assert re.fullmatch(PARAMETERS[name]["AllowedPattern"], value)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in REFUSED.items() for value in values])
def test_a_parameter_refuses(name: str, value: str) -> None:
    assert not re.fullmatch(PARAMETERS[name]["AllowedPattern"], value)


def test_nobody_to_call_has_no_default() -> None:
    assert [name for name, each in PARAMETERS.items() if "Default" not in each] == ["ClassroomServerUrl"]


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_a_parameter_says_what_it_is_for_and_what_it_takes(name: str) -> None:
    parameter = PARAMETERS[name]

    assert parameter["Description"].endswith(".")
    assert {"AllowedPattern", "AllowedValues", "MinValue"} & set(parameter)
    assert "AllowedValues" in parameter or parameter["ConstraintDescription"]
    assert "Default" not in parameter or parameter["Default"] in parameter.get("AllowedValues", [parameter["Default"]])


def test_every_parameter_is_used_and_presented() -> None:
    groups = template()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    text = (ROOT / "template.yaml").read_text()

    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(PARAMETERS)
    assert [name for name in PARAMETERS if f"!Ref {name}" not in text] == []


@pytest.mark.parametrize(("condition", "parameter"), list(GIVEN.items()))
def test_a_parameter_left_empty_asks_for_nothing(condition: str, parameter: str) -> None:
    assert template()["Conditions"][condition] == {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, ""]}]}
    assert PARAMETERS[parameter]["Default"] == ""


def test_the_horizon_leaves_an_execution_time_for_its_class_within_the_year_it_may_live() -> None:
    assert PARAMETERS["HorizonHours"]["MaxValue"] / 24 + 60 < 365


def test_a_recorder_starts_as_early_as_an_item_can_say_at_most_and_with_its_class_unless_told_otherwise() -> None:
    assert PARAMETERS["StartLeadSeconds"]["MaxValue"] == MAX_START_LEAD.total_seconds()
    assert PARAMETERS["StartLeadSeconds"]["Default"] == PARAMETERS["StartLeadSeconds"]["MinValue"] == 0
