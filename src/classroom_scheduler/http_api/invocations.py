"""One-time invocations as people ask for them: any payload, to the function given by parameter, once, at a time."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from classroom_scheduler.domain.quoting import describe
from classroom_scheduler.domain.times import A_TIME, NoSuchTime, format_time, parse_time
from classroom_scheduler.exact_json import FieldError, problems_in, to_json
from classroom_scheduler.http_api.api_errors import AlreadyExists, AlreadyOver, InvalidRequest, NotFound
from classroom_scheduler.http_api.ports import Invocations, NameTaken

# Step Functions' limit of an input: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
MAX_INPUT_BYTES = 256 * 1024
# An execution lives a year at most; the last day is for the retries of the invocation.
MAX_WAIT = timedelta(days=364)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)
_MEMBERS = ("invocationTime", "payload", "name")


@dataclass(frozen=True, slots=True)
class Invocation:
    """A scheduled invocation: the execution's name, the time in UTC, and its ARN."""

    name: str
    time: str
    arn: str


def schedule(body: Mapping[str, Any], invocations: Invocations, new_name: str, now: datetime) -> Invocation:
    """Start the execution that will invoke. Raises InvalidRequest and AlreadyExists."""
    field_errors = [
        FieldError(name, f"`{name[:64]}` is not known here; expected {', '.join(_MEMBERS)}.", body[name])
        for name in body.keys() - set(_MEMBERS)
    ]
    field_errors += problems_in({name: value for name, value in body.items() if name in _MEMBERS})
    time = _read_time(body.get("invocationTime", ...), now, field_errors)
    name = body.get("name", new_name)
    if not _is_name(name):
        field_errors.append(FieldError("name", f"`name` {describe(name)}; expected 1 to 80 of A-Z a-z 0-9 _ -.", name))
    if "payload" not in body:
        field_errors.append(
            FieldError("payload", "`payload` is missing; expected any JSON, null if the function needs none.")
        )
    if field_errors or time is None:
        raise InvalidRequest(*_first_of_each(field_errors))
    request = to_json({"invocationTime": format_time(time), "payload": body["payload"]})
    size = len(request.encode())
    if size > MAX_INPUT_BYTES:
        message = f"`payload` makes an input of {size:,} bytes; expected at most {MAX_INPUT_BYTES:,}."
        raise InvalidRequest(FieldError("payload", message))
    return Invocation(name, format_time(time), _start(name, request, invocations))


def cancel(name: str, invocations: Invocations) -> None:
    """Stop what has not been invoked yet; once is as good as twice. Raises NotFound, and AlreadyOver if it has run."""
    status = invocations.status(name) if _is_name(name) else None
    if status is None:
        raise NotFound(f"There is no invocation {name if _is_name(name) else 'of that name'}.")
    if status in {"SUCCEEDED", "FAILED", "TIMED_OUT"}:
        raise AlreadyOver(f"The invocation {name} has run already ({status}); nothing is left to cancel.")
    if status != "ABORTED":
        invocations.stop(name)


def _start(name: str, request: str, invocations: Invocations) -> str:
    try:
        return invocations.start(name, request)
    except NameTaken:
        message = f"The name {name} is taken by another invocation until 90 days after that one; take another name."
        raise AlreadyExists(message) from None


def _read_time(value: object, now: datetime, field_errors: list[FieldError]) -> datetime | None:
    try:
        time = parse_time(value)
    except NoSuchTime as error:
        field_errors.append(FieldError("invocationTime", f"`invocationTime` {error.found}; expected {A_TIME}.", value))
        return None
    if time <= now:
        message = f"`invocationTime` is {format_time(time)}, which is already past; expected a time to come."
        field_errors.append(FieldError("invocationTime", message, value))
    elif time > now + MAX_WAIT:
        latest = format_time(now + MAX_WAIT)
        message = f"`invocationTime` is {format_time(time)}; expected at most {MAX_WAIT.days} days from now, {latest}."
        field_errors.append(FieldError("invocationTime", message, value))
    return time


def _is_name(name: object) -> bool:
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def _first_of_each(field_errors: list[FieldError]) -> list[FieldError]:
    return list({wrong.field: wrong for wrong in reversed(field_errors)}.values())[::-1]
