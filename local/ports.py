"""Ports on loopback: the preferred one if it is free, else any."""

import socket
import urllib.request

LOOPBACK = "127.0.0.1"
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Opens what listens there, whatever proxy the machine goes through elsewhere."""


def choose(preferred: int, what: str) -> int:
    """The preferred port, or another after saying that it is taken."""
    if _is_free(preferred):
        return preferred
    other = any_free()
    print(f"Port {preferred} is taken; {what} uses {other} instead.")
    return other


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
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
