"""handlers → domain ← adapters, joined only in bootstrap: who may import what."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.template.project import PACKAGE

AWS = {"boto3", "botocore"}
MAY_IMPORT = {
    "domain": {"domain"},
    "adapters": {
        *("adapters", "domain", "observability"),
        *("aws_lambda_powertools", "pynamodb", "standardwebhooks", "urllib3", *AWS),
    },
    "handlers": {"handlers", "domain", "bootstrap", "settings", "observability", "aws_lambda_powertools"},
    "settings": set(),
    "observability": {"aws_lambda_powertools", "domain"},
    "bootstrap": {
        *("domain", "adapters", "settings", "observability"),
        *("aws_lambda_powertools", "pynamodb", "standardwebhooks", "urllib3", *AWS),
    },
    "__init__": set(),
}
"""What each part may import besides the standard library."""
NOT_FOR_THE_DOMAIN = {"os", "random", "secrets", "socket", "ssl", "subprocess", "threading", "time", "uuid"}
"""Modules of the standard library that bring in the world: time and ids are arguments."""


def _part(module: str) -> str:
    """`domain/plan.py` -> `domain`, `settings.py` -> `settings`."""
    return module.split("/", maxsplit=1)[0].removesuffix(".py")


MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_part_may(module: str) -> None:
    foreign = {name for name in imports(PACKAGE / module) if name not in sys.stdlib_module_names}

    assert foreign <= MAY_IMPORT[_part(module)]


@pytest.mark.parametrize("module", [module for module in MODULES if _part(module) == "domain"])
def test_the_domain_is_told_the_time_and_the_ids(module: str) -> None:
    tree = ast.parse((PACKAGE / module).read_text())
    called = {
        node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }

    assert not imports(PACKAGE / module) & NOT_FOR_THE_DOMAIN
    assert not called & {"now", "utcnow", "today", "uuid4"}


def test_no_handler_imports_another() -> None:
    for path in (PACKAGE / "handlers").glob("*.py"):
        others = {name.rpartition(".")[2] for name in _dotted(path) if name.startswith("classroom_scheduler.handlers.")}
        # What handlers share has a leading underscore.
        assert all(other.startswith("_") for other in others), f"{path.name} imports {others}"


def imports(path: Path) -> set[str]:
    """What a module imports: the parts of our own package by their names, others by that of their top-level package."""
    return {_part_of(name) for name in _dotted(path)}


def _dotted(path: Path) -> Iterator[str]:
    """Every import of a module in full, wherever in it: relative ones resolved, `from a import b` as a.b and a."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                folders = ("classroom_scheduler", *path.relative_to(PACKAGE).parts)[: -node.level]
                base = ".".join((*folders, *([base] if base else [])))
            if base == "classroom_scheduler":
                yield from (f"{base}.{alias.name}" for alias in node.names)
            else:
                yield base


def _part_of(name: str) -> str:
    first, *rest = name.split(".")
    return rest[0] if first == "classroom_scheduler" and rest else first
