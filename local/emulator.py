"""MiniStack, the emulator of AWS, in a process of its own on loopback."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.environment import environment
from local.errors import StepFailed
from local.ports import LOOPBACK, opener
from local.processes import Process, child

_READY_WITHIN = 30


@dataclass(frozen=True)
class Emulator:
    """A running emulator of AWS."""

    url: str
    process: Process

    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None


@contextmanager
def emulator(port: int, *, log: Path, temporary: Path, state: Path | None = None) -> Iterator[Emulator]:
    """An emulator that lives as long as the block: a fresh one, or one that finds in `state` what the last one left.

    Each Lambda worker leaves a folder in `temporary`, which is the caller's to delete.
    """
    url = f"http://{LOOPBACK}:{port}"
    settings = {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": LOOPBACK,
        # Both would listen beyond loopback or not be needed: an MQTT listener on 8883 and an SFTP server.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        # Functions act under their own roles: a permission that the template forgot is denied here as on AWS.
        "AUTH": "true",
    }
    if state is not None:
        settings |= {"PERSIST_STATE": "1", "STATE_DIR": str(state / "state")}
        settings |= {"S3_PERSIST": "1", "S3_DATA_DIR": str(state / "s3")}
    command = [sys.executable, "-m", "ministack"]
    # With nothing to save, its workers need not be waited for long.
    grace = 1 if state is None else 20
    with child(command, env=environment(url, temporary) | settings, log=log, grace=grace) as process:
        _wait_until_ready(process, url, log)
        yield Emulator(url, process)


def _wait_until_ready(process: Process, url: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StepFailed(f"The emulator ended at once with exit code {process.returncode}.", log)
        if _answers(f"{url}/_ministack/ready"):
            return
        time.sleep(0.05)
    raise StepFailed(f"The emulator did not answer at {url} within {_READY_WITHIN} s.", log)


def _answers(url: str) -> bool:
    try:
        with opener.open(url, timeout=1):
            return True
    except OSError:
        return False
