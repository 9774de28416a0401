"""HelloAt: say when it was called and with what. What the one-time scheduler invokes where no function is given.

It stands alone, without Powertools and the scheduler's own modules: they would be most of its cold start.
"""

import json
from datetime import UTC, datetime
from typing import Any


def handler(event: Any, context: Any) -> dict[str, Any]:
    answer = hello_at(datetime.now(UTC), event)
    line = {"level": "INFO", "message": answer["message"], "function_request_id": context.aws_request_id}
    print(json.dumps(line))  # noqa: T201 - as the other functions' logger does, in its names
    return answer


def hello_at(called_at: datetime, payload: Any) -> dict[str, Any]:
    """The answer to any payload. If that is an object with an `invocationTime`, `latenessMs` tells how late this is."""
    answer = {"calledAt": called_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"), "payload": payload}
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
        due = datetime.fromisoformat(payload["invocationTime"])
    except (LookupError, TypeError, ValueError):  # it is anybody's payload, and need not carry a time
        return None
    return due if due.tzinfo else None
