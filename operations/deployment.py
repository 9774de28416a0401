"""The deployment that somebody plans: template.yaml, with stack name and parameters from samconfig.toml."""

import shlex
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from operations.errors import NotBegun

PROJECT = Path(__file__).resolve().parent.parent
DEFINITIONS = PROJECT / "statemachine"
_PLACEHOLDER_SERVER = "https://classroom-server.example/webhooks"


@dataclass(frozen=True)
class Deployment:
    """What would be deployed; `parameters` are those that the environment gives."""

    environment: str
    stack_name: str
    region: str | None
    template: dict[str, Any]
    parameters: dict[str, str]

    def value(self, parameter: str, deployed: dict[str, str]) -> str:
        """What a parameter would be: as the environment says, else as it is deployed, else by default."""
        default = self.template["Parameters"].get(parameter, {}).get("Default", "")
        return self.parameters.get(parameter, deployed.get(parameter, str(default)))

    def log_groups(self) -> list[str]:
        """The names of the log groups that are named by the template and not by CloudFormation."""
        groups = [each for each in self.template["Resources"].values() if each["Type"] == "AWS::Logs::LogGroup"]
        named = [each.get("Properties", {}).get("LogGroupName") for each in groups]
        texts = [name["Fn::Sub"] if isinstance(name, dict) else name for name in named if name]
        return [text.replace("${AWS::StackName}", self.stack_name) for text in texts]

    def overrides(self, deployed: dict[str, str]) -> list[dict[str, Any]]:
        """The parameters of a change set, so that what is deployed stays unless the environment says otherwise."""
        given = dict(self.parameters)
        if "ClassroomServerUrl" not in deployed:
            given.setdefault("ClassroomServerUrl", _PLACEHOLDER_SERVER)
        kept = [name for name in self.template["Parameters"] if name in deployed and name not in given]
        return [
            *({"ParameterKey": name, "ParameterValue": value} for name, value in given.items()),
            *({"ParameterKey": name, "UsePreviousValue": True} for name in kept),
        ]


def read(environment: str, project: Path = PROJECT) -> Deployment:
    """The deployment of an environment. Raises NotBegun where samconfig.toml does not have it."""
    config = tomllib.loads((project / "samconfig.toml").read_text())
    if environment not in config or environment == "version":
        known = ", ".join(name for name in config if name != "version")
        raise NotBegun(f"samconfig.toml has no environment {environment!r}; it has {known}. Nothing was done.")
    shared = config[environment].get("global", {}).get("parameters", {})
    deploy = shared | config[environment].get("deploy", {}).get("parameters", {})
    return Deployment(
        environment=environment,
        stack_name=deploy.get("stack_name", "classroom-scheduler"),
        region=deploy.get("region"),
        template=yaml_parse((project / "template.yaml").read_text()),
        parameters=_parameters(deploy.get("parameter_overrides", "")),
    )


def _parameters(overrides: str | list[str]) -> dict[str, str]:
    """As SAM writes them: `Name=value Other="a value"`, in one text or a list."""
    words = shlex.split(overrides) if isinstance(overrides, str) else [str(word) for word in overrides]
    return {name: value.strip('"') for name, _, value in (word.partition("=") for word in words)}
