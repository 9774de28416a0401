"""A Classrooms table of any size in memory: it counts the requests that DynamoDB would get, pages included."""

from bisect import bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from classroom_scheduler.domain.errors import ConcurrentUpdate
from classroom_scheduler.domain.item_codec import Item
from classroom_scheduler.domain.times import format_time
from tests.fakes import ARN_PREFIX, item_size

PAGE_BYTES = 1024 * 1024
"""A page of a Query or Scan: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html"""


class VirtualTable:
    """`application.ports.Classrooms` and `ClassroomQueries`. Unlike the tests' fake it checks and copies nothing."""

    def __init__(self, items: Iterable[Item]) -> None:
        self.items = {str(item["classroomId"]): item for item in items}
        self.requests: Counter[str] = Counter()
        self._by_attention: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for item in self.items.values():
            if "attentionShard" in item:
                self._by_attention[item["attentionShard"]].append((item["attentionAt"], str(item["classroomId"])))
        for shard in self._by_attention.values():
            shard.sort()

    def get(self, classroom_id: str) -> Item | None:
        self.requests["GetItem"] += 1
        return self.items.get(classroom_id)

    def update(self, classroom_id: str, changes: Item, *, expected: Item, removed: Collection[str] = ()) -> None:
        self.requests["UpdateItem"] += 1
        item = self.items.get(classroom_id)
        if item is None or any(item.get(name) != value for name, value in expected.items()):
            raise ConcurrentUpdate(classroom_id)
        kept = {name: value for name, value in item.items() if name not in removed}
        self.items[classroom_id] = kept | dict(changes)
        if "attentionShard" in changes:
            insort(self._by_attention[changes["attentionShard"]], (changes["attentionAt"], classroom_id))

    def overdue(self, shard: str, now: datetime) -> Iterable[str]:
        self.requests["Query"] += 1
        watched = self._by_attention[shard]
        due = bisect_right(watched, (format_time(now), "~"))
        return [classroom_id for _, classroom_id in watched[:due]]

    def segment(self, number: int, of: int) -> Iterable[Item]:
        return self._pages(list(self.items.values())[number::of])

    def _pages(self, items: Sequence[Item]) -> Iterator[Item]:
        """The last page comes without LastEvaluatedKey."""
        full = PAGE_BYTES
        for item in items:
            if full >= PAGE_BYTES:
                self.requests["Scan"] += 1
                full = 0
            full += item_size(item)
            yield item


class CountedExecutions:
    """`application.ports.Executions`: every execution that should run does."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()

    def arn(self, name: str) -> str:
        return ARN_PREFIX + name

    def start(self, _name: str, _request: Mapping[str, Any]) -> bool:
        self.requests["StartExecution"] += 1
        return True

    def status(self, _name: str) -> str | None:
        self.requests["DescribeExecution"] += 1
        return "RUNNING"

    def stop(self, _name: str, _reason: str) -> bool:
        self.requests["StopExecution"] += 1
        return True
