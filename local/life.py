"""The life of one class: written to the table, watched until it is over, and judged by what item and server say."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from local.errors import StepFailed
from local.stack import Stack

TASKS = {"StartRecording": "recording.start", "SendLivePing": "recording.live", "StopRecording": "recording.stop"}
"""Each task and the type of the webhook it sends, in order."""

MAX_LATENESS = timedelta(seconds=5)
"""How late a task may reach the classroom server here: each pays a cold start, which takes 2 s on a busy machine."""

_OVER = {"COMPLETED", "FAILED", "INVALID"}
_POLL = 0.05


@dataclass(frozen=True)
class Class:
    """A class to write: `ping_delay` is in seconds."""

    classroom_id: str
    start: datetime
    end: datetime
    ping_delay: int

    @classmethod
    def soon(cls, classroom_id: str, now: datetime) -> "Class":
        """A class that starts 5 seconds from now, is pinged 3 seconds later and lasts 10."""
        start = now.replace(microsecond=0) + timedelta(seconds=5)
        return cls(classroom_id, start, start + timedelta(seconds=10), 3)

    def item(self) -> dict[str, Any]:
        """What is written to the table: what people write, and one attribute of their own."""
        return {
            "classroomId": self.classroom_id,
            "start": instant(self.start),
            "end": instant(self.end),
            "livePingDelay": self.ping_delay,
            "title": "How a class is recorded",
        }


def live_through(stack: Stack, class_: Class, say: Callable[[str], None]) -> list[str]:
    """Write the class, tell its life as it happens, and return what was wrong with it: nothing, if all is well."""
    table = stack.aws.tables.Table(stack.table_name)
    say(
        f"\nClassroom {class_.classroom_id} is written to the table: it starts at {clock(class_.start)},"
        f" is pinged {class_.ping_delay} s later and ends at {clock(class_.end)} (UTC).\n"
    )
    table.put_item(Item=class_.item())
    deadline = class_.end + timedelta(seconds=30)
    item: Mapping[str, Any] = {}
    told = Told()
    while item.get("status") not in _OVER:
        if _now() > deadline:
            raise StepFailed(
                f"30 s after its end the class is still {item.get('status', 'not scheduled')}.",
                stack.logs / "emulator.log",
            )
        time.sleep(_POLL)
        key = {"classroomId": class_.classroom_id}
        item = table.get_item(Key=key, ConsistentRead=True).get("Item", {})
        for line in told.news(item, stack.server.recorder.log(class_.classroom_id)):
            say(f"  {line}")
    log = stack.server.recorder.log(class_.classroom_id)
    say("\n" + "\n".join(timetable(item, log)))
    return list(problems(item, log))


@dataclass
class Told:
    """What a person was told of a class already."""

    webhooks: int = 0
    reason: str = ""

    def news(self, item: Mapping[str, Any], log: list[dict[str, Any]]) -> Iterator[str]:
        """What is new: what the server heard and what the item says, each with its time."""
        for entry in log[self.webhooks :]:
            yield f"{clock(moment(entry['receivedAt']))}  server     {entry['type']}, answered {entry['status']}"
        self.webhooks = len(log)
        reason = f"{item['status']:<10} {item.get('reason', '')}" if "status" in item else ""
        if reason != self.reason:
            yield f"{clock(_now())}  {reason}"
        self.reason = reason


def timetable(item: Mapping[str, Any], log: list[dict[str, Any]]) -> Iterator[str]:
    """Due, received and late for each task: lateness as the item has it, and as the server's clock saw it."""
    yield f"  {'task':<16}{'due':<15}{'server got it':<15}{'late':>9}{'on the item':>14}"
    for name, type_ in TASKS.items():
        task = (item.get("tasks") or {}).get(name) or {}
        received = [entry["receivedAt"] for entry in log if entry["type"] == type_]
        if "dueAt" not in task or not received:
            yield f"  {name:<16}did not reach the server ({task.get('state', 'never tried')})"
            continue
        due, got = moment(task["dueAt"]), moment(received[0])
        on_item = f"{task['latenessMs']} ms" if "latenessMs" in task else "-"
        yield f"  {name:<16}{clock(due):<15}{clock(got):<15}{milliseconds(got - due):>6} ms{on_item:>14}"


def problems(item: Mapping[str, Any], log: list[dict[str, Any]]) -> Iterator[str]:
    """Why this was not a class that was started, pinged and stopped once each, in order and on time."""
    if item.get("status") != "COMPLETED":
        yield f"The class is {item.get('status')}: {item.get('reason')}"
    if [entry["type"] for entry in log] != list(TASKS.values()):
        yield f"The server got {[entry['type'] for entry in log]}."
    if any(entry["status"] != 200 or "ignored" in entry["answer"] for entry in log):
        yield "The server did not do all it was told."
    if len({entry["recordingId"] for entry in log}) > 1:
        yield "The server got more than one recordingId."
    for name, type_ in TASKS.items():
        task = (item.get("tasks") or {}).get(name) or {}
        if task.get("state") != "SUCCEEDED":
            yield f"{name} is {task.get('state', 'missing')} on the item."
            continue
        for entry in log:
            late = moment(entry["receivedAt"]) - moment(task["dueAt"])
            if entry["type"] == type_ and not timedelta(0) <= late <= MAX_LATENESS:
                yield f"{name} reached the server {milliseconds(late)} ms late, not 0 to {milliseconds(MAX_LATENESS)}."


def instant(when: datetime) -> str:
    """2026-12-01T08:00:00Z."""
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """The time that an RFC 3339 text says."""
    return datetime.fromisoformat(text)


def clock(when: datetime) -> str:
    """08:00:00.123."""
    return when.isoformat(timespec="milliseconds")[11:23]


def milliseconds(span: timedelta) -> int:
    """Whole milliseconds, rounded down: what is early by a microsecond is early."""
    return span // timedelta(milliseconds=1)


def _now() -> datetime:
    return datetime.now(UTC)
