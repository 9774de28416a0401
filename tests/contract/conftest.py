"""What the contract tests share: one account and one server, as good as new for every test."""

from collections.abc import Iterator

import pytest

from tests.aws import Account, an_account
from tests.loopback import LoopbackServer, a_loopback_server


@pytest.fixture(scope="package")
def the_account() -> Iterator[Account]:
    with an_account() as account:
        yield account


@pytest.fixture
def account(the_account: Account) -> Account:
    the_account.reset()
    return the_account


@pytest.fixture
def loopback() -> Iterator[LoopbackServer]:
    with a_loopback_server() as server:
        yield server
