"""What the template tells a function in its environment."""

import os
from datetime import timedelta

from classroom_scheduler.domain.policy import SchedulingPolicy


def required(name: str) -> str:
    """A variable that must be set. Raises RuntimeError."""
    value = os.environ.get(name, "")
    if not value:
        raise RuntimeError(f"{name} is not set: template.yaml sets it on AWS, events/env.json for sam local invoke")
    return value


def policy() -> SchedulingPolicy:
    horizon = timedelta(hours=int(os.environ.get("HORIZON_HOURS", "7200")))
    return SchedulingPolicy(horizon, timedelta(seconds=int(os.environ.get("START_LEAD_SECONDS", "0"))))


def cors_origins() -> list[str]:
    """The origins whose pages may call the API from a browser."""
    return [origin for each in os.environ.get("CORS_ORIGINS", "").split(",") if (origin := each.strip())]
