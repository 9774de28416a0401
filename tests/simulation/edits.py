"""What people do to a classroom's item: everything that the design says may happen at any second of its life."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from tests.builders import z

ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
INDIA = timezone(timedelta(hours=5, minutes=30))

MAX_DURATION = timedelta(days=60)

# Things that stand where a time should, none of which can be followed.
NOT_TIMES: tuple[Any, ...] = (
    ...,
    "",
    "tomorrow",
    "2026-12-01T09:00:00",
    "2026-02-31T09:00:00Z",
    "2026-12-01 09:00:00Z",
    "2026-12-01T25:00:00Z",
    Decimal(1764579600),
    True,
    None,
    ["2026-12-01T09:00:00Z"],
    {"S": "2026-12-01T09:00:00Z"},
)
NOT_DELAYS: tuple[Any, ...] = ("60", Decimal(-1), Decimal("1.5"), Decimal(86_401), True, None, [Decimal(60)], {})

# Damage to what the scheduler wrote; `...` removes the attribute. The index keys stay strings: DynamoDB refuses others.
DAMAGE: tuple[dict[str, Any], ...] = (
    {"tasks": "done"},
    {"tasks": [Decimal(1)]},
    {"tasks": {"StartRecording": "yes", "StopRecording": Decimal(7)}},
    {"tasks": {"StartRecording": {"state": "DANCING"}}},
    {"tasks": None},
    {"tasks": ...},
    {"executionName": "nobody"},
    {"executionName": Decimal(5)},
    {"executionName": None},
    {"executionName": ...},
    {"executionArn": ...},
    {"recordingId": {}},
    {"recordingId": ...},
    {"scheduled": "soon"},
    {"scheduled": {"start": "soon", "end": Decimal(9)}},
    {"scheduled": None},
    {"scheduled": ...},
    {"status": "DANCING"},
    {"status": Decimal(1)},
    {"status": "INVALID"},
    {"status": ...},
    {"reason": ...},
    {"reason": None},
    {"previousRecording": "another"},
    {"updatedAt": ...},
    {"updatedAt": Decimal(3)},
    {"day": "someday", "scheduledStart": "sometime"},
    {"attentionShard": ..., "attentionAt": ...},
    {"status": ..., "executionName": ..., "recordingId": ..., "scheduled": ..., "tasks": ...},
)


@dataclass(frozen=True)
class Wanted:
    """A schedule that people ask for: whole seconds UTC."""

    start: datetime
    end: datetime
    delay: int = 60

    def __str__(self) -> str:
        return f"{self.start:%d %H:%M:%S}-{self.end:%d %H:%M:%S}/{self.delay}"


@dataclass
class Handwriting:
    """Writes times as people do, and remembers what they mean, so that judging needs no parser."""

    meanings: dict[str, datetime] = field(default_factory=dict)

    def write(self, moment: datetime, style: int) -> str:
        """The moment in one of four forms; a fraction of a second means the next whole second."""
        moment = moment.replace(microsecond=0)
        match style % 4:
            case 1:
                text = moment.astimezone(INDIA).isoformat()
            case 2:
                text = z(moment).replace("Z", ".000Z")
            case 3:
                text, moment = z(moment).replace("Z", ".25Z"), moment + timedelta(seconds=1)
            case _:
                text = z(moment)
        self.meanings[text] = moment.astimezone(UTC)
        return text

    def read(self, item: dict[str, Any]) -> tuple[Wanted | None, str]:
        """What the item asks for, or None and the attribute that is wrong first."""
        if not ID.fullmatch(item["classroomId"]):
            return None, "classroomId"
        for name, value in item.items():
            if isinstance(value, str) and len(value) > 262_144:
                return None, name
        start, end = item.get("start"), item.get("end")
        if not isinstance(start, str) or start not in self.meanings:
            return None, "start"
        if not isinstance(end, str) or end not in self.meanings or self.meanings[end] <= self.meanings[start]:
            return None, "end"
        if self.meanings[end] - self.meanings[start] > MAX_DURATION:
            return None, "end"
        delay = item.get("livePingDelay", Decimal(60))
        if isinstance(delay, bool) or not isinstance(delay, Decimal) or delay != int(delay) or not 0 <= delay <= 86_400:
            return None, "livePingDelay"
        return Wanted(self.meanings[start], self.meanings[end], int(delay)), ""
