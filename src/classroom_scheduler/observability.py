"""The one logger and the one set of metrics; their settings come from the POWERTOOLS_* environment."""

import os
import warnings
from threading import Lock

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

# A batch of the scheduler's own writes counts nothing, which is no reason for a line in the log.
warnings.filterwarnings("ignore", message="No application metrics to publish")
# The only dimension of the metrics. template.yaml gives the stack's name, so that two stacks of an account stay apart.
_SERVICE = os.environ.get("POWERTOOLS_SERVICE_NAME", "classroom-scheduler")
logger = Logger(service=_SERVICE)
# The stream handler counts in many threads, and Powertools prints and clears what it has at every 100th value.
_counting = Lock()
metrics = Metrics(namespace="ClassroomScheduler", service=_SERVICE)


def count(name: str, value: float = 1) -> None:
    with _counting:
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def measure(name: str, milliseconds: float) -> None:
    with _counting:
        metrics.add_metric(name=name, unit=MetricUnit.Milliseconds, value=milliseconds)
