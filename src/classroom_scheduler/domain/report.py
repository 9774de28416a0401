"""Everything that an item says of its session: the session itself, its status, its reason, and when to look again."""

import zlib
from datetime import datetime, timedelta
from typing import Any

from classroom_scheduler.domain.classroom import Classroom
from classroom_scheduler.domain.item_codec import encode
from classroom_scheduler.domain.policy import SchedulingPolicy
from classroom_scheduler.domain.quoting import cut
from classroom_scheduler.domain.reasons import why_not_followed
from classroom_scheduler.domain.schedule import format_time
from classroom_scheduler.domain.session import Session, TaskState
from classroom_scheduler.domain.status import status_of
from classroom_scheduler.domain.tasks import START

ATTENTION_SHARDS = 8
# How long a step may be overdue before the sweep looks: longer than the retries of a short outage.
ATTENTION_GRACE = timedelta(minutes=5)
# Enough for everything that can be wrong with an item, each value quoted and cut.
REASON_LENGTH = 2_048


def report(
    classroom: Classroom, session: Session, reason: str, now: datetime, policy: SchedulingPolicy
) -> dict[str, Any]:
    """All attributes that the item carries for its session, but `executionArn` and `updatedAt`."""
    attributes = {
        "status": str(status_of(session, now, policy)),
        "reason": cut(reason, REASON_LENGTH),
        **encode(session),
    }
    if session.is_over and session.left_running is None:
        return attributes
    attributes |= attention(classroom.classroom_id, _attention_at(session, now, policy))
    if _waits_for_an_edit(classroom, session, now):
        # A task that wouldn't wait: the record of that edit may be lost, and no step may push this forward.
        noted, soon = classroom.known_attention, format_time(now + ATTENTION_GRACE)
        attributes["attentionAt"] = min(attributes["attentionAt"], soon, noted)
    return attributes


def attention(classroom_id: str, at: datetime) -> dict[str, str]:
    """The keys under which the sweep finds the classroom from `at` on."""
    shard = zlib.crc32(classroom_id.encode()) % ATTENTION_SHARDS
    return {"attentionShard": str(shard), "attentionAt": format_time(at)}


def _waits_for_an_edit(classroom: Classroom, session: Session, now: datetime) -> bool:
    desired = classroom.desired
    return desired is not None and desired != session.scheduled and why_not_followed(classroom, session, now) is None


def _attention_at(session: Session, now: datetime, policy: SchedulingPolicy) -> datetime:
    if policy.is_deferred(session, now):
        return session.scheduled.start - policy.horizon
    is_recording = session.has_begun and not session.has(START, TaskState.FAILED)
    due = session.scheduled.end if is_recording else session.recorder_start
    latest = max((record.started_at for record in session.tasks.values()), default=due)
    return max(due, latest) + ATTENTION_GRACE
