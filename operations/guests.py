"""What the stack is given by others: the key that encrypts, and the topic that hears of alarms."""

import json
from typing import Any

from botocore.exceptions import ClientError

from operations.account import Account
from operations.errors import code_of
from operations.results import Result, failed, passed, warned


def key(account: Account, arn: str) -> Result:
    """Whether the customer's key can be used, and its policy lets the services."""
    if not arn:
        return passed("KmsKeyArn is empty: keys that AWS manages encrypt all that is stored.")
    kms = account.client("kms")
    try:
        found = kms.describe_key(KeyId=arn)["KeyMetadata"]
    except ClientError as error:
        if code_of(error) != "NotFoundException":
            raise
        return failed(f"There is no key {arn} in {account.region}.", "Mend KmsKeyArn; a key is of one Region.")
    if found["KeyState"] != "Enabled" or found.get("KeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
        seen = f"The key is {found['KeyState']} and {found.get('KeySpec')}; expected Enabled and SYMMETRIC_DEFAULT."
        return failed(seen, "Enable it, or give another in KmsKeyArn.")
    policy = json.loads(kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"])
    missing = [service for service in _services(account) if not _lets(policy, service)]
    if missing:
        seen = f"The key's policy does not name {' and '.join(missing)}."
        return warned(seen, "Add the statements of docs/operations.md#a-key-of-your-own.")
    return passed("The key is enabled, and its policy names every service that encrypts by itself.")


def topic(account: Account, arn: str) -> Result:
    """Whether alarms tell anybody."""
    if not arn:
        return warned("AlarmTopicArn is empty: alarms change colour and tell nobody.", "Give the ARN of an SNS topic.")
    if arn.endswith(".fifo"):
        return failed(
            f"{arn} is a FIFO topic, to which alarms can't publish.", "Give a standard topic in AlarmTopicArn."
        )
    if f":{account.region}:" not in arn:
        return failed(f"{arn} is not of {account.region}.", "Give a topic of the stack's Region in AlarmTopicArn.")
    try:
        found = account.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    except ClientError as error:
        if code_of(error) not in {"NotFound", "NotFoundException"}:
            raise
        return failed(f"There is no topic {arn}.", "Mend AlarmTopicArn.")
    if found.get("KmsMasterKeyId", "").endswith("alias/aws/sns"):
        mend = "Encrypt it with a key whose policy lets cloudwatch.amazonaws.com use it."
        return failed(f"{arn} is encrypted with alias/aws/sns, which alarms can't use.", mend)
    heard = int(found.get("SubscriptionsConfirmed", 0))
    if not heard:
        return warned(f"Nobody has subscribed to {arn}.", "Subscribe, and confirm the subscription.")
    return passed(f"{heard} subscriptions hear of alarms.")


def _services(account: Account) -> tuple[str, ...]:
    return (f"logs.{account.region}.amazonaws.com", "events.amazonaws.com", f"dynamodb.{account.region}.amazonaws.com")


def _lets(policy: dict[str, Any], service: str) -> bool:
    """Whether a statement that allows names the service, as principal or as the way to the key."""
    allowing = [each for each in policy.get("Statement", []) if each.get("Effect") == "Allow"]
    return any(service in json.dumps([each.get("Principal"), each.get("Condition")]) for each in allowing)
