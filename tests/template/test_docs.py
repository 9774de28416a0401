"""What the documents name exists: commands, files, links and functions."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.template.project import ROOT, functions, of_type, template

DOCUMENTS = sorted(path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = dict(re.findall(r"^([a-z][a-z-]*):(?:[^#\n]*##)?(.*)$", MAKEFILE, re.MULTILINE))
PUBLIC = ["run", "demo", "test", "check", "deploy", "help"]
FOLDERS = "benchmarks|docs|events|local|operations|requirements|src|statemachine|tests"
TEST = re.compile(r"^def (test_\w+)\(", re.MULTILINE)
FILE = re.compile(rf"(?<![\w./-])(?:(?:{FOLDERS})/[\w./*-]*|[\w./-]+\.(?:py|json|yaml|toml|md|txt|cfg|ini))(?![\w/-])")
MADE_HERE = (".aws-sam/", "build/", ".local/", ".venv/", "/")
"""Where things appear that are not in the repository, and what addresses of the HTTP API begin with."""


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_command_in_a_document_is_a_target(document: str) -> None:
    named = {target for code in _code(document) for target in re.findall(r"\bmake ([a-z][a-z-]*)\b", code)}

    assert named <= set(TARGETS)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_named_in_a_document_is_there(document: str) -> None:
    missing = {name for code in _code(document) for name in _files(code) if not _exists(name, ROOT / document)}

    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_in_a_document_leads_somewhere(document: str) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", (ROOT / document).read_text())
    inside = [link.partition("#")[0] for link in links if not link.startswith(("https:", "http:", "mailto:", "#"))]

    assert not [link for link in inside if not (ROOT / document).parent.joinpath(link).exists()]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_everything_that_a_document_invokes_exists(document: str) -> None:
    invoked = {name for code in _code(document) for name in re.findall(r"sam (?:local|remote) invoke (\w+)", code)}

    assert invoked <= {*functions(), *of_type("AWS::Serverless::StateMachine")}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_named_in_a_document_is_there(document: str) -> None:
    named = {name for code in _code(document) for name in re.findall(r"\btest_\w+\b(?!\.py)", code)}
    tests = {name for path in (ROOT / "tests").rglob("test_*.py") for name in TEST.findall(path.read_text())}

    assert named <= tests | {path.stem for path in (ROOT / "tests").rglob("test_*.py")}


@pytest.mark.parametrize("target", PUBLIC)
def test_a_public_command_exists_and_help_explains_it(target: str) -> None:
    assert TARGETS[target].strip()


def test_the_targets_in_the_continuous_integration_exist() -> None:
    named = re.findall(r"\bmake ([a-z][a-z-]*)\b", (ROOT / ".ci" / "run").read_text())

    assert named
    assert set(named) <= set(TARGETS)


def test_the_readme_lists_every_parameter_with_its_default() -> None:
    rows = re.findall(r"^\| (`[A-Z]\w+`.*?) \| (.*?) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    listed = {
        name: default for names, defaults in rows for name, default in zip(_each(names), _each(defaults), strict=True)
    }
    parameters = template()["Parameters"]

    assert list(listed) == sorted(listed, key=list(parameters).index)
    assert set(listed) == set(parameters)
    for name, default in listed.items():
        assert default == str(parameters[name].get("Default", "required")) or not parameters[name]["Default"], name


@pytest.mark.parametrize("decision", sorted((ROOT / "docs" / "decisions").glob("0*.md")), ids=lambda path: path.stem)
def test_a_decision_says_what_was_decided_when_and_whether_it_holds(decision: Path) -> None:
    number = decision.name.partition("-")[0]
    head = rf"# {number} .+\n\nDate: \d{{4}}-\d\d-\d\d\. Status: (accepted|superseded)[^\n]*\.?\n"

    assert re.match(head, decision.read_text())
    assert "**Revert?**" in decision.read_text()


def _each(cell: str) -> list[str]:
    return [each.strip(" `") for each in cell.split(",")]


def _code(document: str) -> Iterator[str]:
    """The code in a document: blocks and what stands between backticks."""
    text = (ROOT / document).read_text()
    yield from re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def _files(code: str) -> set[str]:
    names = {name.rstrip(".") for name in FILE.findall(re.sub(r"https?://\S+|file://", "", code))}
    return {name for name in names if not name.startswith(MADE_HERE)}


def _exists(name: str, document: Path) -> bool:
    """Whether a file, folder or pattern is there, seen from the root, the document or the package."""
    places = (ROOT, document.parent, ROOT / "src" / "classroom_scheduler")
    return any(any(place.glob(name)) if "*" in name else (place / name).exists() for place in places)
