"""The classroom server, called in the Standard Webhooks format: https://www.standardwebhooks.com"""

import json
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import urllib3
from standardwebhooks import Webhook

from classroom_scheduler.adapters.exchange import Answer, Poster, TooLate
from classroom_scheduler.application.ports import Message
from classroom_scheduler.domain.errors import ServerRefused, ServerUnavailable
from classroom_scheduler.domain.times import format_instant
from classroom_scheduler.exact_json import to_json, why_not_kept

_ANSWER_LIMIT = 8 * 1024
# DynamoDB nests 32 levels deep; three of them are the item's `tasks`, the task and its `result`.
_ANSWER_LEVELS = 28
_TRANSIENT = frozenset({408, 425, 429})


class WebhookServer:
    """`application.ports.ClassroomServer` over HTTP.

    `secrets` gives what to sign with, each with or without `whsec_`: two while a secret is being replaced.
    """

    def __init__(self, url: str, secrets: Callable[[], Sequence[str]]) -> None:
        self._poster = Poster(url, answer_limit=_ANSWER_LIMIT)
        self._secrets = secrets

    def send(self, message: Message, *, timeout: float) -> Any:
        content = {"type": message.type, "timestamp": format_instant(message.timestamp), "data": message.data}
        body = to_json(content, sort_names=False)
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
    """The JSON answer with every digit of its numbers; what DynamoDB can't keep as JSON is kept as text."""
    if not body:
        return None
    try:
        answer = json.loads(body, parse_float=Decimal, parse_int=Decimal, parse_constant=Decimal)
        is_kept = why_not_kept(answer, _ANSWER_LEVELS) is None
    except (ValueError, ArithmeticError, RecursionError):
        is_kept = False
    return answer if is_kept else body.decode("utf-8", "replace")


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
