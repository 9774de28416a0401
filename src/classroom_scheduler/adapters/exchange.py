"""One HTTP POST, and one deadline over all of it: name, connection, TLS, request, headers and body.

The time-outs of sockets start anew with every byte, and a resolver has none. So the exchange runs in a thread of its
own. At the deadline its caller goes on, and its socket is shut down, which ends the thread.
"""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

_CONNECT_TIMEOUT = 3.0


class TooLate(Exception):
    """The deadline has passed; says how far the exchange came."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The status and the first bytes of the body."""

    status: int
    body: bytes


class Poster:
    """POSTs to one URL over connections that are kept. Follows no redirect and repeats nothing."""

    def __init__(self, url: str, *, answer_limit: int) -> None:
        self._target = urllib3.util.parse_url(url).request_uri
        self._pool = urllib3.connection_from_url(url, retries=False)
        is_tls = isinstance(self._pool, urllib3.HTTPSConnectionPool)
        self._pool.ConnectionCls = _TlsConnection if is_tls else _Connection
        self._answer_limit = answer_limit

    def post(self, body: bytes, headers: dict[str, str], deadline: float) -> Answer:
        """The answer by the deadline, a time of `time.monotonic`. Raises TooLate and urllib3's HTTPError."""
        exchange = _Exchange(lambda: self._post(body, headers, deadline), deadline)
        exchange.start()
        return exchange.outcome()

    def _post(self, body: bytes, headers: dict[str, str], deadline: float) -> Answer:
        left = max(deadline - time.monotonic(), 0.001)
        response = self._pool.urlopen(
            "POST",
            self._target,
            body=body,
            headers=headers,
            timeout=urllib3.Timeout(connect=min(_CONNECT_TIMEOUT, left), total=left),
            redirect=False,
            preload_content=False,
        )
        try:
            return Answer(response.status, _first_bytes(response, self._answer_limit))
        finally:
            response.close()


class _Exchange(threading.Thread):
    """An attempt at a POST in a thread that nobody waits for beyond its deadline."""

    def __init__(self, attempt: Callable[[], Answer], deadline: float) -> None:
        super().__init__(name="exchange", daemon=True)
        self._attempt, self._deadline = attempt, deadline
        self._socket: socket.socket | None = None
        self._answer: Answer | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._answer = self._attempt()
        except BaseException as error:  # noqa: BLE001 - raised where the caller waits
            self._error = error

    def outcome(self) -> Answer:
        self.join(max(self._deadline - time.monotonic(), 0))
        if self._answer is not None:
            return self._answer
        if self._error is not None and time.monotonic() < self._deadline:
            raise self._error
        if self._socket is None:
            raise TooLate("the server could not be reached in time")
        with suppress(OSError):
            # Of the connection below TLS, which would first take leave of the server in its own way.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        raise TooLate("the server did not answer in time")

    def use(self, used: socket.socket) -> None:
        """The socket on which bytes go out now. Raises TimeoutError where nobody waits for an answer any more."""
        self._socket = used
        if time.monotonic() >= self._deadline:
            raise TimeoutError("the deadline has passed")


class _Connection(HTTPConnection):
    def send(self, data: Any) -> None:
        _send_in_time(self)
        super().send(data)


class _TlsConnection(HTTPSConnection):
    def send(self, data: Any) -> None:
        _send_in_time(self)
        super().send(data)


def _send_in_time(connection: HTTPConnection) -> None:
    """A name that is resolved after the deadline must not let a message out that its sender has given up."""
    if connection.sock is None:
        connection.connect()
    exchange = threading.current_thread()
    if isinstance(exchange, _Exchange) and connection.sock is not None:
        exchange.use(connection.sock)


def _first_bytes(response: urllib3.BaseHTTPResponse, limit: int) -> bytes:
    body = b""
    while len(body) < limit and (chunk := response.read1(limit - len(body))):
        body += chunk
    return body
