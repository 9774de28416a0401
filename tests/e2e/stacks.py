"""The stack that all tests share, and a second one for those that stop what is shared or restart all of it."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.emulator import emulator
from local.places import STATE
from local.ports import reserved
from local.server import classroom_server
from local.stack import EMULATOR_PORT, SERVER_PORT, Deployment, deploy
from tests.e2e.client import Client

LOGS = STATE / "e2e-region"


@dataclass(frozen=True)
class SharedStack(Deployment):
    """The stack of this session. Its tests run at the same time, so each looks at classrooms of its own only."""

    processes: tuple[int, ...]
    """The pids of the emulator and of the process in which the demo server answers."""


class Region:
    """An emulated AWS that keeps its state when it is restarted; its executions are lost then."""

    client: Client

    def __init__(self, port: int, folder: Path) -> None:
        self._port, self._folder = port, folder
        self._running = ExitStack()
        self._starts = 0

    def restart(self) -> str:
        """End the emulator, if it runs, and start it on what the last one left; its URL."""
        self.end()
        self._starts += 1
        log = LOGS / f"emulator-{self._starts}.log"
        started = emulator(self._port, log=log, temporary=self._folder, state=self._folder)
        return self._running.enter_context(started).url

    def end(self) -> None:
        """End the emulator, if it runs."""
        self._running.close()


@contextmanager
def running_region(template: Path) -> Iterator[Region]:
    """A region in which this built template is deployed."""
    shutil.rmtree(LOGS, ignore_errors=True)
    with (
        tempfile.TemporaryDirectory(prefix="classroom-scheduler-", ignore_cleanup_errors=True) as folder,
        reserved(SERVER_PORT, "the classroom server") as server_port,
        classroom_server(server_port) as server,
        reserved(EMULATOR_PORT, "the emulator") as port,
    ):
        region = Region(port, Path(folder))
        try:
            url = region.restart()
            outputs = deploy(url, server, template, LOGS, Path(folder), print)
            region.client = Client(Deployment(url, server.url, outputs, template, LOGS))
            yield region
        finally:
            region.end()
