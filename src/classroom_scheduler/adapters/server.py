"""The classroom server, called in the Standard Webhooks format: https://www.standardwebhooks.com"""

import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import urllib3
from standardwebhooks import Webhook

from classroom_scheduler.domain.errors import ServerRefused, ServerUnavailable
from classroom_scheduler.domain.json_text import why_not_kept, write_json
from classroom_scheduler.domain.ports import Message
from classroom_scheduler.domain.schedule import write_instant

_CONNECT_TIMEOUT = 3.0
_ANSWER_LIMIT = 8 * 1024
# DynamoDB nests 32 levels deep; three of them are the item's `tasks`, the task and its `result`.
_ANSWER_LEVELS = 28
_TRANSIENT = frozenset({408, 425, 429})


class WebhookServer:
    """`domain.ports.ClassroomServer` over HTTP. `secret` gives the signing secret, with or without `whsec_`."""

    def __init__(self, url: str, secret: Callable[[], str]) -> None:
        self._url = url
        self._secret = secret
        self._http = urllib3.PoolManager(retries=False)

    def send(self, message: Message, *, timeout: float) -> Any:
        content = {"type": message.type, "timestamp": write_instant(message.timestamp), "data": message.data}
        body = write_json(content, sort_names=False)
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
