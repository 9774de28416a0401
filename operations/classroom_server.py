"""A throw-away classroom server: a function with a URL, to which the stack's tasks are pointed for a smoke run.

It runs under the role of a task function, which may read the signing secret, so that no role has to be made. The tasks
are pointed to it by their variable CLASSROOM_SERVER_URL, which takes seconds; what they are pointed back to is the
stack's parameter, so that a run which was killed is put right by the next one.
"""

import io
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from operations.account import Account
from operations.errors import code_of
from operations.results import NotSeen, taken_away
from operations.stacks import Stack
from operations.web import ask

_VARIABLE = "CLASSROOM_SERVER_URL"
_CODE = Path(__file__).with_name("stand_in.py")
_UP_WITHIN = 60


@contextmanager
def throw_away_server(account: Account, stack: Stack, name: str) -> Iterator[str]:
    """Make the server, point the stack's tasks to it, and undo both at the end of the block; its URL.

    Raises NotSeen where it does not answer, AwsError and LeftBehind.
    """
    tasks = _tasks(account, stack)
    with _function(account, tasks[0], name), _url(account, name) as url:
        _wait_until_up(url)
        with taken_away(f"The address {url} of the tasks", lambda: point(account, tasks, _parameter(stack))):
            point(account, tasks, url)
            yield url


def point(account: Account, tasks: list[dict[str, Any]], url: str) -> None:
    """Have the task functions call another address, and wait until they do."""
    functions = account.client("lambda")
    for task in tasks:
        variables = task["Environment"]["Variables"] | {_VARIABLE: url}
        functions.update_function_configuration(FunctionName=task["FunctionName"], Environment={"Variables": variables})
    for task in tasks:
        functions.get_waiter("function_updated_v2").wait(FunctionName=task["FunctionName"])


def _tasks(account: Account, stack: Stack) -> list[dict[str, Any]]:
    """The configuration of the functions that call the classroom server."""
    functions = account.client("lambda")
    names = [each.physical_id for each in stack.of_type("AWS::Lambda::Function")]
    found = [functions.get_function_configuration(FunctionName=name) for name in names]
    tasks = [each for each in found if _VARIABLE in each.get("Environment", {}).get("Variables", {})]
    if not tasks:
        raise NotSeen(f"No function of {stack.name} has the variable {_VARIABLE}.")
    if any(functions.list_aliases(FunctionName=each["FunctionName"])["Aliases"] for each in tasks):
        raise NotSeen(f"The tasks of {stack.name} run published versions, which can't be pointed elsewhere.")
    return tasks


def _parameter(stack: Stack) -> str:
    return stack.parameters["ClassroomServerUrl"]


@contextmanager
def _function(account: Account, like: dict[str, Any], name: str) -> Iterator[None]:
    """A function with the role, runtime and processor of another one."""
    functions = account.client("lambda")
    functions.create_function(
        FunctionName=name,
        Description="The classroom server of a smoke run; may be deleted",
        Runtime=like["Runtime"],
        Architectures=like.get("Architectures", ["x86_64"]),
        Role=like["Role"],
        Handler="stand_in.handler",
        Code={"ZipFile": _zipped()},
        Timeout=10,
        MemorySize=512,
        Environment={"Variables": {"WEBHOOK_SECRET_ARN": like["Environment"]["Variables"]["WEBHOOK_SECRET_ARN"]}},
        **_logging(like),
    )
    with taken_away(f"The function {name}", lambda: _delete(functions, name)):
        functions.get_waiter("function_active_v2").wait(FunctionName=name)
        yield


def _logging(like: dict[str, Any]) -> dict[str, Any]:
    """The role lets it log to the stack's group alone. An emulator may not say which that is."""
    group = like.get("LoggingConfig", {}).get("LogGroup")
    return {"LoggingConfig": {"LogGroup": group}} if group else {}


@contextmanager
def _url(account: Account, name: str) -> Iterator[str]:
    """An address for the function that takes requests from anybody; it acts on signed ones alone."""
    functions = account.client("lambda")
    made = functions.create_function_url_config(FunctionName=name, AuthType="NONE")
    with taken_away(f"The URL of {name}", lambda: functions.delete_function_url_config(FunctionName=name)):
        functions.add_permission(
            FunctionName=name,
            StatementId="url",
            Action="lambda:InvokeFunctionUrl",
            Principal="*",
            FunctionUrlAuthType="NONE",
        )
        functions.add_permission(
            FunctionName=name,
            StatementId="invoked-by-url",
            Action="lambda:InvokeFunction",
            Principal="*",
            InvokedViaFunctionUrl=True,
        )
        yield _address(account, made["FunctionUrl"])


def _address(account: Account, url: str) -> str:
    """An emulator serves AWS's host names by a path of its own."""
    if not account.emulated:
        return url
    return f"{account.endpoint}/_aws/lambda-url/{urlsplit(url).netloc.partition('.')[0]}/"


def _wait_until_up(url: str) -> None:
    """Permissions take seconds to reach every edge: it is up when it refuses what is not signed."""
    deadline = time.monotonic() + _UP_WITHIN
    while (answer := ask("POST", url, b"{}")).status != 401:
        if time.monotonic() > deadline:
            raise NotSeen(f"The throw-away server at {url} answers {answer.status} {answer.text[:200]}, not 401.")
        time.sleep(1)


def _delete(functions: Any, name: str) -> None:
    try:
        functions.delete_function(FunctionName=name)
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise


def _zipped() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(zipfile.ZipInfo(_CODE.name), _CODE.read_bytes())
    return content.getvalue()
