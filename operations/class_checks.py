"""Classes that a smoke run lives through: on time, refused, delayed by a busy server, and stopped by hand."""

import json

from operations.results import NotSeen, Result, failed, not_checkable, passed, warned
from operations.trial import Item, Trial, from_now

TASKS = ("StartRecording", "SendLivePing", "StopRecording")
_SEEN_WITHIN = 150
"""Seconds for a first reaction: an event source mapping that was made a minute ago still wakes up."""
_LATE = 5000
"""Milliseconds, as the alarm on late starts has it."""


def completed(trial: Trial) -> Result:
    """A class is started, pinged and stopped, and its item says how late."""
    room = trial.write("on-time", 20, 35)
    item = trial.wait_for_status(room, "COMPLETED", within=_SEEN_WITHIN)
    late = {task: int(item["tasks"][task].get("latenessMs", -1)) for task in TASKS if task in item["tasks"]}
    said = ", ".join(f"{task} {ms} ms" for task, ms in late.items())
    missing = [task for task in TASKS if _state(item, task) != "SUCCEEDED"]
    if missing or min(late.values()) < 0:
        return failed(f"COMPLETED, but not every task succeeded on time or after it: {said}.", str(item.get("reason")))
    if max(late.values()) > _LATE:
        return warned(f"COMPLETED, but late: {said}.", "The first calls are cold. Run this again; see Starts late.")
    return passed(f"COMPLETED; late by {said}.")


def refused(trial: Trial) -> Result:
    """A server that answers 400 is called once, and the class fails with its answer as the reason."""
    room = trial.write("refused", 15, 300, smoke={"status": 400, "times": 1000})
    item = trial.wait_for_status(room, "FAILED", within=_SEEN_WITHIN)
    attempts, reason = _attempts(item), str(item.get("reason"))
    if attempts != 1 or "400" not in reason:
        return failed(f"FAILED after {attempts} attempts: {reason}", "Only PermanentError may end a task at once.")
    if trial.account.emulated:
        return not_checkable(f"it repeats a task whatever its error. The item says {reason}")
    # The item stays as it is however often the task is repeated; the execution ends at once only if it never is.
    execution = trial.execution(item["executionName"])
    ended = trial.wait_for_end(execution, 60)
    if ended["status"] != "FAILED":
        return failed(f"Its execution is {ended['status']}, not FAILED.", f"Look at the history of {execution}.")
    return passed(f"FAILED after one attempt, and its execution with it: {reason}")


def busy(trial: Trial) -> Result:
    """A server that answers 503 twice is called a third time, and the class is recorded."""
    room = trial.write("busy", 20, 45, smoke={"status": 503, "times": 2})
    item = trial.wait_for_status(room, "COMPLETED", within=_SEEN_WITHIN)
    if _attempts(item) != 3:
        return failed(f"COMPLETED, but started at attempt {_attempts(item)}; expected 3.", str(item.get("reason")))
    return passed("COMPLETED; the third attempt started it.")


def stopped_by_hand(trial: Trial) -> Result:
    """A class whose execution somebody stops is taken up by another one, and recorded."""
    room = trial.write("stopped", 30, 40)
    first = trial.wait_for_status(room, "SCHEDULED", within=30)["executionName"]
    trial.account.client("stepfunctions").stop_execution(
        executionArn=trial.execution(first),
        error="SmokeRun",
        cause=f"{trial.name} stops it by hand",
    )
    item = trial.wait_for_status(room, "COMPLETED", within=_SEEN_WITHIN)
    if item["executionName"] == first:
        raise NotSeen(f"{room} is COMPLETED under the execution that was stopped, {first}.")
    return passed(f"COMPLETED under {item['executionName']}; {first} was stopped.")


def invoked_once(trial: Trial) -> Result:
    """The one-time scheduler invokes its function at the time that it is given."""
    if trial.stack.parameters.get("OneTimeTargetFunctionArn"):
        return warned("Not checked: OneTimeTargetFunctionArn names a function of yours.", "Start an execution by hand.")
    found = _one_time(trial, f"{trial.name}-once", from_now(10))
    if found["status"] != "SUCCEEDED":
        return failed(f"{found['status']}: {found.get('error')} {found.get('cause')}", "Look at the function's logs.")
    return passed(f"SUCCEEDED: {found['output'][:120]}")


def refused_once(trial: Trial) -> Result:
    """A time that can't be read is refused in words, and nothing is invoked."""
    found = _one_time(trial, f"{trial.name}-refused", "tomorrow at nine")
    said = f"{found['status']}: {found.get('error')} {found.get('cause')}"
    if found.get("error") != "InvocationTimeUnreadable":
        return failed(said, "Compare with make preflight, which asks Step Functions about the same state.")
    return passed(said)


def _one_time(trial: Trial, name: str, when: str) -> Item:
    """A one-time execution as it ended."""
    states, machine = trial.account.client("stepfunctions"), trial.stack.outputs["OneTimeLambdaSchedulerArn"]
    given = json.dumps({"invocationTime": when, "payload": {"from": trial.name}})
    execution = states.start_execution(stateMachineArn=machine, name=name, input=given)["executionArn"]
    return trial.wait_for_end(execution, 60)


def swept(trial: Trial) -> Result:
    """A sweep by hand answers with what it found."""
    answer = trial.account.client("lambda").invoke(FunctionName=trial.stack.outputs["SweepFunctionName"], Payload=b"{}")
    said = answer["Payload"].read().decode()
    if "FunctionError" in answer:
        return failed(f"It failed: {said[:200]}", "Look at the log group of the function Sweep.")
    return passed(f"It answered {said[:120]}")


def _state(item: Item, task: str) -> str:
    return str(item["tasks"].get(task, {}).get("state"))


def _attempts(item: Item) -> int:
    return int(item["tasks"]["StartRecording"]["attempts"])
