"""The commands that run the stack on this machine keep to it, and leave nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.places import PROJECT
from local.stack import Stack

LISTENING = "0A"
LOOPBACK = "0100007F"

pytestmark = pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="reads /proc")


def test_nothing_listens_beyond_loopback(stack: Stack) -> None:
    addresses = {*_listening(stack.emulator.process.pid), *_listening(os.getpid())}
    assert {address for address, _ in addresses} == {LOOPBACK}
    assert {stack.server.server_port, int(stack.aws.endpoint_url.rpartition(":")[2])} <= {port for _, port in addresses}


def test_the_demo_runs_one_class_on_time_beside_another_stack_and_leaves_nothing(stack: Stack, tmp_path: Path) -> None:
    done = subprocess.run(
        _demo(), cwd=PROJECT, env=_own(tmp_path), capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Port {stack.server.server_port} is taken" in done.stdout
    for line in ("recording.start, answered 200", "recording.live, answered 200", "recording.stop, answered 200"):
        assert line in done.stdout
    assert "Started, pinged and stopped once each" in done.stdout
    assert list(_processes(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("moment", ["classroom server  ", "sam build", "is written to the table"])
def test_a_demo_that_is_terminated_leaves_nothing(moment: str, tmp_path: Path) -> None:
    with subprocess.Popen(_demo(), cwd=PROJECT, env=_own(tmp_path), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any(moment in line for line in process.stdout)
        time.sleep(0.5)
        assert list(_processes(tmp_path))
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
    assert list(_processes(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


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
