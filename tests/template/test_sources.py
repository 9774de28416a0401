"""What wakes the functions: streams, queues, rules and schedules, and where each leaves what it could not deliver."""

import json

from classroom_scheduler.bookings.booking import Kind
from classroom_scheduler.handlers import booking_received, sweep
from tests.template.project import Json, deployed_of_type, functions, listed, names, of_type, template

QUEUES = of_type("AWS::SQS::Queue")
RULES = deployed_of_type("AWS::Events::Rule")
MAPPINGS = deployed_of_type("AWS::Lambda::EventSourceMapping")
STREAMS = {name: each for name, each in MAPPINGS.items() if "StreamArn" in each["EventSourceArn"]["Fn::GetAtt"]}


# --- streams ----------------------------------------------------------------------------------------------------------


def test_whatever_reads_a_stream_reads_all_of_it_at_once_and_gives_up_in_time() -> None:
    # A shard serves two readers.
    assert len(STREAMS) == 2
    for mapping in STREAMS.values():
        assert mapping["EventSourceArn"] == {"Fn::GetAtt": ["ClassroomsTable", "StreamArn"]}
        assert mapping["StartingPosition"] == "TRIM_HORIZON"
        assert "FilterCriteria" not in mapping
        assert mapping.get("MaximumBatchingWindowInSeconds", 0) == 0
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["BisectBatchOnFunctionError"] is True
        assert 1 <= mapping["BatchSize"] <= 10_000
        assert 1 <= mapping["ParallelizationFactor"] <= 10
        assert 0 < mapping["MaximumRetryAttempts"] <= 10_000
        # A day is how long the stream keeps a record.
        assert 60 <= mapping["MaximumRecordAgeInSeconds"] < 86_400


def test_each_reader_of_a_stream_hands_failures_to_a_queue_of_its_own() -> None:
    queues = [mapping["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0] for mapping in STREAMS.values()]

    assert set(queues) <= set(QUEUES)
    assert len(set(queues)) == len(queues)


def test_a_bulk_import_is_retried_for_as_long_as_step_functions_throttles_it() -> None:
    mapping = STREAMS["ClassroomChangedFunctionClassroomsStream"]
    burst, per_second = 800, 150  # StartExecution outside the three largest Regions

    assert mapping["MaximumRecordAgeInSeconds"] > 2 * (100_000 - burst) / per_second


# --- queues -----------------------------------------------------------------------------------------------------------


def test_whatever_reads_a_queue_keeps_its_messages_until_they_are_done_and_gives_up_in_time() -> None:
    for mapping in [each for name, each in MAPPINGS.items() if name not in STREAMS]:
        queue = QUEUES[mapping["EventSourceArn"]["Fn::GetAtt"][0]]
        timeout = functions()[mapping["FunctionName"]["Ref"]]["Timeout"]
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        # More than ten messages would ask for a batching window.
        assert 1 <= mapping["BatchSize"] <= 10
        assert 2 <= mapping["ScalingConfig"]["MaximumConcurrency"] <= 1000
        # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
        assert queue["VisibilityTimeout"] >= 6 * timeout
        assert queue["RedrivePolicy"]["maxReceiveCount"] >= 5
        assert queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] in QUEUES


def test_messages_about_failures_are_kept_as_long_as_sqs_can() -> None:
    last = {name: queue for name, queue in QUEUES.items() if "RedrivePolicy" not in queue}

    assert {queue["MessageRetentionPeriod"] for queue in last.values()} == {14 * 86_400}
    assert all(name.endswith("FailuresQueue") for name in last)


def test_a_queue_takes_messages_of_just_the_rules_that_send_to_it() -> None:
    senders: dict[str, set[str]] = {}
    for name, rule in RULES.items():
        for target in rule["Targets"]:
            for queue in names([target["Arn"], target["DeadLetterConfig"]["Arn"]]) & set(QUEUES):
                senders.setdefault(queue, set()).add(name)
    allowed: dict[str, set[str]] = {}
    for policy in of_type("AWS::SQS::QueuePolicy").values():
        [statement] = policy["PolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert (statement["Effect"], statement["Action"]) == ("Allow", "sqs:SendMessage")
        assert list(statement["Condition"]) == ["ArnEquals"]
        assert names(statement["Resource"]) == names(policy["Queues"])
        for queue in names(policy["Queues"]):
            allowed[queue] = names(listed(statement["Condition"]["ArnEquals"]["aws:SourceArn"]))

    assert allowed == senders


def test_a_batch_of_status_events_is_done_within_the_functions_time() -> None:
    """Each is a read and a reconcile: at worst four attempts of a call, several calls."""
    function = functions()["ExecutionEndedFunction"]

    assert function["Timeout"] / function["Events"]["ExecutionEnded"]["Properties"]["BatchSize"] >= 6


def test_a_booking_that_waits_for_another_is_refused_with_a_reason_before_sqs_puts_it_aside_without_one() -> None:
    assert QUEUES["BookingQueue"]["RedrivePolicy"]["maxReceiveCount"] > booking_received._PATIENCE


# --- rules and schedules ----------------------------------------------------------------------------------------------


def test_every_rule_keeps_what_it_could_not_deliver() -> None:
    for rule in RULES.values():
        for target in rule["Targets"]:
            assert target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0] in QUEUES
            assert 0 < target["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 86_400


def test_nothing_is_invoked_asynchronously_without_a_dead_letter_queue() -> None:
    read = {"DynamoDB", "SQS", "Api"}
    events = [event for each in functions().values() for event in each.get("Events", {}).values()]

    assert all("DeadLetterConfig" in event["Properties"] for event in events if event["Type"] not in read)


def test_the_rules_let_in_every_bad_end_of_this_machine_and_just_the_bookings_that_are_understood() -> None:
    assert RULES["ExecutionEndedRule"]["EventPattern"] == {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {
            "stateMachineArn": [{"Ref": "ClassroomStateMachine"}],
            "status": ["FAILED", "TIMED_OUT", "ABORTED"],
        },
    }
    assert RULES["BookingRule"]["EventPattern"] == {
        "source": [{"Ref": "BookingSource"}],
        "detail-type": [str(kind) for kind in Kind],
    }
    published = functions()["ClassroomLifecycleFunction"]["Environment"]["Variables"]["EVENT_BUS_NAME"]
    assert RULES["BookingRule"]["EventBusName"] == published


def test_a_rule_sends_to_the_queue_that_its_function_reads() -> None:
    for rule, function in {"ExecutionEndedRule": "ExecutionEnded", "BookingRule": "BookingReceived"}.items():
        [event] = functions()[f"{function}Function"]["Events"].values()
        assert [target["Arn"] for target in RULES[rule]["Targets"]] == [event["Properties"]["Queue"]]


def test_a_schedule_asks_for_what_the_function_knows_and_alone_may_invoke_it() -> None:
    permissions = deployed_of_type("AWS::Lambda::Permission").values()
    for schedule, event in {"EveryFewMinutes": {}, "EveryHour": {"audit": "hourly"}}.items():
        [target] = RULES[f"SweepFunction{schedule}"]["Targets"]
        [permission] = [each for each in permissions if names(each.get("SourceArn")) == {f"SweepFunction{schedule}"}]
        assert json.loads(target["Input"]) == event
        assert target["Arn"] == {"Fn::GetAtt": ["SweepFunction", "Arn"]}
        assert permission["FunctionName"] == {"Ref": "SweepFunction"}
        assert permission["Principal"] == "events.amazonaws.com"


def test_each_part_of_the_table_has_its_hour_of_the_day() -> None:
    assert RULES["SweepFunctionEveryHour"]["ScheduleExpression"] == "rate(1 hour)"
    assert sweep.SEGMENTS == 24


def test_every_rate_that_may_be_chosen_has_its_expression_and_finds_deferred_classes_before_they_start() -> None:
    parameters: dict[str, Json] = template()["Parameters"]
    rates = {minutes: rate["Expression"] for minutes, rate in template()["Mappings"]["SweepRates"].items()}
    allowed = parameters["SweepMinutes"]["AllowedValues"]

    assert rates == {str(each): f"rate({each} {'minute' if each == 1 else 'minutes'})" for each in allowed}
    assert max(allowed) < parameters["HorizonHours"]["MinValue"] * 60


def test_a_sweep_that_failed_is_kept_and_not_repeated() -> None:
    """The next one is due in minutes, and does all that this one left."""
    config = functions()["SweepFunction"]["EventInvokeConfig"]

    assert config["MaximumRetryAttempts"] == 0
    assert 60 <= config["MaximumEventAgeInSeconds"] <= 21_600
    assert config["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["SweepFailuresQueue", "Arn"]}
