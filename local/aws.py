"""AWS clients that talk to the emulator and to nobody else, whatever profile or proxy this person has."""

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config

from local.environment import ACCESS_KEY, REGION

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient, DynamoDBServiceResource
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient


@dataclass(frozen=True)
class Aws:
    """The emulator's services. Clients are made once and may be shared by threads; the resource may not."""

    endpoint_url: str

    @cached_property
    def cloudformation(self) -> "CloudFormationClient":
        """CloudFormation."""
        return _session().client("cloudformation", **self._options)

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """DynamoDB, with attribute values as in its API."""
        return _session().client("dynamodb", **self._options)

    @cached_property
    def tables(self) -> "DynamoDBServiceResource":
        """DynamoDB, with plain Python values."""
        return _session().resource("dynamodb", **self._options)

    @cached_property
    def events(self) -> "EventBridgeClient":
        """EventBridge."""
        return _session().client("events", **self._options)

    @cached_property
    def functions(self) -> "LambdaClient":
        """Lambda."""
        return _session().client("lambda", **self._options)

    @cached_property
    def s3(self) -> "S3Client":
        """S3."""
        return _session().client("s3", **self._options)

    @cached_property
    def secretsmanager(self) -> "SecretsManagerClient":
        """Secrets Manager."""
        return _session().client("secretsmanager", **self._options)

    @cached_property
    def sqs(self) -> "SQSClient":
        """SQS."""
        return _session().client("sqs", **self._options)

    @cached_property
    def stepfunctions(self) -> "SFNClient":
        """Step Functions."""
        return _session().client("stepfunctions", **self._options)

    def other(self, service: str) -> Any:
        """Any other service, without types: for measurements and tests, which look where the app doesn't."""
        return _session().client(service, **self._options)  # type: ignore[call-overload]  # the stubs know services by name

    @property
    def _options(self) -> dict[str, Any]:
        config = Config(connect_timeout=5, read_timeout=60, proxies={}, inject_host_prefix=False)
        return {"endpoint_url": self.endpoint_url, "config": config}


def _session() -> boto3.Session:
    nothing = (None, None, None, None)
    no_file = (None, None, os.devnull, None)
    # AWS_PROFILE would otherwise be looked up, and fail, although the keys are given.
    core = botocore.session.Session({"profile": nothing, "config_file": no_file, "credentials_file": no_file})
    return boto3.Session(
        botocore_session=core,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=ACCESS_KEY,
        region_name=REGION,
    )
