"""The one place that joins the domain with its adapters. Made once a Lambda environment, at the first event."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache, partial
from uuid import uuid4

from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

from classroom_scheduler.adapters import aws
from classroom_scheduler.adapters.bookings import TableBookings
from classroom_scheduler.adapters.classroom_queries import TableClassroomQueries
from classroom_scheduler.adapters.classrooms import TableClassrooms
from classroom_scheduler.adapters.editable_classrooms import EditableTableClassrooms
from classroom_scheduler.adapters.events import EventBridgeBus
from classroom_scheduler.adapters.executions import StateMachineExecutions
from classroom_scheduler.adapters.invocations import StateMachineInvocations
from classroom_scheduler.adapters.rejected_bookings import QueueOfRejectedBookings
from classroom_scheduler.adapters.server import WebhookServer
from classroom_scheduler.application.bookkeeping import Bookkeeping
from classroom_scheduler.application.ports import EventBus, Item
from classroom_scheduler.application.reconciler import reconcile
from classroom_scheduler.application.recovery import AuditResult, audit
from classroom_scheduler.application.task_runner import World
from classroom_scheduler.bookings.booking import BookingService
from classroom_scheduler.domain.errors import ServiceUnavailable
from classroom_scheduler.domain.plan import Decision, History
from classroom_scheduler.domain.policy import SchedulingPolicy
from classroom_scheduler.lifecycle.transitions import SOURCE
from classroom_scheduler.settings import (
    ApiSettings,
    BookingSettings,
    BookkeepingSettings,
    LifecycleSettings,
    ReconcileSettings,
    TaskSettings,
)

# A rotated secret is in use after five minutes.
_SECRET_MAX_AGE = 300


def clock() -> datetime:
    return datetime.now(UTC)


@cache
def reconciler() -> Callable[[str, History], Decision]:
    """A function that brings one classroom's executions to what the table says."""
    return partial(reconcile, classrooms=classrooms(), executions=executions(), clock=clock, policy=_policy())


@cache
def auditor() -> Callable[[Iterable[Item]], Counter[AuditResult]]:
    """A function that compares items with what they should say."""
    return partial(audit, classrooms=classrooms(), executions=executions(), clock=clock, policy=_policy())


def _policy() -> SchedulingPolicy:
    settings = ReconcileSettings.from_environment()
    return SchedulingPolicy(horizon=settings.horizon, start_lead=settings.start_lead)


@cache
def classrooms() -> TableClassrooms:
    return TableClassrooms(ReconcileSettings.from_environment().classrooms_table)


@cache
def executions() -> StateMachineExecutions:
    return StateMachineExecutions(ReconcileSettings.from_environment().state_machine_arn)


@cache
def classroom_queries() -> TableClassroomQueries:
    return TableClassroomQueries(ReconcileSettings.from_environment().classrooms_table)


@cache
def task_world() -> World:
    """What the tasks need: the table, the classroom server and the clock."""
    settings = TaskSettings.from_environment()
    return World(
        classrooms=TableClassrooms(settings.classrooms_table),
        server=WebhookServer(settings.server_url, _secret_reader(settings.webhook_secret_arn, "webhook secret")),
        clock=clock,
        horizon=settings.horizon,
    )


@cache
def bookkeeping() -> Bookkeeping:
    """What writing down a failure needs: no server."""
    settings = BookkeepingSettings.from_environment()
    return Bookkeeping(classrooms=TableClassrooms(settings.classrooms_table), clock=clock, horizon=settings.horizon)


@cache
def event_bus() -> EventBus:
    """Where others learn what became of a class."""
    return EventBridgeBus(LifecycleSettings.from_environment().event_bus_name, SOURCE)


@cache
def booking_office() -> BookingService:
    """What receiving bookings needs."""
    settings = BookingSettings.from_environment()
    return BookingService(
        bookings=TableBookings(settings.classrooms_table, settings.bookings_table),
        refused=QueueOfRejectedBookings(settings.booking_failures_queue_url),
        clock=clock,
    )


@cache
def editable_classrooms() -> EditableTableClassrooms:
    """The table as people write it."""
    return EditableTableClassrooms(ApiSettings.from_environment().classrooms_table)


@cache
def invocations() -> StateMachineInvocations:
    """The executions of the one-time scheduler."""
    return StateMachineInvocations(ApiSettings.from_environment().one_time_state_machine_arn)


@cache
def _page_token_key() -> Callable[[], str]:
    return _secret_reader(ApiSettings.from_environment().page_token_secret_arn, "page token secret")


def page_token_key() -> str:
    """What pages of lists are sealed with. Raises ServiceUnavailable."""
    return _page_token_key()()


def cors_origins() -> list[str]:
    """The origins whose pages may call the API from a browser."""
    return ApiSettings.from_environment().cors_origins


def new_id() -> str:
    """An id that nobody else has: for a classroom or an invocation that was given none."""
    return uuid4().hex


def _secret_reader(arn: str, what: str) -> Callable[[], str]:
    provider = SecretsProvider(boto3_client=aws.client("secretsmanager"))

    def read() -> str:
        try:
            return str(provider.get(arn, max_age=_SECRET_MAX_AGE))
        except GetParameterError as error:
            raise ServiceUnavailable(f"the {what} can't be read: {error}") from error

    return read
