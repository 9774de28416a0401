"""What keeps data: tables, queues, logs and secrets, how they are encrypted, and what outlives what."""

import base64
import binascii
import hashlib
import json
import re
import string

import pytest

from tests.template.project import ROOT, Json, deployed_of_type, listed, of_type, statements, strings, template

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


def test_just_the_functions_that_use_encrypted_services_may_use_the_keys_and_only_through_these() -> None:
    """In the role itself: nothing waits for a policy beside it, and a mapping made before could not read its queue."""
    using, may = {}, {}
    for role in deployed_of_type("AWS::IAM::Role"):
        actions = {action for each in statements(role) for action in listed(each["Action"])}
        using[role] = any(action.startswith(("dynamodb:", "sqs:", "secretsmanager:")) for action in actions)
        may[role] = [each for each in statements(role) if "kms:Decrypt" in listed(each["Action"])]
    [statement, *same] = [each for found in may.values() for each in found]
    [(operator, condition)] = statement["Condition"].items()

    assert {role for role in may if may[role]} == {role for role in using if using[role]}
    assert all(each == statement for each in same)
    assert set(statement["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert statement["Resource"] == [
        _if_given("HasKmsKey", "KmsKeyArn"),
        _if_given("HasFormerKmsKey", "FormerKmsKeyArn"),
    ]
    services = [f"{service}.${{AWS::Region}}.${{AWS::URLSuffix}}" for service in ("dynamodb", "sqs", "secretsmanager")]
    assert (operator, condition) == ("StringEquals", {"kms:ViaService": [{"Fn::Sub": each} for each in services]})


def test_without_a_key_no_role_speaks_of_one() -> None:
    [policy] = deployed_of_type("AWS::IAM::Role")["SweepFunctionRole"]["Policies"]
    [conditional] = [each["Fn::If"] for each in policy["PolicyDocument"]["Statement"] if "Fn::If" in each]
    either = [{"Condition": "HasKmsKey"}, {"Condition": "HasFormerKmsKey"}]

    assert (conditional[0], conditional[2]) == ("HasKeys", NOTHING)
    assert template()["Conditions"]["HasKeys"] == {"Fn::Or": either}


def test_the_webhook_secret_is_a_key_as_the_standard_asks_for_it() -> None:
    secret = of_type("AWS::SecretsManager::Secret")["WebhookSecret"]["GenerateSecretString"]

    assert secret["ExcludePunctuation"] is True
    # The emulator knows only this one, and punctuation is no base64.
    assert set(secret["ExcludeCharacters"]) == set(string.punctuation)
    assert 24 <= len(base64.b64decode("A" * secret["PasswordLength"], validate=True)) <= 64
    with pytest.raises(binascii.Error):
        base64.b64decode("A" * (secret["PasswordLength"] - 1), validate=True)


def test_no_edit_makes_a_new_secret() -> None:
    """CloudFormation generates anew at any change of the block, and every receiver would refuse the signatures."""
    written = json.dumps(of_type("AWS::SecretsManager::Secret")["WebhookSecret"]["GenerateSecretString"])

    assert hashlib.sha256(written.encode()).hexdigest().startswith("7889b5834187")


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


def test_it_can_be_published_to_the_serverless_application_repository() -> None:
    """https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/ has these limits."""
    metadata = template()["Metadata"]["AWS::ServerlessRepo::Application"]

    assert re.fullmatch(r"[a-zA-Z0-9-]{1,140}", metadata["Name"])
    assert len(metadata["Description"]) <= 256
    assert re.fullmatch(r"[a-z0-9](([a-z0-9]|-(?!-))*[a-z0-9])?", metadata["Author"])
    assert (ROOT / metadata["LicenseUrl"]).read_text().startswith(metadata["SpdxLicenseId"])
    assert (ROOT / metadata["ReadmeUrl"]).is_file()
    assert all(re.fullmatch(r"[a-zA-Z0-9+\-_:/@]{1,127}", label) for label in metadata["Labels"])


def test_the_outputs_are_those_that_people_and_tools_rely_on() -> None:
    outputs = template()["Outputs"]
    queues = {f"{name}Url" for name in of_type("AWS::SQS::Queue") if name != "ExecutionEndedQueue"}

    assert set(outputs) == queues | {
        *("ClassroomsTableName", "ClassroomStateMachineArn", "ApiUrl", "WebhookSecretArn"),
        *("SweepFunctionName", "OneTimeLambdaSchedulerArn", "HelloAtFunctionArn"),
    }
    assert all(output["Description"] for output in outputs.values())
    assert not re.search(r"\d{12}", str(list(strings(outputs))))


def _if_given(condition: str, parameter: str) -> Json:
    return {"Fn::If": [condition, {"Ref": parameter}, NOTHING]}


def _keys(table: Json) -> list[str]:
    return [key["AttributeName"] for key in table["KeySchema"]]
