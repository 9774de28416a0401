"""What the function answers that the one-time scheduler invokes by default."""

from typing import Any

import pytest

from classroom_scheduler.handlers.hello_at import hello_at
from tests.builders import at


def test_it_says_when_it_was_called_how_late_and_with_what() -> None:
    payload = {"name": "Ada", "invocationTime": "2026-12-01T14:30:00+05:30"}

    assert hello_at(at("09:00:00.012"), payload) == {
        "calledAt": "2026-12-01T09:00:00.012Z",
        "payload": payload,
        "latenessMs": 12,
        "message": "Called at 2026-12-01T09:00:00.012Z, 12 ms after 2026-12-01T14:30:00+05:30.",
    }


def test_called_by_hand_before_its_time_it_says_so() -> None:
    answer = hello_at(at("08:59:59"), {"invocationTime": "2026-12-01T09:00:00Z"})

    assert answer["latenessMs"] == -1000
    assert answer["message"].endswith("1000 ms before 2026-12-01T09:00:00Z.")


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {},
        [],
        "2026-12-01T09:00:00Z",
        5,
        True,
        {"invocationTime": None},
        {"invocationTime": 5},
        {"invocationTime": "tomorrow"},
        {"invocationTime": "2026-12-01T09:00:00"},
    ],
)
def test_any_other_payload_is_answered_without_a_lateness(payload: Any) -> None:
    assert hello_at(at("09:00"), payload) == {
        "calledAt": "2026-12-01T09:00:00.000Z",
        "payload": payload,
        "message": "Called at 2026-12-01T09:00:00.000Z.",
    }
