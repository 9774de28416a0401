"""The table's stream and the event source mapping that reads it, as documented.

Records of one item keep their order; shards do not wait for each other; a batch is delivered at least once. Where a
handler reports failures, everything from the lowest failed sequence number on is delivered again; where it raises or
dies, the whole batch. https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from zlib import crc32

from classroom_scheduler.domain.item_codec import Item


@dataclass
class Entry:
    """A record in the stream, and what became of it."""

    sequence_number: str
    classroom_id: str
    old: Item | None
    new: Item | None
    written_at: datetime
    handled_at: datetime | None = None
    attempts: int = 0


Handler = Callable[[list[Entry]], list[str] | None]
"""Takes a batch and returns the sequence numbers that failed, or None where it raised or died."""


@dataclass
class Shard:
    """One shard: `checkpoint` is how many of its entries are done with."""

    entries: list[Entry] = field(default_factory=list)
    checkpoint: int = 0
    in_flight: bool = False

    @property
    def waiting(self) -> list[Entry]:
        return self.entries[self.checkpoint :]


class Stream:
    """All shards of the table's stream."""

    def __init__(self, clock: Callable[[], datetime], shards: int, handler: Handler) -> None:
        self._clock = clock
        self._handler = handler
        self.only_again: set[str] = set()
        """The classrooms of which the batch that is being handled holds only records that were done with before."""
        self.in_hand: list[Entry] = []
        self.is_settled: Callable[[str], bool] = lambda classroom_id: True
        self.on_unfinished: Callable[[list[Entry]], None] = lambda entries: None
        self.shards = [Shard() for _ in range(shards)]
        self._written = 0

    def append(self, classroom_id: str, old: Item | None, new: Item | None) -> None:
        """What the table does for every change of an item."""
        self._written += 1
        number = str(100_000_000_000_000_000_000 + self._written)
        self.shard_of(classroom_id).entries.append(Entry(number, classroom_id, old, new, self._clock()))

    def shard_of(self, classroom_id: str) -> Shard:
        return self.shards[crc32(classroom_id.encode()) % len(self.shards)]

    @property
    def waiting(self) -> list[Entry]:
        """Everything that has not been delivered successfully yet."""
        return [entry for shard in self.shards for entry in shard.waiting]

    def deliver(self, shard: Shard, size: int) -> bool:
        """Deliver the next batch, if there is one and none is in flight; whether that moved the checkpoint."""
        batch = shard.waiting[:size]
        if not batch or shard.in_flight:
            return False
        shard.in_flight = True
        try:
            done = self._hand_over(batch)
        finally:
            shard.in_flight = False
        self._note_handled(batch[:done])
        # The shard may have been rewound meanwhile, which must not be undone.
        shard.checkpoint = min(shard.checkpoint, shard.entries.index(batch[0])) + done
        return done > 0

    def deliver_again(self, shard: Shard, index: int, size: int) -> None:
        """Deliver old entries once more: a batch whose success was lost, even while another is in flight."""
        batch = shard.entries[: shard.checkpoint + shard.in_flight][index:][:size]
        if batch:
            done = self._hand_over(batch)
            self._note_handled(batch[:done])
            self.on_unfinished(batch[done:])

    def rewind(self, shard: Shard, entries: int) -> None:
        """Forget the latest checkpoints, as a new event source mapping that reads from TRIM_HORIZON does."""
        shard.checkpoint = max(0, shard.checkpoint - entries)

    def _note_handled(self, entries: list[Entry]) -> None:
        for entry in entries:
            entry.handled_at = entry.handled_at or self._clock()

    def _hand_over(self, batch: list[Entry]) -> int:
        """Invoke the handler; how many entries from the start of the batch are done with.

        One thing is left out: a record that was done with does not come again in the very moment in which its item is
        wiped, or overwritten by a copy, and the record of that is still to come. Who has only the item and the record
        can't tell then what is newer; docs/decisions/0003 says so.
        """
        handed = [entry for entry in batch if entry.handled_at is None or self.is_settled(entry.classroom_id)]
        for entry in handed:
            entry.attempts += 1
        fresh = {entry.classroom_id for entry in handed if entry.handled_at is None}
        self.only_again = {entry.classroom_id for entry in handed} - fresh
        self.in_hand = handed
        failed = self._handler(handed) if handed else []
        if failed is None:
            return 0
        numbers = [entry.sequence_number for entry in batch]
        # An identifier that is not in the batch is a failure of the whole batch.
        return min((numbers.index(number) if number in numbers else 0 for number in failed), default=len(batch))
