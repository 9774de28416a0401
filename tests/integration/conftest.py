"""One warm Lambda environment for all tests here: its clients are made once, the account is new for every test."""

import sys
from collections.abc import Iterator

import pytest

from classroom_scheduler import clock
from classroom_scheduler.observability import logger
from tests.aws import BOOKINGS_TABLE, BUS, MACHINE_ARN, STACK, TABLE, Account, an_account
from tests.integration.day import Day
from tests.loopback import LoopbackServer, a_loopback_server


@pytest.fixture(scope="package")
def the_server() -> Iterator[LoopbackServer]:
    with a_loopback_server() as server:
        yield server


@pytest.fixture(scope="package")
def the_account(the_server: LoopbackServer) -> Iterator[Account]:
    with an_account() as account, pytest.MonkeyPatch.context() as environment:
        environment.setenv("CLASSROOMS_TABLE", TABLE)
        environment.setenv("STATE_MACHINE_ARN", MACHINE_ARN)
        environment.setenv("CLASSROOM_SERVER_URL", the_server.url)
        environment.setenv("WEBHOOK_SECRET_ARN", account.secret_arn)
        environment.setenv("EVENT_BUS_NAME", BUS)
        environment.setenv("STACK_NAME", STACK)
        environment.setenv("BOOKINGS_TABLE", BOOKINGS_TABLE)
        environment.setenv("BOOKING_FAILURES_QUEUE_URL", account.failed_bookings)
        environment.setenv("ONE_TIME_STATE_MACHINE_ARN", MACHINE_ARN)
        environment.setenv("HORIZON_HOURS", "7200")
        environment.setattr(clock, "now", lambda: _clock[0].now)
        forget_clients()
        yield account
        forget_clients()


_clock: list[Day] = []


@pytest.fixture
def day(
    the_account: Account,
    the_server: LoopbackServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Day:
    the_account.reset()
    the_server.received.clear()
    the_server.script.clear()
    today = Day(the_account, the_server, capsys)
    _clock[:] = [today]
    monkeypatch.setattr(logger.registered_handler, "stream", today.log)
    return today


def forget_clients() -> None:
    """As in a new Lambda environment."""
    for name, module in list(sys.modules.items()):
        if name.startswith("classroom_scheduler.handlers."):
            for made_once in vars(module).values():
                if hasattr(made_once, "cache_clear"):
                    made_once.cache_clear()
