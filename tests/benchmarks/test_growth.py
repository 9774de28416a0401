"""Ten thousand classrooms: what a sweep and an audit of them ask for, and how late they are if all start at once."""

from datetime import timedelta

import pytest

from benchmarks.growth import NOW, items, open_executions, starts
from benchmarks.hotspot import REGIONS, Account, lateness
from benchmarks.virtual_table import CountedExecutions, VirtualTable
from classroom_scheduler.application.reconciler import Reconciler
from classroom_scheduler.application.recovery import AuditResult, audit, sweep
from classroom_scheduler.domain.classroom import History
from classroom_scheduler.domain.policy import ATTENTION_SHARDS
from tests.builders import POLICY


@pytest.fixture(scope="module")
def table() -> VirtualTable:
    return VirtualTable(items(10_000))


@pytest.fixture(autouse=True)
def nothing_asked_yet(table: VirtualTable) -> None:
    table.requests.clear()


def test_a_sweep_of_ten_thousand_healthy_classes_asks_each_shard_once_and_looks_at_none(table: VirtualTable) -> None:
    looked_at: list[str] = []

    def look_at(classroom_id: str, _history: History) -> None:
        looked_at.append(classroom_id)

    assert not sweep(table, look_at, NOW)
    assert table.requests == {"Query": ATTENTION_SHARDS}
    assert looked_at == []


def test_a_sweep_looks_at_what_is_overdue_and_at_nothing_else(table: VirtualTable) -> None:
    looked_at: list[str] = []

    def look_at(classroom_id: str, _history: History) -> None:
        looked_at.append(classroom_id)

    sweep(table, look_at, NOW + timedelta(hours=1))

    hour = (NOW + timedelta(minutes=30), NOW - timedelta(minutes=30))
    assert len(looked_at) == sum(start in hour for start in starts(10_000))


def test_an_audit_of_ten_thousand_healthy_classes_reads_its_part_of_them_and_writes_nothing(
    table: VirtualTable,
) -> None:
    executions = CountedExecutions()

    found = audit(table.segment(9, 24), Reconciler(table, executions, lambda: NOW, POLICY))

    assert set(found) == {AuditResult.HEALTHY}
    assert found.total() in {10_000 // 24, 10_000 // 24 + 1}
    assert table.requests == {"Scan": 1}
    assert executions.requests == {}


def test_with_a_horizon_of_an_hour_only_what_starts_within_it_or_runs_has_an_execution() -> None:
    horizon = timedelta(hours=1)
    near = sum(NOW - timedelta(minutes=50) < start <= NOW + horizon for start in starts(10_000))

    assert open_executions(10_000, horizon) == near
    assert near < 50


@pytest.mark.parametrize("account", REGIONS.values(), ids=list(REGIONS))
def test_two_thousand_classes_on_one_minute_are_late_without_a_lead_and_none_with_one_of_a_minute(
    account: Account,
) -> None:
    assert lateness(2_000, 0, account)[-1] > 1
    assert lateness(2_000, 60, account)[-1] == 0


def test_the_same_minute_is_simulated_the_same_each_time() -> None:
    account = REGIONS["us-east-1"]

    assert lateness(2_000, 0, account) == lateness(2_000, 0, account)
