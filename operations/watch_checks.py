"""What watches the stack: event source mappings, logs, and the metrics of alarms."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from operations.results import NotSeen, Result, failed, not_checkable, passed
from operations.trial import Trial

Metric = dict[str, Any]
"""`Namespace`, `MetricName` and `Dimensions`, as CloudWatch has them."""
PROVOKED = {
    ("ClassroomScheduler", "StartRecordingLateness"),
    ("ClassroomScheduler", "ClassroomsFailed"),
    ("ClassroomScheduler", "Sweeps"),
    ("AWS/States", "ExecutionsFailed"),
    ("AWS/Lambda", "Errors"),
    ("AWS/Lambda", "IteratorAge"),
}
"""The metrics of alarms to which a run itself gives values. All others stay empty until something goes wrong."""
_ENABLED_WITHIN = 180
_MARGIN = 15
"""Seconds before the end of the run at which a check gives up, so that it can say what it saw."""


def mappings(trial: Trial) -> Result:
    """Every event source mapping is enabled, and the last thing that it did went well."""
    ids = [each.physical_id for each in trial.stack.of_type("AWS::Lambda::EventSourceMapping")]

    def wrong() -> list[str]:
        return list(_wrong_mappings(trial, ids))

    try:
        trial.wait(lambda: None if wrong() else True, _ENABLED_WITHIN, "Event source mappings")
    except NotSeen:
        return failed("; ".join(wrong()), "Look at the function's triggers in the Lambda console.")
    return passed(f"{len(ids)} are enabled, and none has a problem.")


def log_streams(trial: Trial) -> Result:
    """Every log group of the stack is written to, once everything in it has been used."""
    groups = [each.physical_id for each in trial.stack.of_type("AWS::Logs::LogGroup")]

    def empty() -> list[str]:
        logs = trial.account.client("logs")
        return [name for name in groups if not logs.describe_log_streams(logGroupName=name, limit=1)["logStreams"]]

    if trial.account.emulated:
        written = len(groups) - len(empty())
        return not_checkable(f"it logs for functions alone. {written} of {len(groups)} log groups have streams.")
    try:
        trial.wait(lambda: None if empty() else True, trial.left - _MARGIN, "Log streams")
    except NotSeen:
        mend = "A function may lack logs:CreateLogStream, or the Region a log resource policy."
        return failed(f"Nothing was written to {', '.join(empty())}.", mend)
    return passed(f"All {len(groups)} log groups have streams.")


def alarms(trial: Trial) -> Result:
    """The metrics of alarms are there, as far as this run gives them values."""
    names = [each.physical_id for each in trial.stack.of_type("AWS::CloudWatch::Alarm")]
    if trial.account.emulated:
        return not_checkable(f"it keeps none of the metrics of the {len(names)} alarms.")
    watched = _metrics(trial, names)

    def empty() -> list[str]:
        seen = _with_data(trial, [each for each in watched if _key(each) in PROVOKED])
        return sorted({each["MetricName"] for each in watched if _key(each) in PROVOKED and each not in seen})

    try:
        trial.wait(lambda: None if empty() else True, trial.left - _MARGIN, "Metrics")
    except NotSeen:
        mend = "Compare the alarm's dimensions with the metric's in the console; metrics of a new stack take minutes."
        return failed(f"This run gave values to metrics that alarms don't see: {', '.join(empty())}.", mend)
    silent = len(watched) - len(_with_data(trial, watched))
    seen = f"{len(watched) - silent} of {len(watched)} metrics that {len(names)} alarms watch have values"
    return passed(f"{seen}; the others count what did not happen here.")


def _wrong_mappings(trial: Trial, ids: list[str]) -> Iterator[str]:
    functions = trial.account.client("lambda")
    for id_ in ids:
        found = functions.get_event_source_mapping(UUID=id_)
        state, last = found["State"], found.get("LastProcessingResult", "")
        if state != "Enabled" or "PROBLEM" in last.upper():
            function = found["FunctionArn"].rpartition(":")[2]
            yield f"the mapping of {function} is {state} ({last or 'it has processed nothing'})"


def _metrics(trial: Trial, names: list[str]) -> list[Metric]:
    """The metrics that these alarms watch, those in their expressions too."""
    found = []
    for first in range(0, len(names), 100):
        answer = trial.account.client("cloudwatch").describe_alarms(AlarmNames=names[first : first + 100])
        for alarm in answer["MetricAlarms"]:
            found += [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each]
            if "MetricName" in alarm:
                found.append({name: alarm[name] for name in ("Namespace", "MetricName", "Dimensions")})
    return found


def _with_data(trial: Trial, metrics: list[Metric]) -> list[Metric]:
    """Those that have a value within the last hour; at most 500 are asked for."""
    if not metrics:
        return []
    queries = [
        {"Id": f"m{number}", "MetricStat": {"Metric": metric, "Period": 300, "Stat": "SampleCount"}}
        for number, metric in enumerate(metrics[:500])
    ]
    now = datetime.now(UTC)
    pages = (
        trial.account.client("cloudwatch")
        .get_paginator("get_metric_data")
        .paginate(MetricDataQueries=queries, StartTime=now - timedelta(hours=1), EndTime=now + timedelta(minutes=5))
    )
    seen = {each["Id"] for page in pages for each in page["MetricDataResults"] if each["Values"]}
    return [metric for number, metric in enumerate(metrics[:500]) if f"m{number}" in seen]


def _key(metric: Metric) -> tuple[str, str]:
    return metric["Namespace"], metric["MetricName"]
