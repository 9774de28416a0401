"""Ten thousand classes on one minute, simulated with the quotas that AWS documents: how late are they recorded?

A simulation, not a measurement. What it assumes:

- Nothing else runs in the account, whose quotas are the defaults, and no class ends on that minute.
- The executions wait already; a quota of state transitions that is used up delays them first come, first served.
- Around its start a class makes two transitions (StartRecording, SendLivePingWait) and one more for each retry.
- No function is warm: an environment takes a second to come up and runs a task for 200 ms, half of it before the
  classroom server is called. What Lambda throttles is retried as the state machine says, full jitter included.
- The server answers at once, and clocks agree.
- Of the table, the index ByAttention is what fills up first: eight keys, each of which takes 1,000 write units a
  second; a start writes two. DynamoDB splits what stays hot, so the truth is a little better.
"""

import heapq
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import NamedTuple

from benchmarks.curves import lines
from benchmarks.rows import Row, Say, ratio
from classroom_scheduler.domain.policy import SchedulingPolicy
from local.places import PROJECT

TITLE = "10,000 classes on one minute"
ABOUT = (
    "A simulation with AWS's default quotas and the state machine's retries: `StartLeadSeconds` 60 beside 0. "
    "`benchmarks/hotspot.py` lists its assumptions."
)
CLASSES, LEAD = 10_000, 60
COLD, TASK, TOLD = 1.0, 0.2, 0.1
"""Seconds: an environment coming up, a task, and the part of it before the server is called."""
UNITS_OF_A_START = 2
"""Write units in ByAttention for the claim of StartRecording, which moves the key; its result leaves it."""


class Quota(NamedTuple):
    """A token bucket."""

    size: float
    refill: float


class Account(NamedTuple):
    """Quotas of an account in a Region: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
    https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
    """

    transitions: Quota
    starts: Quota
    environments: int = 1000
    scaling: Quota = Quota(1000, 100)
    attention: Quota = Quota(8 * 1000, 8 * 1000)


REGIONS = {
    "us-east-1": Account(transitions=Quota(5000, 5000), starts=Quota(1300, 300)),
    "other Regions": Account(transitions=Quota(800, 800), starts=Quota(800, 150)),
}


@dataclass
class Bucket:
    """What is left of a quota."""

    quota: Quota
    tokens: float = field(init=False)
    at: float = -3600.0

    def __post_init__(self) -> None:
        self.tokens = self.quota.size

    def delay(self, now: float) -> float:
        """Take one, or wait in line for it: for how long."""
        self._refill(now)
        self.tokens -= 1
        return max(0.0, -self.tokens / self.quota.refill)

    def take(self, now: float, number: float = 1) -> bool:
        """Take some, or be refused."""
        self._refill(now)
        if self.tokens < number:
            return False
        self.tokens -= number
        return True

    def _refill(self, now: float) -> None:
        self.tokens = min(self.quota.size, self.tokens + (now - self.at) * self.quota.refill)
        self.at = now


class Hotspot:
    """The minute. Times are seconds from the start of all these classes."""

    def __init__(self, account: Account, seed: int = 1) -> None:
        self._transitions, self._scaling = Bucket(account.transitions), Bucket(account.scaling)
        self._writes = Bucket(account.attention)
        self._environments = account.environments
        self._existing = self._idle = 0
        self._random = random.Random(seed)  # noqa: S311 - the same seed shall give the same minute
        self._order = count()
        self._events: list[tuple[float, int, str, int, int]] = []
        self._told: dict[int, float] = {}

    def run(self, due: Sequence[float]) -> list[float]:
        """When the classroom server is told to start each recording that is due at these times."""
        for number, moment in enumerate(due):
            self._at(moment, "enter", number)
        while self._events:
            now, _, what, number, attempt = heapq.heappop(self._events)
            match what:
                case "enter":
                    self._at(now + self._transitions.delay(now), "invoke", number, attempt)
                case "invoke":
                    self._invoke(now, number, attempt)
                case "write":
                    self._write(now, number, attempt)
                case "done":
                    self._idle += 1
                    self._transitions.delay(now)  # the wait for the ping
                case _:
                    self._idle += 1
        return [self._told[number] for number in range(len(due))]

    def _at(self, moment: float, what: str, number: int, attempt: int = 0) -> None:
        heapq.heappush(self._events, (moment, next(self._order), what, number, attempt))

    def _invoke(self, now: float, number: int, attempt: int) -> None:
        if self._idle:
            self._idle -= 1
            self._at(now, "write", number, attempt)
        elif self._existing < self._environments and self._scaling.take(now):
            self._existing += 1
            self._at(now + COLD, "write", number, attempt)
        else:
            self._retry(now, number, attempt)

    def _write(self, now: float, number: int, attempt: int) -> None:
        if not self._writes.take(now, UNITS_OF_A_START):
            self._at(now + TASK, "failed", number)
            self._retry(now + TASK, number, attempt)
        else:
            self._at(now + TASK, "done", number)
            self._told[number] = now + TOLD

    def _retry(self, now: float, number: int, attempt: int) -> None:
        longest = min(RETRY["IntervalSeconds"] * RETRY["BackoffRate"] ** attempt, RETRY["MaxDelaySeconds"])
        self._at(now + self._random.uniform(0, longest), "enter", number, attempt + 1)


def _retry_of_the_machine() -> dict[str, float]:
    machine = json.loads((PROJECT / "statemachine" / "classroom.asl.json").read_text())
    return dict(machine["States"]["StartRecording"]["Retry"][-1])


RETRY = _retry_of_the_machine()


def due_times(classes: int, lead: int) -> list[float]:
    """When their recorders are due, by the app's own policy."""
    policy = SchedulingPolicy(timedelta(days=300), timedelta(seconds=lead))
    return [-policy.spread(f"room-{number}").total_seconds() for number in range(classes)]


def lateness(classes: int, lead: int, account: Account) -> list[float]:
    """Seconds from the start of a class to its recording, none for one that was recorded before it; in order."""
    told = Hotspot(account).run(due_times(classes, lead))
    return sorted(max(0.0, moment) for moment in told)


def measure(say: Say) -> list[Row]:
    """Seconds by which recordings miss the start of their class, with a lead beside without."""
    rows = []
    for region, account in REGIONS.items():
        say(region)
        rows += _rows(region, lateness(CLASSES, LEAD, account), lateness(CLASSES, 0, account))
    return [*rows, *(_started(region, account) for region, account in REGIONS.items())]


def _rows(where: str, ours: Sequence[float], without: Sequence[float]) -> list[Row]:
    ranks = {"half": len(ours) // 2, "99 of 100": len(ours) * 99 // 100, "the last": len(ours) - 1}
    return [
        Row(
            question=TITLE,
            measure=f"{where}: {which} late by",
            value=round(ours[rank], 1),
            unit="s",
            compared_with="StartLeadSeconds 0",
            compared_value=round(without[rank], 1),
            ratio=ratio(ours[rank], without[rank]),
            goal="0 s" if which == "the last" else "",
            met=ours[rank] == 0 if which == "the last" else None,
            headline=which == "the last",
        )
        for which, rank in ranks.items()
    ]


def _started(region: str, account: Account) -> Row:
    """The executions themselves are started when classes are written, or come inside the horizon: hours before."""
    starts = Bucket(account.starts, at=0.0)
    last = max(starts.delay(0.0) for _ in range(CLASSES))
    return Row(
        question=TITLE,
        measure=f"{region}: all executions started after",
        value=round(last),
        unit="s",
        goal="under 1 hour",
        met=last < 3600,
    )


def plot(_rows: Sequence[Row]) -> str:
    """How many are recorded, second by second."""
    curves = {
        f"{region}, lead {lead} s": _recorded(region, lead)
        for region, lead in [("other Regions", LEAD), ("us-east-1", 0), ("other Regions", 0)]
    }
    return lines(TITLE, ("seconds from the start of the classes", "recorded"), curves)


def _recorded(region: str, lead: int) -> list[tuple[float, float]]:
    told = sorted(Hotspot(REGIONS[region]).run(due_times(CLASSES, lead)))
    every = CLASSES // 100
    return [(told[rank], rank + 1.0) for rank in (0, *range(every - 1, CLASSES, every))]
