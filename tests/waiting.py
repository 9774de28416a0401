"""Waiting for what becomes true soon, in one place. A test that reads it at once fails by chance."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 300.0
"""Seconds until a test gives up. It bounds how long a failure takes; no test says with it how fast something is."""
_POLL = 0.05


def eventually(read: Callable[[], T], holds: Callable[[T], object] = bool, *, within: float = PATIENCE) -> T:
    """What `read` gives, as soon as it holds (by default: is true). Fails with what it gave last."""
    deadline = time.monotonic() + within
    while not holds(found := read()):
        assert time.monotonic() < deadline, f"not within {within} s: {found}"
        time.sleep(_POLL)
    return found
