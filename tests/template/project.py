"""The project's own files as data: what the tests in this folder make statements about."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import cfnlint.api  # type: ignore[import-untyped]  # it has none
from samtranslator.parser.parser import Parser  # type: ignore[import-untyped]  # it has none
from samtranslator.translator.translator import Translator  # type: ignore[import-untyped]  # it has none
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]  # it has none

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "classroom_scheduler"
TASKS = ("StartRecording", "SendLivePing", "StopRecording")

Json = dict[str, Any]


@cache
def _read() -> str:
    """template.yaml as JSON: without the names of blocks, as `sam build` writes it out."""
    return json.dumps(yaml_parse((ROOT / "template.yaml").read_text()))


def template() -> Json:
    """template.yaml, to be changed at will."""
    content: Json = json.loads(_read())
    return content


def of_type(resource_type: str) -> dict[str, Json]:
    """The properties of the template's resources of a type, by logical id."""
    resources = template()["Resources"]
    return {name: each.get("Properties", {}) for name, each in resources.items() if each["Type"] == resource_type}


def functions() -> dict[str, Json]:
    """The properties of the functions, those that they share included."""
    shared = template()["Globals"]["Function"]
    variables = shared["Environment"]["Variables"]
    return {
        name: {
            **shared,
            **own,
            "Environment": {"Variables": {**variables, **own.get("Environment", {}).get("Variables", {})}},
        }
        for name, own in of_type("AWS::Serverless::Function").items()
    }


@cache
def deployed() -> dict[str, Json]:
    """The resources that AWS makes of the template, those that SAM adds included. Not to be changed."""
    content = template()
    content["Globals"]["Function"]["CodeUri"] = "s3://bucket/code"
    for machine in content["Resources"].values():
        if machine["Type"] == "AWS::Serverless::StateMachine":
            machine["Properties"]["DefinitionUri"] = "s3://bucket/definition"
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name="us-east-1"))
    parameters = {"ClassroomServerUrl": "https://classroom.example"}
    resources: dict[str, Json] = translator.translate(content, parameters)["Resources"]
    return resources


def deployed_of_type(resource_type: str) -> dict[str, Json]:
    """The properties of the resources of a type that AWS makes of the template, by logical id."""
    return {name: each["Properties"] for name, each in deployed().items() if each["Type"] == resource_type}


def names(value: Any) -> set[str]:
    """The logical ids and parameters that a value refers to by Ref, GetAtt and Sub."""
    if isinstance(value, list):
        return {name for each in value for name in names(each)}
    if not isinstance(value, dict):
        return set()
    found = names(list(value.values()))
    if isinstance(value.get("Ref"), str):
        found.add(value["Ref"])
    if "Fn::GetAtt" in value:
        found.add(value["Fn::GetAtt"][0])
    if isinstance(value.get("Fn::Sub"), str):
        found |= set(re.findall(r"\$\{([\w:]+)", value["Fn::Sub"]))
    return {name for name in found if not name.startswith("AWS::")}


def statements(role: str) -> list[Json]:
    """The policy statements of a role, those under a condition included."""
    policies = deployed()[role]["Properties"].get("Policies", [])
    every = [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]
    return [each["Fn::If"][1] if "Fn::If" in each else each for each in every]


def listed(value: Any) -> list[Any]:
    """A list as it is, anything else as the only element of one: policies allow both."""
    return value if isinstance(value, list) else [value]


def state_machine(name: str = "classroom") -> Json:
    """A state machine before substitution."""
    content: Json = json.loads((ROOT / "statemachine" / f"{name}.asl.json").read_text())
    return content


def complaints(definition: Json) -> list[Any]:
    """What cfn-lint has against a state machine."""
    arn = "arn:aws:lambda:us-east-1:123456789012:function:some-function"
    substituted = json.loads(re.sub(r"\$\{\w+\}", arn, json.dumps(definition)))
    properties = {"RoleArn": "arn:aws:iam::123456789012:role/some-role", "Definition": substituted}
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    return list(cfnlint.api.lint(json.dumps({"Resources": {"Machine": machine}}), regions=["us-east-1"]))


def handler_module(function: str) -> str:
    """`StartRecordingFunction` -> `start_recording`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", function.removesuffix("Function")).lower()


def strings(value: Any) -> Iterator[str]:
    """Every string in a structure, keys not included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)
