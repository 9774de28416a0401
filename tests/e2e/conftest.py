"""One fresh emulator, demo server and deployment for all end-to-end tests, however many processes run them.

With `-n`, the process that deals out the tests runs the stack and tells its workers where it is.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from local.errors import StepFailed
from local.stack import Deployment, running_stack
from tests.e2e.client import Client
from tests.e2e.region import Region, running_region


@dataclass(frozen=True)
class SharedStack(Deployment):
    """The stack of this session. Its tests run at the same time, so each looks at classrooms of its own only."""

    processes: tuple[int, ...]
    """The pids of the emulator and of the process in which the demo server answers."""


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


def pytest_unconfigure() -> None:
    """End the stack, in the process that runs it and after its workers."""
    _running.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder, so that `-m "not e2e"` leaves them out. What takes longest begins first."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


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


@pytest.fixture(scope="session")
def region(stack: SharedStack) -> Iterator[Region]:
    """A stack of one's own, for what can't be done to one that others use."""
    with running_region(stack.template) as region:
        yield region
