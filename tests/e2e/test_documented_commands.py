"""The commands in the documents work as they are written: each block marked `<!-- runnable -->`, in order."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from local.environment import environment
from local.guide import guide
from local.places import PROJECT
from local.stack import STACK_NAME, Deployment
from tests.e2e.client import Client

MARK = "<!-- runnable -->"
"""Stands on the line before a block of shell commands; no reader sees it."""
BLOCK = re.compile(rf"^{MARK}\n```sh\n(?P<commands>.*?)^```$", re.MULTILINE | re.DOTALL)
DOCUMENTS = sorted(
    path.relative_to(PROJECT).as_posix()
    for path in [*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md"), *PROJECT.glob("events/*.md")]
    if MARK in path.read_text()
)


def test_there_are_such_documents() -> None:
    assert {"README.md", "docs/invoke.md"} <= set(DOCUMENTS)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_mark_stands_before_a_block_of_shell_commands(document: str) -> None:
    assert len(list(_blocks(document))) == (PROJECT / document).read_text().count(MARK)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_commands_of_a_document_run(document: str, stack: Deployment, tmp_path: Path) -> None:
    said = tmp_path / "said"

    exported = {"STACK": STACK_NAME, "API": stack.api_url}
    code = _run(_script(document), environment(stack.aws.endpoint_url, tmp_path) | exported, said)

    assert code == 0, said.read_text()


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
def test_what_make_run_prints_can_be_pasted(stack: Deployment, client: Client, tmp_path: Path) -> None:
    commands = re.findall(r"^  (\S.*)$", guide(stack), re.MULTILINE)
    said = tmp_path / "said"

    code = _run(_as_script("guide", enumerate(f"{command}\n" for command in commands)), dict(os.environ), said)

    assert len(commands) == 9
    assert code == 0, said.read_text()
    assert '"openapi": ' in said.read_text()
    client.wait_for("physics-2", "SCHEDULED", "RECORDING", "COMPLETED")


def test_a_command_that_fails_is_noticed_and_placed(tmp_path: Path) -> None:
    said = tmp_path / "said"

    code = _run(_as_script("some.md", [(7, "true\n"), (12, "false | cat\ntrue\n")]), dict(os.environ), said)

    assert code != 0
    assert "some.md:12 failed" in said.read_text()


def _blocks(document: str) -> Iterator[tuple[int, str]]:
    """Each runnable block with the line that it begins on."""
    text = (PROJECT / document).read_text()
    for block in BLOCK.finditer(text):
        yield text.count("\n", 0, block.start("commands")) + 1, block["commands"]


def _script(document: str) -> str:
    return _as_script(document, _blocks(document))


def _as_script(document: str, blocks: Iterable[tuple[int, str]]) -> str:
    """One script of all blocks, so that variables set in one are there in the next."""
    parts = ["trap 'echo \"$block failed\"' ERR\n"]
    parts += [f"block={document}:{line}\n{commands}" for line, commands in blocks]
    return "".join(parts)


def _run(script: str, env: dict[str, str], output: Path) -> int:
    """The exit code of a script, run as a person would in the project's folder. Output goes to a file."""
    command = ["bash", "-euo", "pipefail", "-c", script]
    with (
        output.open("wb") as said,
        subprocess.Popen(
            command,
            cwd=PROJECT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            return process.wait(300)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
