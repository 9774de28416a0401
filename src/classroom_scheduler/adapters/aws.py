"""The one AWS session of a Lambda environment.

A session reads the rules for endpoints and regions anew, some 40 ms of processor time; boto3 and PynamoDB would each
make their own.
"""

import gc
from collections.abc import Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.session import Session
from pynamodb.connection import Connection, TableConnection
from pynamodb.connection.base import MetaTable

from classroom_scheduler.observability import count


@cache
def session() -> Session:
    """Made at the first event, not at import. Not safe to make clients of in several threads."""
    # Making clients sets off the garbage collector again and again. What is imported by now stays for as long as the
    # environment, so it need not be looked through each time: that took a tenth of a cold start.
    gc.freeze()
    return botocore.session.get_session()


# Three attempts of 1 s to connect and 3 s to answer: 12 s for a service that hangs, within every function's time.
_PATIENT = Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 3, "mode": "standard"})


# Of a call, and of an item of a transaction.
_THROTTLED = frozenset(
    {
        *("ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"),
        *("ProvisionedThroughputExceeded", "ThrottlingError"),
    }
)


def client(service: str, config: Config = _PATIENT) -> Any:
    """A client of the one session, such as `boto3.client` makes."""
    return session().create_client(service, config=config)


def table(meta_table: MetaTable, **options: Any) -> TableConnection:
    """PynamoDB's connection to a table on the one session; `options` are time-outs and the like.

    Its keys are given with `meta_table`, so that no cold start asks DescribeTable for them.
    """
    made = TableConnection(meta_table.table_name)
    made.connection = _Connection(**options)
    made.connection.add_meta_table(meta_table)
    # The client is made now: that is not safe in the threads which may share it later.
    made.connection.client.meta.events.register("response-received.dynamodb", _count_throttle)
    return made


def _count_throttle(parsed_response: Mapping[str, Any] | None, **_: Any) -> None:
    """Count an answer by which DynamoDB throttled a call, those too that botocore repeats with success.

    DynamoDB's own WriteThrottleEvents of a table leaves out its indexes, which have the keys that get hot.
    """
    answer = parsed_response or {}
    reasons = [answer.get("Error", {}), *answer.get("CancellationReasons", ())]
    if any(reason.get("Code") in _THROTTLED for reason in reasons):
        count("TableThrottled")


class _Connection(Connection):
    @property
    def session(self) -> Session:
        return session()
