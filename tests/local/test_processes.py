"""However a step ends, nothing of it is left, and what went wrong can be read."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from local import interrupts
from local.errors import StepFailed
from local.places import PROJECT
from local.ports import any_free, reserved
from local.processes import child, run_step
from local.server import classroom_server
from tests.waiting import PATIENCE, eventually

# A child that has a child of its own, which ignores SIGTERM; both pids go to the file named by the first argument.
STUBBORN = "import signal as s, time; s.signal(s.SIGTERM, s.SIG_IGN); print(1, flush=True); time.sleep(600)"
FAMILY = f"""
import os, pathlib, signal, subprocess, sys, time
grandchild = subprocess.Popen(
    [sys.executable, "-c", {STUBBORN!r}],
    stdout=subprocess.PIPE,
)
grandchild.stdout.readline()
partial = pathlib.Path(sys.argv[1] + ".partial")
partial.write_text(f"{{os.getpid()}} {{grandchild.pid}}")
partial.rename(sys.argv[1])
time.sleep(600)
"""


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def wait_for(path: Path) -> list[int]:
    eventually(path.exists)
    return [int(pid) for pid in path.read_text().split()]


linux_only = pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")


def test_a_step_that_fails_shows_the_end_of_its_output(tmp_path: Path) -> None:
    script = "for n in range(100): print('line', n)\nraise SystemExit(3)"
    with pytest.raises(StepFailed) as failure:
        run_step("The step", [sys.executable, "-c", script], env={}, log=tmp_path / "step.log", timeout=10)
    text = str(failure.value)
    assert text.startswith("The step failed with exit code 3.")
    assert "| line 99" in text
    assert "line 50" not in text
    assert str(tmp_path / "step.log") in text


def test_a_step_that_hangs_is_ended(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    with pytest.raises(StepFailed, match="took longer than 1 s"):
        run_step("The step", command, env={}, log=tmp_path / "step.log", timeout=1)


def test_a_step_that_cannot_be_started_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        run_step("The step", ["/no/such/program"], env={}, log=tmp_path / "step.log", timeout=1)


@linux_only
def test_a_child_is_ended_with_its_children_even_those_that_will_not(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    with child([sys.executable, "-c", FAMILY, str(pids)], env={}, log=tmp_path / "log", grace=0.3):
        family = wait_for(pids)
        assert all(alive(pid) for pid in family)
    eventually(lambda: not any(alive(pid) for pid in family), within=30)  # they would live for ten minutes


@linux_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_program_and_all_it_started(tmp_path: Path, number: signal.Signals) -> None:
    pids = tmp_path / "pids"
    command, log = [sys.executable, "-c", FAMILY, str(pids)], tmp_path / "log"
    program = f"""
import sys
from pathlib import Path
from local import interrupts
from local.processes import child

interrupts.install()
try:
    with child({command!r}, env={{}}, log=Path({str(log)!r}), grace=0.3) as process:
        process.wait()
except interrupts.Interrupted as interrupted:
    sys.exit(interrupted.exit_code)
"""
    with subprocess.Popen([sys.executable, "-c", program], cwd=PROJECT) as process:
        family = wait_for(pids)
        process.send_signal(number)
        process.send_signal(number)  # impatient people do
        assert process.wait(PATIENCE) == 128 + number
    eventually(lambda: not any(alive(pid) for pid in family), within=30)  # they would live for ten minutes


def test_a_signal_waits_while_a_child_is_being_born() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    interrupts.install()
    reached = False
    try:
        with pytest.raises(interrupts.Interrupted), interrupts.held():  # noqa: PT012  the point is what still runs
            os.kill(os.getpid(), signal.SIGTERM)
            reached = True
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert reached


def test_a_free_port_is_taken_as_preferred(capsys: pytest.CaptureFixture[str]) -> None:
    port = any_free()
    with reserved(port, "the server") as got:
        assert got == port
    assert capsys.readouterr().out == ""


def test_a_taken_port_is_named_and_another_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    with classroom_server(0) as server, reserved(server.server_port, "the server") as other:
        assert other != server.server_port
        assert capsys.readouterr().out == f"Port {server.server_port} is taken; the server uses {other} instead.\n"


def test_two_that_start_at_once_get_different_ports() -> None:
    """Neither listens yet when the other looks."""
    port = any_free()
    with reserved(port, "the server") as one, reserved(port, "the server") as other:
        assert one != other


def test_the_server_is_gone_after_its_block() -> None:
    before = set(threading.enumerate())
    with classroom_server(0) as server:
        port = server.server_port
    with reserved(port, "the server") as again:
        assert again == port
    assert set(threading.enumerate()) <= before
