"""What a careful classroom server does with webhooks: acts once on each, never revives a recording, keeps a log.

Knows nothing of HTTP; `server.py` does. Can be told to misbehave (`Fault`), because real servers do.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

LOG_LENGTH = 5000
TYPES = ("recording.start", "recording.live", "recording.stop")


class BadRequest(Exception):
    """What was sent can't be understood; `str()` says why."""


@dataclass(frozen=True)
class Answer:
    """What to answer: `status` and `body` after `delay` seconds, or a closed connection."""

    status: int
    body: Mapping[str, Any]
    delay: float = 0
    disconnect: bool = False


@dataclass(frozen=True)
class Fault:
    """How to fail the next `times` webhooks of this type and classroom (None: of any).

    Without `act` the server does nothing and answers `status`. With it, it acts and remembers, and only the answer
    goes wrong: another `status`, too late (`delay` seconds) or never (`disconnect`).
    """

    type: str | None = None
    classroom_id: str | None = None
    times: int = 1
    status: int | None = None
    delay: float = 0
    act: bool = False
    disconnect: bool = False

    @classmethod
    def parse(cls, given: object) -> "Fault":
        """From JSON such as {"type": "recording.start", "classroomId": "room-1", "times": 2, "status": 503}.

        Also `delaySeconds`, `act` and `disconnect`. A fault that only delays acts all the same. Raises BadRequest.
        """
        names = {"type", "classroomId", "times", "status", "delaySeconds", "act", "disconnect"}
        if not isinstance(given, dict) or not given.keys() <= names:
            raise BadRequest(f"A fault is a JSON object with some of {', '.join(sorted(names))}.")
        status = _number(given, "status", None, 100, 599)
        fault = cls(
            type=given.get("type"),
            classroom_id=given.get("classroomId"),
            times=int(_number(given, "times", 1, 1, 1_000_000) or 1),
            status=None if status is None else int(status),
            delay=_number(given, "delaySeconds", 0, 0, 600) or 0,
            act=bool(given.get("act", "status" not in given)),
            disconnect=bool(given.get("disconnect", False)),
        )
        if fault.type not in (None, *TYPES):
            raise BadRequest(f"type is one of {', '.join(TYPES)}.")
        return fault

    def matches(self, type_: str, classroom_id: str) -> bool:
        """Whether it is meant for this webhook."""
        return self.type in (None, type_) and self.classroom_id in (None, classroom_id)

    def spoil(self, answer: Answer) -> Answer:
        """The answer as the scheduler gets it."""
        status = answer.status if self.status is None else self.status
        body = answer.body if status == answer.status else {"error": "told to fail"}
        return Answer(status, body, self.delay, self.disconnect)


def _number(given: Mapping[str, Any], name: str, default: float | None, low: float, high: float) -> float | None:
    value = given.get(name, default)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high):
        return value
    raise BadRequest(f"{name} is a number from {low} to {high}.")


@dataclass
class Recording:
    """One recording as the server sees it; times are null until they happen."""

    classroom_id: str
    recording_id: str
    state: str = "new"
    started_at: str | None = None
    live_at: str | None = None
    stopped_at: str | None = None

    def as_json(self) -> dict[str, Any]:
        """As `GET /recordings` shows it."""
        return {
            "classroomId": self.classroom_id,
            "recordingId": self.recording_id,
            "state": self.state,
            "startedAt": self.started_at,
            "liveAt": self.live_at,
            "stoppedAt": self.stopped_at,
        }

    def act(self, type_: str, at: str) -> str | None:
        """Do what a webhook says; the reason if there is nothing to do."""
        if type_ == "recording.stop":
            # Also if it never started: then a start that comes after all is too late.
            ignored = None if self.state == "recording" else f"it was {self.state}"
            self.state, self.stopped_at = "stopped", self.stopped_at or at
        elif type_ == "recording.start":
            ignored = None if self.state == "new" else f"it was {self.state} already"
            if ignored is None:
                self.state, self.started_at = "recording", at
        else:
            ignored = None if self.state == "recording" else f"it is {self.state}, not live"
            if ignored is None:
                self.live_at = at
        return ignored


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Recorder:
    """The classroom server's memory; safe to use from many threads."""

    now: Callable[[], datetime] = _now
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _log: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=LOG_LENGTH))
    _answers: dict[str, Answer] = field(default_factory=dict)
    _recordings: dict[str, Recording] = field(default_factory=dict)
    _faults: list[Fault] = field(default_factory=list)
    _heard: int = 0

    def receive(self, webhook_id: str, body: object) -> Answer:
        """Act on a webhook whose signature was right, once however often it comes. Raises BadRequest."""
        type_, classroom_id, recording_id = _understand(body)
        with self._lock:
            at = _timestamp(self.now())
            first = self._answers.get(webhook_id)
            fault = self._take_fault(type_, classroom_id)
            if first is not None:
                answer = first
            elif fault is None or fault.act:
                answer = self._answers[webhook_id] = self._act(type_, classroom_id, recording_id, at)
            else:
                answer = Answer(503, {"error": "told to fail"})
            if fault is not None:
                answer = fault.spoil(answer)
            self._keep(
                {
                    "receivedAt": at,
                    "webhookId": webhook_id,
                    "type": type_,
                    "classroomId": classroom_id,
                    "recordingId": recording_id,
                    "duplicate": first is not None,
                    "status": None if answer.disconnect else answer.status,
                    "answer": None if answer.disconnect else dict(answer.body),
                    "body": body,
                }
            )
        return answer

    def refuse(self, webhook_id: str | None, status: int, error: str) -> Answer:
        """Log a webhook that was not let in; nothing of what it claims is believed."""
        with self._lock:
            self._keep(
                {
                    "receivedAt": _timestamp(self.now()),
                    "webhookId": webhook_id,
                    "type": None,
                    "classroomId": None,
                    "recordingId": None,
                    "duplicate": False,
                    "status": status,
                    "answer": {"error": error},
                    "body": None,
                }
            )
        return Answer(status, {"error": error})

    def log(self, classroom_id: str | None = None) -> list[dict[str, Any]]:
        """The webhooks received, oldest first: of one classroom or all, the last 5000 at most."""
        with self._lock:
            return [entry for entry in self._log if classroom_id in (None, entry["classroomId"])]

    def news(self, since: int) -> tuple[int, list[dict[str, Any]]]:
        """How many webhooks ever came, and those after the first `since` that are still kept."""
        with self._lock:
            new = min(self._heard - since, len(self._log))
            return self._heard, list(self._log)[len(self._log) - new :]

    def recordings(self, classroom_id: str | None = None) -> list[dict[str, Any]]:
        """The recordings as they are now, in the order in which they were first heard of."""
        with self._lock:
            return [r.as_json() for r in self._recordings.values() if classroom_id in (None, r.classroom_id)]

    def add_fault(self, fault: Fault) -> None:
        """Misbehave so from now on, after the faults that were asked for before."""
        with self._lock:
            self._faults.append(fault)

    def clear_faults(self) -> None:
        """Behave well again."""
        with self._lock:
            self._faults.clear()

    def _keep(self, entry: dict[str, Any]) -> None:
        self._log.append(entry)
        self._heard += 1

    def _take_fault(self, type_: str, classroom_id: str) -> Fault | None:
        for index, fault in enumerate(self._faults):
            if fault.matches(type_, classroom_id):
                self._faults[index : index + 1] = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                return fault
        return None

    def _act(self, type_: str, classroom_id: str, recording_id: str, at: str) -> Answer:
        recording = self._recordings.setdefault(recording_id, Recording(classroom_id, recording_id))
        ignored = recording.act(type_, at)
        body = {"recordingId": recording_id, "state": recording.state}
        return Answer(200, body if ignored is None else body | {"ignored": ignored})


def _understand(body: object) -> tuple[str, str, str]:
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(body, dict) or body.get("type") not in TYPES or not isinstance(data, dict):
        raise BadRequest(f"A webhook has a type of {', '.join(TYPES)} and data.")
    classroom_id, recording_id = data.get("classroomId"), data.get("recordingId")
    if not (isinstance(classroom_id, str) and isinstance(recording_id, str)):
        raise BadRequest("data names classroomId and recordingId.")
    return body["type"], classroom_id, recording_id


def _timestamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
