"""One fresh emulator, demo server and deployment for all end-to-end tests, however many processes run them.

With `-n`, the process that deals out the tests runs the stack and tells its workers where it is.
"""

import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # it has none

from local.errors import StepFailed
from local.stack import running_stack
from tests.e2e.client import Client
from tests.e2e.stacks import SharedStack

_running = ExitStack()
_SHARED = pytest.StashKey[SharedStack]()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Start the stack before there are workers."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    assert terminal is not None
    config.stash[_SHARED] = _start(terminal.write_line)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker where the stack is, in types that pass between processes."""
    shared = node.config.stash[_SHARED]
    told = {field.name: getattr(shared, field.name) for field in fields(shared)}
    node.workerinput["stack"] = told | {"template": str(shared.template), "logs": str(shared.logs)}


_STACKS_OF_THEIR_OWN = ("test_stacks_of_their_own.py", "test_operations_commands.py")


class _OneByOne(LoadScopeScheduling):  # type: ignore[misc]  # nor has its base
    """Each test goes to a worker that has time, but those with stacks of their own all go to one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "stacks of their own" if file.endswith(_STACKS_OF_THEIR_OWN) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """How tests are dealt out."""
    return _OneByOne(config, log)


def pytest_unconfigure() -> None:
    """End the stack, in the process that runs it and after its workers."""
    _running.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder, so that `-m "not e2e"` leaves them out."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> SharedStack:
    """The stack as `sam` deployed it. Its logs stay in .local/e2e/."""
    told = getattr(request.config, "workerinput", {}).get("stack")
    if told is None:
        return _start(print)
    return SharedStack(**told | {"template": Path(told["template"]), "logs": Path(told["logs"])})


def _start(say: Callable[[str], None]) -> SharedStack:
    # Ctrl-C ends pytest in order; these two would otherwise leave the emulator behind.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        running = _running.enter_context(running_stack("e2e", say=say))
    except StepFailed as failure:
        pytest.exit(str(failure), returncode=1)
    pids = (running.emulator.process.pid, os.getpid())
    return SharedStack(running.endpoint_url, running.server_url, running.outputs, running.template, running.logs, pids)


@pytest.fixture(scope="session")
def client(stack: SharedStack) -> Client:
    """A person's view of the stack."""
    return Client(stack)
