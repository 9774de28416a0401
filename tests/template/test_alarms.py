"""Whatever can go wrong unseen has an alarm, every alarm says what to do, and the dashboard shows them all."""

import json
import re
from typing import Any

import pytest

from tests.template.metrics import counted
from tests.template.project import ROOT, Json, deployed, deployed_of_type, names, of_type, template

ALARMS = of_type("AWS::CloudWatch::Alarm")
DASHBOARD = of_type("AWS::CloudWatch::Dashboard")["Dashboard"]
BODY: str = DASHBOARD["DashboardBody"]["Fn::Sub"]
WIDGETS: list[Json] = json.loads(BODY)["widgets"]
OWN = {"Namespace": "ClassroomScheduler", "Dimensions": [{"Name": "service", "Value": {"Ref": "AWS::StackName"}}]}
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
ANCHORS = {heading.lower().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", OPERATIONS, re.MULTILINE)}


# --- what has an alarm ------------------------------------------------------------------------------------------------


def test_every_queue_that_nobody_reads_has_an_alarm_that_goes_off_at_the_first_message() -> None:
    mappings = deployed_of_type("AWS::Lambda::EventSourceMapping").values()
    alarms = alarms_on("AWS/SQS", "ApproximateNumberOfMessagesVisible")

    assert set(alarms) == set(of_type("AWS::SQS::Queue")) - names([each["EventSourceArn"] for each in mappings])
    for alarm in alarms.values():
        assert (alarm["Statistic"], alarm["Threshold"], alarm["EvaluationPeriods"]) == ("Maximum", 1, 1)


@pytest.mark.parametrize(("metric", "statistic"), [("IteratorAge", "Maximum"), ("Errors", "Sum"), ("Throttles", "Sum")])
def test_every_function_that_reads_a_stream_has_alarms(metric: str, statistic: str) -> None:
    mappings = deployed_of_type("AWS::Lambda::EventSourceMapping").values()
    readers = names([each["FunctionName"] for each in mappings if "StreamArn" in each["EventSourceArn"]["Fn::GetAtt"]])
    alarms = alarms_on("AWS/Lambda", metric)

    assert readers
    assert readers <= set(alarms)
    assert {alarm["Statistic"] for alarm in alarms.values()} == {statistic}


def test_every_state_machine_has_an_alarm_on_executions_that_fail() -> None:
    assert set(alarms_on("AWS/States", "ExecutionsFailed")) == set(of_type("AWS::Serverless::StateMachine"))


def test_the_state_machine_of_classes_has_alarms_for_each_bad_end_and_for_throttles() -> None:
    for metric in ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionThrottled"):
        assert "ClassroomStateMachine" in alarms_on("AWS/States", metric)
    throttled = [alarm for alarm in ALARMS.values() if alarm["MetricName"] == "ThrottledEvents"]
    assert {alarm["Dimensions"][0]["Value"] for alarm in throttled} == {"StateTransition", "StartExecution"}


def test_the_alarm_on_late_starts_looks_at_the_latest_in_a_hundred() -> None:
    alarm = ALARMS["StartsLateAlarm"]

    assert (alarm["MetricName"], alarm["ExtendedStatistic"]) == ("StartRecordingLateness", "p99")


def test_the_alarm_on_throttles_sees_those_of_indexes_too() -> None:
    """WriteThrottleEvents of a table does not, and an alarm on a metric of DynamoDB may never clear."""
    assert ALARMS["TableThrottledAlarm"]["MetricName"] == "TableThrottled"
    assert not [name for name, alarm in ALARMS.items() if alarm["Namespace"] == "AWS/DynamoDB"]


def test_a_sweep_that_does_not_run_is_missed_within_three_of_its_periods() -> None:
    alarm, rates = ALARMS["SweepMissedAlarm"], template()["Mappings"]["SweepRates"]

    assert alarm["ComparisonOperator"] == "LessThanThreshold"
    assert alarm["Period"] == {"Fn::FindInMap": ["SweepRates", {"Ref": "SweepMinutes"}, "SecondsOfThree"]}
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html: multiples of 60, a day
    assert all(each["SecondsOfThree"] == 3 * 60 * int(minutes) <= 86_400 for minutes, each in rates.items())


# --- what every alarm has ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_says_what_happened_and_where_the_mend_is_and_notifies_the_topic(name: str) -> None:
    alarm = ALARMS[name]
    sentences, _, anchor = alarm["AlarmDescription"].rpartition(" See docs/operations.md#")

    assert re.match(r"[A-Z0-9].{20,}[.?]$", sentences)
    assert len(alarm["AlarmDescription"]) <= 1024
    assert anchor in ANCHORS
    assert anchor == re.sub(r"(?<!^)(?=[A-Z])", "-", name.removesuffix("Alarm")).lower()
    topic = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    assert alarm["AlarmActions"] == alarm["OKActions"] == topic


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_silence_is_no_alarm_but_for_what_must_never_be_silent(name: str) -> None:
    assert ALARMS[name]["TreatMissingData"] == ("breaching" if name == "SweepMissedAlarm" else "notBreaching")


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_is_one_that_the_emulator_takes_and_that_two_stacks_can_have(name: str) -> None:
    """One metric, because metric math is CREATE_FAILED on the emulator; the name is CloudFormation's."""
    assert {"MetricName", "Namespace", "Threshold"} <= set(ALARMS[name])
    assert not {"Metrics", "AlarmName"} & set(ALARMS[name])


def test_alarms_on_own_metrics_are_on_those_that_the_code_counts_in_this_stack() -> None:
    own = [alarm for alarm in ALARMS.values() if alarm["Namespace"] == OWN["Namespace"]]
    variables = template()["Globals"]["Function"]["Environment"]["Variables"]

    assert own
    assert {alarm["MetricName"] for alarm in own} <= counted()
    assert variables["POWERTOOLS_SERVICE_NAME"] == {"Ref": "AWS::StackName"}
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == OWN["Namespace"]
    assert all(alarm["Dimensions"] == OWN["Dimensions"] for alarm in own)


# --- the dashboard ----------------------------------------------------------------------------------------------------


def test_the_dashboard_shows_every_alarm_and_every_queue_that_has_one_and_nothing_that_is_not_there() -> None:
    filled = [name for name in re.findall(r"\$\{([\w:.]+)\}", BODY) if not name.startswith("AWS::")]
    [alarms] = [widget["properties"]["alarms"] for widget in WIDGETS if widget["type"] == "alarm"]

    assert {name.partition(".")[0] for name in filled} <= set(deployed())
    assert sorted(alarms) == sorted(f"${{{name}.Arn}}" for name in ALARMS)
    queues = {name.removesuffix(".QueueName") for name in filled if name.endswith(".QueueName")}
    assert queues == set(alarms_on("AWS/SQS", "ApproximateNumberOfMessagesVisible"))


def test_the_dashboard_draws_metrics_that_the_code_counts_in_this_stack() -> None:
    drawn = [metric for metric in drawn_metrics() if metric[0] == OWN["Namespace"]]

    assert {metric[1] for metric in drawn} <= counted()
    assert {tuple(metric[2:4]) for metric in drawn} == {("service", "${AWS::StackName}")}


def test_the_dashboard_answers_first_whether_classes_start_on_time() -> None:
    text, lateness, *_ = WIDGETS

    assert "Are classes starting on time?" in text["properties"]["markdown"]
    assert {metric[-1]["stat"] for metric in lateness["properties"]["metrics"]} >= {"p50", "p99"}


def test_dashboards_of_two_stacks_and_regions_have_two_names() -> None:
    assert {"${AWS::StackName}", "${AWS::Region}"} <= set(
        re.findall(r"\$\{[^}]+\}", DASHBOARD["DashboardName"]["Fn::Sub"])
    )


def alarms_on(namespace: str, metric: str) -> dict[str, Json]:
    """The alarms on a metric, by the resource that they watch."""
    return {
        name: alarm
        for alarm in ALARMS.values()
        if (alarm["Namespace"], alarm["MetricName"]) == (namespace, metric)
        for name in names(alarm["Dimensions"])
    }


def drawn_metrics() -> list[list[Any]]:
    """The metrics of all widgets, with what a "." repeats from the one above."""
    found: list[list[Any]] = []
    for widget in WIDGETS:
        for metric in widget["properties"].get("metrics", []):
            found.append([found[-1][place] if each == "." else each for place, each in enumerate(metric)])
    return found
