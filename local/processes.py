"""Child processes: each in a group of its own, with its output in a log file, and ended with all its descendants."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from local.errors import StepFailed
from local.interrupts import held
from local.places import PROJECT

Process = subprocess.Popen[bytes]


def run_step(what: str, command: Sequence[str], *, env: Mapping[str, str], log: Path, timeout: float) -> None:
    """Run a command to its end within `timeout` seconds. Raises StepFailed with the end of its output."""
    with child(command, env=env, log=log) as process:
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise StepFailed(f"{what} took longer than {timeout:.0f} s.", log) from None
    if code != 0:
        raise StepFailed(f"{what} failed with exit code {code}.", log)


@contextmanager
def child(command: Sequence[str], *, env: Mapping[str, str], log: Path, grace: float = 5) -> Iterator[Process]:
    """A child process that lives as long as the block and has `grace` seconds to end. Its output goes to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    process: Process | None = None
    try:
        with log.open("wb") as output, held():
            process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A group of its own: Ctrl-C in the terminal reaches only us, and the emulator's Lambda workers, which
                # stay in its group, can be ended together with it.
                start_new_session=True,
            )
        yield process
    finally:
        if process is not None:
            _end(process, grace)


def _end(process: Process, grace: float) -> None:
    """End the process and its whole group: asked politely, and after `grace` seconds not asked any more."""
    _signal_group(process, signal.SIGTERM)
    if not _gone(process, grace):
        _signal_group(process, signal.SIGKILL)
        # Short: a killed orphan that init is slow to reap still counts as one of the group.
        _gone(process, 1)


def _gone(process: Process, within: float) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        process.poll()  # reaps it; its orphans are reaped by init
        if not _signal_group(process, 0):
            return True
        time.sleep(0.02)
    return False


def _signal_group(process: Process, number: int) -> bool:
    """Whether there still was anybody to signal."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return False
    return True
