"""The executions of a stack's state machines, and the way to stop them all."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from botocore.exceptions import ClientError

from operations.account import Account
from operations.errors import AwsError, code_of

STACK_DELETED = "StackDeleted"
"""The error of an execution that ends with its stack. Nobody takes it up: its state machine starts nothing any more."""
_AT_ONCE = 8


def running(account: Account, machine: str) -> Iterator[str]:
    """The ARNs of a machine's open executions, newest first; none where the machine is gone. Raises AwsError."""
    pages = account.client("stepfunctions").get_paginator("list_executions")
    try:
        for page in pages.paginate(
            stateMachineArn=machine, statusFilter="RUNNING", PaginationConfig={"PageSize": 1000}
        ):
            yield from (each["executionArn"] for each in page["executions"])
    except ClientError as error:
        if code_of(error) != "StateMachineDoesNotExist":
            raise


def how_many(account: Account, machine: str, at_most: int) -> int:
    """The number of a machine's open executions, counted no further than `at_most`."""
    return sum(1 for _ in islice(running(account, machine), at_most))


def starts_nothing(account: Account, machine: str) -> bool:
    """Whether Step Functions refuses to start another execution of this machine: it is being deleted, or gone."""
    try:
        status = account.client("stepfunctions").describe_state_machine(stateMachineArn=machine)["status"]
    except ClientError as error:
        if code_of(error) != "StateMachineDoesNotExist":
            raise
        return True
    return bool(status == "DELETING")


class Stopper:
    """Stops the executions of machines that start nothing any more, each once, however often it is asked."""

    def __init__(self, account: Account, machines: Sequence[str], cause: str) -> None:
        self._account, self._machines, self._cause = account, machines, cause
        self._states = account.client("stepfunctions", patient=True)
        self._done: set[str] = set()
        self.refused: dict[str, Exception] = {}
        """The executions that could not be stopped at the last attempt, and why."""

    @property
    def stopped(self) -> int:
        """How many were stopped."""
        return len(self._done)

    def stop_what_runs(self) -> None:
        """Stop what runs in machines that are being deleted. A machine that may still start others is left alone."""
        for machine in self._machines:
            if starts_nothing(self._account, machine):
                self._stop_all(machine)

    def _stop_all(self, machine: str) -> None:
        open_ = (each for each in running(self._account, machine) if each not in self._done)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            # A hundred at a time, so that Ctrl-C has little to wait for.
            while batch := list(islice(open_, 100)):
                list(pool.map(self._stop, batch))

    def _stop(self, execution: str) -> None:
        try:
            self._states.stop_execution(executionArn=execution, error=STACK_DELETED, cause=self._cause)
        except AwsError as error:
            if code_of(error) != "ExecutionDoesNotExist" and "not running" not in str(error):
                self.refused[execution] = error
                return
        self.refused.pop(execution, None)
        self._done.add(execution)
