"""The classroom server, called in the Standard Webhooks format: https://www.standardwebhooks.com"""

import base64
import json
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import urllib3
from standardwebhooks import Webhook

from classroom_scheduler.application.ports import Message
from classroom_scheduler.domain.errors import ServerRefused, ServerUnavailable
from classroom_scheduler.domain.item_codec import plain
from classroom_scheduler.domain.schedule import format_instant

_CONNECT_TIMEOUT = 3.0
_ANSWER_LIMIT = 8 * 1024
# DynamoDB nests 32 levels deep; three of them are the item's `tasks`, the task and its `result`.
_ANSWER_LEVELS = 28
_TRANSIENT = frozenset({408, 425, 429})


class WebhookServer:
    """`application.ports.ClassroomServer` over HTTP. `secret` gives the signing secret, with or without `whsec_`."""

    def __init__(self, url: str, secret: Callable[[], str]) -> None:
        self._url = url
        self._secret = secret
        self._http = urllib3.PoolManager(retries=False)

    def send(self, message: Message, *, timeout: float) -> Any:
        body = json.dumps(
            {"type": message.type, "timestamp": format_instant(message.timestamp), "data": message.data},
            default=_json,
            separators=(",", ":"),
        )
        deadline = time.monotonic() + timeout
        try:
            response = self._http.request(
                "POST",
                self._url,
                body=body.encode(),
                headers=self._headers(message, body),
                timeout=urllib3.Timeout(connect=min(_CONNECT_TIMEOUT, timeout), total=timeout),
                redirect=False,
                preload_content=False,
            )
            try:
                return _answer(response, deadline)
            finally:
                response.close()
        except urllib3.exceptions.HTTPError as error:
            raise ServerUnavailable(f"{message.type}: {_in_words(error)}") from error

    def _headers(self, message: Message, body: str) -> dict[str, str]:
        return {
            "content-type": "application/json",
            "user-agent": "classroom-scheduler",
            "webhook-id": message.id,
            "webhook-timestamp": str(int(message.timestamp.timestamp())),
            "webhook-signature": Webhook(self._secret()).sign(message.id, message.timestamp, body),
        }


def _answer(response: urllib3.BaseHTTPResponse, deadline: float) -> Any:
    body = _read(response, deadline)
    status = response.status
    if 200 <= status < 300:
        return _parsed(body)
    words = f"HTTP {status} {body[:200].decode('utf-8', 'replace')}".strip()
    if status in _TRANSIENT or status >= 500:
        raise ServerUnavailable(words)
    raise ServerRefused(words)


def _read(response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    """The first 8 KiB of the answer. The deadline is ours: urllib3's read time-out starts anew with every byte."""
    body = b""
    while len(body) < _ANSWER_LIMIT and (chunk := response.read1(_ANSWER_LIMIT - len(body))):
        body += chunk
        if time.monotonic() > deadline:
            raise ServerUnavailable(f"HTTP {response.status}, but the answer did not end in time")
    return body


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
