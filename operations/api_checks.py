"""The HTTP API over the wire, as API Gateway of AWS answers: what it does by itself no emulator does like it."""

from functools import partial
from urllib.parse import urlsplit

from operations.account import Account
from operations.results import Check, Result, failed, not_checkable, passed
from operations.stacks import Stack
from operations.trial import Trial
from operations.web import Answer, ask

_BODY = b'{"title": "' + b"x" * 600 * 1024 + b'"}'
_MEND = "See docs/api.md for what it should answer, and the log group of ClassroomApi."


def checks(trial: Trial) -> list[Check]:
    """The requests of a run, each with what must come back."""
    return [
        ("HTTP API, signed", partial(_signed, trial)),
        ("HTTP API, unsigned", partial(_unsigned, trial)),
        ("HTTP API, PATCH", partial(_no_such_method, trial, "PATCH", "/classrooms/smoke")),
        ("HTTP API, wrong method", partial(_no_such_method, trial, "DELETE", "/classrooms")),
        ("HTTP API, %20 in an id", partial(_space_in_an_id, trial)),
        ("HTTP API, 600 KB", partial(_large_body, trial)),
    ]


def api_url(account: Account, stack: Stack) -> str:
    """Where the API is; an emulator serves AWS's host names by a path of its own."""
    url = stack.outputs["ApiUrl"]
    if not account.emulated:
        return url
    address = urlsplit(url)
    return f"{account.endpoint}/_aws/execute-api/{address.netloc.partition('.')[0]}{address.path}"


def _signed(trial: Trial) -> Result:
    answer = _ask(trial, "GET", "/openapi.json")
    return _judge(answer, answer.status == 200 and '"openapi"' in answer.text, "200 with its document")


def _unsigned(trial: Trial) -> Result:
    answer = ask("GET", api_url(trial.account, trial.stack) + "/openapi.json")
    expected = 401 if trial.stack.parameters.get("CognitoUserPoolArn") else 403
    if trial.account.emulated and answer.status == expected:
        return not_checkable(f"it answers {expected}, and not in the form of AWS.")
    return _judge(answer, answer.status == expected and answer.is_problem, f"{expected} as problem+json")


def _no_such_method(trial: Trial, method: str, path: str) -> Result:
    if trial.account.emulated:
        return not_checkable("it answers 403 by itself to a method that has no route.")
    answer = _ask(trial, method, path)
    by_the_function = answer.is_problem and 400 <= answer.status < 500 and answer.status not in {401, 403}
    return _judge(answer, by_the_function, "a 4xx of the function's own, as problem+json")


def _space_in_an_id(trial: Trial) -> Result:
    """The signature covers the address as it is sent, and the id arrives decoded."""
    answer = _ask(trial, "GET", "/classrooms/smoke%20room")
    return _judge(
        answer, answer.status in {400, 404} and "smoke room" in answer.text, "400 or 404 that names `smoke room`"
    )


def _large_body(trial: Trial) -> Result:
    answer = _ask(trial, "POST", "/classroom/create", _BODY)
    return _judge(answer, answer.status == 413 and answer.is_problem, "413 as problem+json")


def _ask(trial: Trial, method: str, path: str, body: bytes = b"") -> Answer:
    return ask(method, api_url(trial.account, trial.stack) + path, body, signed_by=trial.account)


def _judge(answer: Answer, as_it_should: bool, expected: str) -> Result:
    if as_it_should:
        return passed(
            f"{answer.status} {answer.content_type}".strip() + (f": {answer.detail}" if answer.is_problem else "")
        )
    return failed(f"{answer.status} {answer.content_type} {answer.detail}; expected {expected}.", _MEND)
