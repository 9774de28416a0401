"""`make destroy STACK=…`: takes a stack away, its waiting executions included.

Step Functions deletes a state machine only when all its executions have ended, and a class's execution waits for up to
300 days. So the deletion is started first. CloudFormation deletes a state machine after everything that names it: the
rule, the event source mappings and the functions that take up a stopped execution. Once the machine is being deleted,
Step Functions refuses to start another execution of it, and those that are open are stopped.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from operations.account import Account
from operations.errors import AwsError, NotBegun, Undone, in_words, is_denied
from operations.executions import Stopper
from operations.losses import losses, protections
from operations.results import Say, counted
from operations.stacks import Stack, describe, find, resources_of

MACHINE = "AWS::StepFunctions::StateMachine"
_GOES = "DELETE_IN_PROGRESS"
_WITHIN = 45 * 60
"""Seconds. CloudFormation needs minutes for what is left, and gives up on a resource by itself."""


@dataclass(frozen=True)
class Terminal:
    """How a person is asked and told."""

    say: Say
    ask: Callable[[str], str] | None
    """None where there is nobody to ask."""
    every: float = 5.0
    """Seconds between two looks at the deletion."""


def destroy(account: Account, name: str, terminal: Terminal, *, agreed: bool) -> None:
    """Delete a stack with all its executions.

    Raises NotBegun where nothing was deleted, and Undone where something is left, with what it is.
    """
    stack = find(account, name)
    machines = [each.physical_id for each in stack.of_type(MACHINE)]
    stopper = Stopper(account, machines, f"The stack {stack.name} is being deleted.")
    if stack.status != _GOES:
        _agree(account, stack, terminal, agreed=agreed)
    try:
        _start(account, stack, terminal.say)
        _see_it_through(account, stack, stopper, terminal)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_so_far(stack, stopper)) from None
    except AwsError as error:
        raise Undone(f"{in_words(error)} {_so_far(stack, stopper)}") from error


def _agree(account: Account, stack: Stack, terminal: Terminal, *, agreed: bool) -> None:
    """Say what would be lost, and have the person type the stack's name. Raises NotBegun."""
    if protected := protections(account, stack):
        raise NotBegun("\n".join([f"{stack.name} is protected. Nothing was deleted.", *protected]))
    terminal.say("\n".join([f"{stack.name} in {account} would be deleted, and with it:", *losses(account, stack)]))
    if agreed:
        return
    if terminal.ask is None:
        raise NotBegun("There is no terminal here to ask at. Nothing was deleted. Scripts say --yes (make: YES=1).")
    try:
        typed = terminal.ask(f"\nType {stack.name} to delete it: ")
    except EOFError:
        typed = ""
    if typed.strip() != stack.name:
        raise NotBegun("That was not its name. Nothing was deleted.")


def _start(account: Account, stack: Stack, say: Say) -> None:
    if stack.status == _GOES:
        say(f"{stack.name} in {account} is being deleted already; this goes on with it.")
        return
    try:
        account.client("cloudformation").delete_stack(StackName=stack.id)
    except AwsError as error:
        raise NotBegun(f"{in_words(error)} Nothing was deleted.") from error
    say("The deletion has begun. Executions are stopped as soon as nothing can start them again.")


def _see_it_through(account: Account, stack: Stack, stopper: Stopper, terminal: Terminal) -> None:
    deadline, told = time.monotonic() + _WITHIN, ""
    while (status := _status(account, stack)) == _GOES:
        if time.monotonic() > deadline:
            raise Undone(f"After {_WITHIN // 60} minutes it is not over. {_so_far(stack, stopper)}")
        stopper.stop_what_runs()
        if any(is_denied(error) for error in stopper.refused.values()):
            raise Undone(f"Executions can't be stopped. {_so_far(stack, stopper)}")
        if (news := _news(account, stack, stopper)) != told:
            terminal.say(news)
            told = news
        time.sleep(terminal.every)
    if status != "DELETE_COMPLETE":
        raise Undone(_why_failed(account, stack, stopper))
    stopper.stop_what_runs()  # an emulator deletes machines whose executions go on
    terminal.say("\n".join(_over(account, stack, stopper)))


def _status(account: Account, stack: Stack) -> str:
    """By its id a stack is found for 90 days after it was deleted."""
    described = describe(account, stack.id)
    return str(described["StackStatus"]) if described else "DELETE_COMPLETE"


def _news(account: Account, stack: Stack, stopper: Stopper) -> str:
    left = sum(each.status not in {"DELETE_COMPLETE", "DELETE_SKIPPED"} for each in resources_of(account, stack.id))
    refused = f", {len(stopper.refused)} could not be stopped yet" if stopper.refused else ""
    return f"  {counted(left, 'resource')} to go; {counted(stopper.stopped, 'execution')} stopped{refused}"


def _why_failed(account: Account, stack: Stack, stopper: Stopper) -> str:
    failed = [each for each in resources_of(account, stack.id) if each.status == "DELETE_FAILED"]
    named = [f"  {each.logical_id} ({each.type}, {each.physical_id}): {each.reason}" for each in failed]
    first = f"CloudFormation could not delete {counted(len(failed), 'resource')} of {stack.name}:"
    last = f"Mend what is said there, then `make destroy STACK={stack.name}` goes on; all else is gone. "
    return "\n".join([first, *named, last + _stopped(stopper)])


def _over(account: Account, stack: Stack, stopper: Stopper) -> list[str]:
    said = [f"{stack.name} is gone. {_stopped(stopper)}"]
    if kept := _kept(account, stack):
        said.append(f"On purpose these stay in the account: {', '.join(kept)}.")
    return said


def _kept(account: Account, stack: Stack) -> list[str]:
    pages = account.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=stack.id)
    events = [each for page in pages for each in page["StackEvents"]]
    return sorted({e["LogicalResourceId"] for e in events if e.get("ResourceStatus") == "DELETE_SKIPPED"})


def _so_far(stack: Stack, stopper: Stopper) -> str:
    return (
        f"The deletion of {stack.name} was started and goes on in CloudFormation. {_stopped(stopper)} "
        f"Executions that are still open hold up its state machines: `make destroy STACK={stack.name}` goes on."
    )


def _stopped(stopper: Stopper) -> str:
    said = f"Stopped: {counted(stopper.stopped, 'execution')}."
    if stopper.refused:
        why = in_words(next(iter(stopper.refused.values())))
        said += f" Not stopped: {len(stopper.refused)}. {why}"
    return said
