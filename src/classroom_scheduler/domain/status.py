"""Which status a session has, from what is known of it and the time."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import Any

from classroom_scheduler.domain.policy import SchedulingPolicy
from classroom_scheduler.domain.session import Session, TaskState
from classroom_scheduler.domain.tasks import START, STOP


class Status(StrEnum):
    SCHEDULED = "SCHEDULED"
    DEFERRED = "DEFERRED"
    RECORDING = "RECORDING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    INVALID = "INVALID"


def status_of(session: Session, now: datetime, policy: SchedulingPolicy) -> Status:
    if session.is_over:
        was_recorded = all(session.has(task, TaskState.SUCCEEDED) for task in (START, STOP))
        return Status.COMPLETED if was_recorded else Status.FAILED
    if session.has(START, TaskState.SUCCEEDED) or session.is_stopping:
        return Status.RECORDING
    return Status.DEFERRED if policy.is_deferred(session, now) else Status.SCHEDULED


def status_in(item: Mapping[str, Any]) -> Status | None:
    """The status that the item has, or None where people wrote something else there."""
    with suppress(ValueError, TypeError):
        return Status(item.get("status"))  # type: ignore[arg-type]  # whatever is there
    return None
