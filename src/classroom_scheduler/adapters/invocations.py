"""The executions of the one-time scheduler."""

from botocore.exceptions import BotoCoreError, ClientError

from classroom_scheduler.adapters import aws
from classroom_scheduler.adapters.executions import execution_arn
from classroom_scheduler.domain.errors import ServiceUnavailable
from classroom_scheduler.http_api.ports import NameTaken


class StateMachineInvocations:
    """`http_api.ports.Invocations` on Step Functions."""

    def __init__(self, state_machine_arn: str) -> None:
        self._state_machine_arn = state_machine_arn
        self._client = aws.client("stepfunctions")  # two calls at the most: within the function's 28 s

    def start(self, name: str, request: str) -> str:
        """The same name with the same request while that one runs answers as the first time, on AWS."""
        try:
            started = self._client.start_execution(stateMachineArn=self._state_machine_arn, name=name, input=request)
        except self._client.exceptions.ExecutionAlreadyExists:
            raise NameTaken(name) from None
        except (ClientError, BotoCoreError) as error:
            raise ServiceUnavailable(f"StartExecution {name}: {error}") from error
        return str(started["executionArn"])

    def status(self, name: str) -> str | None:
        try:
            return str(self._client.describe_execution(executionArn=self._arn(name))["status"])
        except self._client.exceptions.ExecutionDoesNotExist:
            return None
        except (ClientError, BotoCoreError) as error:
            raise ServiceUnavailable(f"DescribeExecution {name}: {error}") from error

    def stop(self, name: str) -> None:
        try:
            self._client.stop_execution(
                executionArn=self._arn(name), error="Cancelled", cause="Cancelled by way of the HTTP API."
            )
        except (ClientError, BotoCoreError) as error:
            raise ServiceUnavailable(f"StopExecution {name}: {error}") from error

    def _arn(self, name: str) -> str:
        return execution_arn(self._state_machine_arn, name)
