"""The Lambda packages hold all that they need besides boto3, are small and pure Python; and their check sees faults."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.environment import build_variables
from local.packages import MAX_BYTES, Package, _problems, lay_out_runtime
from tests.template.project import ROOT, functions


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What src/Makefile makes for one function; all but HelloAt have the same content."""
    return _make("StartRecordingFunction", tmp_path_factory)


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What src/Makefile makes for HelloAt, which stands alone."""
    return _make("HelloAtFunction", tmp_path_factory)


def _make(function: str, folders: pytest.TempPathFactory) -> Path:
    source = folders.mktemp("source") / "src"
    shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
    artifacts = folders.mktemp("artifacts")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    made = {"PATH": path, "HOME": os.environ.get("HOME", "/"), "ARTIFACTS_DIR": str(artifacts)}
    subprocess.run(
        ["make", "-C", str(source), f"build-{function}"],
        env=made | build_variables(),
        check=True,
        timeout=300,
    )
    return artifacts


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What AWS brings: boto3 and what it needs."""
    return lay_out_runtime(tmp_path_factory.mktemp("runtime") / "site-packages")


@pytest.fixture
def spoilt(built: Path, tmp_path: Path) -> Path:
    """A copy of the package to break."""
    return shutil.copytree(built, tmp_path / "package")


def package(folder: Path, function: str = "StartRecordingFunction") -> Package:
    """The function's package in this folder."""
    properties = functions()[function]
    return Package(function, folder, properties["Handler"], tuple(properties["Environment"]["Variables"]))


@pytest.mark.parametrize("function", sorted(functions().keys() - {"HelloAtFunction"}))
def test_a_package_is_complete_small_and_pure_python(function: str, built: Path, runtime: Path) -> None:
    assert list(_problems(package(built, function), runtime)) == []


def test_the_package_of_hello_at_carries_its_own_module_and_nothing_else(hello: Path, runtime: Path) -> None:
    assert list(_problems(package(hello, "HelloAtFunction"), runtime)) == []
    assert {str(path.relative_to(hello)) for path in hello.rglob("*.*") if path.suffix != ".pyc"} == {
        f"classroom_scheduler/{name}.py" for name in ("__init__", "handlers/__init__", "handlers/hello_at")
    }


def test_boto3_and_what_comes_with_it_are_left_to_the_runtime(built: Path, runtime: Path) -> None:
    both = {path.name for path in built.iterdir()} & {path.name for path in runtime.iterdir()}

    # The runtime may bring urllib3 1.26, which cannot read an answer bit by bit.
    assert both == {"urllib3"}


def test_bytecode_is_packed_that_a_zip_does_not_spoil(built: Path) -> None:
    handler = built / "classroom_scheduler" / "handlers" / "start_recording.py"
    bytecode = Path(importlib.util.cache_from_source(str(handler))).read_bytes()

    # Lambda can't keep what it compiles, and a zip changes the date that bytecode is usually held against.
    hash_based, not_checked = 1, 0
    assert int.from_bytes(bytecode[4:8], "little") == hash_based | not_checked
    assert str(built).encode() not in bytecode


@pytest.mark.parametrize(
    "dependency", ["pynamodb", "aws_lambda_powertools", "standardwebhooks", "typing_extensions.py"]
)
def test_a_missing_dependency_is_noticed(dependency: str, spoilt: Path, runtime: Path) -> None:
    missing = spoilt / dependency
    if missing.is_dir():
        shutil.rmtree(missing)
    else:
        missing.unlink()

    assert any("failed" in problem for problem in _of_all_functions(spoilt, runtime))


def test_a_native_library_is_noticed(spoilt: Path, runtime: Path) -> None:
    (spoilt / "pynamodb" / "_speedups.so").write_bytes(b"")

    assert any("_speedups.so is not pure Python" in problem for problem in _problems(package(spoilt), runtime))


def test_a_package_too_large_is_noticed(spoilt: Path, runtime: Path) -> None:
    (spoilt / "model.bin").write_bytes(bytes(MAX_BYTES))

    assert any("are allowed" in problem for problem in _problems(package(spoilt), runtime))


def _of_all_functions(folder: Path, runtime: Path) -> Iterator[str]:
    for function in functions():
        yield from _problems(package(folder, function), runtime)
