"""The one logger and the one set of metrics; their settings come from the POWERTOOLS_* environment."""

import json
import os
import warnings
from collections.abc import Mapping
from contextlib import suppress
from threading import Lock
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from classroom_scheduler.domain.quoting import cut
from classroom_scheduler.exact_json import to_json

# A reason has at most 2,048 characters, and so has any other text that people or servers may have written.
_LONGEST_TEXT = 2_048
# Ours, not people's: a stack trace is of use as a whole, and has its line breaks escaped.
_WHOLE = frozenset({"exception", "stack_trace"})
_LONGEST_TRACE = 16_384


def write_line(line: Mapping[str, Any]) -> str:
    """A line of the log as JSON: nothing unprintable in it, long texts cut. Never raises, whatever is logged."""
    return "{" + ",".join(f"{to_json(str(name))}:{_written(name, value)}" for name, value in line.items()) + "}"


def _written(name: str, value: Any) -> str:
    try:
        return to_json(_cut(name, value), sort_names=False)
    except Exception:  # noqa: BLE001 - whatever it is, the line is told
        with suppress(Exception):
            return json.dumps(value, default=str)
        return f'"a {type(value).__name__} that can not be written"'


def _cut(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return value[-_LONGEST_TRACE:] if name in _WHOLE else cut(value, _LONGEST_TEXT)


# A batch of the scheduler's own writes counts nothing, which is no reason for a line in the log.
warnings.filterwarnings("ignore", message="No application metrics to publish")
# The only dimension of the metrics. template.yaml gives the stack's name, so that two stacks of an account stay apart.
_SERVICE = os.environ.get("POWERTOOLS_SERVICE_NAME", "classroom-scheduler")
logger = Logger(service=_SERVICE, json_serializer=write_line)
# The stream handler counts in many threads, and Powertools prints and clears what it has at every 100th value.
_counting = Lock()
metrics = Metrics(namespace="ClassroomScheduler", service=_SERVICE)


def count(name: str, value: float = 1) -> None:
    with _counting:
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def measure(name: str, milliseconds: float) -> None:
    with _counting:
        metrics.add_metric(name=name, unit=MetricUnit.Milliseconds, value=milliseconds)
