"""Any class day: whatever people, AWS and the classroom server do, every class is recorded as its item says, once.

A Hypothesis state machine over the simulation. Each step is an edit, a delivery, some time, a fault; inside each step
processes may crash, calls may fail and other things may happen between any two calls to the outside.
"""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from classroom_scheduler.domain.item_codec import user_attributes
from tests.fakes import Fault
from tests.simulation.edits import DAMAGE, NOT_DELAYS, NOT_TIMES
from tests.simulation.mischief import Act
from tests.simulation.model import Model
from tests.simulation.world import World

CLASSROOMS = ("algebra", "botany")
ODD_IDS = ("room 101", "x" * 65)
COUNTS: Counter[str] = Counter()

classrooms = st.sampled_from(CLASSROOMS)
# Seconds from now. The small ones make sure that something happens in the middle of everything else.
starts = st.sampled_from((30, 1, 90, -20, 0, 300, -3600, 86_400 * 310))
durations = st.sampled_from((120, 10, 30, 400, 1))
delays = st.sampled_from((None, 0, 20, 200))
styles = st.integers(0, 3)

Edit = tuple[str, str, tuple[Any, ...]]


def edits() -> st.SearchStrategy[Edit]:
    """(what, classroom, details): details mean what the method of `Day` that is named `what` takes."""
    edit = st.tuples
    put = edit(st.just("put"), classrooms, st.tuples(starts, durations, delays, styles))
    move_start = edit(st.just("move_start"), classrooms, st.tuples(starts, styles))
    move_end = edit(st.just("move_end"), classrooms, st.tuples(starts, styles))
    return st.one_of(
        put,
        move_start,
        move_end,
        put,
        move_start,
        move_end,
        edit(st.just("change_delay"), classrooms, st.tuples(delays)),
        edit(st.just("change_another"), classrooms, st.tuples(st.integers(0, 3))),
        edit(st.just("put_again"), classrooms, st.just(())),
        edit(st.just("put_old_copy"), classrooms, st.tuples(st.integers(0, 7), st.sampled_from((None, 60, 300)))),
        edit(st.just("delete"), classrooms, st.just(())),
        edit(st.just("insert_again"), classrooms, st.tuples(st.booleans())),
        edit(st.just("mistype"), classrooms, st.tuples(st.sampled_from(("start", "end")), st.sampled_from(NOT_TIMES))),
        edit(st.just("mistype"), classrooms, st.tuples(st.just("livePingDelay"), st.sampled_from(NOT_DELAYS))),
        edit(st.just("damage"), classrooms, st.tuples(st.sampled_from(DAMAGE))),
        edit(st.just("put_odd_id"), st.sampled_from(ODD_IDS), st.tuples(starts, durations)),
        edit(st.just("write_a_novel"), classrooms, st.just(())),
    )


happenings = st.one_of(
    st.just(Act.CRASH),
    st.just(Act.FAIL),
    st.sampled_from(("deliver", "deliver again", "pass time", "sweep", "audit")),
    edits(),
)
# Where in a step it strikes: a delivery or a task passes about eight points.
points = st.integers(1, 9)
mischief: st.SearchStrategy[list[Any]] = st.one_of(
    st.just([]),
    st.lists(st.tuples(points, happenings), min_size=1, max_size=1),
    st.lists(st.tuples(points, happenings), min_size=2, max_size=3),
)


class Day(RuleBasedStateMachine):
    """Some classrooms, and everything that happens to them."""

    @initialize(
        random_seed=st.integers(0, 7),
        shards=st.integers(1, 2),
        first=st.tuples(st.sampled_from((30, 5, -20)), durations, delays, styles),
        minutes=st.sampled_from((0, 1, 2)),
        lead=st.sampled_from((0, 0, 20)),
    )
    def begin(self, random_seed: int, shards: int, first: tuple[Any, ...], minutes: int, lead: int) -> None:
        """A class is there already, waiting, running or over."""
        COUNTS["examples"] += 1
        self.world = World(random_seed, shards, COUNTS, timedelta(seconds=lead))
        self.model = Model(self.world)
        self.copies: list[dict[str, Any]] = []
        self.rested = True
        self.do_edit(("put", "algebra", first))
        self.deliver_everything_once()
        self.world.run_until(self.world.clock.now + timedelta(minutes=minutes), self.deliver_everything_once)

    # people

    @rule(edit=edits())
    def somebody_edits(self, edit: Edit) -> None:
        self.do_edit(edit)

    @rule(edit=edits(), trouble=mischief)
    def somebody_edits_and_it_is_delivered(self, edit: Edit, trouble: list[Any]) -> None:
        self.do_edit(edit)
        self.deliver_next(0, trouble)

    def do_edit(self, edit: Edit) -> None:
        what, classroom_id, details = edit
        COUNTS[f"edit: {what}"] += 1
        self.rested = False
        self.world.say(f"{what} {classroom_id} {str(details)[:200]}")
        copy = self.world.table.look(classroom_id)
        if copy is not None:
            self.copies = [*self.copies[-7:], copy]
        act: Callable[..., None] = getattr(self, what)
        act(classroom_id, *details)

    def in_seconds(self, seconds: int, style: int = 0) -> str:
        return self.model.handwriting.write(self.world.clock.now + timedelta(seconds=seconds), style)

    def put(self, classroom_id: str, start: int, duration: int, delay: int | None, style: int) -> None:
        item = {"start": self.in_seconds(start, style), "end": self.in_seconds(start + duration, style)}
        self.world.table.put(
            {"classroomId": classroom_id, **item, **({} if delay is None else {"livePingDelay": delay})}
        )

    def put_odd_id(self, classroom_id: str, start: int, duration: int) -> None:
        self.put(classroom_id, start, duration, None, 0)

    def move_start(self, classroom_id: str, start: int, style: int) -> None:
        self.change(classroom_id, {"start": self.in_seconds(start, style)})

    def move_end(self, classroom_id: str, end: int, style: int) -> None:
        self.change(classroom_id, {"end": self.in_seconds(end, style)})

    def change_delay(self, classroom_id: str, delay: int | None) -> None:
        self.change(classroom_id, {"livePingDelay": ... if delay is None else delay})

    def change_another(self, classroom_id: str, value: int) -> None:
        self.change(classroom_id, {"teacher": value})

    def mistype(self, classroom_id: str, field: str, value: Any) -> None:
        self.change(classroom_id, {field: value})

    def damage(self, classroom_id: str, changes: dict[str, Any]) -> None:
        self.change(classroom_id, changes)

    def write_a_novel(self, classroom_id: str) -> None:
        self.change(classroom_id, {"notes": "x" * 300_000})

    def change(self, classroom_id: str, changes: dict[str, Any]) -> None:
        if self.world.table.look(classroom_id) is not None:
            wanted = {name: value for name, value in changes.items() if value is not ...}
            self.world.table.update_attributes(classroom_id, wanted, removed=changes.keys() - wanted.keys())

    def put_again(self, classroom_id: str) -> None:
        item = self.written(classroom_id)
        if item is not None:
            self.world.table.put(item)

    def put_old_copy(self, classroom_id: str, index: int, end: int | None) -> None:
        """As consoles do: the whole item as it was read some time ago, the scheduler's attributes included."""
        copies = [copy for copy in self.copies if copy["classroomId"] == classroom_id]
        if copies:
            changes = {} if end is None else {"end": self.in_seconds(end)}
            self.world.table.put({**copies[index % len(copies)], **changes})

    def delete(self, classroom_id: str) -> None:
        """From then on copies hold what people wrote: a session that was cancelled must not come back in a copy."""
        self.world.table.delete(classroom_id)
        self.copies = [user_attributes(copy) if copy["classroomId"] == classroom_id else copy for copy in self.copies]

    def insert_again(self, classroom_id: str, with_everything: bool) -> None:
        item = self.world.table.look(classroom_id)
        kept = self.written(classroom_id)
        if item is not None and kept is not None:
            self.delete(classroom_id)
            self.world.table.put(user_attributes(item) if with_everything else kept)

    def written(self, classroom_id: str) -> dict[str, Any] | None:
        item = self.world.table.look(classroom_id)
        if item is None:
            return None
        theirs = ("classroomId", "start", "end", "livePingDelay", "teacher")
        return {name: item[name] for name in theirs if name in item}

    # AWS

    @rule(shard=st.integers(0, 1), size=st.integers(1, 4), trouble=mischief)
    def records_are_delivered(self, shard: int, size: int, trouble: list[Any]) -> None:
        self.deliver_next(shard, trouble, size)

    def deliver_next(self, shard: int, trouble: list[Any], size: int = 100) -> None:
        stream = self.world.stream
        ready = [one for one in stream.shards if one.waiting]
        if ready:
            with_mischief = self.plan(trouble)
            stream.deliver(ready[shard % len(ready)], size)
            self.done(with_mischief)

    @precondition(lambda self: any(shard.checkpoint for shard in self.world.stream.shards))
    @rule(shard=st.integers(0, 1), back=st.integers(1, 6), size=st.integers(1, 4), trouble=mischief)
    def records_come_again(self, shard: int, back: int, size: int, trouble: list[Any]) -> None:
        with_mischief = self.plan(trouble)
        self.deliver_old(shard, back, size)
        self.done(with_mischief)

    def deliver_old(self, shard: int, back: int, size: int) -> None:
        stream = self.world.stream
        one = stream.shards[shard % len(stream.shards)]
        stream.deliver_again(one, max(0, one.checkpoint - back), size)

    @precondition(lambda self: any(shard.checkpoint for shard in self.world.stream.shards))
    @rule(shard=st.integers(0, 1), entries=st.integers(1, 12))
    def the_stream_is_read_again(self, shard: int, entries: int) -> None:
        stream = self.world.stream
        stream.rewind(stream.shards[shard % len(stream.shards)], entries)

    @rule(seconds=st.sampled_from((5, 1, 30, 61, 120, 600)), prompt=st.booleans(), trouble=mischief)
    def time_passes(self, seconds: int, prompt: bool, trouble: list[Any]) -> None:
        with_mischief = self.plan(trouble)
        until = self.world.clock.now + timedelta(seconds=seconds)
        self.world.run_until(until, self.deliver_everything_once if prompt else lambda: None)
        self.done(with_mischief)

    @precondition(lambda self: self.world.machine.next_due is not None)
    @rule(things=st.integers(1, 4), trouble=mischief)
    def something_comes_due(self, things: int, trouble: list[Any]) -> None:
        with_mischief = self.plan(trouble)
        for _ in range(things):
            due = self.world.machine.next_due
            if due is not None and due - self.world.clock.now < timedelta(days=1):
                self.world.run_until(due)
        self.done(with_mischief)

    @precondition(lambda self: self.world.machine.executions)
    @rule(index=st.integers(0, 15), task=st.integers(0, 3), trouble=mischief)
    def a_task_arrives_again(self, index: int, task: int, trouble: list[Any]) -> None:
        names = list(self.world.machine.executions)
        with_mischief = self.plan(trouble)
        self.world.say(f"wake {names[index % len(names)]}")
        self.world.machine.wake(names[index % len(names)], task)
        self.done(with_mischief)

    @precondition(lambda self: any(one.status == "ABORTED" for one in self.world.machine.executions.values()))
    @rule(index=st.integers(0, 15))
    def an_aborted_execution_is_redriven(self, index: int) -> None:
        names = [name for name, one in self.world.machine.executions.items() if one.status == "ABORTED"]
        name = names[index % len(names)]
        self.world.say(f"redrive {name}")
        self.world.unstopped.add(name)
        self.world.machine.redrive(name)

    @precondition(lambda self: any(one.running for one in self.world.machine.executions.values()))
    @rule(index=st.integers(0, 15), by_hand=st.booleans(), told=st.sampled_from((True, True, False)))
    def an_execution_is_lost(self, index: int, by_hand: bool, told: bool) -> None:
        """The service fails it, or somebody in the console stops it; an event tells of it, if it gets through."""
        names = [name for name, one in self.world.machine.executions.items() if one.running]
        self.rested, self.model.calm = False, False
        COUNTS[f"executions {'stopped by hand' if by_hand else 'lost'}, {'told' if told else 'untold'}"] += 1
        self.world.lose(names[index % len(names)], by_hand=by_hand, told=told)

    @precondition(lambda self: self.world.events.waiting)
    @rule(index=st.integers(0, 7), again=st.booleans(), trouble=mischief)
    def a_status_event_arrives(self, index: int, again: bool, trouble: list[Any]) -> None:
        with_mischief = self.plan(trouble)
        self.world.events.deliver(index)
        self.done(with_mischief)
        if again and self.world.events.past:
            self.world.events.deliver_again(index)

    @rule(audit=st.booleans(), trouble=mischief)
    def the_sweep_runs(self, audit: bool, trouble: list[Any]) -> None:
        with_mischief = self.plan(trouble)
        if audit:
            self.world.audit()
        else:
            self.world.sweep()
        self.done(with_mischief)

    @precondition(lambda self: self.world.stream.waiting)
    @rule(shard=st.integers(0, 1), size=st.integers(1, 3))
    def records_run_out_of_retries(self, shard: int, size: int) -> None:
        ready = [one for one in self.world.stream.shards if one.waiting]
        dropped = self.world.drop_records(ready[shard % len(ready)], size)
        COUNTS["records dropped"] += len(dropped)
        self.model.note_dropped(dropped)

    @rule(seconds=st.sampled_from((-2, 2, -1, 1)))
    def a_clock_jumps(self, seconds: int) -> None:
        """The clock that the functions read, until the world comes to rest; less than what the model calls a margin."""
        COUNTS["clock jumps"] += 1
        self.rested, self.model.calm = False, False
        self.world.say(f"clocks are {seconds} s off")
        self.world.skew, self.world.jumped = timedelta(seconds=seconds), True

    # the classroom server

    @precondition(lambda self: self.world.clock.now >= self.world.server.down_until)
    @rule(
        message_type=st.sampled_from(("recording.start", "recording.live", "recording.stop")),
        fault=st.sampled_from((Fault.UNAVAILABLE, Fault.TIMES_OUT, Fault.REFUSES, None)),
        times=st.integers(1, 3),
    )
    def the_server_will_fail(self, message_type: str, fault: Fault | None, times: int) -> None:
        """In its next answers to one type of message, or, without a fault, altogether and for a while."""
        self.model.calm = False
        self.world.say(f"server {fault or 'down'} {message_type} x{times}")
        if fault is None:
            COUNTS["server: outages"] += 1
            self.world.server.fail_until(self.world.clock.now + timedelta(seconds=times * 30))
        else:
            COUNTS[f"server: {fault.name} {message_type}"] += times
            self.world.server.will(message_type, *(fault for _ in range(times)))

    # mischief

    def plan(self, trouble: list[Any]) -> bool:
        self.rested = False
        self.model.calm = self.model.calm and not trouble
        self.world.points.plan([(after, self.happening(what)) for after, what in trouble])
        return bool(trouble)

    def done(self, with_mischief: bool) -> None:
        if with_mischief:
            self.world.points.forget()

    def happening(self, what: Any) -> Act | Callable[[], None]:
        match what:
            case Act():
                return what
            case "deliver":
                return self.deliver_everything_once
            case "deliver again":
                return lambda: self.deliver_old(0, 2, 3)
            case "sweep":
                return self.world.sweep
            case "audit":
                return self.world.audit
            case "pass time":
                return lambda: self.world.run_until(self.world.clock.now + timedelta(seconds=8))
            case edit:
                return lambda: self.do_edit(edit)

    def deliver_everything_once(self) -> None:
        for shard in self.world.stream.shards:
            self.world.stream.deliver(shard, 100)

    # what must be true

    @precondition(lambda self: not self.rested)
    @rule()
    def everything_comes_to_rest(self) -> None:
        self.rested = True
        COUNTS["rests"] += 1
        self.world.say("rest")
        self.world.settle(75)
        self.model.judge_rest()

    @invariant()
    def nothing_is_ever_broken(self) -> None:
        COUNTS["steps"] += 1
        if self.world.violations:
            raise AssertionError("\n".join([*self.world.log, "", *self.world.violations]))

    def teardown(self) -> None:
        if not hasattr(self, "world") or self.world.violations:
            return
        self.world.say("the end")
        self.world.settle(75)
        self.model.judge_rest()
        self.world.repair()
        self.model.judge_rest()
        self.world.settle_with_sweeps(timedelta(days=2))
        self.model.judge_end()
        self.nothing_is_ever_broken()


def explore(examples: int, random_seed: int, steps: int = 25, *, shrink: bool = True) -> None:
    """Run that many random days; raises AssertionError with the log of the (smallest) day that breaks a promise."""
    run_state_machine_as_test(
        seed(random_seed)(Day),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            database=None,
            deadline=None,
            print_blob=False,
            report_multiple_bugs=False,
            phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
