"""Whatever can go wrong unseen has an alarm, every alarm says what to do, and the dashboard shows them all."""

import json
import re
from itertools import combinations
from typing import Any

import pytest

from tests.template.metrics import counted
from tests.template.project import ROOT, Json, deployed, of_type, strings, template

ALARMS = of_type("AWS::CloudWatch::Alarm")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
TOPIC = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}


# --- what has an alarm ------------------------------------------------------------------------------------------------


def test_every_queue_that_nobody_reads_has_an_alarm_that_goes_off_at_the_first_message() -> None:
    mappings = _deployed("AWS::Lambda::EventSourceMapping").values()
    read = {mapping["EventSourceArn"]["Fn::GetAtt"][0] for mapping in mappings}
    alarms = _alarms_on("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName")

    assert set(of_type("AWS::SQS::Queue")) - read == set(alarms)
    for alarm in alarms.values():
        assert (alarm["Statistic"], alarm["ComparisonOperator"], alarm["Threshold"], alarm["EvaluationPeriods"]) == (
            "Maximum",
            "GreaterThanOrEqualToThreshold",
            1,
            1,
        )


@pytest.mark.parametrize(("metric", "statistic"), [("IteratorAge", "Maximum"), ("Errors", "Sum"), ("Throttles", "Sum")])
def test_every_function_that_reads_a_stream_has_alarms(metric: str, statistic: str) -> None:
    mappings = _deployed("AWS::Lambda::EventSourceMapping").values()
    functions = {
        mapping["FunctionName"]["Ref"] for mapping in mappings if "StreamArn" in mapping["EventSourceArn"]["Fn::GetAtt"]
    }
    alarms = _alarms_on("AWS/Lambda", metric, "FunctionName")

    assert functions
    assert functions <= set(alarms)
    assert {alarm["Statistic"] for alarm in alarms.values()} == {statistic}


def test_every_state_machine_has_an_alarm_on_executions_that_fail() -> None:
    assert set(_alarms_on("AWS/States", "ExecutionsFailed", "StateMachineArn")) == set(
        of_type("AWS::Serverless::StateMachine")
    )


def test_the_state_machine_of_classes_has_alarms_for_each_bad_end_and_for_throttles() -> None:
    for metric in ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionThrottled"):
        assert "ClassroomStateMachine" in _alarms_on("AWS/States", metric, "StateMachineArn")
    throttled = [alarm for alarm in ALARMS.values() if alarm["MetricName"] == "ThrottledEvents"]
    assert {alarm["Dimensions"][0]["Value"] for alarm in throttled} == {"StateTransition", "StartExecution"}


def test_the_alarm_on_late_starts_looks_at_the_latest_in_a_hundred() -> None:
    alarm = ALARMS["StartsLateAlarm"]

    assert (alarm["MetricName"], alarm["ExtendedStatistic"]) == ("StartRecordingLateness", "p99")


def test_a_sweep_that_does_not_run_is_missed_within_three_of_its_periods() -> None:
    alarm, rates = ALARMS["SweepMissedAlarm"], template()["Mappings"]["SweepRates"]

    assert alarm["TreatMissingData"] == "breaching"
    assert alarm["Period"] == {"Fn::FindInMap": ["SweepRates", {"Ref": "SweepMinutes"}, "SecondsOfThree"]}
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html: multiples of 60, a day
    for minutes, each in rates.items():
        assert each["SecondsOfThree"] == 3 * 60 * int(minutes) <= 86_400


# --- what every alarm has ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_says_what_happened_and_where_it_is_told_what_to_do(name: str) -> None:
    description = ALARMS[name]["AlarmDescription"]
    sentences, _, anchor = description.rpartition(" See docs/operations.md#")

    assert len(description) <= 1024
    assert re.match(r"[A-Z0-9].{20,}[.?]$", sentences)
    assert anchor in _anchors()


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_tells_the_topic_when_it_goes_off_and_when_it_is_over(name: str) -> None:
    assert ALARMS[name]["AlarmActions"] == ALARMS[name]["OKActions"] == TOPIC


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_silence_is_no_alarm_but_for_what_must_never_be_silent(name: str) -> None:
    lines = (ROOT / "template.yaml").read_text().splitlines()
    block = lines[lines.index(f"  {name}:") :]
    line = next(number for number, text in enumerate(block) if "TreatMissingData" in text)

    assert ALARMS[name]["TreatMissingData"] == ("breaching" if name == "SweepMissedAlarm" else "notBreaching")
    # Deliberate, that is: with a reason.
    assert re.fullmatch(r" +# [A-Z].*\.", block[line - 1])


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_is_one_that_the_emulator_takes_too(name: str) -> None:
    """One metric: metric math is CREATE_FAILED there. And a name that CloudFormation makes, for two stacks."""
    assert {"MetricName", "Namespace", "Threshold"} <= set(ALARMS[name])
    assert not {"Metrics", "AlarmName"} & set(ALARMS[name])


def test_alarms_on_own_metrics_are_on_those_that_the_code_counts_in_this_stack() -> None:
    own = [alarm for alarm in ALARMS.values() if alarm["Namespace"] == "ClassroomScheduler"]
    variables = template()["Globals"]["Function"]["Environment"]["Variables"]

    assert own
    assert {alarm["MetricName"] for alarm in own} <= counted()
    assert variables["POWERTOOLS_SERVICE_NAME"] == {"Ref": "AWS::StackName"}
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "ClassroomScheduler"
    assert all(alarm["Dimensions"] == [{"Name": "service", "Value": {"Ref": "AWS::StackName"}}] for alarm in own)


def test_every_alarm_is_explained_once() -> None:
    anchors = [alarm["AlarmDescription"].rpartition("#")[2] for alarm in ALARMS.values()]

    assert len(set(anchors)) == len(anchors)


# --- the dashboard ----------------------------------------------------------------------------------------------------


def test_what_the_dashboard_is_made_of_exists() -> None:
    resources = deployed()
    filled = re.findall(r"\$\{([\w:.]+)\}", _body())

    assert {name.partition(".")[0] for name in filled if not name.startswith("AWS::")} <= set(resources)
    assert "${" not in json.dumps(_dashboard())


def test_the_first_question_is_answered_first() -> None:
    text, lateness, classes, *_ = sorted(_dashboard()["widgets"], key=lambda each: (each["y"], each["x"]))

    assert "Are classes starting on time?" in text["properties"]["markdown"]
    assert {metric[-1]["stat"] for metric in lateness["properties"]["metrics"]} >= {"p50", "p99"}
    assert [metric[1] for metric in classes["properties"]["metrics"]] == [
        "ClassroomsScheduled",
        "ClassroomsRecording",
        "ClassroomsCompleted",
        "ClassroomsFailed",
    ]


def test_widgets_stand_on_the_grid_and_not_on_each_other() -> None:
    cells = [
        {(x, y) for x in range(w["x"], w["x"] + w["width"]) for y in range(w["y"], w["y"] + w["height"])}
        for w in _dashboard()["widgets"]
    ]

    assert all(x < 24 for cell in cells for x, _ in cell)
    assert not [1 for one, other in combinations(cells, 2) if one & other]


def test_the_dashboard_shows_every_alarm_and_every_queue_that_has_one() -> None:
    body = _body()

    assert set(re.findall(r"\$\{(\w+Alarm)\.Arn\}", body)) == set(ALARMS)
    queues = _alarms_on("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName")
    assert set(re.findall(r"\$\{(\w+Queue)\.QueueName\}", body)) == set(queues)


def test_the_dashboard_draws_metrics_that_the_code_counts() -> None:
    drawn = {
        metric[1]
        for widget in _dashboard()["widgets"]
        for metric in widget["properties"].get("metrics", [])
        if metric[0] == "ClassroomScheduler"
    }

    assert drawn <= counted()


def test_dashboards_of_two_regions_have_two_names() -> None:
    name = of_type("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardName"]["Fn::Sub"]

    assert {"${AWS::StackName}", "${AWS::Region}"} <= set(re.findall(r"\$\{[^}]+\}", name))


def _body() -> str:
    body: str = of_type("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]["Fn::Sub"]
    return body


def _dashboard() -> Json:
    body: Json = json.loads(re.sub(r"\$\{[^}]+\}", "x", _body()))
    return body


def _alarms_on(namespace: str, metric: str, dimension: str) -> dict[str, Json]:
    """The alarms on a metric, by the resource whose it is."""
    found: dict[str, Json] = {}
    for alarm in ALARMS.values():
        if (alarm["Namespace"], alarm["MetricName"]) == (namespace, metric):
            [each] = alarm["Dimensions"]
            assert each["Name"] == dimension
            found[next(strings(each["Value"]))] = alarm
    return found


def _anchors() -> set[str]:
    headings = re.findall(r"^#+ (.+)$", OPERATIONS, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def _deployed(resource_type: str) -> dict[str, Any]:
    return {name: each["Properties"] for name, each in deployed().items() if each["Type"] == resource_type}
