"""`sam build`, and the proof that each package it makes is complete, small and pure Python.

The emulator lets functions import whatever is installed around it, so a missing dependency would first be noticed on
AWS. Here each handler is imported by a bare interpreter that sees the package and what the runtime brings: boto3.
"""

import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local.environment import REGION, architecture, build_variables, environment, python_runtime
from local.errors import StepFailed
from local.places import STATE
from local.processes import run_step

MAX_BYTES = 8_000_000
"""Without bytecode, of which a package has as many as its machine has Pythons."""
RUNTIME_BRINGS = ("boto3", "botocore", "s3transfer", "jmespath", "urllib3", "dateutil", "six.py")
"""What is importable on AWS besides the package: boto3 and what it needs."""


@dataclass(frozen=True)
class Package:
    """A function's built package: `variables` are the names of its environment variables."""

    function: str
    folder: Path
    handler: str
    variables: tuple[str, ...]


def build(folder: Path, *, env: dict[str, str], log: Path) -> Path:
    """Run `sam build` into `folder`, which need not exist; the path of the built template. Raises StepFailed."""
    # Not cached: SAM never finds a makefile build in its cache, so that would only fill the disk.
    command = ["sam", "build", "--config-env", "local", "--no-cached", "--parallel", "--build-dir", str(folder)]
    command += ["--parameter-overrides", f"PythonRuntime={python_runtime()}", f"Architecture={architecture()}"]
    run_step("sam build", command, env=env | build_variables(), log=log, timeout=300)
    return folder / "template.yaml"


def check() -> None:
    """Build all packages and print what each weighs. Raises StepFailed naming everything that is wrong with them."""
    with tempfile.TemporaryDirectory(prefix="classroom-packages-") as folder:
        scratch = Path(folder)
        # Nobody answers there: building and importing need no AWS.
        env = environment("http://127.0.0.1:9", scratch)
        template = build(scratch / "build", env=env, log=STATE / "packages" / "sam-build.log")
        runtime = lay_out_runtime(scratch / "runtime")
        problems = [problem for package in packages(template) for problem in _problems(package, runtime)]
    if problems:
        raise StepFailed("The Lambda packages are not fit for AWS:\n" + "\n".join(problems))


def packages(template: Path) -> Iterator[Package]:
    """The packages of a built template."""
    content = yaml.load(template.read_text(), Loader=_TemplateLoader)  # noqa: S506  a SafeLoader
    shared = _variables(content.get("Globals", {}).get("Function", {}))
    for name, resource in content["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            properties = resource["Properties"]
            folder = template.parent / properties["CodeUri"]
            yield Package(name, folder, properties["Handler"], (*shared, *_variables(properties)))


def _problems(package: Package, runtime: Path) -> Iterator[str]:
    files = [path for path in package.folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files if path.suffix != ".pyc")
    if size > MAX_BYTES:
        yield f"{package.function}: {size:,} bytes unzipped, {MAX_BYTES:,} are allowed"
    for path in files:
        if path.suffix in {".so", ".pyd", ".dylib", ".dll"}:
            yield f"{package.function}: {path.relative_to(package.folder)} is not pure Python"
    error = _import_error(package, runtime)
    if error:
        yield f"{package.function}: importing {package.handler} failed:\n{error}"
    else:
        print(f"{package.function}: {size / 1e6:.1f} MB, imports with its own folder and boto3 alone")


def _import_error(package: Package, runtime: Path) -> str:
    module, _, function = package.handler.rpartition(".")
    script = (
        "import importlib, sys\n"
        f"sys.path += [{str(package.folder)!r}, {str(runtime)!r}]\n"
        f"assert callable(getattr(importlib.import_module({module!r}), {function!r}))\n"
    )
    variables = dict.fromkeys(package.variables, "here-for-the-import") | {
        "POWERTOOLS_LOG_LEVEL": "INFO",
        "HORIZON_HOURS": "7200",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    # -I and -S: the standard library and nothing that is installed.
    done = subprocess.run(
        [base_python(), "-I", "-S", "-B", "-c", script],
        env=variables,
        cwd=package.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return "" if done.returncode == 0 else "\n".join(f"  | {line}" for line in done.stderr.splitlines()[-12:])


def base_python() -> str:
    """The interpreter behind .venv: of a virtual environment, -S alone still finds its packages from Python 3.14 on."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def lay_out_runtime(folder: Path) -> Path:
    """A folder that holds, of all that is installed here, what the Lambda runtime brings."""
    folder.mkdir()
    installed = Path(sysconfig.get_path("purelib"))
    for name in RUNTIME_BRINGS:
        (folder / name).symlink_to(installed / name)
    return folder


def _variables(properties: dict[str, Any]) -> list[str]:
    return list(properties.get("Environment", {}).get("Variables", {}))


class _TemplateLoader(yaml.SafeLoader):
    """Reads a template's structure; what !Ref and the like stand for does not matter here."""


_TemplateLoader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)
