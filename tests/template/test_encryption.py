"""With a key of the customer's all that is stored is encrypted with it, and nobody may do more with it than needed."""

import re

import pytest

from tests.template.project import deployed, of_type, strings, template

KEY = {"Fn::If": ["HasKmsKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]}
PROPERTIES = {
    "AWS::SQS::Queue": "KmsMasterKeyId",
    "AWS::Logs::LogGroup": "KmsKeyId",
    "AWS::SecretsManager::Secret": "KmsKeyId",
    "AWS::SNS::Topic": "KmsMasterKeyId",
}
STORES = [(name, kind) for kind in PROPERTIES for name in of_type(kind)]
SERVICES = ("dynamodb:", "sqs:", "secretsmanager:")
POLICY = template()["Resources"]["KmsKeyAccess"]
PARAMETER = template()["Parameters"]["KmsKeyArn"]


@pytest.mark.parametrize(("name", "kind"), STORES)
def test_whatever_keeps_data_keeps_it_under_the_customers_key(name: str, kind: str) -> None:
    assert of_type(kind)[name][PROPERTIES[kind]] == KEY


def test_a_table_is_encrypted_with_the_customers_key_or_that_of_dynamodb() -> None:
    for table in of_type("AWS::DynamoDB::Table").values():
        assert table["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY}


def test_a_queue_has_one_kind_of_encryption_at_a_time() -> None:
    """SQS refuses both: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"""
    for queue in of_type("AWS::SQS::Queue").values():
        assert queue["SqsManagedSseEnabled"] == {"Fn::If": ["HasKmsKey", {"Ref": "AWS::NoValue"}, True]}


def test_without_a_key_nobody_is_let_to_any() -> None:
    assert POLICY["Condition"] == "HasKmsKey"
    assert template()["Conditions"]["HasKmsKey"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "KmsKeyArn"}, ""]}]}


def test_functions_may_use_that_key_alone_and_only_through_the_services_that_encrypt_with_it() -> None:
    [statement] = POLICY["Properties"]["PolicyDocument"]["Statement"]
    [(operator, [(key, services)])] = [(name, list(each.items())) for name, each in statement["Condition"].items()]

    assert statement["Effect"] == "Allow"
    assert set(statement["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert statement["Resource"] == {"Ref": "KmsKeyArn"}
    assert (operator, key) == ("StringEquals", "kms:ViaService")
    assert [service["Fn::Sub"] for service in services] == [
        f"{service}.${{AWS::Region}}.${{AWS::URLSuffix}}" for service in ("dynamodb", "sqs", "secretsmanager")
    ]


def test_every_function_that_uses_these_services_and_nobody_else_may_use_the_key() -> None:
    roles = {role["Ref"] for role in POLICY["Properties"]["Roles"]}
    using = {
        name
        for name, each in deployed().items()
        if each["Type"] == "AWS::IAM::Role"
        and any(action.startswith(SERVICES) for action in strings(each["Properties"].get("Policies", [])))
    }

    assert roles == using


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab",
    ],
)
def test_a_key_may_be_given_so(arn: str) -> None:
    assert re.fullmatch(PARAMETER["AllowedPattern"], arn)


@pytest.mark.parametrize(
    "arn",
    [
        "alias/classrooms",
        "1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws:kms:eu-west-1:123456789012:alias/classrooms",
        "arn:aws:kms:eu-west-1:123456789012:key/*",
    ],
)
def test_a_key_may_not_be_given_so(arn: str) -> None:
    """Policies know keys by their ARN alone, and a wildcard is no key."""
    assert not re.fullmatch(PARAMETER["AllowedPattern"], arn)
