"""What a cold start imports: each package costs milliseconds that a class starts late by."""

import json
import subprocess
import sys
import sysconfig

import pytest

from tests.template.project import ROOT, functions

BOTO3 = {"boto3", "botocore", "s3transfer", "jmespath", "urllib3", "dateutil", "six"}
ALLOWED = BOTO3 | {"aws_lambda_powertools", "pynamodb", "standardwebhooks", "typing_extensions"}
"""No pydantic (200 ms), no aws_xray_sdk (500 ms), nothing that is there by chance."""
MORE: dict[str, set[str]] = {}
"""What a function may import beyond that, by its logical id."""
ONLY_HERE = {"awscrt", "_awscrt", "certifi", "OpenSSL", "cryptography", "_cffi_backend", "blinker"}
"""What boto3 and PynamoDB take where it is installed: neither in the package nor in the Lambda runtime."""


@pytest.mark.parametrize("function", sorted(functions()))
def test_a_function_imports_with_its_own_variables_and_no_other_packages(function: str) -> None:
    handler = functions()[function]["Handler"].rpartition(".")[0]
    variables = dict.fromkeys(functions()[function]["Environment"]["Variables"], "1") | {"POWERTOOLS_LOG_LEVEL": "INFO"}

    assert _imported(handler, variables) - ONLY_HERE <= ALLOWED | MORE.get(function, set())


def test_the_check_sees_a_package_that_is_not_allowed() -> None:
    assert "pydantic" in _imported("pydantic", {})


def test_no_client_is_made_at_import() -> None:
    script = (
        "import botocore.session as b; b.Session.create_client = None; import importlib, sys; "
        "importlib.import_module(sys.argv[1])"
    )
    for properties in functions().values():
        _run(script, properties["Handler"].rpartition(".")[0], {"POWERTOOLS_LOG_LEVEL": "INFO"})


def _imported(module: str, variables: dict[str, str]) -> set[str]:
    """The top-level packages in site-packages that importing a module imports."""
    script = (
        "import importlib, json, sys; importlib.import_module(sys.argv[1]); "
        "print(json.dumps([[n, m.__file__] for n, m in sys.modules.items() if getattr(m, '__file__', None)]))"
    )
    site = sysconfig.get_path("purelib")
    found = json.loads(_run(script, module, variables))
    return {name.partition(".")[0] for name, file in found if file.startswith(site)}


def _run(script: str, module: str, variables: dict[str, str]) -> str:
    env = variables | {"PYTHONPATH": f"{ROOT / 'src'}:{sysconfig.get_path('purelib')}", "AWS_REGION": "us-east-1"}
    command = [sys.executable, "-S", "-B", "-c", script, module]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=60).stdout
