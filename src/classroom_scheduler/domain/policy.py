"""What whoever deploys the stack decides about every class, what follows for its status, and when the sweep looks."""

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from classroom_scheduler.domain.session import Session, Status
from classroom_scheduler.domain.times import format_time

ATTENTION_SHARDS = 8
# How long a step may be overdue before the sweep looks: longer than the retries of a short outage.
ATTENTION_GRACE = timedelta(minutes=5)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class SchedulingPolicy:
    """`horizon` is how long before its class an execution is started at the earliest.

    `start_lead`, in whole seconds, is how long before it a recorder is: 10,000 classes on one minute would meet the
    quotas in one second (docs/decisions/0019-spread-recorder-starts-before-the-class.md).
    """

    horizon: timedelta
    start_lead: timedelta = timedelta()

    def is_deferred(self, session: Session, now: datetime) -> bool:
        """Whether the start is too far off for an execution, which lives a year at most."""
        return not session.has_begun and session.scheduled.start > now + self.horizon

    def spread(self, classroom_id: str) -> timedelta:
        """This classroom's share of the lead: whole seconds from 1 to all of it, nothing where there is none.

        By a hash of its id that is the same in every process. Nobody's share is 0, so that all run by the start.
        """
        seconds = self.start_lead // _SECOND
        return (1 + (zlib.crc32(classroom_id.encode()) * seconds >> 32)) * _SECOND if seconds else timedelta()

    def lead(self, classroom_id: str, start: datetime, now: datetime, session: Session | None = None) -> timedelta:
        """How long before `start` the recorder is started, for a session that is new or goes on from `session`.

        It stays what it was while the start does: its recorder may run already, whatever the parameter says by now.
        """
        if session is not None and session.scheduled.start == start:
            return session.lead
        lead = self.spread(classroom_id)
        if session is not None and session.has_begun:
            return lead
        # At once where that has passed, and no later for it.
        return min(lead, max(start - now.replace(microsecond=0), timedelta()))


def status_of(session: Session, now: datetime, policy: SchedulingPolicy) -> Status:
    if session.is_over:
        return Status.COMPLETED if session.was_recorded else Status.FAILED
    if session.has_started or session.is_stopping:
        return Status.RECORDING
    return Status.DEFERRED if policy.is_deferred(session, now) else Status.SCHEDULED


def attention(classroom_id: str, at: datetime) -> dict[str, str]:
    """The keys under which the sweep finds the classroom from `at` on."""
    shard = zlib.crc32(classroom_id.encode()) % ATTENTION_SHARDS
    return {"attentionShard": str(shard), "attentionAt": format_time(at)}


def attention_at(session: Session, now: datetime, policy: SchedulingPolicy) -> datetime:
    """When this session must have moved on by: the sweep looks then."""
    if policy.is_deferred(session, now):
        return session.scheduled.start - policy.horizon
    due = session.recorder_start if session.start_failed or not session.has_begun else session.scheduled.end
    latest = max((record.started_at for record in session.tasks.values()), default=due)
    return max(due, latest) + ATTENTION_GRACE
