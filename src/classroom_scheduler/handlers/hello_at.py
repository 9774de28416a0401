"""HelloAt: say when it was called and with what. What the one-time scheduler invokes where no function is given."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from classroom_scheduler.domain.schedule import read_time, write_instant
from classroom_scheduler.observability import logger


@logger.inject_lambda_context
def handler(event: Any, context: LambdaContext) -> dict[str, Any]:
    answer = hello_at(datetime.now(UTC), event)
    logger.info(answer["message"])
    return answer


def hello_at(called_at: datetime, payload: Any) -> dict[str, Any]:
    """The answer to any payload. If that is an object with an `invocationTime`, `latenessMs` tells how late this is."""
    answer = {"calledAt": write_instant(called_at), "payload": payload}
    due = _due(payload)
    if due is None:
        return answer | {"message": f"Called at {answer['calledAt']}."}
    lateness = round((called_at - due).total_seconds() * 1000)
    when = f"{lateness} ms after" if lateness >= 0 else f"{-lateness} ms before"
    return answer | {
        "message": f"Called at {answer['calledAt']}, {when} {payload['invocationTime']}.",
        "latenessMs": lateness,
    }


def _due(payload: Any) -> datetime | None:
    try:
        return read_time(payload["invocationTime"])
    except (LookupError, TypeError, ValueError, OverflowError):  # it is anybody's payload, and need not carry a time
        return None
