"""What signs messages: the current secret, and for a while after a rotation the one before."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from classroom_scheduler.adapters.webhook_secrets import OVERLAP, WebhookSecrets
from classroom_scheduler.domain.errors import ServiceUnavailable
from tests.aws import Account


@pytest.fixture
def arn(account: Account) -> str:
    secret: Any = boto3.client("secretsmanager").create_secret(Name=f"Secret-{datetime.now(UTC)}", SecretString="first")
    return str(secret["ARN"])


def rotate(arn: str, value: str) -> None:
    boto3.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=value)


def test_a_secret_that_was_never_replaced_is_the_only_one(arn: str) -> None:
    assert WebhookSecrets(arn)() == ["first"]


def test_after_a_rotation_both_secrets_sign(arn: str) -> None:
    rotate(arn, "second")

    assert WebhookSecrets(arn)() == ["second", "first"]


def test_of_three_secrets_the_oldest_signs_no_more(arn: str) -> None:
    rotate(arn, "second")
    rotate(arn, "third")

    assert WebhookSecrets(arn)() == ["third", "second"]


def test_a_week_after_a_rotation_the_old_secret_signs_no_more_and_costs_no_call(account: Account, arn: str) -> None:
    rotate(arn, "second")
    written = datetime.now(UTC) - OVERLAP - timedelta(seconds=1)
    account.will_answer("GetSecretValue", {"SecretString": "second", "CreatedDate": written})
    account.calls.clear()

    assert WebhookSecrets(arn)() == ["second"]
    assert account.calls == ["GetSecretValue"]


def test_secrets_are_read_once_in_five_minutes(account: Account, arn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: seconds)
    secrets = WebhookSecrets(arn)
    secrets()
    rotate(arn, "second")
    account.calls.clear()

    seconds += 299
    assert secrets() == ["first"]
    assert account.calls == []

    seconds += 1
    assert secrets() == ["second", "first"]


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException", "ThrottlingException"])
def test_a_secret_that_cannot_be_read_is_a_reason_to_try_again(account: Account, arn: str, code: str) -> None:
    account.will("GetSecretValue", code)
    secrets = WebhookSecrets(arn)

    with pytest.raises(ServiceUnavailable, match="the webhook secret can't be read"):
        secrets()

    assert secrets() == ["first"]


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_a_previous_secret_that_cannot_be_read_is_not_taken_for_absent(account: Account, arn: str, code: str) -> None:
    """Signed with one of two secrets, a message would be refused for good by a receiver that knows the other."""
    account.will("GetSecretValue", code, of="AWSPREVIOUS")

    with pytest.raises(ServiceUnavailable):
        WebhookSecrets(arn)()
