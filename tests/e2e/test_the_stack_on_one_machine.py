"""The commands that run the stack on this machine keep to it, and leave nothing behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stacks import SharedStack

LISTENING = "0A"
LOOPBACK = "0100007F"

pytestmark = pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="reads /proc")


def test_nothing_listens_beyond_loopback(stack: SharedStack) -> None:
    addresses = {address for pid in stack.processes for address in _listening(pid)}
    assert {address for address, _ in addresses} == {LOOPBACK}
    assert {_port(stack.server_url), _port(stack.endpoint_url)} <= {port for _, port in addresses}


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
