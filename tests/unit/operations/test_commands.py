"""The three commands as they are typed: exit codes, and a sentence for whatever is missing."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
    ReadTimeoutError,
    SSOTokenLoadError,
)

from operations import __main__ as commands
from operations import results
from operations.account import connect
from operations.errors import NotBegun, Undone, in_words
from operations.results import Outcome, Result


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """The commands take Ctrl-C and SIGTERM over."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def ended(monkeypatch: pytest.MonkeyPatch, outcome: object) -> int:
    """The exit code of a command that returns this, or raises it."""

    def command(*_: Any) -> object:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr("operations.preflight.preflight", command)
    return commands.main(["preflight"])


@pytest.mark.parametrize(
    ("outcome", "code", "said"),
    [
        (True, 0, ""),
        (False, 1, ""),
        (Undone("half of it"), 1, "half of it"),
        (NotBegun("no stack"), 2, "no stack"),
        (NoCredentialsError(), 1, "There are no AWS credentials here"),
        (KeyboardInterrupt("half of it"), 130, "half of it"),
        (KeyboardInterrupt(), 130, "Interrupted before anything was done."),
    ],
)
def test_each_ending_has_its_exit_code_and_its_sentence(
    outcome: object, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, outcome) == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("command", ["smoke", "destroy"])
def test_a_stack_has_to_be_named(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "connect", lambda: None)

    assert commands.main([command, ""]) == 2
    assert "Name the stack, such as STACK=classroom-scheduler-dev" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoCredentialsError(), "no AWS credentials here. Run `aws sso login`"),
        (NoRegionError(), "no AWS Region here. Set AWS_REGION"),
        (ProfileNotFound(profile="school"), "can't be read: The config profile (school) could not be found."),
        (SSOTokenLoadError(error_msg="token expired"), "The AWS session is over"),
        (ReadTimeoutError(endpoint_url="https://sts"), "AWS could not be reached"),
        (ConnectTimeoutError(endpoint_url="https://sts"), "AWS could not be reached"),
        (ClientError({"Error": {"Code": "ExpiredToken", "Message": "old."}}, "GetCallerIdentity"), "expired (old)"),
        (ClientError({"Error": {"Code": "InvalidClientTokenId"}}, "GetCallerIdentity"), "doesn't know these"),
        (ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "Scan"), "No permission for Scan: no."),
        (ClientError({"Error": {"Code": "Other", "Message": "no"}}, "Scan"), "Scan was refused: no."),
        (BotoCoreError(), "BotoCoreError: An unspecified error occurred."),
    ],
)
def test_what_aws_refuses_is_a_sentence(error: Exception, said: str) -> None:
    assert said in in_words(error)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "no AWS credentials"),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, "no AWS Region"),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "eu west"}, "eu west"),
        ({"AWS_PROFILE": "school"}, "The config profile (school) could not be found"),
    ],
)
def test_an_account_that_can_not_be_found_begins_nothing(
    variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(NotBegun, match="Nothing was done") as raised:
        connect()

    assert said in str(raised.value)


def test_results_are_said_as_they_come_and_counted_and_ctrl_c_is_passed_on() -> None:
    said: list[str] = []
    fine, broken = (lambda: results.passed("seen")), (lambda: results.failed("seen", "mend it"))

    assert results.run([("A", fine)], said.append)
    assert not results.run([("A", fine), ("B", broken)], said.append)
    assert said[-1].strip().startswith("1 passed, 0 with a warning, 1 failed, in")
    assert list(results.lines(Result("B", Outcome.FAIL, "seen", "mend it")))[1].endswith("-> mend it")

    ended = []

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        results.run([("A", fine)], interrupt, interrupted=lambda: ended.append(True))
    assert ended == [True]
