"""Each function's settings, read from its environment once, at cold start."""

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Self


@dataclass(frozen=True, slots=True)
class ReconcileSettings:
    """What a function needs that brings the executions to what the table says."""

    classrooms_table: str
    state_machine_arn: str
    horizon: timedelta
    start_lead: timedelta

    @classmethod
    def from_environment(cls) -> Self:
        return cls(_required("CLASSROOMS_TABLE"), _required("STATE_MACHINE_ARN"), _horizon(), _start_lead())


@dataclass(frozen=True, slots=True)
class BookkeepingSettings:
    """What a function needs that only writes to items."""

    classrooms_table: str
    horizon: timedelta

    @classmethod
    def from_environment(cls) -> Self:
        return cls(_required("CLASSROOMS_TABLE"), _horizon())


@dataclass(frozen=True, slots=True)
class TaskSettings:
    """What a function needs that calls the classroom server."""

    classrooms_table: str
    server_url: str
    webhook_secret_arn: str
    horizon: timedelta

    @classmethod
    def from_environment(cls) -> Self:
        return cls(
            _required("CLASSROOMS_TABLE"),
            _required("CLASSROOM_SERVER_URL"),
            _required("WEBHOOK_SECRET_ARN"),
            _horizon(),
        )


@dataclass(frozen=True, slots=True)
class LifecycleSettings:
    """What a function needs that publishes what became of classes."""

    event_bus_name: str
    horizon: timedelta

    @classmethod
    def from_environment(cls) -> Self:
        return cls(_required("EVENT_BUS_NAME"), _horizon())


@dataclass(frozen=True, slots=True)
class BookingSettings:
    """What a function needs that writes what other systems book."""

    classrooms_table: str
    bookings_table: str
    booking_failures_queue_url: str

    @classmethod
    def from_environment(cls) -> Self:
        return cls(
            _required("CLASSROOMS_TABLE"),
            _required("BOOKINGS_TABLE"),
            _required("BOOKING_FAILURES_QUEUE_URL"),
        )


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """What the HTTP API needs."""

    classrooms_table: str
    one_time_state_machine_arn: str
    cors_origins: list[str]

    @classmethod
    def from_environment(cls) -> Self:
        return cls(
            _required("CLASSROOMS_TABLE"),
            _required("ONE_TIME_STATE_MACHINE_ARN"),
            [origin for each in os.environ.get("CORS_ORIGINS", "").split(",") if (origin := each.strip())],
        )


def _required(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise RuntimeError(f"{name} is not set: template.yaml sets it on AWS, events/env.json for sam local invoke")
    return value


def _horizon() -> timedelta:
    return timedelta(hours=int(os.environ.get("HORIZON_HOURS", "7200")))


def _start_lead() -> timedelta:
    return timedelta(seconds=int(os.environ.get("START_LEAD_SECONDS", "0")))
