"""What whoever deploys the stack decides about every class."""

from dataclasses import dataclass
from datetime import timedelta

from classroom_scheduler.domain.status import HORIZON


@dataclass(frozen=True, slots=True)
class Rules:
    """`horizon` is how long before its class an execution is started at the earliest."""

    horizon: timedelta = HORIZON


DEFAULT_RULES = Rules()
