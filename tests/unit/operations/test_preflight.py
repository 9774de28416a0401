"""`make preflight`: what an account lacks is said before anything is deployed, line by line, and nothing stays."""

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from operations import change_set, definitions, deployment, guests, limits, preflight
from operations.results import Outcome, Result, lines, make
from tests.e2e.test_one_time import REFUSED
from tests.unit.operations.scripted import AWS, DENIED, NUMBER, REGION, Refused, ScriptedAws, a_stack

PLAN = deployment.read("default")
EMULATOR = "http://127.0.0.1:4566"
NO_STACK = Refused("ValidationError", "Stack with id classroom-scheduler does not exist")
KEY = f"arn:aws:kms:{REGION}:{NUMBER}:key/1234"
TOPIC = f"arn:aws:sns:{REGION}:{NUMBER}:alarms"


@pytest.fixture
def aws() -> ScriptedAws:
    return ScriptedAws()


def a_plan(**parameters: str) -> deployment.Deployment:
    """A deployment with these parameters, of a template that fits into a request."""
    function = {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "src/"}}
    template = {"Globals": {"Function": {"CodeUri": "src/"}}, "Parameters": PLAN.template["Parameters"]}
    return deployment.Deployment("default", "school", REGION, template | {"Resources": {"F": function}}, parameters)


# --- every check ------------------------------------------------------------------------------------------------------


def asking() -> dict[str, Any]:
    """The checks of a deployment with a key and a topic, by name, without those that ask AWS nothing."""
    aws = ScriptedAws()
    aws.will("DescribeStacks", NO_STACK)
    plan = deployment.Deployment("default", "school", REGION, PLAN.template, {"KmsKeyArn": KEY, "AlarmTopicArn": TOPIC})
    return {name: (aws, check) for name, check in preflight.checks(aws.account, plan) if name != "Stack"}


ASKING = asking()


@pytest.mark.parametrize("name", ASKING)
def test_a_check_without_its_permission_says_so_and_is_no_pass(name: str) -> None:
    aws, check = ASKING[name]
    aws.otherwise = DENIED

    result = make((name, check))

    assert (result.name, result.outcome) == (name, Outcome.WARN)
    assert "Not checked. No permission for" in result.seen


@pytest.mark.parametrize("name", ASKING)
def test_a_check_that_does_not_reach_aws_fails_and_says_so(name: str) -> None:
    aws, check = ASKING[name]
    aws.otherwise = EndpointConnectionError(endpoint_url="https://states.example")

    result = make((name, check))

    assert result.outcome is Outcome.FAIL
    assert "Not checked. AWS could not be reached" in result.seen


@pytest.mark.parametrize("service", ["cloudformation", "stepfunctions", "lambda", "dynamodb"])
@pytest.mark.parametrize("patient", [True, False])
def test_every_client_gives_up_in_time_and_tries_again_before(aws: ScriptedAws, service: str, patient: bool) -> None:
    config = aws.account.client(service, patient=patient).meta.config

    assert (config.connect_timeout, config.read_timeout) == (5, 30)
    assert 1 < config.retries["total_max_attempts"] <= 10


# --- the state machines -----------------------------------------------------------------------------------------------


def test_every_definition_is_checked_with_its_substitutions_filled(aws: ScriptedAws) -> None:
    aws.will("ValidateStateMachineDefinition", {"result": "OK", "diagnostics": []})
    paths = sorted(deployment.DEFINITIONS.glob("*.asl.json"))

    outcomes = {definitions.valid(aws.account, path).outcome for path in paths}

    assert outcomes == {Outcome.PASS}
    sent = [call["definition"] for call in aws.called("ValidateStateMachineDefinition")]
    assert len(sent) == len(paths) > 1
    assert not any("${" in text for text in sent)


def test_what_step_functions_refuses_is_shown_with_its_place(aws: ScriptedAws) -> None:
    found = {"severity": "ERROR", "code": "X", "message": "Next is missing", "location": "/States/RecordingWait"}
    aws.will("ValidateStateMachineDefinition", {"result": "FAIL", "diagnostics": [found]})

    result = definitions.valid(aws.account, definitions.ONE_TIME)

    assert result.outcome is Outcome.FAIL
    assert "/States/RecordingWait: Next is missing" in result.seen


def test_the_samples_go_where_the_end_to_end_tests_see_them_go() -> None:
    assert {name: error for name, (error, _) in REFUSED.items()} == definitions.NEXT_STATES


def test_each_sample_and_a_nine_digit_fraction_are_sent_to_the_first_state(aws: ScriptedAws) -> None:
    aws.will("TestState", {"status": "SUCCEEDED", "nextState": "CountDownTimer"})

    result = definitions.invocation_times(aws.account, "")

    assert result.outcome is Outcome.FAIL
    assert "time-missing.json goes to CountDownTimer, not to InvocationTimeUnreadable" in result.seen
    sent = [call["input"] for call in aws.called("TestState")]
    assert len(sent) == len(list(definitions.SAMPLES.glob("*.json"))) + 1
    assert ".123456789Z" in sent[-1]


def test_an_engine_that_can_not_read_a_fraction_is_named_with_its_error(aws: ScriptedAws) -> None:
    error = {"status": "FAILED", "error": "States.QueryEvaluationError", "cause": "could not parse"}
    aws.will("TestState", error)

    result = definitions.invocation_times(aws.account, "")

    assert "a nine-digit fraction goes to FAILED (States.QueryEvaluationError: could not parse)" in result.seen


def test_where_test_state_asks_for_a_role_it_is_that_of_the_deployed_machine(aws: ScriptedAws) -> None:
    wants_role = Refused("ValidationException", "roleArn is required")
    aws.will("TestState", wants_role)
    assert definitions.invocation_times(aws.account, "").outcome is Outcome.WARN

    role = {"roleArn": f"arn:aws:iam::{NUMBER}:role/once", "status": "ACTIVE"}
    aws.will("DescribeStateMachine", role)
    aws.will("TestState", wants_role, {"status": "SUCCEEDED", "nextState": "CountDownTimer"})
    definitions.invocation_times(aws.account, f"arn:aws:states:{REGION}:{NUMBER}:stateMachine:once")
    assert aws.called("TestState")[-1]["roleArn"] == role["roleArn"]


# --- the change set ---------------------------------------------------------------------------------------------------


def tried(aws: ScriptedAws, plan: deployment.Deployment, status: str = "", **described: Any) -> Result:
    """The result for a change set that CloudFormation describes so."""
    for operation in ("CreateChangeSet", "DeleteChangeSet", "DeleteStack"):
        aws.will(operation, {})
    made = {"Status": "CREATE_COMPLETE", "Changes": []}
    aws.will("DescribeChangeSet", made | described)
    return make(("Change set", lambda: change_set.try_out(aws.account, plan, {}, status)))


def changed(action: str, type_: str, name: str, **more: str) -> dict[str, Any]:
    change = {"Action": action, "LogicalResourceId": name, "ResourceType": type_, **more}
    return {"Type": "Resource", "ResourceChange": change}


def test_a_change_set_is_read_and_leaves_nothing(aws: ScriptedAws) -> None:
    changes = [changed("Add", "AWS::SQS::Queue", "A"), changed("Modify", "AWS::SQS::Queue", "B")]

    result = tried(aws, a_plan(), Changes=changes)

    assert (result.outcome, result.seen) == (
        Outcome.PASS,
        "CloudFormation would add 1, change 1 and remove 0 of school.",
    )
    [made] = aws.called("CreateChangeSet")
    assert "s3://preflight/nothing" in made["TemplateBody"]
    assert "src/" not in made["TemplateBody"]
    assert made["ChangeSetType"] == "CREATE"
    assert [name for name, _ in aws.calls[-2:]] == ["DeleteChangeSet", "DeleteStack"]


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "REVIEW_IN_PROGRESS"])
def test_a_stack_that_was_there_before_stays(aws: ScriptedAws, status: str) -> None:
    tried(aws, a_plan(), status)

    assert aws.called("DeleteStack") == []


def test_a_template_too_large_for_a_request_lies_in_a_bucket_meanwhile(aws: ScriptedAws) -> None:
    for operation in ("CreateBucket", "PutObject", "DeleteObject", "DeleteBucket"):
        aws.will(operation, {})
    assert len(change_set.packaged(PLAN.template)) > 51_200

    result = tried(aws, PLAN)

    assert result.outcome is Outcome.PASS
    [bucket] = [call["Bucket"] for call in aws.called("CreateBucket")]
    [made] = aws.called("CreateChangeSet")
    assert made["TemplateURL"] == f"https://{bucket}.s3.{REGION}.amazonaws.com/template.json"
    assert [call["Bucket"] for call in aws.called("DeleteBucket")] == [bucket]


def test_a_bucket_that_can_not_be_deleted_is_named(aws: ScriptedAws) -> None:
    for operation in ("CreateBucket", "PutObject", "DeleteObject"):
        aws.will(operation, {})
    aws.will("DeleteBucket", DENIED)

    result = tried(aws, PLAN)

    assert result.outcome is Outcome.FAIL
    assert f"The bucket classroom-scheduler-{NUMBER}-preflight-" in result.seen
    assert "is left behind. No permission for DeleteBucket" in result.seen


def test_a_template_that_cloudformation_refuses_fails_with_its_reason(aws: ScriptedAws) -> None:
    result = tried(aws, a_plan(), Status="FAILED", StatusReason="Transform failed with: no such property")

    assert result.outcome is Outcome.FAIL
    assert "no such property" in result.seen
    assert aws.called("DeleteChangeSet")


def test_a_change_set_without_changes_is_well(aws: ScriptedAws) -> None:
    result = tried(aws, a_plan(), "CREATE_COMPLETE", Status="FAILED", StatusReason="it didn't contain changes")

    assert result.outcome is Outcome.PASS


def test_a_table_that_would_be_replaced_is_named(aws: ScriptedAws) -> None:
    change = changed("Modify", "AWS::DynamoDB::Table", "ClassroomsTable", Replacement="True")

    result = tried(aws, a_plan(), "CREATE_COMPLETE", Changes=[change])

    assert result.outcome is Outcome.WARN
    assert "replace or remove ClassroomsTable" in result.seen


def test_parameters_are_the_environments_then_the_deployed_ones(aws: ScriptedAws) -> None:
    plan = a_plan(LogLevel="DEBUG")

    assert plan.overrides({"ClassroomServerUrl": "https://x", "SweepMinutes": "1", "Gone": "1"}) == [
        {"ParameterKey": "LogLevel", "ParameterValue": "DEBUG"},
        {"ParameterKey": "ClassroomServerUrl", "UsePreviousValue": True},
        {"ParameterKey": "SweepMinutes", "UsePreviousValue": True},
    ]
    assert plan.overrides({})[-1]["ParameterValue"].startswith("https://")
    assert plan.value("EventBusName", {}) == "default"


@pytest.mark.parametrize("environment", ["default", "dev", "prod", "local"])
def test_every_environment_of_samconfig_can_be_read(environment: str) -> None:
    plan = deployment.read(environment)

    assert plan.stack_name.startswith("classroom-scheduler")
    assert plan.parameters.keys() <= plan.template["Parameters"].keys()


# --- limits, bus, key and topic ---------------------------------------------------------------------------------------


def concurrency(limit: int) -> dict[str, Any]:
    return {"AccountLimit": {"ConcurrentExecutions": limit, "UnreservedConcurrentExecutions": limit}}


def quota(name: str, value: float) -> dict[str, Any]:
    return {"QuotaName": name, "Value": value}


def policies(count: int, document: str = "{}") -> dict[str, Any]:
    return {"resourcePolicies": [{"policyName": str(number), "policyDocument": document} for number in range(count)]}


def key_policy(*services: str) -> dict[str, Any]:
    statements = [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "kms:*"} for service in services]
    return {"Policy": json.dumps({"Statement": statements})}


SERVICES = (f"logs.{REGION}.amazonaws.com", "events.amazonaws.com", f"dynamodb.{REGION}.amazonaws.com")
USABLE = {"KeyMetadata": {"KeyId": "1234", "KeyState": "Enabled", "KeySpec": "SYMMETRIC_DEFAULT"}}

SITUATIONS: list[tuple[str, Any, dict[str, Any], Outcome, str]] = [
    (
        "a new account",
        limits.lambda_concurrency,
        {"GetAccountSettings": concurrency(10)},
        Outcome.WARN,
        "10 functions may run at once",
    ),
    ("an old account", limits.lambda_concurrency, {"GetAccountSettings": concurrency(1000)}, Outcome.PASS, "1,000"),
    (
        "few transitions",
        limits.step_functions_rates,
        {"ListServiceQuotas": {"Quotas": [quota("StateTransition throttle token refill rate per second", 50)]}},
        Outcome.WARN,
        "StateTransition 50 a second",
    ),
    (
        "as many transitions as documented",
        limits.step_functions_rates,
        {
            "ListServiceQuotas": {
                "Quotas": [
                    quota("StateTransition throttle token refill rate per second", 800),
                    quota("StartExecution throttle token bucket size", 1),
                ]
            }
        },
        Outcome.PASS,
        "StateTransition 800 a second.",
    ),
    ("no quotas named", limits.step_functions_rates, {"ListServiceQuotas": {"Quotas": []}}, Outcome.WARN, "names no"),
    ("ten log policies", limits.log_policies, {"DescribeResourcePolicies": policies(10)}, Outcome.FAIL, "10 of 10"),
    (
        "ten log policies, one of Step Functions",
        limits.log_policies,
        {"DescribeResourcePolicies": policies(10, "log-group:/aws/vendedlogs/*")},
        Outcome.PASS,
        "one of them for /aws/vendedlogs/",
    ),
    (
        "somebody's API role",
        lambda account: limits.api_log_role(account, "school", set_by_stack=True),
        {"GetAccount": {"cloudwatchRoleArn": "arn:aws:iam::1:role/others"}},
        Outcome.WARN,
        "role/others, which the stack replaces",
    ),
    (
        "no API role",
        lambda account: limits.api_log_role(account, "school", set_by_stack=True),
        {"GetAccount": {}},
        Outcome.PASS,
        "no role",
    ),
    (
        "an account's API role that is left alone",
        lambda account: limits.api_log_role(account, "school", set_by_stack=False),
        {"GetAccount": {"cloudwatchRoleArn": "arn:aws:iam::1:role/others"}},
        Outcome.PASS,
        "the account's role",
    ),
    (
        "no API role, and none is set",
        lambda account: limits.api_log_role(account, "school", set_by_stack=False),
        {"GetAccount": {}},
        Outcome.FAIL,
        "no role to log with",
    ),
    (
        "a bus that is not there",
        lambda account: limits.bus(account, "school"),
        {"DescribeEventBus": Refused("ResourceNotFoundException")},
        Outcome.FAIL,
        "There is no event bus school in eu-west-1",
    ),
    (
        "log groups of a former stack",
        lambda account: limits.left_behind(account, PLAN, exists=False),
        {"DescribeLogGroups": {"logGroups": [{"logGroupName": f"/aws/vendedlogs/states/{PLAN.stack_name}"}]}},
        Outcome.FAIL,
        f"/aws/vendedlogs/states/{PLAN.stack_name}",
    ),
    (
        "log groups of a stack whose name begins like this one's",
        lambda account: limits.left_behind(account, PLAN, exists=False),
        {"DescribeLogGroups": {"logGroups": [{"logGroupName": f"{PLAN.log_groups()[0]}-2"}]}},
        Outcome.PASS,
        "in the way",
    ),
    ("no key", lambda account: guests.key(account, ""), {}, Outcome.PASS, "keys that AWS manages"),
    (
        "a key of another Region",
        lambda account: guests.key(account, KEY),
        {"DescribeKey": Refused("NotFoundException")},
        Outcome.FAIL,
        f"There is no key {KEY}",
    ),
    (
        "a key that is disabled",
        lambda account: guests.key(account, KEY),
        {"DescribeKey": {"KeyMetadata": {"KeyId": "1", "KeyState": "Disabled", "KeySpec": "SYMMETRIC_DEFAULT"}}},
        Outcome.FAIL,
        "The key is Disabled",
    ),
    (
        "a key whose policy lets in no rule",
        lambda account: guests.key(account, KEY),
        {"DescribeKey": USABLE, "GetKeyPolicy": key_policy(SERVICES[0], SERVICES[2])},
        Outcome.WARN,
        "does not name events.amazonaws.com",
    ),
    (
        "a key as documented",
        lambda account: guests.key(account, KEY),
        {"DescribeKey": USABLE, "GetKeyPolicy": key_policy(*SERVICES)},
        Outcome.PASS,
        "enabled",
    ),
    ("no topic", lambda account: guests.topic(account, ""), {}, Outcome.WARN, "tell nobody"),
    ("a FIFO topic", lambda account: guests.topic(account, f"{TOPIC}.fifo"), {}, Outcome.FAIL, "FIFO"),
    (
        "a topic of another Region",
        lambda account: guests.topic(account, TOPIC.replace(REGION, "us-east-1")),
        {},
        Outcome.FAIL,
        "is not of eu-west-1",
    ),
    (
        "a topic that is gone",
        lambda account: guests.topic(account, TOPIC),
        {"GetTopicAttributes": Refused("NotFound")},
        Outcome.FAIL,
        "There is no topic",
    ),
    (
        "a topic under a key that alarms can't use",
        lambda account: guests.topic(account, TOPIC),
        {"GetTopicAttributes": {"Attributes": {"KmsMasterKeyId": "alias/aws/sns"}}},
        Outcome.FAIL,
        "alias/aws/sns",
    ),
    (
        "a topic without subscribers",
        lambda account: guests.topic(account, TOPIC),
        {"GetTopicAttributes": {"Attributes": {"SubscriptionsConfirmed": "0"}}},
        Outcome.WARN,
        "Nobody has subscribed",
    ),
]


@pytest.mark.parametrize(
    ("check", "answers", "outcome", "seen"), [each[1:] for each in SITUATIONS], ids=[each[0] for each in SITUATIONS]
)
def test_a_situation_is_judged_and_said(
    aws: ScriptedAws, check: Any, answers: dict[str, Any], outcome: Outcome, seen: str
) -> None:
    for operation, answer in answers.items():
        aws.will(operation, answer)

    result = check(aws.account)

    assert result.outcome is outcome
    assert seen in result.seen
    assert bool(result.mend) == (outcome in {Outcome.WARN, Outcome.FAIL})


@pytest.mark.parametrize(
    "check",
    [limits.lambda_concurrency, limits.step_functions_rates, lambda a: definitions.valid(a, definitions.ONE_TIME)],
)
def test_what_an_emulator_can_not_answer_is_never_passed(check: Any) -> None:
    emulator = ScriptedAws(EMULATOR)
    emulator.will("GetAccountSettings", concurrency(1000))

    result = check(emulator.account)

    assert result.outcome is Outcome.NOT_CHECKABLE
    assert "Not checkable on an emulator" in next(iter(lines(result)))


@pytest.mark.parametrize(
    ("endpoint", "emulated"),
    [
        (AWS, False),
        ("https://vpce-1.sts.eu-west-1.vpce.amazonaws.com", False),
        ("https://sts.cn-north-1.amazonaws.com.cn", False),
        (EMULATOR, True),
        ("http://localhost:4566", True),
        ("https://amazonaws.com.example", True),
    ],
)
def test_an_emulator_is_known_by_its_address(endpoint: str, emulated: bool) -> None:
    assert ScriptedAws(endpoint).account.emulated is emulated


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("ROLLBACK_COMPLETE", Outcome.FAIL), ("UPDATE_IN_PROGRESS", Outcome.FAIL), ("CREATE_COMPLETE", Outcome.PASS)],
)
def test_a_stack_in_a_state_that_no_deployment_can_change_fails(
    aws: ScriptedAws, status: str, outcome: Outcome
) -> None:
    aws.will("DescribeStacks", a_stack(status))

    result = make(("Stack", dict(preflight.checks(aws.account, PLAN))["Stack"]))

    assert result.outcome is outcome
    assert status in result.seen
