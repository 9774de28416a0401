"""Ports on loopback: the preferred one if it is free, else one of the next."""

import socket
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

LOOPBACK = "127.0.0.1"
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Opens what listens there, whatever proxy the machine goes through elsewhere."""


@contextmanager
def reserved(preferred: int, what: str) -> Iterator[int]:
    """The preferred port, or the next free one after saying that it is taken; nobody else gets it during the block.

    A stack that starts at the same second looks at the same ports. Whoever holds a port's UDP twin has it.
    """
    for port in range(preferred, min(preferred + 100, 65_536)):
        with socket.socket(type=socket.SOCK_DGRAM) as twin:
            if not (_binds(twin, port) and _is_free(port)):
                continue
            if port != preferred:
                print(f"Port {preferred} is taken; {what} uses {port} instead.")
            yield port
            return
    raise OSError(f"No port from {preferred} on is free for {what}.")


def any_free() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do, or a port would look taken for a minute after its last connection was closed.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return _binds(probe, port)


def _binds(probe: socket.socket, port: int) -> bool:
    try:
        probe.bind((LOOPBACK, port))
    except OSError:
        return False
    return True
