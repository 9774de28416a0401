"""Ctrl-C, SIGTERM and a closed terminal end the program through its `finally` blocks, and only once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal asked this program to end. Not an Exception, so that no `except Exception` swallows it."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


class _Gate:
    """Whether a signal may interrupt now, and which one waits until it may."""

    held = False
    waiting: int | None = None


def install() -> None:
    """Turn the ending signals into Interrupted, raised in the main thread."""
    for number in _ENDING:
        signal.signal(number, _interrupt)


@contextmanager
def held() -> Iterator[None]:
    """Let a signal wait until this block is done: between the birth of a child and knowing its pid, say."""
    _Gate.held = True
    try:
        yield
    finally:
        _Gate.held = False
    if _Gate.waiting is not None:
        _raise(_Gate.waiting)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    if _Gate.held:
        _Gate.waiting = number
    else:
        _raise(number)


def _raise(number: int) -> None:
    # Whoever is impatient and presses Ctrl-C twice must not interrupt the ending of the children.
    for other in _ENDING:
        signal.signal(other, signal.SIG_IGN)
    _Gate.waiting = None
    raise Interrupted(number)
