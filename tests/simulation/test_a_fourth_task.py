"""A fourth task is a row of the table of tasks, two states and a function: nothing else of ours knows this one."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from classroom_scheduler.domain.tasks import PING, TASKS, TaskSpec
from tests.builders import a_classroom, at
from tests.fakes import Fault
from tests.simulation import world as simulation
from tests.simulation.any_day import explore
from tests.simulation.world import World

REMIND = TaskSpec(
    name="Remind",
    webhook_type="recording.remind",
    id_suffix="remind",
    event="Reminder Sent",
    noun="reminder",
    due=lambda schedule, _lead, _started: schedule.start + (schedule.end - schedule.start) / 2,
    patience=4,
    fatal=False,
)


def with_reminder(definition: dict[str, Any]) -> dict[str, Any]:
    """The state machine with the states of the reminder, made like those of the live ping and put after them."""
    states = definition["States"]
    ping = {name: states[name] for name in states if name.startswith(PING.name)}
    remind = json.loads(json.dumps(ping).replace(PING.name, REMIND.name).replace("StartRecording", PING.name))
    before = json.loads(json.dumps(ping))
    before["SendLivePing"]["Next"] = before["SendLivePingFailed"]["Next"] = "RemindWait"
    return {**definition, "States": {**states, **before, **remind}}


@pytest.fixture(autouse=True)
def _four_tasks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    definition = with_reminder(simulation.definition())
    monkeypatch.setattr(simulation, "definition", lambda: definition)
    TASKS.insert(TASKS.index(PING) + 1, REMIND)
    yield
    TASKS.remove(REMIND)


@pytest.fixture
def world() -> World:
    """A class from 09:00 to 10:00 is scheduled."""
    world = World()
    world.clock.advance_to(at("08:00"))
    world.table.put(a_classroom())
    world.deliver_all()
    return world


def sent(world: World) -> list[str]:
    return [f"{message.type} {message.timestamp:%H:%M:%S}" for message in world.server.received]


def until(world: World, time: str) -> dict[str, Any]:
    world.run_until(at(time), between=world.deliver_all)
    return world.table.look("algebra-1") or {}


def test_it_runs_once_in_its_turn_when_its_own_rule_says(world: World) -> None:
    item = until(world, "10:01")
    for number in range(4):
        world.machine.wake(item["executionName"], number)

    assert sent(world) == [
        "recording.start 09:00:00",
        "recording.live 09:01:00",
        "recording.remind 09:30:00",
        "recording.stop 10:00:00",
    ]
    assert (item["status"], item["tasks"]["Remind"]["state"]) == ("COMPLETED", "SUCCEEDED")
    assert "the reminder went out at 2026-12-01T09:30:00" in item["reason"]


def test_it_moves_with_its_class(world: World) -> None:
    until(world, "09:20")
    world.table.update_attributes("algebra-1", {"end": "2026-12-01T11:00:00Z"})
    world.deliver_all()
    until(world, "11:01")

    assert sent(world)[2:] == ["recording.remind 10:00:00", "recording.stop 11:00:00"]


def test_it_stops_with_its_class(world: World) -> None:
    name = until(world, "09:20")["executionName"]
    world.table.delete("algebra-1")
    world.deliver_all()
    until(world, "10:01")
    world.machine.redrive(name)
    until(world, "10:02")

    assert "recording.remind" not in " ".join(sent(world))
    assert world.server.live == set()


def test_a_class_goes_on_without_it(world: World) -> None:
    world.server.will("recording.live", Fault.REFUSES)
    world.server.will("recording.remind", Fault.REFUSES)
    item = until(world, "10:01")

    assert item["status"] == "COMPLETED"
    assert "no reminder was sent (400 Bad Request)" in item["reason"]
    assert sent(world)[2:] == ["recording.remind 09:30:00", "recording.stop 10:00:00"]


def test_every_promise_is_kept_with_it() -> None:
    explore(60, 20261201, shrink=False)
