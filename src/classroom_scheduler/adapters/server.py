"""The classroom server, called in the Standard Webhooks format: https://www.standardwebhooks.com"""

import base64
import json
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import urllib3
from standardwebhooks import Webhook

from classroom_scheduler.adapters.exchange import Answer, Poster, TooLate
from classroom_scheduler.domain.errors import ServerRefused, ServerUnavailable
from classroom_scheduler.domain.ports import Message
from classroom_scheduler.domain.report import plain
from classroom_scheduler.domain.schedule import write_instant

_ANSWER_LIMIT = 8 * 1024
# DynamoDB nests 32 levels deep; three of them are the item's `tasks`, the task and its `result`.
_ANSWER_LEVELS = 28
_TRANSIENT = frozenset({408, 425, 429})


class WebhookServer:
    """`domain.ports.ClassroomServer` over HTTP.

    `secrets` gives what to sign with, each with or without `whsec_`: two while a secret is being replaced.
    """

    def __init__(self, url: str, secrets: Callable[[], Sequence[str]]) -> None:
        self._poster = Poster(url, answer_limit=_ANSWER_LIMIT)
        self._secrets = secrets

    def send(self, message: Message, *, timeout: float) -> Any:
        body = json.dumps(
            {"type": message.type, "timestamp": write_instant(message.timestamp), "data": message.data},
            default=_json,
            separators=(",", ":"),
        )
        deadline = time.monotonic() + timeout
        try:
            answer = self._poster.post(body.encode(), self._headers(message, body), deadline)
        except TooLate as error:
            raise ServerUnavailable(f"{message.type}: {error}") from error
        except urllib3.exceptions.HTTPError as error:
            raise ServerUnavailable(f"{message.type}: {_in_words(error)}") from error
        return _result(answer)

    def _headers(self, message: Message, body: str) -> dict[str, str]:
        return {
            "content-type": "application/json",
            "user-agent": "classroom-scheduler",
            "webhook-id": message.id,
            "webhook-timestamp": str(int(message.timestamp.timestamp())),
            "webhook-signature": " ".join(
                Webhook(secret).sign(message.id, message.timestamp, body) for secret in self._secrets()
            ),
        }


def _result(answer: Answer) -> Any:
    if 200 <= answer.status < 300:
        return _parsed(answer.body)
    words = f"HTTP {answer.status} {answer.body[:200].decode('utf-8', 'replace')}".strip()
    if answer.status in _TRANSIENT or answer.status >= 500:
        raise ServerUnavailable(words)
    raise ServerRefused(words)


def _parsed(body: bytes) -> Any:
    """The JSON answer; whatever is no JSON, was cut at 8 KiB or can't be passed on is kept as text."""
    if not body:
        return None
    try:
        answer = json.loads(body)
        # Python reads NaN, 1e400 and half a character, but neither Lambda's answer nor DynamoDB can hold them.
        json.dumps(answer, allow_nan=False, ensure_ascii=False).encode()
        if _levels(answer) > _ANSWER_LEVELS:
            raise ValueError("nested too deeply")
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")
    return answer


def _levels(value: Any) -> int:
    elements = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_levels, elements), default=0)


def _json(value: object) -> Any:
    """What people's attributes hold beyond JSON: numbers, sets and binary values of DynamoDB."""
    match value:
        case Decimal() | Mapping():
            return plain(value)
        case set() | frozenset():
            return sorted(value)
        case bytes():
            return base64.b64encode(value).decode()
        case _:
            raise TypeError(f"DynamoDB has no {type(value).__name__}")


def _in_words(error: urllib3.exceptions.HTTPError) -> str:
    match error:
        case urllib3.exceptions.NewConnectionError():  # before its base class, ConnectTimeoutError
            return "the server refused the connection"
        case urllib3.exceptions.ConnectTimeoutError():
            return "the server could not be reached in time"
        case urllib3.exceptions.ReadTimeoutError():
            return "the server did not answer in time"
        case _:
            return f"the connection broke ({type(error).__name__})"
