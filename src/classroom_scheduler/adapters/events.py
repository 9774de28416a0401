"""The event bus: EventBridge's PutEvents."""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from classroom_scheduler.adapters import aws
from classroom_scheduler.exact_json import to_json
from classroom_scheduler.lifecycle.ports import Event

Entry = Mapping[str, Any]
"""PutEventsRequestEntry."""

# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html: 256 KB, raised to 1 MB in 2026; ten of
# our events fit into the smaller one.
MAX_ENTRIES = 10
MAX_BYTES = 256_000
_TRIES = 3
_FIRST_PAUSE = 0.1  # seconds


class EventBridgeBus:
    """`lifecycle.ports.EventBus` on EventBridge."""

    def __init__(
        self, bus_name: str, source: str, stack_name: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._bus_name, self._source, self._stack_name, self._sleep = bus_name, source, stack_name, sleep
        self._client = aws.client("events")

    def publish(self, events: Sequence[Event]) -> Mapping[int, str]:
        """After the first call in which something failed no more are made: what follows will come again anyway."""
        entries = [self._entry(event) for event in events]
        batches = list(_batches(entries))
        for number, batch in enumerate(batches):
            failed = self._send({position: entries[position] for position in batch})
            if failed:
                rest = [position for later in batches[number + 1 :] for position in later]
                return failed | dict.fromkeys(rest, "not tried, as one before it did not go out")
        return {}

    def _send(self, entries: Mapping[int, Entry]) -> dict[int, str]:
        """Send up to ten entries, and those again that EventBridge did not take. What failed in the end, and why."""
        failed: dict[int, str] = {}
        for attempt in range(_TRIES):
            if attempt:
                self._sleep(random.uniform(0, _FIRST_PAUSE * 2**attempt))  # noqa: S311 - jitter is no secret
            try:
                failed = self._put(entries)
            except (ClientError, BotoCoreError) as error:  # the client has retried this one by itself
                return dict.fromkeys(entries, str(error))
            entries = {position: entries[position] for position in failed}
            if not failed:
                break
        return failed

    def _put(self, entries: Mapping[int, Entry]) -> dict[int, str]:
        answer = self._client.put_events(Entries=list[Any](entries.values()))
        results = zip(entries, answer["Entries"], strict=True)
        return {
            position: f"{result['ErrorCode']}: {result.get('ErrorMessage', '')}"
            for position, result in results
            if "ErrorCode" in result
        }

    def _entry(self, event: Event) -> Entry:
        return {
            "EventBusName": self._bus_name,
            "Source": self._source,
            "DetailType": event.type,
            "Time": event.time,
            # Two stacks on one bus have the same source.
            "Detail": to_json({"stackName": self._stack_name, **event.detail}, sort_names=False),
        }


def _batches(entries: Sequence[Entry]) -> Iterator[list[int]]:
    """Positions of entries that go into one call: ten at most, and 256 KB."""
    batch: list[int] = []
    size = 0
    for position, entry in enumerate(entries):
        bytes_of_entry = _size(entry)
        if batch and (len(batch) == MAX_ENTRIES or size + bytes_of_entry > MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(position)
        size += bytes_of_entry
    if batch:
        yield batch


def _size(entry: Entry) -> int:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html"""
    return 14 + sum(len(entry[field].encode()) for field in ("Source", "DetailType", "Detail"))
