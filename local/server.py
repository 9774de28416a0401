"""The demo classroom server: an HTTP server on loopback that receives the scheduler's webhooks.

POST   /webhooks     Standard Webhooks: signature verified, each webhook-id acted on once
GET    /log          what was received and answered (?classroomId=…)
GET    /recordings   what the recorders do now (?classroomId=…)
POST   /faults       fail on purpose (recorder.Fault); DELETE behaves well again
"""

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from local.ports import LOOPBACK
from local.recorder import Answer, BadRequest, Fault, Recorder

MAX_BODY = 1024 * 1024
"""Bytes. An item is 400 KB at most, and JSON escapes can double that."""


class ClassroomServer(ThreadingHTTPServer):
    """The demo server. It refuses webhooks until it is told the `secret` to verify them with."""

    daemon_threads = True
    # Many classes start on the same second: the usual five waiting connections are too few.
    request_queue_size = 256

    def __init__(self, port: int) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.recorder = Recorder()
        self.secret: str | None = None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of callers that hung up before the answer: told to be late, that is what they do."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        """Its base URL, without a slash at the end."""
        return f"http://{LOOPBACK}:{self.server_port}"

    @property
    def webhooks_url(self) -> str:
        """The value for the stack's parameter ClassroomServerUrl."""
        return f"{self.url}/webhooks"


@contextmanager
def classroom_server(port: int) -> Iterator[ClassroomServer]:
    """A demo server that answers in threads of this process as long as the block lasts."""
    with ClassroomServer(port) as server:
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="classroom-server", daemon=True
        )
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    server: ClassroomServer
    protocol_version = "HTTP/1.1"
    timeout = 30  # of a connection on which nothing comes
    wbufsize = -1  # headers and body leave as one packet: two cost 40 ms of delayed acknowledgement
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        classroom_id = next(iter(parse_qs(url.query).get("classroomId", [])), None)
        views = {"/log": self.server.recorder.log, "/recordings": self.server.recorder.recordings}
        if view := views.get(url.path):
            self._answer(200, view(classroom_id))
        else:
            self._answer(404, {"error": "There is GET /log and GET /recordings, and POST /webhooks and /faults."})

    def do_POST(self) -> None:
        # The body is read whatever the path: left unread it would be taken for the next request.
        body = self._body()
        if body is None:
            return
        if self.path == "/webhooks":
            self._receive(body)
        elif self.path == "/faults":
            self._add_fault(body)
        else:
            self._answer(404, {"error": "There is POST /webhooks and POST /faults."})

    def do_DELETE(self) -> None:
        if self.path == "/faults":
            self.server.recorder.clear_faults()
            self._answer(200, {"faults": []})
        else:
            self._answer(404, {"error": "There is DELETE /faults."})

    def _receive(self, body: bytes) -> None:
        answer = _webhook(self.server, self.headers.get("webhook-id"), dict(self.headers.items()), body)
        time.sleep(answer.delay)
        if answer.disconnect:
            self.close_connection = True
        else:
            self._answer(answer.status, answer.body)

    def _add_fault(self, body: bytes) -> None:
        try:
            fault = Fault.parse(json.loads(body))
        except (BadRequest, ValueError) as error:
            self._answer(400, {"error": str(error)})
        else:
            self.server.recorder.add_fault(fault)
            self._answer(201, {"added": True})

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdecimal():
            self._answer(411, {"error": "Content-Length is missing."}, close=True)
            return None
        if int(length) > MAX_BODY:
            self._answer(413, {"error": f"At most {MAX_BODY} bytes."}, close=True)
            return None
        return self.rfile.read(int(length))

    def _answer(self, status: int, body: Any, *, close: bool = False) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if close:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the base class's
        """Say nothing: what matters is in GET /log."""


def _webhook(server: ClassroomServer, webhook_id: str | None, headers: dict[str, str], body: bytes) -> Answer:
    recorder = server.recorder
    if server.secret is None:
        return recorder.refuse(webhook_id, 503, "The secret is not known yet.")
    try:
        Webhook(server.secret).verify(body, headers, json_parse=False)
    except WebhookVerificationError as error:
        return recorder.refuse(webhook_id, 401, str(error))
    except (ValueError, OverflowError, OSError):
        # The library lets these out for headers that are no numbers, no base64 or centuries away.
        return recorder.refuse(webhook_id, 401, "The signature headers can't be read.")
    try:
        return recorder.receive(webhook_id or "", json.loads(body))
    except (BadRequest, ValueError) as error:
        return recorder.refuse(webhook_id, 400, str(error))
