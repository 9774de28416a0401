"""Looking at classrooms though no record says so: an execution that ended, a step that is overdue, an item nobody saw.

Status events are best effort, and a record can run out of its retries. Whatever makes us look, looking is always the
same: `reconcile`.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from classroom_scheduler.application.ports import ClassroomQueries, Classrooms, Executions
from classroom_scheduler.application.reconciler import Reconciler
from classroom_scheduler.domain.classroom import Classroom, History, next_update
from classroom_scheduler.domain.errors import REPLACED, ConcurrentUpdate
from classroom_scheduler.domain.execution_names import stop_again_name
from classroom_scheduler.domain.item_codec import Item, write_conditions
from classroom_scheduler.domain.policy import ATTENTION_GRACE, ATTENTION_SHARDS, attention

Reconcile = Callable[[str, History], object]
Each = Callable[..., Iterable["AuditResult"]]
"""`map`, or something that maps concurrently."""

EVERYTHING = datetime.max.replace(tzinfo=UTC)
"""A time by which all is overdue that is not over."""


class AuditResult(StrEnum):
    HEALTHY = "HEALTHY"
    """The item says what it should."""
    RECONCILED = "RECONCILED"
    """It was overdue, and was brought to what it should say."""
    MARKED = "MARKED"
    """It does not, unless a record of it is still to come: a sweep looks after that."""
    FAILED = "FAILED"
    """It could not be looked at; it is found again."""


def execution_ended(
    name: str, error: str | None, classroom_id: str, classrooms: Classrooms, reconcile: Reconcile
) -> bool:
    """Look at the classroom, unless the scheduler itself replaced and stopped this execution; whether it was looked at.

    By accident another one than the item names may end, too: the look before this one may have died between writing
    the next name and starting it. Raises ServiceUnavailable and what `reconcile` raises.
    """
    if error == REPLACED:
        item = classrooms.get(classroom_id)
        if item is None or item.get("executionName") != name:
            return False
    # Told, as Step Functions can't always be asked: ten a second outside the big Regions.
    reconcile(classroom_id, History(aborted=frozenset({name})))
    return True


def stop_ended(name: str, request: Item, executions: Executions) -> str | None:
    """Try once more to stop a recording that is nobody's, whose execution was lost or stopped by hand.

    Returns the name of the execution that does, or None where this was the second already. Raises ServiceUnavailable.
    """
    again = stop_again_name(name)
    if again is not None:
        executions.start(again, request)
    return again


def sweep(queries: ClassroomQueries, reconcile: Reconcile, due_by: datetime, each: Each = map) -> Counter[AuditResult]:
    """Look at everything that must have moved on by then. In a healthy table that is nothing: one query a shard.

    Due by EVERYTHING, it looks at each class that is not over, and takes up those whose execution ended unheard.
    Raises ServiceUnavailable where a shard can't be queried.
    """
    found: Counter[AuditResult] = Counter()
    for shard in range(ATTENTION_SHARDS):
        found.update(each(lambda overdue: _reconciled(overdue, reconcile), queries.overdue(str(shard), due_by)))
    return found


def audit(
    items: Iterable[Item], reconciler: Reconciler, failed: Callable[[Item], object] = lambda _item: None
) -> Counter[AuditResult]:
    """Compare each item with what a look would write, and have the sweep look where that is not the same.

    Finds what a record should have told of that ran out of retries: items never looked at, edits never carried out.
    Calls `failed` while it handles the exception of an item that it can't compare, for whatever reason.
    """

    def audited(item: Item) -> AuditResult:
        try:
            return _compared(item, reconciler)
        except Exception:  # noqa: BLE001 - whatever it is, its neighbours go on, and it is found again tomorrow
            failed(item)
            return AuditResult.FAILED

    return Counter(map(audited, items))


def _compared(item: Item, reconciler: Reconciler) -> AuditResult:
    classroom, now = Classroom.from_item(str(item["classroomId"]), item), reconciler.clock()
    if reconciler.would_write(classroom, now):
        return _mark(classroom, reconciler.classrooms, now)
    return AuditResult.HEALTHY


def _reconciled(classroom_id: str, reconcile: Reconcile) -> AuditResult:
    try:
        reconcile(classroom_id, History())
    except Exception:  # noqa: BLE001 - whatever it is, its neighbours go on, and it stays overdue
        return AuditResult.FAILED
    return AuditResult.RECONCILED


def _mark(classroom: Classroom, classrooms: Classrooms, now: datetime) -> AuditResult:
    """Have the sweep look in some minutes: by then a record that is only late has been delivered.

    To look now could take an item that was wiped, or overwritten by a copy, a moment ago at its word.
    """
    mark: dict[str, Any] = attention(classroom.classroom_id, now + ATTENTION_GRACE)
    same_shard = classroom.item.get("attentionShard") == mark["attentionShard"]  # people copy and invent others
    if same_shard and classroom.known_attention <= mark["attentionAt"]:
        return AuditResult.MARKED
    mark["updatedAt"] = next_update(classroom.item, now)
    try:
        classrooms.update(classroom.classroom_id, mark, expected=write_conditions(classroom.item))
    except ConcurrentUpdate:  # somebody has seen it
        return AuditResult.MARKED
    return AuditResult.MARKED
