"""A classroom server on loopback that does exactly what a test says and keeps what it was sent."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request: its path, its headers with names in lower case, its body."""

    path: str
    headers: dict[str, str]
    body: bytes


class LoopbackServer(ThreadingHTTPServer):
    """Answers 200 with `{"ok": true}` unless it is told what it `will` do."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[Received] = []
        self.script: deque[Callable[[BaseHTTPRequestHandler], None]] = deque()
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/webhooks?room=1"

    def will(self, *answers: Callable[[BaseHTTPRequestHandler], None]) -> None:
        """Script the next answers."""
        self.script.extend(answers)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of callers that hung up: some tests want just that."""


class _Handler(BaseHTTPRequestHandler):
    server: LoopbackServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.received.append(Received(self.path, headers, body))
        answer_now = self.server.script.popleft() if self.server.script else answer(200, b'{"ok": true}')
        answer_now(self)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the base class's
        """Say nothing."""


Answer = Callable[[BaseHTTPRequestHandler], None]


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    """An answer in one piece."""

    def send(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        if status != 204:
            request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return send


def hang_up(request: BaseHTTPRequestHandler) -> None:
    """Close the connection without a word."""
    request.close_connection = True


def break_off(request: BaseHTTPRequestHandler) -> None:
    """Promise 100 bytes, send ten and close the connection."""
    request.send_response(200)
    request.send_header("content-length", "100")
    request.end_headers()
    request.wfile.write(b'{"half": "')
    request.close_connection = True


def say_nothing(request: BaseHTTPRequestHandler) -> None:
    """Keep the connection open and send nothing, until the test is over."""
    _server(request).closing.wait(30)
    request.close_connection = True


def drip(interval: float) -> Answer:
    """One byte of the body every `interval` seconds."""

    def send(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("content-length", "8000")
        request.end_headers()
        _drip(request, b" ", interval)

    return send


def drip_headers(interval: float) -> Answer:
    """A status line, and then one byte of an endless header every `interval` seconds."""

    def send(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\nx-endless: ")
        _drip(request, b"x", interval)

    return send


def go_on_for_ever(interval: float) -> Answer:
    """An interim answer, 100 Continue, every `interval` seconds, and never the final one."""
    return lambda request: _drip(request, b"HTTP/1.1 100 Continue\r\n\r\n", interval)


def _drip(request: BaseHTTPRequestHandler, piece: bytes, interval: float) -> None:
    """For half a minute at most, so that a caller who would wait for ever gets an answer all the same."""
    closing = _server(request).closing
    request.close_connection = True
    with suppress(OSError):
        for _ in range(round(30 / interval)):
            if closing.wait(interval):
                break
            request.wfile.write(piece)


def _server(request: BaseHTTPRequestHandler) -> LoopbackServer:
    assert isinstance(request, _Handler)
    return request.server


@contextmanager
def a_loopback_server() -> Iterator[LoopbackServer]:
    """A server that answers in threads of this process as long as the block lasts."""
    with LoopbackServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join(5)
