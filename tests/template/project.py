"""The project's own files as data: what the tests in this folder make statements about."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import cfnlint.api  # type: ignore[import-untyped]  # it has none
import yaml
from samtranslator.parser.parser import Parser  # type: ignore[import-untyped]  # it has none
from samtranslator.translator.translator import Translator  # type: ignore[import-untyped]  # it has none

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "classroom_scheduler"
TASKS = ("StartRecording", "SendLivePing", "StopRecording")

Json = dict[str, Any]


class _TemplateLoader(yaml.SafeLoader):
    """Reads YAML with CloudFormation's short forms: `!Ref x` becomes {"Ref": "x"}."""


def _intrinsic(loader: yaml.Loader, suffix: str, node: yaml.Node) -> Json:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_TemplateLoader.add_multi_constructor("!", _intrinsic)


def template() -> Json:
    """template.yaml, to be changed at will."""
    content: Json = yaml.load((ROOT / "template.yaml").read_text(), Loader=_TemplateLoader)
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
