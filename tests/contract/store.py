"""A table as people and tests see it, with the port that is held to it: DynamoDB's adapter or the fake."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from classroom_scheduler.domain.item_codec import Item
from tests.aws import Account
from tests.fakes import FakeClassrooms

Port = TypeVar("Port")


@dataclass(frozen=True)
class Store(Generic[Port]):
    """`fail` lets what the port does next fail as when DynamoDB is out of order."""

    port: Port
    put: Callable[[Item], None]
    item: Callable[[str], Mapping[str, Any] | None]
    fail: Callable[[], None]


def fake_store(port: Port, table: FakeClassrooms) -> Store[Port]:
    def fail() -> None:
        table.unavailable = True

    return Store(port, table.put, table.look, fail)


def real_store(port: Port, account: Account, operations: Sequence[str], times: int = 1) -> Store[Port]:
    def fail() -> None:
        for operation in operations:
            account.will(operation, "InternalServerError", times=times)

    return Store(port, account.put, account.item, fail)
