"""The metrics that the code counts, read from the code: what docs, alarms and the dashboard are held to."""

import ast
from collections.abc import Iterator

from classroom_scheduler.domain import errors
from classroom_scheduler.domain.fence import Ownership
from classroom_scheduler.domain.session import Status, TaskState
from classroom_scheduler.domain.tasks import TASKS
from tests.template.project import PACKAGE

MADE_OF_PARTS = {
    "Classrooms{status.capitalize()}": {
        f"Classrooms{status.capitalize()}"
        for status in (Status.RECORDING, Status.COMPLETED, Status.FAILED, Status.INVALID)
    },
    "{task}Lateness": {f"{task}Lateness" for task in TASKS},
    "{attempt.task}FailedForGood": {f"{task}FailedForGood" for task in TASKS},
    "{task}{kind}": {
        f"{task}{name}"
        for task in TASKS
        for name, each in vars(errors).items()
        if isinstance(each, type) and issubclass(each, errors.SchedulerError)
    },
    "{task}{outcome['state'].capitalize()}": {
        f"{task}{state.capitalize()}"
        for task in TASKS
        for state in (TaskState.SUCCEEDED, TaskState.FAILED, TaskState.SKIPPED, Ownership.FENCED)
    },
}
"""What a name can become that is put together where it is counted."""


def counted() -> set[str]:
    """The name of every metric. Fails where one is put together in a way that MADE_OF_PARTS doesn't know."""
    names: set[str] = set()
    for written in written_names():
        names |= MADE_OF_PARTS[written] if "{" in written else {written}
    return names


def written_names() -> set[str]:
    """The names as they are written in the code, with the parts that they are put together of."""
    return {name for path in PACKAGE.rglob("*.py") for name in _names(ast.parse(path.read_text()))}


def _names(tree: ast.AST) -> Iterator[str]:
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in {"count", "measure"}:
            yield ast.unparse(call.args[0])[2:-1] if isinstance(call.args[0], ast.JoinedStr) else _constant(call)


def _constant(call: ast.Call) -> str:
    name = call.args[0]
    assert isinstance(name, ast.Constant), f"line {call.lineno}: {ast.unparse(call)} has no name that can be read here"
    return str(name.value)
