"""The simulation keeps to what AWS documents; without that, what the properties prove would be worth nothing."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from classroom_scheduler.application.ports import Message
from classroom_scheduler.domain.errors import ServerRefused, ServerUnavailable
from tests.builders import CLASS_DAY, a_classroom, z
from tests.fakes import FakeClassrooms, Fault, RefusedByAws
from tests.simulation.clock import VirtualClock
from tests.simulation.mischief import Act, Crash, Points
from tests.simulation.server import SimulatedServer
from tests.simulation.step_functions import (
    Execution,
    ExecutionAlreadyExists,
    ExecutionDoesNotExist,
    StepFunctions,
    TaskFailed,
)
from tests.simulation.stream import Entry, Stream
from tests.simulation.world import World

LESSON: dict[str, Any] = {
    "StartAt": "Wait",
    "States": {
        "Wait": {"Type": "Wait", "TimestampPath": "$.start", "Next": "Work"},
        "Work": {
            "Type": "Task",
            "Resource": "${WorkFunctionArn}",
            "Parameters": {
                "name.$": "$$.Execution.Name",
                "attempt.$": "$$.State.RetryCount",
                "start.$": "$.start",
                "fixed": 1,
            },
            "ResultPath": "$.results.Work",
            "TimeoutSeconds": 10,
            "Retry": [
                {"ErrorEquals": ["Hopeless"], "MaxAttempts": 0},
                {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxDelaySeconds": 3, "MaxAttempts": 2},
            ],
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failures.Work", "Next": "Failed"}],
            "End": True,
        },
        "Failed": {"Type": "Fail", "Error": "LessonFailed", "CausePath": "States.JsonToString($.failures)"},
    },
}


class Machine:
    """A machine of one task, whose answers the test decides on."""

    def __init__(self, *answers: Any) -> None:
        self.clock = VirtualClock()
        self.answers = list(answers)
        self.calls: list[dict[str, Any]] = []
        self.step_functions = StepFunctions(LESSON, self.clock, Random(0), self.work)

    def work(self, function: str, payload: dict[str, Any], execution: Execution) -> Any:
        self.calls.append(payload | {"at": (self.clock.now - CLASS_DAY).total_seconds()})
        answer = self.answers.pop(0) if self.answers else "done"
        if isinstance(answer, TaskFailed):
            raise answer
        return answer

    def start(self, name: str = "one", seconds: int = 60) -> Execution:
        self.step_functions.start(name, f'{{"start":"{z(CLASS_DAY + timedelta(seconds=seconds))}"}}')
        return self.step_functions.executions[name]

    def run(self, seconds: float) -> None:
        end = self.clock.now + timedelta(seconds=seconds)
        while (due := self.step_functions.next_due) is not None and due <= end:
            self.step_functions.run_next()
        self.clock.advance_to(end)


def test_a_task_gets_its_payload_at_its_time_and_its_answer_is_kept() -> None:
    machine = Machine({"state": "fine"})
    execution = machine.start()
    machine.run(59.9)
    assert machine.calls == []
    machine.run(1)
    assert machine.calls == [{"name": "one", "attempt": 0, "start": "2026-12-01T00:01:00Z", "fixed": 1, "at": 60.02}]
    assert execution.status == "SUCCEEDED"
    assert execution.data["results"] == {"Work": {"state": "fine"}}


def test_a_time_that_has_passed_is_not_waited_for() -> None:
    machine = Machine()
    machine.start(seconds=-3600)
    machine.run(1)
    assert len(machine.calls) == 1


def test_a_time_that_is_none_ends_the_execution_whatever_it_catches() -> None:
    machine = Machine()
    machine.step_functions.start("one", '{"start":"2026-12-01T09:00:00"}')
    assert machine.step_functions.executions["one"].error == "States.Runtime"


def test_a_failing_task_is_retried_with_growing_delays_and_then_caught() -> None:
    machine = Machine(*(TaskFailed("Trouble", "again") for _ in range(3)))
    execution = machine.start(seconds=0)
    machine.run(60)
    assert [call["attempt"] for call in machine.calls] == [0, 1, 2]
    assert [round(call["at"]) for call in machine.calls] == [0, 1, 3]
    assert (execution.status, execution.error) == ("FAILED", "LessonFailed")
    assert execution.cause == '{"Work": {"Error": "Trouble", "Cause": "again"}}'


def test_a_hopeless_error_is_not_retried() -> None:
    machine = Machine(TaskFailed("Hopeless"))
    execution = machine.start(seconds=0)
    machine.run(60)
    assert len(machine.calls) == 1
    assert execution.data["failures"] == {"Work": {"Error": "Hopeless"}}


def test_the_same_start_again_is_one_execution_while_it_runs() -> None:
    machine = Machine()
    machine.start()
    machine.start()
    machine.run(120)
    assert len(machine.calls) == 1


def test_a_name_is_refused_with_another_input_or_once_it_is_closed() -> None:
    machine = Machine()
    machine.start()
    with pytest.raises(ExecutionAlreadyExists):
        machine.start(seconds=61)
    machine.run(120)
    with pytest.raises(ExecutionAlreadyExists):
        machine.start()


@pytest.mark.parametrize("name", ["", "x" * 81, "room 101", "2026-12-01T09:00", "a/b"])
def test_a_name_that_aws_refuses_is_refused(name: str) -> None:
    with pytest.raises(RefusedByAws):
        Machine().start(name)


def test_a_stop_takes_effect_later_and_an_aborted_execution_does_nothing_more() -> None:
    machine = Machine()
    execution = machine.start()
    machine.step_functions.stop("one")
    assert execution.status == "RUNNING"
    machine.run(5)
    assert execution.status == "ABORTED"
    machine.run(60)
    assert machine.calls == []


def test_stopping_what_is_closed_changes_nothing_and_what_never_was_is_an_error() -> None:
    machine = Machine()
    execution = machine.start(seconds=0)
    machine.run(1)
    machine.step_functions.stop("one")
    machine.run(10)
    assert execution.status == "SUCCEEDED"
    with pytest.raises(ExecutionDoesNotExist):
        machine.step_functions.stop("another")


def test_an_aborted_execution_that_is_redriven_goes_on_where_it_was() -> None:
    machine = Machine()
    execution = machine.start()
    machine.step_functions.stop("one")
    machine.run(600)
    machine.step_functions.redrive("one")
    machine.run(1)
    assert execution.status == "SUCCEEDED"
    assert len(machine.calls) == 1


def test_a_task_can_arrive_a_second_time_and_nobody_hears_it() -> None:
    machine = Machine("first", "second")
    execution = machine.start(seconds=0)
    machine.run(1)
    machine.step_functions.wake("one", 0)
    assert len(machine.calls) == 2
    assert execution.data["results"] == {"Work": "first"}


class Reader:
    """A stream of one shard, and a handler that fails as the test decides."""

    def __init__(self, *failures: list[int] | None) -> None:
        self.failures = list(failures)
        self.batches: list[list[int]] = []
        self.stream = Stream(VirtualClock(), 1, self.handle)
        self.shard = self.stream.shards[0]
        for _ in range(5):
            self.stream.append("algebra", None, {})

    def handle(self, batch: list[Entry]) -> list[str] | None:
        self.batches.append([int(entry.sequence_number[-1]) for entry in batch])
        failed = self.failures.pop(0) if self.failures else []
        return None if failed is None else [f"10000000000000000000{number}" for number in failed]


def test_a_batch_is_delivered_once_where_all_goes_well() -> None:
    reader = Reader()
    assert reader.stream.deliver(reader.shard, 3)
    assert reader.stream.deliver(reader.shard, 3)
    assert not reader.stream.deliver(reader.shard, 3)
    assert reader.batches == [[1, 2, 3], [4, 5]]


def test_everything_from_the_lowest_failure_on_comes_again() -> None:
    reader = Reader([4, 2])
    reader.stream.deliver(reader.shard, 4)
    reader.stream.deliver(reader.shard, 4)
    assert reader.batches == [[1, 2, 3, 4], [2, 3, 4, 5]]


@pytest.mark.parametrize("failure", [None, [9]], ids=["it died", "it named a record of another batch"])
def test_the_whole_batch_comes_again(failure: list[int] | None) -> None:
    reader = Reader(failure)
    reader.stream.deliver(reader.shard, 2)
    reader.stream.deliver(reader.shard, 2)
    assert reader.batches == [[1, 2], [1, 2]]


def test_old_batches_come_again_out_of_the_blue() -> None:
    reader = Reader()
    reader.stream.deliver(reader.shard, 4)
    reader.stream.deliver_again(reader.shard, 1, 2)
    reader.stream.rewind(reader.shard, 2)
    reader.stream.deliver(reader.shard, 9)
    assert reader.batches == [[1, 2, 3, 4], [2, 3], [3, 4, 5]]


def test_every_change_of_an_item_is_a_record_and_a_write_that_changes_nothing_is_none() -> None:
    world = World()
    world.table.put(a_classroom())
    world.table.put(a_classroom())
    world.table.update_attributes("algebra-1", {"teacher": "Ada"})
    world.table.delete("algebra-1")
    world.table.delete("algebra-1")
    images = [(entry.old, entry.new) for entry in world.stream.waiting]
    named = {**a_classroom(), "teacher": "Ada"}
    assert images == [(None, a_classroom()), (a_classroom(), named), (named, None)]


def test_a_crash_strikes_before_or_after_a_call_and_spares_nobody() -> None:
    world = World()
    world.table.put(a_classroom())
    world.points.plan([(2, Act.CRASH)])  # a new class is not read; the write has taken effect
    world.stream.deliver(world.stream.shard_of("algebra-1"), 1)
    assert world.counts["crash after UpdateItem"] == 1
    assert "executionName" in (world.table.look("algebra-1") or {})
    assert world.machine.executions == {}
    world.deliver_all()
    assert len(world.machine.executions) == 1


def test_mischief_happens_at_its_point() -> None:
    points = Points(counts=World().counts)
    happened: list[str] = []
    points.plan([(2, lambda: happened.append("edit")), (3, Act.FAIL), (4, Act.CRASH)])
    assert [points.cross("GetItem", "before"), bool(happened)] == [False, False]
    assert [points.cross("GetItem", "after"), bool(happened)] == [False, True]
    assert points.cross("UpdateItem", "before")
    with pytest.raises(Crash):
        points.cross("UpdateItem", "after")


def a_message(kind: str, recording_id: str = "algebra-1-0000000001") -> Message:
    data = {"classroomId": "algebra-1", "recordingId": recording_id}
    return Message(f"{recording_id}-{kind}", f"recording.{kind}", CLASS_DAY, data)


def test_the_server_acts_once_although_its_answer_was_lost() -> None:
    server = SimulatedServer(VirtualClock())
    server.will("recording.start", Fault.TIMES_OUT)
    with pytest.raises(ServerUnavailable):
        server.send(a_message("start"), timeout=1)
    server.send(a_message("start"), timeout=1)
    assert len(server.recordings["algebra-1-0000000001"].starts) == 1


def test_a_recording_that_was_stopped_never_starts() -> None:
    server = SimulatedServer(VirtualClock())
    server.send(a_message("stop"), timeout=1)
    server.send(a_message("start"), timeout=1)
    assert server.live == set()


def test_what_the_server_would_not_do_is_remembered() -> None:
    server = SimulatedServer(VirtualClock())
    server.send(a_message("start"), timeout=1)
    server.fail_until(CLASS_DAY + timedelta(minutes=1))
    with pytest.raises(ServerUnavailable):
        server.send(a_message("stop"), timeout=1)
    server.repair()
    server.will("recording.stop", Fault.REFUSES)
    with pytest.raises(ServerRefused):
        server.send(a_message("stop"), timeout=1)
    assert server.live == {"algebra-1-0000000001"} == set(server.refused)


def test_no_two_reads_of_the_clock_are_equal() -> None:
    clock = VirtualClock()
    assert clock() < clock() < clock()


def test_the_table_of_the_simulation_is_the_fake_that_the_contract_tests_hold_to_reality() -> None:
    assert type(World().table) is FakeClassrooms
