"""`make smoke STACK=…`: proves on a deployed, disposable stack what only AWS can show, in at most eight minutes.

Its classes are called by a throw-away server, to which the stack's tasks are pointed meanwhile. So it refuses a stack
that is protected, or on which classes of others wait.
"""

from contextlib import ExitStack
from functools import partial
from itertools import islice

from operations import api_checks, class_checks, event_checks, watch_checks
from operations.account import Account
from operations.classroom_server import throw_away_server
from operations.errors import AwsError, NotBegun, Undone, in_words
from operations.executions import running
from operations.losses import protections
from operations.results import Check, LeftBehind, NotSeen, Say, run, taken_away
from operations.stacks import find
from operations.trial import PREFIX, WITHIN, Trial


def smoke(account: Account, name: str, say: Say) -> bool:
    """Make every check and say what it saw; whether none failed. Raises NotBegun and Undone."""
    trial = Trial(account, find(account, name))
    _refuse_what_is_in_use(trial)
    say(f"Smoke run {trial.name} on {name} in {account}; at most {WITHIN // 60} minutes.")
    try:
        went_well = _run(trial, say)
    except KeyboardInterrupt:
        said = "Interrupted: checks without a line were not finished."
        raise KeyboardInterrupt(f"{said} {_tidied(name)}") from None
    except LeftBehind as error:
        raise Undone(f"{error} Delete it by hand, or with the stack: make destroy STACK={name}") from error
    say(_tidied(name))
    return went_well


def checks(trial: Trial) -> list[Check]:
    """The checks of a run, all of which fit side by side into its time."""
    return [
        ("Event source mappings", partial(watch_checks.mappings, trial)),
        ("A class", partial(class_checks.completed, trial)),
        ("A server that answers 400", partial(class_checks.refused, trial)),
        ("A server that answers 503 twice", partial(class_checks.busy, trial)),
        ("An execution stopped by hand", partial(class_checks.stopped_by_hand, trial)),
        ("A one-time invocation", partial(class_checks.invoked_once, trial)),
        ("A one-time invocation refused", partial(class_checks.refused_once, trial)),
        ("A sweep by hand", partial(class_checks.swept, trial)),
        ("A booking", partial(event_checks.booked, trial)),
        ("A booking that can't be followed", partial(event_checks.booked_wrongly, trial)),
        *api_checks.checks(trial),
        ("Log streams", partial(watch_checks.log_streams, trial)),
        ("Metrics of the alarms", partial(watch_checks.alarms, trial)),
    ]


def _run(trial: Trial, say: Say) -> bool:
    with ExitStack() as made:
        try:
            url = made.enter_context(throw_away_server(trial.account, trial.stack, trial.name))
        except (*AwsError, NotSeen) as error:
            words = in_words(error) if isinstance(error, AwsError) else str(error)
            raise NotBegun(f"There is no classroom server for this run. {words} No check was made.") from error
        say(f"The tasks of {trial.stack.name} call {url} meanwhile.\n")
        made.enter_context(taken_away(f"A class of {trial.name}", trial.tidy_up))
        every = checks(trial)
        return run(every, say, at_once=len(every), interrupted=trial.ended.set)


def _tidied(name: str) -> str:
    return f"Classes and server of this run are taken away, and the tasks of {name} call ClassroomServerUrl again."


def _refuse_what_is_in_use(trial: Trial) -> None:
    stack = trial.stack
    if protected := protections(trial.account, stack):
        raise NotBegun(
            "\n".join([f"{stack.name} is protected, so it is not disposable. Nothing was done.", *protected])
        )
    try:
        names = (each.rpartition(":")[2] for each in running(trial.account, trial.machine))
        others = list(islice((name for name in names if not name.startswith(PREFIX)), 3))
    except AwsError as error:
        raise NotBegun(f"{in_words(error)} Nothing was done.") from error
    if others:
        raise NotBegun(
            f"Classes wait or run on {stack.name}, such as {', '.join(others)}; a smoke run would take their server "
            "away for some minutes. Nothing was done. Delete them, or deploy a stack to be thrown away."
        )
