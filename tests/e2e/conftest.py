"""One fresh emulator, demo server and deployment for all end-to-end tests of a session."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import Stack, running_stack
from tests.e2e.client import Client


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder, so that `-m "not e2e"` leaves them out."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The stack as `sam` deployed it. Its logs stay in .local/e2e/."""
    # Ctrl-C runs the end of this fixture; these two would otherwise leave the emulator behind.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with running_stack("e2e", say=print) as running:
        yield running


@pytest.fixture(scope="session")
def _client(stack: Stack) -> Client:
    return Client(stack)


@pytest.fixture
def client(_client: Client) -> Iterator[Client]:
    """A person's view of the stack, with a server that behaves until the test says otherwise."""
    yield _client
    _client.clear_faults()
