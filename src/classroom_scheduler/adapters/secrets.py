"""Secrets of Secrets Manager."""

from collections.abc import Callable

from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

from classroom_scheduler.adapters import aws
from classroom_scheduler.domain.errors import ServiceUnavailable

# A rotated secret is in use after five minutes.
_MAX_AGE = 300


def secret_reader(arn: str, what: str) -> Callable[[], str]:
    """A function that gives the secret's value. It raises ServiceUnavailable."""
    provider = SecretsProvider(boto3_client=aws.client("secretsmanager"))

    def read() -> str:
        try:
            return str(provider.get(arn, max_age=_MAX_AGE))
        except GetParameterError as error:
            raise ServiceUnavailable(f"the {what} can't be read: {error}") from error

    return read
