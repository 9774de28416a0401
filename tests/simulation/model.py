"""What must be true of a simulated world, at every step, whenever it has come to rest, and at its end.

The model judges from outside: by what people wrote and when, what reached the handlers and when, and what the server
did. It knows nothing of how the application decides.
"""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from classroom_scheduler.application.ports import Message
from classroom_scheduler.domain.errors import FAILED_FOR_GOOD, REPLACED
from classroom_scheduler.domain.item_codec import Item
from classroom_scheduler.domain.plan import MAX_RESTARTS
from tests.builders import z
from tests.simulation.edits import Handwriting, Wanted
from tests.simulation.step_functions import LOST
from tests.simulation.stream import Entry
from tests.simulation.world import Invocation, World

# Nearer to a start or an end than this, both what was before and what comes after it are right.
MARGIN = timedelta(seconds=3)
HORIZON = timedelta(days=300)
LONG_AGO = datetime.fromisoformat("2000-01-01T00:00:00Z")


@dataclass
class Life:
    """One classroom id, as far as people know."""

    desired: Wanted | None = None
    wrong: str = ""
    present: bool = False
    # The record of the latest edit that changed what is desired.
    entry: Entry | None = None
    ever_wanted: set[Wanted] = field(default_factory=set)
    # In force for certain when the world last came to rest, and whether only invalid edits were made since.
    in_force: Wanted | None = None
    only_typos_since: bool = False
    # When it became right to give up a running recording: moved into the future, or seen to be deleted.
    given_up_at: datetime = LONG_AGO
    # When it was moved to where a clock that is wrong, or will be, sees the future.
    perhaps_given_up_at: datetime = LONG_AGO
    seen_gone: bool = False
    # Recordings that may run beside the next one: the class was deleted, that was handled, and it was inserted again.
    left_behind: set[str] = field(default_factory=set)
    # A record ran out of its retries, and no audit has looked since: nothing that is written needs to be followed yet.
    in_doubt: bool = False
    # Whether one ever did.
    lost_records: bool = False


class Model:
    """Watches a world and notes in it every promise that is broken."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.handwriting = Handwriting()
        self.lives: defaultdict[str, Life] = defaultdict(Life)
        self.first_named: dict[str, datetime] = {}
        self.last_schedule: dict[str, Any] = {}
        self.calm = True
        # Stopped for what its item, wiped or an old copy, did not tell: nobody could know better.
        self.lost_patience: set[str] = set()
        world.on_look = self._on_look
        world.on_repair = self._on_repair
        world.on_unfinished = self.note_unfinished
        world.on_call = self._on_call
        world.server.on_act = self._on_act
        world.table.watchers.append(self._on_change)

    # what is noted as it happens

    def _on_change(self, classroom_id: str, old: Item | None, new: Item | None) -> None:
        if self.world.scheduler_writes and new is not None and isinstance(new.get("recordingId"), str):
            self.first_named.setdefault(new["recordingId"], self.world.clock.now)
            if new["recordingId"] not in self.last_schedule or (old or {}).get("scheduled") != new.get("scheduled"):
                self.last_schedule[new["recordingId"]] = new.get("scheduled")
        elif not self.world.scheduler_writes:
            self._on_edit(classroom_id, None if new is None else dict(new))

    def _on_edit(self, classroom_id: str, item: dict[str, Any] | None) -> None:
        life = self.lives[classroom_id]
        now = self.world.clock.now
        before = (life.present, life.desired)
        if life.desired is not None and self._is_followed(life):
            life.in_force, life.only_typos_since = life.desired, True
        if item is None:
            life.present, life.desired, life.wrong = False, None, ""
        else:
            if not life.present and (life.seen_gone or self._removals_to_come(classroom_id) > 1):
                life.left_behind |= self._recordings_of(classroom_id)
                life.given_up_at = now
                life.in_force = (
                    None  # what was desired before may be: deleted and wrongly inserted at once is an update
                )
            life.present, life.seen_gone = True, False
            life.desired, life.wrong = self.handwriting.read(item)
        if (life.present, life.desired) == before:
            return
        life.entry = self.world.stream.shard_of(classroom_id).entries[-1]
        if life.desired is not None:
            life.ever_wanted.add(life.desired)
            life.only_typos_since = False
            if life.desired.start > now:
                life.given_up_at = now
            if life.desired.start > now - MARGIN:
                life.perhaps_given_up_at = now
        if not life.present:
            life.only_typos_since = False

    def _on_look(self, invocation: Invocation, classroom_id: str) -> None:
        life = self.lives[classroom_id]
        if invocation.seen is None and invocation.function == "ClassroomChanged":
            life.seen_gone, life.given_up_at = True, self.world.clock.now

    def note_dropped(self, entries: list[Entry]) -> None:
        """These records ran out of their retries."""
        for entry in entries:
            life = self.lives[entry.classroom_id]
            life.in_doubt, life.lost_records = True, True
            if entry.new is None:
                life.left_behind |= self._recordings_of(entry.classroom_id)
                life.given_up_at = self.world.clock.now
                # There is no item to find for an audit; its executions find that out by themselves.
                self.world.unstopped |= {
                    name
                    for name, execution in self.world.machine.executions.items()
                    if execution.data["classroomId"] == entry.classroom_id
                }

    def note_unfinished(self, classroom_ids: Iterable[str]) -> None:
        """Something failed of which nobody is told: a duplicate, or a message that was received too often."""
        for classroom_id in classroom_ids:
            self.lives[classroom_id].in_doubt = True

    def _on_repair(self) -> None:
        """Whatever is written has been looked at now."""
        for life in self.lives.values():
            if life.in_doubt and life.entry is not None:
                life.entry.handled_at = life.entry.handled_at or self.world.clock.now
            life.in_doubt = False

    def _recordings_of(self, classroom_id: str) -> set[str]:
        return {recording_id for recording_id in self.first_named if _classroom_of(recording_id) == classroom_id}

    def _is_given_up(self, life: Life, recording_id: str) -> bool:
        given_up_at = max(life.given_up_at, life.perhaps_given_up_at) if self.world.jumped else life.given_up_at
        return given_up_at >= self.first_named.get(recording_id, LONG_AGO)

    @property
    def _tolerance(self) -> timedelta:
        """What a clock that is wrong may make of the present."""
        return MARGIN if self.world.jumped else timedelta(0)

    def _removals_to_come(self, classroom_id: str) -> int:
        """Deleted and inserted again is an update; twice before anybody looked, nobody can tell what goes on."""
        waiting = (entry for entry in self.world.stream.waiting if entry.classroom_id == classroom_id)
        return sum(entry.new is None for entry in waiting)

    # at every call and every deed of the server

    def _on_call(self, invocation: Invocation, message: Message) -> None:
        item, data = invocation.seen, message.data
        if not invocation.looked or invocation.execution is None:
            self._violate(f"{invocation.function} called the server without looking at the item")
        if data["executionName"] != invocation.execution:
            self._violate(f"{message.type} names {data['executionName']}, called by {invocation.execution}")
        # An old copy that was put back may name a recording that was given up: that one is stopped all the same.
        given_up = str(invocation.execution).endswith(("-stop", "-halt"))
        not_the_items = item is None or item.get("recordingId") != data["recordingId"] or given_up
        if message.type == "recording.stop" and not_the_items:
            return
        if message.type == "recording.stop" and item is not None and _tells_nothing(item, str(invocation.execution)):
            self.lost_patience.add(data["recordingId"])
            return
        if item is None or item.get("executionName") != invocation.execution:
            self._violate(f"{message.type} of {data['recordingId']} by {invocation.execution}, not named by {item}")

    def _on_act(self, message: Message) -> None:
        invocation = self.world.invocations[-1]
        recording = self.world.server.recordings.get(message.data["recordingId"])
        if message.type == "recording.start":
            self._judge_start(message.data["classroomId"], message.data["recordingId"], invocation.seen or {})
            if recording is not None and recording.starts:
                self._violate(f"{message.data['recordingId']} is started twice")
        elif message.type == "recording.stop":
            self._judge_stop(message.data["classroomId"], message.data["recordingId"], invocation.seen)
            if recording is not None and recording.stops:
                self._violate(f"{message.data['recordingId']} is stopped twice")
        elif message.type == "recording.live" and recording is not None and recording.pings:
            self._violate(f"{message.data['recordingId']} is pinged twice")
        elif message.type == "recording.live" and recording is not None and recording.live:
            self._judge_ping(message.data["recordingId"], recording.starts[0], invocation.seen or {})

    def _judge_start(self, classroom_id: str, recording_id: str, item: Item) -> None:
        now, life, server = self.world.clock.now, self.lives[classroom_id], self.world.server
        known = server.recordings.get(recording_id)
        if known is not None and known.stops:
            return  # the server knows better
        if self._begins(item) > now:
            self._violate(f"{recording_id} starts before {item['scheduled']}")
        for other_id, other in server.recordings.items():
            if other.classroom_id != classroom_id or other_id == recording_id or not other.starts:
                continue
            failed = server.failed[other_id]
            # A start that was refused after an attempt that had acted is stopped by its execution a moment later.
            excused = "recording.stop" in failed or "recording.start" in server.refused[other_id]
            if other.live and not excused and other_id not in life.left_behind:
                self._violate(f"{recording_id} starts while {other_id} is live")
            is_ending = _time(item, "end") < now + self._tolerance  # or has ended, by a clock that is right
            again = self.last_schedule.get(other_id) == item.get("scheduled") and not is_ending
            if again and not self._is_given_up(life, other_id) and not failed and other_id not in self.world.troubled:
                self._violate(f"{recording_id} runs what {other_id} has run: {item.get('scheduled')}")

    def _judge_stop(self, classroom_id: str, recording_id: str, item: Item | None) -> None:
        now, life = self.world.clock.now, self.lives[classroom_id]
        known = self.world.server.recordings.get(recording_id)
        if known is None or not known.live or item is None:
            return
        if _tells_nothing(item, str(self.world.invocations[-1].execution)):
            self.lost_patience.add(recording_id)
            return  # what it saw last before it acted told it nothing, be it put back a moment later
        if item.get("recordingId") == recording_id:
            if _time(item, "end") > now and _state(item, "StartRecording") != "FAILED":
                self._violate(f"{recording_id} stops before its end {item['scheduled']}")
            elif item.get("scheduled") != self.last_schedule.get(recording_id):
                self.lost_patience.add(recording_id)  # an old copy, which can't be told from an edit
            return
        # Where its class was neither deleted nor moved into the future, it may only have come to its end.
        if not self._is_given_up(life, recording_id) and _moment(self.last_schedule.get(recording_id), "end") > now:
            self._violate(f"{recording_id} is interrupted although its class goes on")

    def _judge_ping(self, recording_id: str, started: datetime, item: Item) -> None:
        delay = item.get("scheduled", {}).get("livePingDelay", 0)
        if self.world.clock.now + self._tolerance < started + timedelta(seconds=int(delay)):
            self._violate(f"{recording_id} is pinged before {delay} s have passed")

    # at rest

    def judge_rest(self) -> None:
        """Everything is delivered, nothing fails, and whatever was late has had its time."""
        for classroom_id, life in self.lives.items():
            item = self.world.table.look(classroom_id)
            if life.in_doubt or (item is not None and self._is_unheard_of(life, item)):
                continue  # an audit, or the sweep after the next step, will see to it
            if item is None:
                self._judge_absent(classroom_id)
            else:
                self._judge_present(classroom_id, life, item)

    def _is_unheard_of(self, life: Life, item: Item) -> bool:
        """Whether its execution was lost and nobody was told, or named by somebody who died before starting it."""
        name = item.get("executionName")
        is_to_come = life.lost_records and name not in self.world.machine.executions
        return name in self.world.untold or (is_to_come and _moment(item, "attentionAt") > self.world.clock.now)

    def judge_end(self) -> None:
        """Time has run past everything."""
        self.judge_rest()
        running = [name for name, execution in self.world.machine.executions.items() if execution.running]
        if running:
            self._violate(f"still running at the end of time: {running}")
        for name, execution in self.world.machine.executions.items():
            if execution.error not in ("", FAILED_FOR_GOOD, REPLACED, LOST):
                self._violate(f"{name} ended with {execution.error}: {execution.cause}")
        for recording_id, recording in self.world.server.recordings.items():
            if recording.live and not self._would_not_stop(recording_id):
                self._violate(f"{recording_id} is live at the end of time")

    def _judge_absent(self, classroom_id: str) -> None:
        self._judge_running(classroom_id, None)
        self._judge_live(classroom_id, None)

    def _judge_present(self, classroom_id: str, life: Life, item: dict[str, Any]) -> None:
        if not isinstance(item.get("reason"), str) or not item["reason"]:
            self._violate(f"{classroom_id} has no reason: {item}")
            return
        if life.desired is not None and self._is_followed(life):
            life.in_force = life.desired
            self._judge_in_force(classroom_id, life.desired, item)
        else:
            self._judge_not_followed(classroom_id, life, item)
            if not life.only_typos_since:
                life.in_force = self._scheduled(item)
        life.only_typos_since = True

    def _judge_not_followed(self, classroom_id: str, life: Life, item: dict[str, Any]) -> None:
        """What is written now is wrong, or came too late: what was in force before stays, if there was anything."""
        if self.lost_patience & self._recordings_of(classroom_id):
            return
        in_force = self._scheduled(item)
        if life.only_typos_since and life.in_force is not None and in_force != life.in_force:
            self._violate(f"{classroom_id}: {life.in_force} is no longer in force after a typo: {item}")
        # A copy from before a deletion may bring back what is over; it is history then, and nothing runs for it.
        is_history = item.get("status") in {"COMPLETED", "FAILED", "INVALID"}
        if in_force is not None and in_force not in life.ever_wanted and not is_history:
            self._violate(f"{classroom_id}: nobody ever desired {in_force}")
        status = item.get("status")
        if status == "INVALID" and life.only_typos_since and life.in_force is not None:
            self._judge_over(classroom_id, life.in_force, item)
        if in_force is None or status == "INVALID":
            if status != "INVALID":
                self._violate(f"{classroom_id} can't be followed and is {status}: {item}")
            if life.wrong and f"`{life.wrong}`" not in item["reason"]:
                self._violate(f"{classroom_id}: the reason does not name {life.wrong}: {item['reason']}")
            self._judge_running(classroom_id, None)
            self._judge_live(classroom_id, None)
            return
        self._judge_in_force(classroom_id, in_force, item)
        if status in ("SCHEDULED", "RECORDING", "DEFERRED") and life.wrong and f"`{life.wrong}`" not in item["reason"]:
            self._violate(f"{classroom_id}: the reason does not name {life.wrong}: {item['reason']}")

    def _judge_in_force(self, classroom_id: str, desired: Wanted, item: dict[str, Any]) -> None:
        now, status, recording_id = self.world.clock.now, item.get("status"), item.get("recordingId")
        if recording_id in self.lost_patience:
            return
        if self._scheduled(item) != desired:
            self._violate(f"{classroom_id}: {desired} is not in force at {now}: {item}")
            return
        begins = self._begins(item)
        if not timedelta(0) <= desired.start - begins <= self.world.start_lead:
            self._violate(f"{classroom_id} is to be recorded from {begins}: {item}")
        if any(abs(now - moment) < MARGIN for moment in (begins, desired.start, desired.end, desired.start - HORIZON)):
            return
        if status == "FAILED" and self._may_have_failed(str(recording_id), item):
            self._judge_running(classroom_id, None)
            self._judge_live(classroom_id, None)
            return
        expected, says = self._expected(desired, begins, now)
        if status != expected:
            self._violate(f"{classroom_id} is {status}, not {expected}, at {now}: {item}")
        if says and not all(moment in item["reason"] for moment in says):
            self._violate(f"{classroom_id}: the reason does not name {says}: {item['reason']}")
        self._judge_running(classroom_id, item.get("executionName") if expected in ("SCHEDULED", "RECORDING") else None)
        self._judge_live(classroom_id, recording_id if expected == "RECORDING" else None)
        if expected == "COMPLETED":
            self._judge_completed(str(recording_id), desired)

    def _begins(self, item: Item) -> datetime:
        """When the recorder is to be started: with a lead, before its class."""
        early = _time(item, "recorderStart")
        return _time(item, "start") if early == LONG_AGO else early

    def _expected(self, desired: Wanted, begins: datetime, now: datetime) -> tuple[str, list[str]]:
        """The status that is right now, and the moments that the reason has to name."""
        if now < desired.start - HORIZON:
            return "DEFERRED", [z(desired.start)]
        if now < begins:
            return "SCHEDULED", [z(desired.start), z(desired.end)]
        if now < desired.end:
            return "RECORDING", [z(desired.end)]
        return "COMPLETED", []

    def _judge_over(self, classroom_id: str, in_force: Wanted, item: dict[str, Any]) -> None:
        """A typo may show as INVALID only when the class before it is over."""
        if self._may_have_failed(str(item.get("recordingId")), item):
            return
        if self.world.clock.now + MARGIN < in_force.end:
            self._violate(f"{classroom_id}: a typo ended {in_force}: {item}")
        elif self.world.clock.now > in_force.end + MARGIN:
            self._judge_completed(str(item.get("recordingId")), in_force)

    def _judge_completed(self, recording_id: str, desired: Wanted) -> None:
        recording = self.world.server.recordings.get(recording_id)
        if recording is None or len(recording.starts) != 1 or len(recording.stops) != 1:
            self._violate(f"{recording_id} is COMPLETED, but the server knows {recording}")
            return
        if recording.stops[0] < desired.end:
            self._violate(f"{recording_id} was stopped at {recording.stops[0]}, before {desired}")
        due = max(recording.starts[0], desired.start) + timedelta(seconds=desired.delay)
        if self.calm and due + MARGIN < desired.end and not recording.pings:
            self._violate(f"{recording_id} was never pinged")

    def _judge_running(self, classroom_id: str, needed: str | None) -> None:
        allowed = {needed} | self.world.unstopped
        for name, execution in self.world.machine.executions.items():
            waits = execution.state in {"StopRecording", "StopUnconfirmedRecording"} and execution.retries
            mine = execution.running and execution.data["classroomId"] == classroom_id
            given_up = (
                name.endswith(("-stop", "-halt")) and self.world.accidents[execution.data["recordingId"]] > MAX_RESTARTS
            )
            if mine and not waits and not given_up and name not in allowed:
                self._violate(f"{name} runs, and {classroom_id} does not need it")
        if needed is not None:
            execution_needed = self.world.machine.executions.get(needed)
            if execution_needed is None or not execution_needed.running:
                self._violate(f"{needed} does not run, and {classroom_id} needs it: {execution_needed}")

    def _judge_live(self, classroom_id: str, needed: str | None) -> None:
        for recording_id, recording in self.world.server.recordings.items():
            if recording.classroom_id != classroom_id:
                continue
            if recording_id == needed:
                if not recording.live:
                    self._violate(f"{recording_id} is not live, and {classroom_id} needs it")
            elif recording.live and not self._would_not_stop(recording_id):
                self._violate(f"{recording_id} is live, and {classroom_id} does not need it")
        if needed is not None and needed not in self.world.server.recordings:
            self._violate(f"{needed} was never started, and {classroom_id} needs it")

    def _may_have_failed(self, recording_id: str, item: Item) -> bool:
        """Whether the server refused, or whatever went wrong took until the class was over."""
        if self.world.accidents[recording_id] > MAX_RESTARTS:
            return True
        refused = self.world.server.refused[recording_id]
        start = item.get("tasks", {}).get("StartRecording", {})
        missed = _moment(start, "finishedAt") >= _time(item, "end")
        # Its item stayed wiped for nine minutes, until the retries of its start ran out, or for good.
        unheard = recording_id in self.world.troubled and _state(item, "StartRecording") != "SUCCEEDED"
        forgotten = self.lives[item["classroomId"]].lost_records or self._has_used_up_its_start(recording_id)
        if item.get("status") == "FAILED" and unheard and forgotten:
            return True
        return bool(refused & {"recording.start", "recording.stop"}) or (
            start.get("state") == "FAILED" and missed and recording_id in self.world.troubled
        )

    def _has_used_up_its_start(self, recording_id: str) -> bool:
        known = self.world.server.recordings.get(recording_id)
        mine = [one for one in self.world.machine.executions.values() if one.data["recordingId"] == recording_id]
        return not (known and known.starts) or any("StartRecording" in one.data.get("failures", {}) for one in mine)

    def _is_followed(self, life: Life) -> bool:
        """Whether what is desired now reached the handlers in time to run."""
        handled_at = life.entry.handled_at if life.entry is not None else None
        return life.desired is not None and handled_at is not None and handled_at + MARGIN < life.desired.end

    def _would_not_stop(self, recording_id: str) -> bool:
        """Whether the server refused, or whoever was to stop it was lost more often than anybody repairs."""
        repaired = MAX_RESTARTS if self._is_the_items(recording_id) else 0
        by_accident = self.world.accidents[recording_id] > repaired
        return "recording.stop" in self.world.server.refused[recording_id] or by_accident

    def _is_the_items(self, recording_id: str) -> bool:
        item = self.world.table.look(_classroom_of(recording_id)) or {}
        return bool(item.get("recordingId") == recording_id)

    def _scheduled(self, item: Item) -> Wanted | None:
        """The schedule that the item says is in force."""
        scheduled = item.get("scheduled")
        if not isinstance(scheduled, dict) or not {"start", "end", "livePingDelay"} <= scheduled.keys():
            return None
        return Wanted(_moment(scheduled, "start"), _moment(scheduled, "end"), int(scheduled["livePingDelay"]))

    def _violate(self, what: str) -> None:
        self.world.violate(what)


def _names_anybody(item: Item) -> bool:
    """Whether the item names an execution, for all that people did to it."""
    name = item.get("executionName")
    return isinstance(name, str) and _classroom_of(name) == item["classroomId"]


def _tells_nothing(item: Item, execution: str) -> bool:
    """Whether it was wiped, or is an old copy that names an execution before this one."""
    return not _names_anybody(item) or str(item["executionName"])[-10:] < execution[-10:]


def _classroom_of(recording_id: str) -> str:
    return recording_id.rpartition("-")[0]


def _time(item: Item, name: str) -> datetime:
    return _moment(item.get("scheduled"), name)


def _moment(times: Any, name: str) -> datetime:
    with suppress(TypeError, ValueError, KeyError):  # somebody may have damaged it
        return datetime.fromisoformat(times[name])
    return LONG_AGO


def _state(item: Item, task: str) -> Any:
    tasks = item.get("tasks")
    record = tasks.get(task) if isinstance(tasks, dict) else None
    return record.get("state") if isinstance(record, dict) else None
