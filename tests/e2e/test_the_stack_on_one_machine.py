"""The commands that run the stack on this machine keep to it, and leave nothing behind."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.places import PROJECT
from tests.e2e.conftest import SharedStack
from tests.waiting import PATIENCE, eventually

LISTENING = "0A"
LOOPBACK = "0100007F"

pytestmark = pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="reads /proc")


def test_nothing_listens_beyond_loopback(stack: SharedStack) -> None:
    addresses = {address for pid in stack.processes for address in _listening(pid)}
    assert {address for address, _ in addresses} == {LOOPBACK}
    assert {_port(stack.server_url), _port(stack.endpoint_url)} <= {port for _, port in addresses}


@pytest.mark.long
@pytest.mark.xdist_group("own stacks")
def test_the_demo_runs_one_class_beside_another_stack_and_leaves_nothing(stack: SharedStack, tmp_path: Path) -> None:
    done = subprocess.run(
        _demo(), cwd=PROJECT, env=_own(tmp_path), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0 or complains_of_lateness_alone(done.stderr), done.stdout + done.stderr
    assert stack.server_url not in done.stdout.split()
    assert stack.endpoint_url not in done.stdout.split()
    for line in ("recording.start, answered 200", "recording.live, answered 200", "recording.stop, answered 200"):
        assert line in done.stdout
    assert "COMPLETED" in done.stdout
    _is_gone(tmp_path)


def complains_of_lateness_alone(said: str) -> bool:
    """What the demo may do here: other tests keep the machine busy meanwhile."""
    wrong = said.partition("should have:\n")[2].partition("\n  | ")[0].splitlines()
    return bool(wrong) and all(re.search(r"reached the server \d+ ms late", line) for line in wrong)


@pytest.mark.parametrize("command", ["ministack", "pip install"])
def test_a_demo_that_is_terminated_leaves_nothing(command: str, tmp_path: Path) -> None:
    """While the emulator starts, and while `sam build` has its grandchildren at work."""
    with subprocess.Popen(_demo(), cwd=PROJECT, env=_own(tmp_path), stdout=subprocess.DEVNULL) as process:
        eventually(lambda: any(command in each for each in _processes(tmp_path)))
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 128 + signal.SIGTERM
    _is_gone(tmp_path)


def _demo() -> list[str]:
    return [sys.executable, "-m", "local", "demo"]


def _own(folder: Path) -> dict[str, str]:
    """An environment by whose TMPDIR all that the demo starts can be told from everything else."""
    return os.environ | {"TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}


def _processes(folder: Path) -> Iterator[str]:
    """The commands of the processes whose temporary files are under this folder; zombies have no environment."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
            if any(variable.startswith(b"TMPDIR=" + os.fsencode(folder)) for variable in variables):
                yield (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, UnicodeDecodeError):
            continue


def _is_gone(folder: Path) -> None:
    """Nothing runs any more that had its temporary files there, and nothing of them is left."""
    eventually(lambda: list(_processes(folder)), lambda left: not left)
    assert list(folder.iterdir()) == []


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def _listening(pid: int) -> Iterator[tuple[str, int]]:
    """Address (as /proc has it) and port of each TCP socket that a process listens on."""
    sockets = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            sockets.add(str(descriptor.readlink()))
        except OSError:
            continue
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == LISTENING and f"socket:[{columns[9]}]" in sockets:
                address, port = columns[1].split(":")
                yield address, int(port, 16)
