"""The one logger and the one set of metrics; their settings come from the POWERTOOLS_* environment."""

import warnings
from threading import Lock

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

# A batch of the scheduler's own writes counts nothing, which is no reason for a line in the log.
warnings.filterwarnings("ignore", message="No application metrics to publish")
logger = Logger(service="classroom-scheduler")
# The stream handler counts in many threads, and Powertools prints and clears what it has at every 100th value.
_counting = Lock()
metrics = Metrics(namespace="ClassroomScheduler", service="classroom-scheduler")


def count(name: str, value: float = 1) -> None:
    with _counting:
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
