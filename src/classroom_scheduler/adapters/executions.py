"""The executions of the Classroom state machine."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from classroom_scheduler.adapters import aws
from classroom_scheduler.domain.errors import FAILED_FOR_GOOD, REPLACED, ServiceUnavailable
from classroom_scheduler.domain.execution_names import classroom_of
from classroom_scheduler.observability import count, logger

# StopExecution keeps so many of a cause.
_CAUSE_LENGTH = 32_768
_ALIVE = frozenset({"RUNNING", "PENDING_REDRIVE", None})


def execution_arn(state_machine_arn: str, name: str) -> str:
    """An execution's ARN follows from its name: https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html"""
    return f"{state_machine_arn.replace(':stateMachine:', ':execution:', 1)}:{name}"


class StateMachineExecutions:
    """`application.ports.Executions` on Step Functions."""

    def __init__(self, state_machine_arn: str) -> None:
        self._state_machine_arn = state_machine_arn
        # Adaptive: StartExecution refills at 150 a second outside the big Regions, and a batch has many threads.
        self._client = aws.client(
            "stepfunctions",
            Config(
                connect_timeout=1,
                read_timeout=5,
                retries={"total_max_attempts": 5, "mode": "adaptive"},
                max_pool_connections=32,
            ),
        )

    def arn(self, name: str) -> str:
        return execution_arn(self._state_machine_arn, name)

    def start(self, name: str, request: Mapping[str, Any]) -> bool:
        """A name that exists was started for this very request: names are never reused.

        AWS says so only of an execution that has ended; it is asked all the same, as is one that nobody can tell of.
        """
        canonical = json.dumps(request, sort_keys=True, separators=(",", ":"))
        try:
            self._client.start_execution(stateMachineArn=self._state_machine_arn, name=name, input=canonical)
        except self._client.exceptions.ExecutionAlreadyExists:
            return self._is_alive(name)
        except (ClientError, BotoCoreError) as error:
            raise ServiceUnavailable(f"StartExecution {name}: {error}") from error
        return True

    def status(self, name: str) -> str | None:
        """Asked only of items that were wiped and of names that exist: ten a second outside the big Regions."""
        try:
            execution = self._client.describe_execution(executionArn=self.arn(name))
        except self._client.exceptions.ExecutionDoesNotExist:
            return None
        except (ClientError, BotoCoreError) as error:
            raise ServiceUnavailable(f"DescribeExecution {name}: {error}") from error
        lost = execution["status"] in {"FAILED", "TIMED_OUT"} and execution.get("error") != FAILED_FOR_GOOD
        return "ABORTED" if lost else execution["status"]

    def _is_alive(self, name: str) -> bool:
        try:
            return self.status(name) in _ALIVE
        except ServiceUnavailable as error:
            logger.warning("execution's status not known", extra=log_fields(name, "TAKE_FOR_ALIVE", error))
            return True

    def stop(self, name: str, reason: str) -> bool:
        try:
            self._client.stop_execution(executionArn=self.arn(name), error=REPLACED, cause=reason[:_CAUSE_LENGTH])
        except self._client.exceptions.ExecutionDoesNotExist:
            return True
        except (ClientError, BotoCoreError) as error:
            # 25 a second outside the big Regions. The execution finds itself fenced when it wakes up.
            logger.warning("execution not stopped, its tasks will do nothing", extra=log_fields(name, "FENCE", error))
            count("StopExecutionFailed")
            return False
        return True


def log_fields(name: str, decision: str, error: Exception) -> dict[str, str | None]:
    return {"classroomId": classroom_of(name), "executionName": name, "decision": decision, "reason": str(error)}
