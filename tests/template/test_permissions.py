"""Nobody may do more than it must: what the roles allow on AWS, SAM's additions included."""

from typing import Any

import pytest

from tests.template.project import Json, deployed

TABLE = ("Fn::GetAtt", "ClassroomsTable", "Arn")
SECRET = ("Fn::GetAtt", "WebhookSecret", "Id")
MACHINE = ("Ref", "ClassroomStateMachine")
EXECUTIONS = (
    "Fn::Sub",
    "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution:${ClassroomStateMachine.Name}:*",
)
ONE_TIME_TARGET = (
    *("Fn::If", "HasOneTimeTarget", ("Ref", "OneTimeTargetFunctionArn")),
    ("Fn::GetAtt", "HelloAtFunction", "Arn"),
)
STAMPS = ("Fn::GetAtt", "BookingsTable", "Arn")
BUS = ("Fn::Sub", "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/${EventBusName}")
QUEUE = ("Fn::GetAtt", "StreamFailuresQueue", "Arn")
TABLE_ACCESS = {("dynamodb:GetItem", TABLE), ("dynamodb:UpdateItem", TABLE)}
TASK = TABLE_ACCESS | {("secretsmanager:GetSecretValue", SECRET)}
LOG_DELIVERY = {
    f"logs:{action}"
    for action in (
        "CreateLogDelivery",
        "GetLogDelivery",
        "UpdateLogDelivery",
        "DeleteLogDelivery",
        "ListLogDeliveries",
        "PutResourcePolicy",
        "DescribeResourcePolicies",
        "DescribeLogGroups",
    )
}
"""What Step Functions needs to log; none of it knows resources.

https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
"""

RECONCILE = TABLE_ACCESS | {
    ("states:StartExecution", MACHINE),
    ("states:StopExecution", EXECUTIONS),
    ("states:DescribeExecution", EXECUTIONS),
}

ONE_TIME = ("Ref", "OneTimeLambdaScheduler")
INVOCATIONS = (
    "Fn::Sub",
    "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution:${OneTimeLambdaScheduler.Name}:*",
)
ALLOWED: dict[str, set[tuple[str, Any]]] = {
    "ClassroomChangedFunctionRole": RECONCILE | {("sqs:SendMessage", QUEUE)},
    "ExecutionEndedFunctionRole": RECONCILE,
    "SweepFunctionRole": RECONCILE
    | {
        ("dynamodb:Query", ("Fn::Sub", "${ClassroomsTable.Arn}/index/ByAttention")),
        ("dynamodb:Scan", TABLE),
        ("sqs:SendMessage", ("Fn::GetAtt", "SweepFailuresQueue", "Arn")),
    },
    "StartRecordingFunctionRole": TASK,
    "SendLivePingFunctionRole": TASK,
    "StopRecordingFunctionRole": TASK,
    "TaskFailedFunctionRole": TABLE_ACCESS,
    "ClassroomLifecycleFunctionRole": {
        ("events:PutEvents", BUS),
        ("sqs:SendMessage", ("Fn::GetAtt", "LifecycleFailuresQueue", "Arn")),
    },
    # A transaction is allowed what each of its writes is.
    "BookingReceivedFunctionRole": TABLE_ACCESS
    | {
        ("dynamodb:PutItem", TABLE),
        ("dynamodb:DeleteItem", TABLE),
        ("dynamodb:GetItem", STAMPS),
        ("dynamodb:UpdateItem", STAMPS),
        ("sqs:SendMessage", ("Fn::GetAtt", "BookingFailuresQueue", "Arn")),
    },
    "ClassroomApiFunctionRole": TABLE_ACCESS
    | {
        ("dynamodb:PutItem", TABLE),
        ("dynamodb:DeleteItem", TABLE),
        ("dynamodb:BatchGetItem", TABLE),
        ("dynamodb:Query", ("Fn::Sub", "${ClassroomsTable.Arn}/index/ByDay")),
        ("states:StartExecution", ONE_TIME),
        ("states:StopExecution", INVOCATIONS),
        ("states:DescribeExecution", INVOCATIONS),
    },
    "ApiGatewayCloudWatchRole": set(),
    "ClassroomStateMachineRole": {
        ("lambda:InvokeFunction", ("Fn::GetAtt", f"{name}Function", "Arn"))
        for name in ("StartRecording", "SendLivePing", "StopRecording", "TaskFailed")
    }
    | {(action, "*") for action in LOG_DELIVERY},
    "HelloAtFunctionRole": set(),
    "OneTimeLambdaSchedulerRole": {("lambda:InvokeFunction", ONE_TIME_TARGET)}
    | {(action, "*") for action in LOG_DELIVERY},
}
MANAGED = {
    "ClassroomChangedFunctionRole": {
        "service-role/AWSLambdaBasicExecutionRole",
        "service-role/AWSLambdaDynamoDBExecutionRole",
        "AWSXrayWriteOnlyAccess",
    },
    "ExecutionEndedFunctionRole": {
        "service-role/AWSLambdaBasicExecutionRole",
        "service-role/AWSLambdaSQSQueueExecutionRole",
        "AWSXrayWriteOnlyAccess",
    },
    "ClassroomLifecycleFunctionRole": {
        "service-role/AWSLambdaBasicExecutionRole",
        "service-role/AWSLambdaDynamoDBExecutionRole",
        "AWSXrayWriteOnlyAccess",
    },
    "BookingReceivedFunctionRole": {
        "service-role/AWSLambdaBasicExecutionRole",
        "service-role/AWSLambdaSQSQueueExecutionRole",
        "AWSXrayWriteOnlyAccess",
    },
    "ClassroomStateMachineRole": {"AWSXrayWriteOnlyAccess if IsTraced"},
    "OneTimeLambdaSchedulerRole": {"AWSXrayWriteOnlyAccess if IsTraced"},
    "ApiGatewayCloudWatchRole": {"service-role/AmazonAPIGatewayPushToCloudWatchLogs"},
}
MANAGED_FOR_ANY_FUNCTION = {"service-role/AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess"}


def test_there_are_no_other_roles() -> None:
    assert set(_roles()) == set(ALLOWED)
    assert not [name for name, each in deployed().items() if each["Type"] in {"AWS::IAM::Policy", "AWS::IAM::User"}]
    # What this one allows is said in test_encryption.py.
    assert [name for name, each in deployed().items() if each["Type"] == "AWS::IAM::ManagedPolicy"] == ["KmsKeyAccess"]


@pytest.mark.parametrize("role", sorted(ALLOWED))
def test_a_role_may_do_what_it_must_and_no_more(role: str) -> None:
    statements = [
        statement
        for policy in _roles()[role].get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
    ]

    assert {statement["Effect"] for statement in statements} <= {"Allow"}
    assert {
        (action, _hashable(resource))
        for statement in statements
        for action in _listed(statement["Action"])
        for resource in _listed(statement["Resource"])
    } == ALLOWED[role]


@pytest.mark.parametrize("role", sorted(ALLOWED))
def test_a_role_has_only_the_managed_policies_of_its_kind(role: str) -> None:
    managed = {_named(policy) for policy in _roles()[role]["ManagedPolicyArns"]}

    assert managed == MANAGED.get(role, MANAGED_FOR_ANY_FUNCTION)


@pytest.mark.parametrize("role", sorted(ALLOWED))
def test_a_role_can_be_assumed_by_its_service_alone(role: str) -> None:
    [statement] = _roles()[role]["AssumeRolePolicyDocument"]["Statement"]
    service = "lambda" if role.endswith("FunctionRole") else "states"
    service = "apigateway" if role == "ApiGatewayCloudWatchRole" else service

    assert _listed(statement["Principal"]["Service"]) == [f"{service}.amazonaws.com"]


def test_the_queues_of_bookings_take_messages_of_the_rule_alone() -> None:
    policy = deployed()["BookingQueuesPolicy"]["Properties"]
    [statement] = policy["PolicyDocument"]["Statement"]
    queues = ["BookingQueue", "BookingFailuresQueue"]

    assert policy["Queues"] == [{"Ref": queue} for queue in queues]
    assert statement["Resource"] == [{"Fn::GetAtt": [queue, "Arn"]} for queue in queues]
    assert (statement["Effect"], statement["Action"]) == ("Allow", "sqs:SendMessage")
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["BookingRule", "Arn"]}}}


def test_no_action_is_a_wildcard_and_only_log_delivery_has_no_resource() -> None:
    for allowed in ALLOWED.values():
        assert not [action for action, _ in allowed if "*" in action]
        assert {action for action, resource in allowed if resource == "*"} <= LOG_DELIVERY


def _roles() -> dict[str, Json]:
    return {name: each["Properties"] for name, each in deployed().items() if each["Type"] == "AWS::IAM::Role"}


def _named(policy: Any) -> str:
    """A managed policy of AWS, with the condition under which the role has it."""
    if isinstance(policy, dict) and "Fn::If" in policy:
        condition, arn, otherwise = policy["Fn::If"]
        assert otherwise == {"Ref": "AWS::NoValue"}
        return f"{_named(arn)} if {condition}"
    return _text(policy).partition(":iam::aws:policy/")[2]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(arn: Any) -> str:
    return str(arn["Fn::Sub"] if isinstance(arn, dict) else arn)


def _hashable(resource: Any) -> Any:
    if isinstance(resource, str):
        return resource
    [(function, argument)] = resource.items()
    return (function, *(_hashable(each) for each in _listed(argument)))
