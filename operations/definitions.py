"""What Step Functions says of the definitions in statemachine/, before there is a state machine."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from botocore.exceptions import ClientError

from operations.account import Account
from operations.deployment import DEFINITIONS, PROJECT
from operations.errors import in_words
from operations.results import Result, failed, not_checkable, passed, warned

SAMPLES = PROJECT / "events" / "one-time"
ONE_TIME = DEFINITIONS / "one_time_lambda_scheduler.asl.json"
_STATE = "CheckInvocationTime"
_SUBSTITUTION = re.compile(r"\$\{(\w+)\}")
_READABLE = "CountDownTimer"
NEXT_STATES = {
    "beyond-a-year.json": "InvocationTimeTooFar",
    "day-that-is-not-there.json": "InvocationTimeUnreadable",
    "time-as-a-number.json": "InvocationTimeUnreadable",
    "time-in-lower-case.json": "InvocationTimeUnreadable",
    "time-in-words.json": "InvocationTimeUnreadable",
    "time-missing.json": "InvocationTimeUnreadable",
    "time-without-offset.json": "InvocationTimeUnreadable",
}
"""Where the samples go that are refused; all others are waited for."""


def definition(path: Path, account: Account) -> str:
    """A definition with an ARN of this account and Region wherever `sam deploy` fills one in."""
    arn = f"arn:{account.partition}:lambda:{account.region}:{account.number}:function:preflight"
    return _SUBSTITUTION.sub(arn, path.read_text())


def valid(account: Account, path: Path) -> Result:
    """Whether Step Functions would make a state machine of it."""
    if account.emulated:
        return not_checkable("it takes every definition for valid.")
    answer = account.client("stepfunctions").validate_state_machine_definition(
        definition=definition(path, account), type="STANDARD", severity="WARNING"
    )
    found = "; ".join(f"{each.get('location', '/')}: {each['message']}" for each in answer["diagnostics"])
    if answer["result"] != "OK":
        return failed(f"Step Functions refuses it: {found}", f"Mend statemachine/{path.name}.")
    if found:
        return warned(f"Valid, with warnings: {found}", "They do not prevent a deployment. Read them.")
    return passed("Step Functions takes it.")


def invocation_times(account: Account, machine: str) -> Result:
    """Whether the one-time scheduler's first state sends each sample where it should go.

    The engine is Step Functions' own JSONata, which no test on this machine has. The state calls nothing; where
    TestState asks for a role all the same, it is that of the deployed machine.
    """
    try:
        wrong = list(filter(None, (_wrong(account, {}, *sample) for sample in _samples())))
    except ClientError as error:
        if "role" not in str(error).lower():
            raise
        if not machine:
            return warned(
                f"Not checked. {in_words(error)}", "Run this again once the stack is deployed: it has a role."
            )
        role = account.client("stepfunctions").describe_state_machine(stateMachineArn=machine)["roleArn"]
        wrong = list(filter(None, (_wrong(account, {"roleArn": role}, *sample) for sample in _samples())))
    if wrong:
        return failed("; ".join(wrong), f"Mend {_STATE} in statemachine/{ONE_TIME.name}.")
    return passed(f"{_STATE} sends all {len(list(_samples()))} sample inputs where they should go.")


def _samples() -> Iterator[tuple[str, str, str]]:
    """The name of each sample input, the input, and the state that should follow."""
    for path in sorted(SAMPLES.glob("*.json")):
        yield path.name, path.read_text(), NEXT_STATES.get(path.name, _READABLE)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")
    yield "a nine-digit fraction", json.dumps({"invocationTime": f"{tomorrow}.123456789Z"}), _READABLE


def _wrong(account: Account, role: dict[str, str], name: str, given: str, expected: str) -> str:
    """What TestState answers where that is not the expected state."""
    answer = account.client("stepfunctions").test_state(
        definition=definition(ONE_TIME, account), stateName=_STATE, input=given, **role
    )
    if answer.get("nextState") == expected:
        return ""
    why = f" ({answer['error']}: {answer.get('cause', '')})" if "error" in answer else ""
    return f"{name} goes to {answer.get('nextState', answer['status'])}{why}, not to {expected}"
