"""What keeps data: tables, queues, logs and secrets, how they are encrypted, and what outlives what."""

import base64
import binascii
import re
import string

import pytest

from tests.template.project import Json, deployed_of_type, listed, names, of_type, statements, strings, template

NOTHING = {"Ref": "AWS::NoValue"}
KEY = {"Fn::If": ["HasKmsKey", {"Ref": "KmsKeyArn"}, NOTHING]}
KEY_PROPERTY = {
    "AWS::SQS::Queue": "KmsMasterKeyId",
    "AWS::Logs::LogGroup": "KmsKeyId",
    "AWS::SecretsManager::Secret": "KmsKeyId",
}
NAMES = ("FunctionName", "Name", "TableName", "QueueName", "RoleName", "ManagedPolicyName", "LogGroupName")
TABLES = of_type("AWS::DynamoDB::Table")


def test_the_table_has_the_keys_indexes_and_images_that_everything_relies_on() -> None:
    table = TABLES["ClassroomsTable"]
    indexes = {
        index["IndexName"]: (_keys(index), index["Projection"]["ProjectionType"])
        for index in table["GlobalSecondaryIndexes"]
    }

    assert _keys(table) == ["classroomId"]
    assert indexes == {
        "ByAttention": (["attentionShard", "attentionAt"], "KEYS_ONLY"),
        "ByDay": (["day", "scheduledStart"], "KEYS_ONLY"),
    }
    assert {each["AttributeType"] for each in table["AttributeDefinitions"]} == {"S"}
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert table["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}


@pytest.mark.parametrize("table", sorted(TABLES))
def test_a_table_is_encrypted_backed_up_and_paid_by_request(table: str) -> None:
    assert TABLES[table]["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY}
    assert TABLES[table]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert TABLES[table]["BillingMode"] == "PAY_PER_REQUEST"


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for kind in KEY_PROPERTY for name in of_type(kind)])
def test_whatever_keeps_data_keeps_it_under_the_customers_key(name: str, kind: str) -> None:
    assert of_type(kind)[name][KEY_PROPERTY[kind]] == KEY


def test_a_queue_has_one_kind_of_encryption_at_a_time() -> None:
    """SQS refuses both: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"""
    for queue in of_type("AWS::SQS::Queue").values():
        assert queue["SqsManagedSseEnabled"] == {"Fn::If": ["HasKmsKey", NOTHING, True]}


def test_just_the_functions_that_use_encrypted_services_may_use_the_key_and_only_through_these() -> None:
    policy = template()["Resources"]["KmsKeyAccess"]
    [statement] = policy["Properties"]["PolicyDocument"]["Statement"]
    services = [each["Fn::Sub"] for each in statement["Condition"]["StringEquals"]["kms:ViaService"]]
    kinds = tuple(f"{service.partition('.')[0]}:" for service in services)
    using = {
        role
        for role in deployed_of_type("AWS::IAM::Role")
        if any(action.startswith(kinds) for each in statements(role) for action in listed(each["Action"]))
    }

    assert policy["Condition"] == "HasKmsKey"
    assert list(statement["Condition"]) == ["StringEquals"]
    assert list(statement["Condition"]["StringEquals"]) == ["kms:ViaService"]
    assert all(service.endswith(".${AWS::Region}.${AWS::URLSuffix}") for service in services)
    assert kinds == ("dynamodb:", "sqs:", "secretsmanager:")
    assert (statement["Effect"], statement["Resource"]) == ("Allow", {"Ref": "KmsKeyArn"})
    assert set(statement["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert names(policy["Properties"]["Roles"]) == using


def test_the_webhook_secret_is_a_key_as_the_standard_asks_for_it() -> None:
    secret = of_type("AWS::SecretsManager::Secret")["WebhookSecret"]["GenerateSecretString"]

    assert secret["ExcludePunctuation"] is True
    # The emulator knows only this one, and punctuation is no base64.
    assert set(secret["ExcludeCharacters"]) == set(string.punctuation)
    assert 24 <= len(base64.b64decode("A" * secret["PasswordLength"], validate=True)) <= 64
    with pytest.raises(binascii.Error):
        base64.b64decode("A" * (secret["PasswordLength"] - 1), validate=True)


@pytest.mark.parametrize("kept", ["ClassroomsTable", "WebhookSecret"])
def test_an_update_that_replaces_it_leaves_the_old_one(kept: str) -> None:
    assert template()["Resources"][kept]["UpdateReplacePolicy"] == "Retain"
    assert template()["Resources"][kept]["DeletionPolicy"] == "Delete"


def test_two_stacks_fit_into_one_account() -> None:
    for name, resource in template()["Resources"].items():
        for key in set(NAMES) & set(resource.get("Properties", {})):
            assert resource["Type"] == "AWS::Lambda::Permission" or "AWS::StackName" in str(
                resource["Properties"][key]
            ), name


def test_the_outputs_are_those_that_people_and_tools_rely_on() -> None:
    outputs = template()["Outputs"]
    queues = {f"{name}Url" for name in of_type("AWS::SQS::Queue") if name != "ExecutionEndedQueue"}

    assert set(outputs) == queues | {
        *("ClassroomsTableName", "ClassroomStateMachineArn", "ApiUrl", "WebhookSecretArn"),
        *("SweepFunctionName", "OneTimeLambdaSchedulerArn", "HelloAtFunctionArn"),
    }
    assert all(output["Description"] for output in outputs.values())
    assert not re.search(r"\d{12}", str(list(strings(outputs))))


def _keys(table: Json) -> list[str]:
    return [key["AttributeName"] for key in table["KeySchema"]]
