"""Optimistic writes: whoever loses reads again and decides anew."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from classroom_scheduler.domain.errors import ConcurrentUpdate

# Each failed try means that another write won; five in a row means that something is wrong.
TRIES = 5

T = TypeVar("T")


def retry_on_conflict(classroom_id: str, attempt: Callable[[int], T]) -> T:
    """The answer of `attempt`, which reads, decides and writes, called again while others' writes come first.

    It is given the number of the try, from 0. Raises ConcurrentUpdate where others won every time.
    """
    for number in range(TRIES):
        with suppress(ConcurrentUpdate):
            return attempt(number)
    raise ConcurrentUpdate(f"{classroom_id} was changed by others {TRIES} times in a row")
