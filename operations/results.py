"""Checks and what they find: one check is one function, and whatever it raises becomes a line too."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum

from operations.errors import AwsError, in_words, is_denied

Say = Callable[[str], None]
_NAME_WIDTH = 34


class Outcome(StrEnum):
    """How a check ended; as it is printed."""

    PASS = "pass"  # noqa: S105  no password
    WARN = "warn"
    FAIL = "fail"
    NOT_CHECKABLE = "n/a"


@dataclass(frozen=True)
class Result:
    """What a check saw and, where that is not good, what mends it."""

    name: str
    outcome: Outcome
    seen: str
    mend: str = ""


Check = tuple[str, Callable[[], Result]]
"""The name of a check and the check. It returns one of the four results below, under any name."""


class NotSeen(Exception):
    """What a check waited for did not come; `str()` says what was there instead."""


class LeftBehind(Exception):
    """What a check made could not be taken away; `str()` says what it is and why."""


@contextmanager
def taken_away(what: str, remove: Callable[[], object]) -> Iterator[None]:
    """Remove something at the end of the block, however it ends. Raises LeftBehind where that is refused."""
    try:
        yield
    finally:
        try:
            remove()
        except AwsError as error:
            raise LeftBehind(f"{what} is left behind. {in_words(error)}") from error


def passed(seen: str) -> Result:
    """All is well."""
    return Result("", Outcome.PASS, seen)


def warned(seen: str, mend: str) -> Result:
    """It works, but somebody should know."""
    return Result("", Outcome.WARN, seen, mend)


def failed(seen: str, mend: str) -> Result:
    """It does not work."""
    return Result("", Outcome.FAIL, seen, mend)


def not_checkable(why: str) -> Result:
    """Only AWS can tell."""
    return Result("", Outcome.NOT_CHECKABLE, f"Not checkable on an emulator: {why}")


def make(check: Check) -> Result:
    """Make a check; the result under its name, whatever went wrong with it."""
    name, function = check
    try:
        found = function()
    except NotSeen as error:
        found = failed(str(error), "Look at the log groups of the stack's functions, then run this again.")
    except LeftBehind as error:
        found = failed(str(error), "Delete it by hand.")
    except AwsError as error:
        found = _unanswered(error)
    return replace(found, name=name)


def run(checks: Sequence[Check], say: Say, *, at_once: int = 4, interrupted: Callable[[], None] = lambda: None) -> bool:
    """Make checks side by side and say each result as it comes; whether none failed.

    Ctrl-C calls `interrupted`, lets the checks under way end, and is raised again.
    """
    began = time.monotonic()
    results: list[Result] = []
    pool = ThreadPoolExecutor(at_once)
    try:
        futures = [pool.submit(make, check) for check in checks]
        results.extend(_said(future, say) for future in as_completed(futures))
    except BaseException:
        interrupted()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    say(f"\n{_counts(results)}, in {time.monotonic() - began:.0f} s.")
    return all(result.outcome is not Outcome.FAIL for result in results)


def counted(number: int, one: str, many: str = "") -> str:
    """`1 execution`, `2,000 executions`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def lines(result: Result) -> Iterable[str]:
    """A result as it is printed: outcome, name, what was seen, and the mend below it."""
    yield f"{result.outcome:<6}{result.name:<{_NAME_WIDTH}}  {result.seen}"
    if result.mend:
        yield f"{'':<{8 + _NAME_WIDTH}}-> {result.mend}"


def _said(future: Future[Result], say: Say) -> Result:
    result = future.result()
    say("\n".join(lines(result)))
    return result


def _unanswered(error: Exception) -> Result:
    if is_denied(error):
        return warned(f"Not checked. {in_words(error)}", "Allow the call, or check this by hand.")
    return failed(f"Not checked. {in_words(error)}", "Run this again; if it stays, look at the service in the console.")


def _counts(results: Sequence[Result]) -> str:
    counted = {outcome: sum(result.outcome is outcome for result in results) for outcome in Outcome}
    words = f"{counted[Outcome.PASS]} passed, {counted[Outcome.WARN]} with a warning, {counted[Outcome.FAIL]} failed"
    if counted[Outcome.NOT_CHECKABLE]:
        words += f", {counted[Outcome.NOT_CHECKABLE]} not checkable on an emulator"
    return words
