"""Who may import whom, and how large things may grow: docs/architecture.md draws it."""

import ast
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "classroom_scheduler"


def _part_of(module: str) -> str:
    """`domain/plan.py` -> `domain`, `settings.py` -> `settings`."""
    return module.split("/", maxsplit=1)[0].removesuffix(".py")


MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
FEATURES = {"http_api", "bookings", "lifecycle"}

MAY_IMPORT = {
    "domain": {"domain"},
    "application": {"application", "domain", "exact_json"},
    "bookings": {"bookings", "application", "domain", "exact_json"},
    "lifecycle": {"lifecycle", "application", "domain"},
    "http_api": {"http_api", "application", "domain", "exact_json", "observability", "aws_lambda_powertools"},
    "adapters": {
        *("adapters", "domain", "exact_json", "observability", "aws_lambda_powertools"),
        *("boto3", "botocore", "pynamodb", "standardwebhooks", "urllib3"),
        *(f"{part}.ports" for part in ("application", *FEATURES)),
    },
    "handlers": {
        *("handlers", "adapters", "application", "domain", "clock", "settings", "observability", "exact_json"),
        *("aws_lambda_powertools", *FEATURES),
    },
    "settings": {"domain"},
    "observability": {"aws_lambda_powertools", "domain", "exact_json"},
    "exact_json": {"domain"},
    "clock": set(),
    "__init__": set(),
}
"""What each part may import besides the standard library."""

NOT_FOR_THE_DOMAIN = {"os", "random", "secrets", "socket", "ssl", "subprocess", "threading", "time", "uuid"}
"""Modules of the standard library that bring in the world: time and ids are arguments."""


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_part_may(module: str) -> None:
    allowed = MAY_IMPORT[_part_of(module)]

    assert [name for name in _foreign(PACKAGE / module) if not _is_allowed(name, allowed)] == []


@pytest.mark.parametrize("module", [module for module in MODULES if _part_of(module) in {"domain", "application"}])
def test_the_core_gets_the_time_and_the_ids_as_arguments(module: str) -> None:
    tree = ast.parse((PACKAGE / module).read_text())
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]

    assert not set(_imports(PACKAGE / module)) & NOT_FOR_THE_DOMAIN
    assert not {call.attr for call in calls if isinstance(call, ast.Attribute)} & {"now", "utcnow", "today", "uuid4"}


def test_handlers_share_only_what_has_a_leading_underscore() -> None:
    handlers = [PACKAGE / module for module in MODULES if _part_of(module) == "handlers"]
    shared = [name for path in handlers for name in _imports(path) if name.startswith("classroom_scheduler.handlers.")]

    assert all(name.rpartition(".")[2].startswith("_") for name in shared), shared


def test_the_domain_is_small_enough_to_read_in_one_sitting() -> None:
    modules = [module for module in MODULES if _part_of(module) == "domain" and not module.endswith("__init__.py")]
    arrows = [
        (module, name)
        for module in modules
        for name in sorted(set(_imports(PACKAGE / module)))
        if name.startswith("classroom_scheduler.domain.")
    ]

    assert len(modules) < 16
    assert len(arrows) <= 45


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_one_idea_and_a_function_fits_on_a_screen(module: str) -> None:
    text = (PACKAGE / module).read_text()
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]

    assert len(text.splitlines()) <= 250
    assert [each.name for each in functions if (each.end_lineno or 0) - each.lineno >= 30] == []


def _foreign(path: Path) -> Iterator[str]:
    return (name for name in _imports(path) if name.split(".")[0] not in sys.stdlib_module_names)


def _is_allowed(name: str, allowed: set[str]) -> bool:
    first, *rest = name.split(".")
    ours = rest if first == "classroom_scheduler" else [first]
    return bool({".".join(ours[:1]), ".".join(ours[:2])} & allowed)


def _imports(path: Path) -> Iterator[str]:
    """The full name of every module that is imported, wherever in the file."""
    return chain.from_iterable(_names(node) for node in ast.walk(ast.parse(path.read_text())))


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert not node.level, "a relative import hides which part it crosses into"
        is_package = (
            node.module == "classroom_scheduler"
            or not Path(PACKAGE.parent, *str(node.module).split(".")).with_suffix(".py").exists()
        )
        ours = str(node.module).startswith("classroom_scheduler")
        return [f"{node.module}.{alias.name}" for alias in node.names] if ours and is_package else [str(node.module)]
    return []
