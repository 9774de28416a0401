"""The one logger and the one set of metrics; their settings come from the POWERTOOLS_* environment."""

from threading import Lock

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="classroom-scheduler")
# The stream handler counts in many threads, and Powertools prints and clears what it has at every 100th value.
_counting = Lock()
metrics = Metrics(namespace="ClassroomScheduler", service="classroom-scheduler")


def count(name: str, value: float = 1) -> None:
    with _counting:
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def milliseconds(name: str, value: float) -> None:
    metrics.add_metric(name=name, unit=MetricUnit.Milliseconds, value=value)
