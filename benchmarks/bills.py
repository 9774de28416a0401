"""What AWS bills for: counts of billable things, priced by prices.json."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from classroom_scheduler.adapters.classrooms import INDEXES, KEY

_PRICES = json.loads((Path(__file__).parent / "prices.json").read_text())["prices"]


def dollars(bill: Mapping[str, float]) -> float:
    """The price of a million times these counts: units of prices.json, others cost nothing."""
    return sum(count * float(_PRICES[what]["price"]) for what, count in bill.items() if what in _PRICES)


def write_units(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Counter[str]:
    """Write units of one write to the table, by the images of its stream record: its own and those of the indexes."""
    units = Counter({"table": _units(max(size(old), size(new)))})
    for index, keys in INDEXES.items():
        units[index] += _index_units(_projected(keys, old), _projected(keys, new))
    return units


def _index_units(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> int:
    """An index holds keys and nothing else, as in template.yaml; one that changes is deleted and written anew."""
    return 0 if old == new else sum(_units(size(image)) for image in (old, new) if image is not None)


def _projected(keys: Sequence[str], image: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if image is None or not all(key in image for key in keys):
        return None
    return {key: image[key] for key in (*keys, KEY)}


def _units(bytes_: int) -> int:
    return max(1, math.ceil(bytes_ / 1024))


def size(image: Mapping[str, Any] | None) -> int:
    """Bytes of an item, by DynamoDB's rules: names and values in UTF-8, numbers two digits a byte."""
    return sum(len(name.encode()) + _value(value) for name, value in (image or {}).items())


def _value(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return math.ceil(len(content.lstrip("-").replace(".", "")) / 2) + 1
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value(each) for name, each in content.items())
        case "L":
            return 3 + sum(1 + _value(each) for each in content)
        case "NULL" | "BOOL":
            return 1
        case _:
            return _others(content)


def _others(content: Iterable[str] | bytes) -> int:
    return len(content) if isinstance(content, bytes) else sum(len(each) for each in content)


PEERS: dict[str, tuple[dict[str, float], str]] = {
    "the article's app": (
        {"state transition": 6, "Lambda request": 4, "write unit": 1},
        "follows no edit",
    ),
    "EventBridge Scheduler, three schedules": (
        {"one-time schedule": 3, "Lambda request": 4, "write unit": 1},
        "precise to a minute",
    ),
    "Lambda durable functions": (
        {"durable operation": 6, "Lambda request": 8, "write unit": 1},
        "a wait cannot move",
    ),
}
"""One class elsewhere: what is billed, with one write of the classroom itself, and what it lacks.

Scheduler: three schedules, each invoking a function, and one that makes them. Durable: three waits and three steps;
a function that starts it, its first invocation and one after each of three waits and three steps at most.
"""
