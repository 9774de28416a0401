"""The demo classroom server, over HTTP as the scheduler and people see it."""

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from local.recorder import LOG_LENGTH, Recorder
from local.server import MAX_BODY, ClassroomServer, classroom_server
from tests.waiting import eventually

SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr"


@pytest.fixture
def server() -> Iterator[ClassroomServer]:
    with classroom_server(0) as running:
        running.secret = SECRET
        yield running


def webhook(type_: str = "recording.start", recording_id: str = "r-1", classroom_id: str = "room-1") -> dict[str, Any]:
    return {"type": type_, "timestamp": "t", "data": {"classroomId": classroom_id, "recordingId": recording_id}}


def signed(webhook_id: str, body: bytes, *, at: datetime | None = None, secret: str = SECRET) -> dict[str, str]:
    at = at or datetime.now(UTC)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, at, body.decode()),
    }


def send(server: ClassroomServer, webhook_id: str, message: object) -> tuple[int, Any]:
    body = json.dumps(message).encode()
    return request(server, "POST", "/webhooks", body, signed(webhook_id, body))


def request(
    server: ClassroomServer, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    try:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def fault(server: ClassroomServer, **fields: object) -> tuple[int, Any]:
    return request(server, "POST", "/faults", json.dumps(fields).encode())


def log(server: ClassroomServer) -> list[dict[str, Any]]:
    status, entries = request(server, "GET", "/log")
    assert status == 200
    assert isinstance(entries, list)
    return entries


def recordings(server: ClassroomServer) -> list[dict[str, Any]]:
    return list(request(server, "GET", "/recordings")[1])


def test_a_class_is_started_pinged_and_stopped(server: ClassroomServer) -> None:
    for number, type_ in enumerate(["recording.start", "recording.live", "recording.stop"]):
        assert send(server, f"id-{number}", webhook(type_))[0] == 200
    [recording] = recordings(server)
    assert recording["state"] == "stopped"
    assert recording["startedAt"] <= recording["liveAt"] <= recording["stoppedAt"]


def test_the_log_tells_what_came_and_what_was_answered(server: ClassroomServer) -> None:
    message = webhook()
    send(server, "id-1", message)
    [entry] = log(server)
    received = datetime.fromisoformat(entry.pop("receivedAt"))
    assert timedelta(0) <= datetime.now(UTC) - received < timedelta(seconds=5)
    assert entry == {
        "webhookId": "id-1",
        "type": "recording.start",
        "classroomId": "room-1",
        "recordingId": "r-1",
        "duplicate": False,
        "status": 200,
        "answer": {"recordingId": "r-1", "state": "recording"},
        "body": message,
    }


def test_the_log_can_be_read_for_one_classroom(server: ClassroomServer) -> None:
    send(server, "id-1", webhook(classroom_id="room-1"))
    send(server, "id-2", webhook(classroom_id="room-2", recording_id="r-2"))
    assert [entry["webhookId"] for entry in request(server, "GET", "/log?classroomId=room-2")[1]] == ["id-2"]
    assert [r["recordingId"] for r in request(server, "GET", "/recordings?classroomId=room-2")[1]] == ["r-2"]


def test_a_duplicate_gets_the_first_answer_again_and_does_nothing(server: ClassroomServer) -> None:
    first = send(server, "id-1", webhook())
    send(server, "id-2", webhook("recording.stop"))
    assert send(server, "id-1", webhook()) == first
    assert [entry["duplicate"] for entry in log(server)] == [False, False, True]
    assert recordings(server)[0]["state"] == "stopped"


def test_a_stopped_recording_never_starts_again(server: ClassroomServer) -> None:
    send(server, "id-1", webhook("recording.stop"))
    status, answer = send(server, "id-2", webhook("recording.start"))
    assert status == 200
    assert answer == {"recordingId": "r-1", "state": "stopped", "ignored": "it was stopped already"}
    assert recordings(server)[0]["startedAt"] is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"webhook-signature": "v1,bm8="},
        {"webhook-signature": "nonsense"},
        {"webhook-signature": "v1,\u00e4"},
        {"webhook-timestamp": "yesterday"},
        {"webhook-timestamp": "1e300"},
        {"webhook-timestamp": "nan"},
        {"webhook-id": "another"},
    ],
)
def test_a_wrong_signature_is_refused_and_not_believed(server: ClassroomServer, headers: dict[str, str]) -> None:
    body = json.dumps(webhook()).encode()
    sent = signed("id-1", body) | headers if headers else {}
    assert request(server, "POST", "/webhooks", body, sent)[0] == 401
    [entry] = log(server)
    assert (entry["status"], entry["type"], entry["body"]) == (401, None, None)
    assert recordings(server) == []


@pytest.mark.parametrize("age", [timedelta(minutes=6), timedelta(minutes=-6)])
def test_an_old_or_future_webhook_is_refused(server: ClassroomServer, age: timedelta) -> None:
    body = json.dumps(webhook()).encode()
    headers = signed("id-1", body, at=datetime.now(UTC) - age)
    assert request(server, "POST", "/webhooks", body, headers)[0] == 401


def test_a_body_that_was_changed_on_the_way_is_refused(server: ClassroomServer) -> None:
    body = json.dumps(webhook()).encode()
    headers = signed("id-1", body)
    assert request(server, "POST", "/webhooks", body.replace(b"room-1", b"room-2"), headers)[0] == 401


def test_nothing_is_believed_before_the_secret_is_known(server: ClassroomServer) -> None:
    server.secret = None
    assert send(server, "id-1", webhook())[0] == 503
    assert recordings(server) == []


@pytest.mark.parametrize(
    "message",
    [
        [],
        "text",
        {"type": "recording.pause", "data": {"classroomId": "room-1", "recordingId": "r-1"}},
        {"type": ["recording.start"], "data": {"classroomId": "room-1", "recordingId": "r-1"}},
        {"type": "recording.start"},
        {"type": "recording.start", "data": {"classroomId": "room-1"}},
        {"type": "recording.start", "data": {"classroomId": 1, "recordingId": 2}},
    ],
)
def test_a_signed_body_that_is_no_webhook_is_a_bad_request(server: ClassroomServer, message: object) -> None:
    assert send(server, "id-1", message)[0] == 400


def test_signed_text_that_is_not_json_is_a_bad_request(server: ClassroomServer) -> None:
    body = b"{not json"
    assert request(server, "POST", "/webhooks", body, signed("id-1", body))[0] == 400


def test_told_to_fail_twice_it_fails_twice_and_then_acts(server: ClassroomServer) -> None:
    assert fault(server, type="recording.start", classroomId="room-1", times=2, status=503)[0] == 201
    assert send(server, "id-9", webhook("recording.start", "r-9", "room-9"))[0] == 200
    assert [send(server, "id-1", webhook())[0] for _ in range(3)] == [503, 503, 200]
    assert [(entry["status"], entry["duplicate"]) for entry in log(server)[1:]] == [
        (503, False),
        (503, False),
        (200, False),
    ]


def test_told_to_act_and_time_out_it_has_acted(server: ClassroomServer) -> None:
    fault(server, type="recording.start", act=True, delaySeconds=30)
    body = json.dumps(webhook()).encode()
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=0.1)
    connection.request("POST", "/webhooks", body, signed("id-1", body))
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    eventually(lambda: [each["state"] for each in recordings(server)], lambda states: states == ["recording"])
    assert send(server, "id-1", webhook())[0] == 200
    assert [entry["duplicate"] for entry in log(server)] == [False, True]


def test_told_to_hang_up_it_has_acted_but_answers_nothing(server: ClassroomServer) -> None:
    fault(server, disconnect=True)
    with pytest.raises(http.client.RemoteDisconnected):
        send(server, "id-1", webhook())
    assert log(server)[0]["status"] is None
    assert recordings(server)[0]["state"] == "recording"


def test_a_slow_answer_holds_nobody_else_up(server: ClassroomServer) -> None:
    fault(server, classroomId="room-1", delaySeconds=600)
    body = json.dumps(webhook()).encode()
    slow = http.client.HTTPConnection("127.0.0.1", server.server_port)
    slow.request("POST", "/webhooks", body, signed("id-1", body))
    eventually(lambda: log(server))
    assert send(server, "id-2", webhook(recording_id="r-2", classroom_id="room-2"))[0] == 200
    slow.close()


def test_faults_can_be_taken_back(server: ClassroomServer) -> None:
    fault(server, times=100, status=500)
    assert request(server, "DELETE", "/faults")[0] == 200
    assert send(server, "id-1", webhook())[0] == 200


@pytest.mark.parametrize(
    "given",
    [
        b"nonsense",
        b"[]",
        b'{"classroom": "room-1"}',
        b'{"type": "recording.pause"}',
        b'{"times": 0}',
        b'{"times": "2"}',
        b'{"times": true}',
        b'{"status": 700}',
        b'{"delaySeconds": -1}',
        b'{"delaySeconds": NaN}',
    ],
)
def test_a_fault_that_cannot_be_understood_is_refused(server: ClassroomServer, given: bytes) -> None:
    status, answer = request(server, "POST", "/faults", given)
    assert status == 400
    assert answer["error"]


def test_unknown_paths_are_not_found(server: ClassroomServer) -> None:
    assert [request(server, method, "/nowhere")[0] for method in ("GET", "POST", "DELETE")] == [404, 404, 404]


def test_a_body_without_length_or_too_long_is_refused(server: ClassroomServer) -> None:
    assert request(server, "POST", "/webhooks", b"", {"Content-Length": "-1"})[0] == 411
    assert request(server, "POST", "/webhooks", b"", {"Content-Length": str(MAX_BODY + 1)})[0] == 413


def test_a_thousand_duplicates_at_once_are_acted_on_once(server: ClassroomServer) -> None:
    threads = [threading.Thread(target=lambda: [send(server, "id-1", webhook()) for _ in range(50)]) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = log(server)
    assert len(entries) == 1000
    assert sum(not entry["duplicate"] for entry in entries) == 1


def test_a_listener_hears_every_webhook_also_after_the_log_is_full() -> None:
    recorder, heard = Recorder(), 0
    for number in range(LOG_LENGTH + 3):
        recorder.refuse(f"id-{number}", 401, "unsigned")
        heard, news = recorder.news(heard)
        assert [entry["webhookId"] for entry in news] == [f"id-{number}"]

    heard, news = recorder.news(1)

    assert heard == LOG_LENGTH + 3
    assert [news[0]["webhookId"], news[-1]["webhookId"]] == ["id-3", f"id-{LOG_LENGTH + 2}"]
