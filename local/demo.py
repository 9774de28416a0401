"""`make demo` and `make run`: the stack, and a class that lives in it."""

import secrets
import time
from datetime import UTC, datetime

from local.errors import StepFailed
from local.guide import guide
from local.interrupts import Interrupted
from local.life import MAX_LATENESS, Class, live_through, milliseconds
from local.stack import Stack, running_stack


def demo() -> None:
    """Run one class and end. Raises StepFailed if it was not started, pinged and stopped on time."""
    with running_stack("demo", say=_say) as stack:
        _one_class(stack)


def run() -> None:
    """Run one class, say how to write the next, and tell what the server hears until the person has had enough."""
    with running_stack("run", say=_say) as stack:
        _one_class(stack)
        _say(guide(stack))
        try:
            _listen(stack)
        except Interrupted:
            _say("\nStopping.")


def _listen(stack: Stack) -> None:
    heard, _ = stack.server.recorder.news(0)
    while stack.emulator.alive():
        time.sleep(0.2)
        heard, news = stack.server.recorder.news(heard)
        for entry in news:
            _say(f"  {entry['receivedAt'][11:23]}  {entry['type']}  {entry['classroomId']}, answered {entry['status']}")
    raise StepFailed("The emulator ended by itself.", stack.logs / "emulator.log")


def _one_class(stack: Stack) -> None:
    wrong = live_through(stack, Class.soon(f"demo-{secrets.token_hex(2)}", datetime.now(UTC)), _say)
    if wrong:
        raise StepFailed("\n".join(["The class did not go as it should have:", *wrong]), stack.logs / "emulator.log")
    _say(f"\nStarted, pinged and stopped once each, at most {milliseconds(MAX_LATENESS)} ms late.")


def _say(line: str) -> None:
    print(line, flush=True)
