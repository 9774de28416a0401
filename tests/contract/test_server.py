"""What the domain may rely on of the classroom server: over HTTP to the demo server, and from the fake."""

import base64
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from classroom_scheduler.adapters.server import WebhookServer
from classroom_scheduler.application.ports import ClassroomServer, Message
from classroom_scheduler.domain.errors import ServerRefused, ServerUnavailable, ServiceUnavailable
from local.recorder import Fault as DemoFault
from local.server import ClassroomServer as DemoServer
from local.server import classroom_server
from tests.aws import SECRET
from tests.fakes import FakeServer, Fault
from tests.loopback import (
    LoopbackServer,
    answer,
    break_off,
    drip,
    drip_headers,
    go_on_for_ever,
    hang_up,
    say_nothing,
)

RECORDING = "algebra-1-0gq0000001"


def a_message(kind: str = "start", recording: str = RECORDING, **data: Any) -> Message:
    """The message of one task of one recording, as the domain sends it."""
    return Message(
        id=f"{recording}-{kind}",
        type=f"recording.{kind}",
        timestamp=datetime.now(UTC),
        data={
            "classroomId": "algebra-1",
            "recordingId": recording,
            "executionName": recording,
            "dueAt": "2026-12-01T09:00:00Z",
            "start": "2026-12-01T09:00:00Z",
            "end": "2026-12-01T10:00:00Z",
            "attempt": 1,
            "classroom": {"classroomId": "algebra-1", "teacher": "Ada"},
            "results": {},
            **data,
        },
    )


# --- the same promises, kept by both ----------------------------------------------------------------------------------


class Room(Protocol):
    """A classroom server as tests see it, and the port to it."""

    @property
    def port(self) -> ClassroomServer: ...
    def live(self) -> set[str]: ...
    def acts(self) -> int:
        """How many webhooks it acted on."""
        ...

    def will_fail(self) -> None: ...
    def will_refuse(self) -> None: ...
    def will_act_and_hang_up(self) -> None: ...


class Fake:
    def __init__(self) -> None:
        self.port = FakeServer()

    def live(self) -> set[str]:
        return self.port.live

    def acts(self) -> int:
        recordings = self.port.recordings.values()
        return sum(len(recording.starts) + len(recording.pings) + len(recording.stops) for recording in recordings)

    def will_fail(self) -> None:
        self.port.will("recording.start", Fault.UNAVAILABLE)

    def will_refuse(self) -> None:
        self.port.will("recording.start", Fault.REFUSES)

    def will_act_and_hang_up(self) -> None:
        self.port.will("recording.start", Fault.TIMES_OUT)


class Demo:
    def __init__(self, server: DemoServer) -> None:
        self._recorder = server.recorder
        self.port = WebhookServer(server.webhooks_url, lambda: [SECRET])

    def live(self) -> set[str]:
        recordings = self._recorder.recordings()
        return {recording["recordingId"] for recording in recordings if recording["state"] in {"recording", "live"}}

    def acts(self) -> int:
        recordings = self._recorder.recordings()
        moments = ("startedAt", "liveAt", "stoppedAt")
        return sum(recording[moment] is not None for recording in recordings for moment in moments)

    def will_fail(self) -> None:
        self._recorder.add_fault(DemoFault(status=503))

    def will_refuse(self) -> None:
        self._recorder.add_fault(DemoFault(status=400))

    def will_act_and_hang_up(self) -> None:
        self._recorder.add_fault(DemoFault(act=True, disconnect=True))


@pytest.fixture
def demo() -> Iterator[DemoServer]:
    with classroom_server(0) as server:
        server.secret = SECRET
        yield server


@pytest.fixture(params=["fake", "demo server"])
def room(request: pytest.FixtureRequest) -> Room:
    return Fake() if request.param == "fake" else Demo(request.getfixturevalue("demo"))


def test_a_class_is_started_pinged_and_stopped(room: Room) -> None:
    for kind in ("start", "live"):
        room.port.send(a_message(kind), timeout=5)
    assert room.live() == {RECORDING}

    room.port.send(a_message("stop"), timeout=5)

    assert room.live() == set()
    assert room.acts() == 3


def test_the_answer_is_json_and_the_same_for_the_same_id(room: Room) -> None:
    first = room.port.send(a_message(), timeout=5)
    second = room.port.send(a_message(), timeout=5)

    assert json.loads(json.dumps(first)) == first
    assert second == first
    assert room.acts() == 1


def test_a_server_that_fails_has_done_nothing_and_does_it_when_asked_again(room: Room) -> None:
    room.will_fail()

    with pytest.raises(ServerUnavailable):
        room.port.send(a_message(), timeout=5)
    assert room.acts() == 0
    room.port.send(a_message(), timeout=5)

    assert room.live() == {RECORDING}


def test_a_server_that_acted_before_its_answer_got_lost_acts_once(room: Room) -> None:
    room.will_act_and_hang_up()

    with pytest.raises(ServerUnavailable):
        room.port.send(a_message(), timeout=5)
    room.port.send(a_message(), timeout=5)

    assert room.acts() == 1


def test_a_server_that_refuses_has_done_nothing(room: Room) -> None:
    room.will_refuse()

    with pytest.raises(ServerRefused):
        room.port.send(a_message(), timeout=5)

    assert room.acts() == 0


def test_a_start_that_comes_after_its_stop_starts_nothing(room: Room) -> None:
    room.port.send(a_message("stop"), timeout=5)
    room.port.send(a_message("start"), timeout=5)

    assert room.live() == set()


def test_one_recording_is_stopped_while_the_next_one_runs(room: Room) -> None:
    room.port.send(a_message("start"), timeout=5)
    room.port.send(a_message("start", recording="algebra-1-0gq0000002"), timeout=5)
    room.port.send(a_message("stop"), timeout=5)

    assert room.live() == {"algebra-1-0gq0000002"}


# --- what is sent -----------------------------------------------------------------------------------------------------


@pytest.fixture
def webhooks(loopback: LoopbackServer) -> WebhookServer:
    return WebhookServer(loopback.url, lambda: [SECRET])


@pytest.mark.parametrize("secret", [SECRET, f"whsec_{SECRET}"], ids=["as generated", "with its prefix"])
def test_every_message_is_signed_in_the_standard_webhooks_format(loopback: LoopbackServer, secret: str) -> None:
    WebhookServer(loopback.url, lambda: [secret]).send(a_message(), timeout=5)

    (received,) = loopback.received
    assert Webhook(SECRET).verify(received.body, received.headers) == json.loads(received.body)
    assert received.headers["webhook-id"] == f"{RECORDING}-start"
    assert abs(int(received.headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60


def test_while_a_secret_is_replaced_a_message_carries_a_signature_of_each(loopback: LoopbackServer) -> None:
    """Receivers go over to the new secret one after the other, and none of them loses a message."""
    new, old, another = (base64.b64encode(name * 10).decode() for name in (b"new", b"old", b"xyz"))

    WebhookServer(loopback.url, lambda: [new, old]).send(a_message(), timeout=5)

    (received,) = loopback.received
    for secret in (new, old):
        assert Webhook(secret).verify(received.body, received.headers) == json.loads(received.body)
    with pytest.raises(WebhookVerificationError):
        Webhook(another).verify(received.body, received.headers)


def test_a_message_is_one_json_post_to_the_url_as_given(loopback: LoopbackServer, webhooks: WebhookServer) -> None:
    message = replace(a_message(), timestamp=datetime(2026, 12, 1, 9, 0, 0, 123456, tzinfo=UTC))

    webhooks.send(message, timeout=5)

    (received,) = loopback.received
    assert received.path == "/webhooks?room=1"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["user-agent"] == "classroom-scheduler"
    assert json.loads(received.body) == {
        "type": "recording.start",
        "timestamp": "2026-12-01T09:00:00.123Z",
        "data": dict(message.data),
    }


def test_retries_carry_the_same_id_and_a_new_timestamp(loopback: LoopbackServer, webhooks: WebhookServer) -> None:
    loopback.will(answer(503))
    first, second = a_message(), replace(a_message(), timestamp=datetime(2026, 12, 1, tzinfo=UTC))

    with pytest.raises(ServerUnavailable):
        webhooks.send(first, timeout=5)
    webhooks.send(second, timeout=5)

    headers = [received.headers for received in loopback.received]
    assert headers[0]["webhook-id"] == headers[1]["webhook-id"]
    assert headers[0]["webhook-timestamp"] != headers[1]["webhook-timestamp"]
    assert headers[0]["webhook-signature"] != headers[1]["webhook-signature"]


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        pytest.param(Decimal(30), 30, id="a whole number"),
        pytest.param(Decimal("30.0"), 30, id="a whole number with a fraction of nothing"),
        pytest.param(Decimal("2.5"), 2.5, id="a fraction"),
        pytest.param(
            Decimal("12345678901234567890123456789012345678"), 12345678901234567890123456789012345678, id="38"
        ),
        pytest.param(Decimal("1E+2"), 100, id="a number in scientific notation"),
        pytest.param({"b", "a"}, ["a", "b"], id="a set of strings"),
        pytest.param({Decimal(2), Decimal(10)}, [2, 10], id="a set of numbers"),
        pytest.param({b"a"}, [base64.b64encode(b"a").decode()], id="a set of binaries"),
        pytest.param(b"\x00\xff", base64.b64encode(b"\x00\xff").decode(), id="binary"),
        pytest.param({"seats": [Decimal(1), {"deep": {Decimal(7)}}]}, {"seats": [1, {"deep": [7]}]}, id="in depth"),
        pytest.param(None, None, id="null"),
        pytest.param(True, True, id="a boolean"),
        pytest.param("Zoë's class — \u2028", "Zoë's class — \u2028", id="text of any language"),
    ],
)
def test_whatever_people_wrote_arrives_as_json(
    loopback: LoopbackServer, webhooks: WebhookServer, value: Any, sent: Any
) -> None:
    webhooks.send(a_message(classroom={"notes": value}), timeout=5)

    (received,) = loopback.received
    assert json.loads(received.body)["data"]["classroom"] == {"notes": sent}
    Webhook(SECRET).verify(received.body, received.headers)


def test_a_class_of_256_kilobytes_is_sent_whole(loopback: LoopbackServer, webhooks: WebhookServer) -> None:
    webhooks.send(a_message(classroom={"notes": "x" * 256 * 1024}), timeout=5)

    assert len(json.loads(loopback.received[0].body)["data"]["classroom"]["notes"]) == 256 * 1024


def test_a_secret_that_cannot_be_read_is_a_reason_to_try_again(loopback: LoopbackServer) -> None:
    def unreadable() -> list[str]:
        raise ServiceUnavailable("the webhook secret can't be read")

    with pytest.raises(ServiceUnavailable):
        WebhookServer(loopback.url, unreadable).send(a_message(), timeout=5)

    assert loopback.received == []


# --- what is answered -------------------------------------------------------------------------------------------------

DEEP = b"[" * 4000 + b"]" * 4000


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_done(loopback: LoopbackServer, webhooks: WebhookServer, status: int) -> None:
    loopback.will(answer(status))

    assert webhooks.send(a_message(), timeout=5) is None


@pytest.mark.parametrize(
    ("body", "result"),
    [
        pytest.param(
            b'{"recorder": "R1", "seats": [1, 2.5, null, true]}', {"recorder": "R1", "seats": [1, 2.5, None, True]}
        ),
        pytest.param(b'"started"', "started"),
        pytest.param(b"0", 0),
        pytest.param(b"null", None),
        pytest.param(b"", None, id="nothing"),
        pytest.param(b"started", "started", id="plain text"),
        pytest.param(b"<html>\xff</html>", "<html>\ufffd</html>", id="no text at all"),
        pytest.param(b'{"level": NaN}', '{"level": NaN}', id="NaN"),
        pytest.param(b"-Infinity", "-Infinity", id="infinity"),
        pytest.param(b'{"level": 1e400}', '{"level": 1e400}', id="a number that Python reads as infinity"),
        pytest.param(b'{"name": "\\ud800"}', '{"name": "\\ud800"}', id="half a character"),
        pytest.param(DEEP, DEEP.decode(), id="4000 levels deep"),
        pytest.param(b"[" * 200 + b"]" * 200, "[" * 200 + "]" * 200, id="200 levels deep"),
    ],
)
def test_the_answer_is_kept_as_json_where_it_can_be_passed_on_and_as_text_elsewhere(
    loopback: LoopbackServer, webhooks: WebhookServer, body: bytes, result: Any
) -> None:
    loopback.will(answer(200, body))

    assert webhooks.send(a_message(), timeout=5) == result


def test_no_more_than_8_kib_of_an_answer_are_kept(loopback: LoopbackServer, webhooks: WebhookServer) -> None:
    exactly = json.dumps("x" * (8 * 1024 - 2)).encode()
    loopback.will(answer(200, exactly), answer(200, b'["' + b"x" * 1024 * 1024 + b'"]'))

    assert webhooks.send(a_message(), timeout=5) == "x" * (8 * 1024 - 2)
    assert webhooks.send(a_message(), timeout=5) == '["' + "x" * (8 * 1024 - 2)


def test_after_an_answer_that_was_cut_the_next_message_gets_its_own(
    loopback: LoopbackServer, webhooks: WebhookServer
) -> None:
    loopback.will(answer(200, b"x" * 1024 * 1024), answer(200, b'"mine"'))
    webhooks.send(a_message(), timeout=5)

    assert webhooks.send(a_message(), timeout=5) == "mine"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 501, 502, 503, 504, 599])
def test_a_server_that_cannot_just_now_is_asked_again(
    loopback: LoopbackServer, webhooks: WebhookServer, status: int
) -> None:
    loopback.will(answer(status, b"come back later"))

    with pytest.raises(ServerUnavailable, match=f"HTTP {status} come back later"):
        webhooks.send(a_message(), timeout=5)

    assert len(loopback.received) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413, 422, 300, 304])
def test_a_server_that_refuses_is_not_asked_again(
    loopback: LoopbackServer, webhooks: WebhookServer, status: int
) -> None:
    loopback.will(answer(status, b"" if status == 304 else b"no such room"))

    with pytest.raises(ServerRefused, match=f"HTTP {status}"):
        webhooks.send(a_message(), timeout=5)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(loopback: LoopbackServer, webhooks: WebhookServer, status: int) -> None:
    """Whoever redirects a signed message could send it anywhere."""
    loopback.will(answer(status, location=f"http://127.0.0.1:{loopback.server_port}/elsewhere"))

    with pytest.raises(ServerRefused, match=f"HTTP {status}"):
        webhooks.send(a_message(), timeout=5)

    assert [received.path for received in loopback.received] == ["/webhooks?room=1"]


def test_what_a_refusal_says_is_cut(loopback: LoopbackServer, webhooks: WebhookServer) -> None:
    """It goes onto the item and into the reason."""
    loopback.will(answer(400, b"no " * 10_000))

    with pytest.raises(ServerRefused) as refused:
        webhooks.send(a_message(), timeout=5)

    assert len(str(refused.value)) < 250


# --- connections ------------------------------------------------------------------------------------------------------


def test_a_server_that_is_not_there_is_asked_again(loopback: LoopbackServer) -> None:
    with pytest.raises(ServerUnavailable, match="refused the connection"):
        WebhookServer("http://127.0.0.1:1/webhooks", lambda: [SECRET]).send(a_message(), timeout=5)


def test_a_connection_that_breaks_before_the_answer_is_transient(
    loopback: LoopbackServer, webhooks: WebhookServer
) -> None:
    loopback.will(hang_up)

    with pytest.raises(ServerUnavailable, match="the connection broke"):
        webhooks.send(a_message(), timeout=5)

    assert len(loopback.received) == 1  # urllib3 would try again by itself, unless it is told not to


def test_a_connection_that_breaks_within_the_answer_is_transient(
    loopback: LoopbackServer, webhooks: WebhookServer
) -> None:
    loopback.will(break_off)

    with pytest.raises(ServerUnavailable, match="the connection broke"):
        webhooks.send(a_message(), timeout=5)


def test_a_server_that_says_nothing_is_given_up_in_time(loopback: LoopbackServer, webhooks: WebhookServer) -> None:
    loopback.will(say_nothing)
    before = datetime.now(UTC)

    with pytest.raises(ServerUnavailable, match="did not answer in time"):
        webhooks.send(a_message(), timeout=0.3)

    assert (datetime.now(UTC) - before).total_seconds() < 15  # of the 30 that the server takes


@pytest.mark.parametrize(
    "trickle",
    [
        pytest.param(drip(0.05), id="its body"),
        pytest.param(drip_headers(0.05), id="its headers"),
        pytest.param(go_on_for_ever(0.05), id="100 Continue for ever"),
    ],
)
def test_a_server_that_sends_byte_by_byte_is_given_up_in_time(
    loopback: LoopbackServer, webhooks: WebhookServer, trickle: Any
) -> None:
    """Every byte sets a socket's time-out anew: StopRecording must not wait for a slow drip."""
    loopback.will(trickle)
    before = datetime.now(UTC)

    with pytest.raises(ServerUnavailable):
        webhooks.send(a_message(), timeout=0.3)

    assert (datetime.now(UTC) - before).total_seconds() < 15  # of the 30 that the server takes


def test_a_name_that_is_not_resolved_in_time_is_given_up_and_no_message_follows_later(
    loopback: LoopbackServer, webhooks: WebhookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resolver has no time-out: it answers when the class may long be over."""
    resolved, resolve = threading.Event(), socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **more: resolved.wait(30) and resolve(*given, **more))

    with pytest.raises(ServerUnavailable, match="could not be reached in time"):
        webhooks.send(a_message(), timeout=0.2)
    resolved.set()
    for thread in threading.enumerate():
        if thread.name == "exchange":
            thread.join(10)

    assert loopback.received == []


def test_a_server_that_never_finishes_the_handshake_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/webhooks"
        before = datetime.now(UTC)

        with pytest.raises(ServerUnavailable, match="could not be reached in time"):
            WebhookServer(url, lambda: [SECRET]).send(a_message(), timeout=0.3)

    assert (datetime.now(UTC) - before).total_seconds() < 15, "it hung"


def test_a_message_whose_time_is_over_already_is_not_sent(loopback: LoopbackServer, webhooks: WebhookServer) -> None:
    with pytest.raises(ServerUnavailable, match="in time"):
        webhooks.send(a_message(), timeout=0)

    assert loopback.received == []


def test_an_exchange_that_was_given_up_ends_at_once(loopback: LoopbackServer, webhooks: WebhookServer) -> None:
    """A thread that a server could keep busy would be one more with every attempt."""
    loopback.will(say_nothing)

    with pytest.raises(ServerUnavailable):
        webhooks.send(a_message(), timeout=0.2)

    for thread in threading.enumerate():
        if thread.name == "exchange":
            thread.join(5)
            assert not thread.is_alive()


def test_a_connection_that_the_server_closed_meanwhile_costs_no_message(
    loopback: LoopbackServer, webhooks: WebhookServer
) -> None:
    """Between two classes the server closes what is idle; a warm function still holds that connection."""
    loopback.will(answer(200, b'"first"', connection="close"))

    assert webhooks.send(a_message(), timeout=5) == "first"
    assert webhooks.send(a_message("live"), timeout=5) == {"ok": True}
