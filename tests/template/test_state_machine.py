"""The Classroom state machine: six states when all goes well, and no failure that ends well."""

import json
import math
import re
from collections.abc import Iterator

import pytest

from classroom_scheduler.application.task_runner import ROOM_TO_TRY_AGAIN
from classroom_scheduler.domain.errors import PermanentError
from classroom_scheduler.domain.tasks import task_named
from tests.template.project import ROOT, TASKS, Json, complaints, functions, of_type, state_machine, strings

HAPPY_PATH = ["RecordingWait", "StartRecording", "SendLivePingWait", "SendLivePing", "StoppingWait", "StopRecording"]
PING_FAILURE = {"SendLivePing", "SendLivePingFailed"}
"""The failure that a class survives."""
WHOLE_INPUT = {"input.$": "$", "executionName.$": "$$.Execution.Name", "attempt.$": "$$.State.RetryCount"}
"""What every task gets: the input with the results so far, so that a new attribute needs no edit."""
EXECUTION_INPUT = {"$.classroomId", "$.recordingId", "$.start", "$.end", "$.livePingDelay"}

STATES: dict[str, Json] = state_machine()["States"]
TASK_STATES = sorted(name for name, state in STATES.items() if state["Type"] == "Task")


def test_it_is_valid_json_before_substitution() -> None:
    assert json.loads((ROOT / "statemachine" / "classroom.asl.json").read_text())["StartAt"] == "RecordingWait"


def test_every_substitution_is_supplied_and_every_supplied_one_used() -> None:
    supplied = of_type("AWS::Serverless::StateMachine")["ClassroomStateMachine"]["DefinitionSubstitutions"]
    used = {name for text in strings(state_machine()) for name in re.findall(r"\$\{(\w+)\}", text)}

    assert used == set(supplied)


def test_a_normal_class_visits_the_six_states_in_order_and_no_other() -> None:
    visited = [state_machine()["StartAt"]]
    while not STATES[visited[-1]].get("End"):
        visited.append(STATES[visited[-1]]["Next"])

    assert visited == HAPPY_PATH


def test_it_waits_for_the_times_of_the_schedule() -> None:
    assert STATES["RecordingWait"]["TimestampPath"] == "$.start"
    assert STATES["SendLivePingWait"]["SecondsPath"] == "$.results.StartRecording.wait"
    assert STATES["StoppingWait"]["TimestampPath"] == "$.end"


def test_every_state_can_be_reached_and_every_next_state_exists() -> None:
    assert {state_machine()["StartAt"]} | _reachable(state_machine()["StartAt"]) == set(STATES)


def test_it_stays_small_enough_to_be_understood_and_for_aws() -> None:
    assert len(STATES) <= 12
    assert len((ROOT / "statemachine" / "classroom.asl.json").read_bytes()) < 1_000_000
    assert max(map(len, STATES)) <= 80


@pytest.mark.parametrize("name", TASK_STATES)
def test_a_task_outlasts_its_function_and_the_cold_start_before_it(name: str) -> None:
    function = STATES[name]["Resource"].removeprefix("${").removesuffix("FunctionArn}") + "Function"
    init = 10  # seconds that Lambda grants before the function's own time-out begins

    # Were the task over first, Step Functions would call the next attempt beside one that still runs.
    assert STATES[name]["TimeoutSeconds"] > functions()[function]["Timeout"] + init


@pytest.mark.parametrize("name", TASK_STATES)
def test_permanent_errors_are_never_retried_and_all_others_are(name: str) -> None:
    permanent, everything_else = STATES[name]["Retry"]

    # Step Functions compares names: a task raises PermanentError itself, never one of its kinds.
    assert permanent["ErrorEquals"] == [PermanentError.__name__]
    assert permanent["MaxAttempts"] == 0
    assert everything_else["ErrorEquals"] == ["States.ALL"]
    assert everything_else["MaxAttempts"] >= 1
    assert everything_else["BackoffRate"] > 1
    assert everything_else["JitterStrategy"] == "FULL"
    assert 0 < everything_else["MaxDelaySeconds"] <= 60


@pytest.mark.parametrize("name", TASK_STATES)
def test_every_failure_is_caught_and_kept_beside_the_input(name: str) -> None:
    [catcher] = STATES[name]["Catch"]

    assert catcher["ErrorEquals"] == ["States.ALL"]
    assert catcher["ResultPath"].startswith("$.failures.")
    assert catcher["Next"] in STATES


@pytest.mark.parametrize("name", sorted(set(TASK_STATES) - PING_FAILURE))
def test_a_caught_failure_never_ends_well(name: str) -> None:
    [catcher] = STATES[name]["Catch"]
    then = {catcher["Next"]} | _reachable(catcher["Next"])

    assert {STATES[end]["Type"] for end in then if _is_end(end)} == {"Fail"}


@pytest.mark.parametrize("name", sorted(PING_FAILURE))
def test_a_class_goes_on_without_its_ping(name: str) -> None:
    [catcher] = STATES[name]["Catch"]

    assert catcher["Next"] in {"SendLivePingFailed", "StoppingWait"}
    assert STATES["SendLivePingFailed"]["Next"] == "StoppingWait"


@pytest.mark.parametrize("task", TASKS)
def test_a_failure_for_good_is_written_on_the_item(task: str) -> None:
    state = STATES[f"{task}Failed"]

    assert STATES[task]["Catch"][0]["Next"] == f"{task}Failed"
    assert state["Resource"] == "${TaskFailedFunctionArn}"
    assert state["Parameters"] == {**WHOLE_INPUT, "task": task}
    assert STATES[task]["Catch"][0]["ResultPath"] == f"$.failures.{task}"


def test_a_recording_whose_start_failed_is_stopped_all_the_same() -> None:
    assert STATES["StartRecordingFailed"]["Next"] == "StopUnconfirmedRecording"
    assert STATES["StartRecordingFailed"]["Catch"][0]["Next"] == "StopUnconfirmedRecording"
    assert STATES["StopUnconfirmedRecording"]["Resource"] == STATES["StopRecording"]["Resource"]
    assert _without_comments(STATES["StopUnconfirmedRecording"]) == _without_comments(STATES["StopRecording"])


@pytest.mark.parametrize("name", ["StopRecording", "StopUnconfirmedRecording"])
def test_stopping_is_retried_for_at_least_half_an_hour(name: str) -> None:
    delays = _longest_delays(name)
    mean = sum(delays) / 2
    deviation = math.sqrt(sum(delay**2 / 12 for delay in delays))

    # Full jitter draws every delay between 0 and its longest. Five deviations are one class in three million.
    assert mean - 5 * deviation >= 30 * 60


def test_the_comments_about_retries_are_true() -> None:
    assert round(sum(_longest_delays("StartRecording")) / 2 / 3600) == 4
    assert round(sum(_longest_delays("SendLivePing")) / 2 / 3600) == 1
    assert int(sum(_longest_delays("StopRecording")) / 2 / 60) == 57


def test_a_failing_ping_costs_the_stop_no_time_that_matters() -> None:
    # The function gives up where its next attempt could come later than this before the end.
    assert max(_longest_delays("SendLivePing")) < ROOM_TO_TRY_AGAIN.total_seconds()
    assert sum(_longest_delays("SendLivePingFailed")) < 20


def test_the_longest_execution_stays_within_its_history() -> None:
    # Five events an attempt: scheduled, started, failed, and the state entered and left.
    assert 5 * sum(1 + len(_longest_delays(name)) for name in TASK_STATES) < 25_000


@pytest.mark.parametrize("task", [*TASKS, "StopUnconfirmedRecording"])
def test_a_task_gets_the_whole_input_and_its_result_is_passed_on(task: str) -> None:
    assert STATES[task]["Parameters"] == WHOLE_INPUT
    assert STATES[task]["ResultPath"] == f"$.results.{task.replace('Unconfirmed', '')}"


@pytest.mark.parametrize("name", sorted(STATES))
def test_a_state_reads_nothing_that_may_be_missing(name: str) -> None:
    there = _always_there()[name]

    # States.Runtime, which a missing path raises, is the error that nothing can catch.
    for path in _read_paths(STATES[name]):
        # What is inside of a result (`$.results.<Task>.<field>`) is the function's business.
        assert ".".join(path.split(".")[:3]) in there, path


def test_it_conforms_to_the_states_language() -> None:
    assert complaints(state_machine()) == []


@pytest.mark.parametrize(
    ("state", "change"),
    [
        ("StoppingWait", {"Retry": []}),
        ("StopRecording", {"TimeoutSeconds": 0}),
        ("StopRecording", {"Next": "StoppingWait"}),
        ("StartRecording", {"Timeout": 40}),
        ("ClassroomFailed", {"Next": "StoppingWait"}),
    ],
)
def test_the_conformance_check_notices(state: str, change: Json) -> None:
    definition = state_machine()
    definition["States"][state] |= change

    assert complaints(definition) != []


@pytest.mark.parametrize("name", TASK_STATES)
def test_retries_and_catches_have_no_field_that_aws_does_not_know(name: str) -> None:
    retry = {
        "Comment",
        "ErrorEquals",
        "IntervalSeconds",
        "MaxAttempts",
        "BackoffRate",
        "MaxDelaySeconds",
        "JitterStrategy",
    }
    catch = {"Comment", "ErrorEquals", "ResultPath", "Next"}

    assert {field for each in STATES[name]["Retry"] for field in each} <= retry
    assert {field for each in STATES[name]["Catch"] for field in each} <= catch


def test_the_failed_execution_says_what_failed() -> None:
    assert STATES["ClassroomFailed"]["Error"] == "ClassroomFailed"
    # Of the functions that may stand in a CausePath this is the one that takes an object.
    assert STATES["ClassroomFailed"]["CausePath"] == "States.JsonToString($.failures)"


def _nexts(state: Json) -> set[str]:
    catches = {catcher["Next"] for catcher in state.get("Catch", [])}
    return catches | ({state["Next"]} if "Next" in state else set())


def _is_end(name: str) -> bool:
    return bool(STATES[name].get("End")) or STATES[name]["Type"] in {"Fail", "Succeed"}


def _reachable(start: str) -> set[str]:
    found: set[str] = set()
    ahead = _nexts(STATES[start])
    while ahead:
        found |= ahead
        ahead = {following for name in ahead for following in _nexts(STATES[name])} - found
    return found


def _longest_delays(name: str) -> list[float]:
    """The delay before each retry in seconds, if jitter never shortened one."""
    retry = STATES[name]["Retry"][-1]
    return [
        min(retry["IntervalSeconds"] * retry["BackoffRate"] ** attempt, retry["MaxDelaySeconds"])
        for attempt in range(retry["MaxAttempts"])
    ]


def _without_comments(state: Json) -> list[Json]:
    return [{key: value for key, value in retry.items() if key != "Comment"} for retry in state["Retry"]]


def _read_paths(state: Json) -> Iterator[str]:
    """The paths of the input that a state reads."""
    for field in ("TimestampPath", "SecondsPath", "CausePath", "ErrorPath", "InputPath"):
        yield from re.findall(r"\$\.[\w.]+", state.get(field) or "")
    for text in strings(state.get("Parameters", {})):
        if text.startswith("$."):
            yield text


def _always_there() -> dict[str, set[str]]:
    """For each state the paths that its input has whichever way the execution came."""
    start = state_machine()["StartAt"]
    there: dict[str, set[str]] = {start: set(EXECUTION_INPUT)}
    ahead = [start]
    while ahead:
        name = ahead.pop()
        state = STATES[name]
        ways = [(catcher["Next"], catcher["ResultPath"]) for catcher in state.get("Catch", [])]
        if "Next" in state:
            ways.append((state["Next"], state.get("ResultPath", "$")))
        for following, added in ways:
            # AWS makes the fields in between: `$.results.StartRecording` is `$.results` too.
            known = there[name] | {added, added.rpartition(".")[0]}
            agreed = there.get(following, known) & known
            if there.get(following) != agreed:
                there[following] = agreed
                ahead.append(following)
    return there


@pytest.mark.parametrize("task", TASKS)
def test_a_task_acts_before_its_retries_run_out_though_an_edit_is_never_carried_out(task: str) -> None:
    assert task_named(task).patience < STATES[task]["Retry"][-1]["MaxAttempts"]
