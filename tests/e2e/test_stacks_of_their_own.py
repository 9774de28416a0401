"""What needs a stack of its own: tests that stop what others use or restart all of it, and `make demo`.

One worker runs them all (conftest.py), so that the machine is not busy with one deployment beside the other.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local.places import PROJECT
from tests.e2e.client import ALL_THREE, FAR, Client, seconds_from_now, wait_until
from tests.e2e.stacks import Region, SharedStack, running_region
from tests.e2e.test_operations import Operator, commands_under
from tests.e2e.test_recovery import HORIZON, ask_to_sweep
from tests.waiting import PATIENCE, eventually


@pytest.fixture(scope="module")
def region(stack: SharedStack) -> Iterator[Region]:
    """A stack of one's own, for what can't be done to one that others use."""
    with running_region(stack.template) as region:
        yield region


def test_waiting_classes_move_to_the_new_definition(region: Region, tmp_path: Path) -> None:
    """On a stack of its own, whose waiting classes are nobody else's."""
    client = region.client
    room = client.write_class(600, 900)
    before = client.wait_for(room, "SCHEDULED")["executionName"]
    [move] = commands_under("Changing the state machine while classes wait")

    Operator(client, tmp_path).runs(move)

    after = client.wait_until(room, lambda item: item["executionName"] != before)
    client.wait_for_executions(room, {before: "ABORTED", after["executionName"]: "RUNNING"})
    client.delete(room)


def test_an_item_that_no_record_told_of_is_found_by_the_audit(region: Region) -> None:
    """Without the stream handler, as when its record ran out of retries."""
    client = region.client
    mapping = stream_mapping(client)
    functions = client.stack.aws.functions
    functions.update_event_source_mapping(UUID=mapping, Enabled=False)
    wait_until(seconds_from_now(1))  # a poll that has begun still delivers
    room = client.write_class(FAR, FAR + 10)

    assert ask_to_sweep(client, audit="everything")["MARKED"] >= 1

    assert "status" not in (item := client.get(room))
    assert item["attentionAt"] > datetime.now(UTC).isoformat()
    functions.update_event_source_mapping(UUID=mapping, Enabled=True)
    client.wait_for(room, "SCHEDULED")
    client.delete(room)


def stream_mapping(client: Client) -> str:
    mappings = client.stack.aws.functions.list_event_source_mappings()["EventSourceMappings"]
    (uuid,) = [mapping["UUID"] for mapping in mappings if "ClassroomChanged" in mapping["FunctionArn"]]
    return uuid


def test_classes_go_on_after_all_executions_were_lost_without_an_event(region: Region) -> None:
    """The emulator is ended and started again. An operator who knows of it need not wait for what is overdue."""
    client = region.client
    recording = client.write_class(2, 60)
    client.wait_for_call(recording, "recording.live")
    to_come = client.write_class(40, 60)
    deferred = client.write_class(HORIZON + 3600, HORIZON + 7200)
    before = {
        room: client.wait_for(room, status)
        for room, status in (
            (recording, "RECORDING"),
            (to_come, "SCHEDULED"),
            (deferred, "DEFERRED"),
        )
    }

    region.restart()
    for room in (recording, to_come):
        client.wait_for_execution(before[room]["executionName"], "FAILED")
    assert client.get(to_come)["executionName"] == before[to_come]["executionName"], "nobody heard of it"

    ask_to_sweep(client, sweep="everything")

    assert {room: client.get(room).get("restarts", 0) for room in before} == {recording: 1, to_come: 1, deferred: 0}
    for room in (recording, to_come):
        item = client.wait_for(room, "COMPLETED")
        assert item["recordingId"] == before[room]["recordingId"]
        assert client.calls(room) == ALL_THREE


# --- make demo --------------------------------------------------------------------------------------------------------

reads_proc = pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")


@reads_proc
def test_the_demo_runs_one_class_beside_another_stack_and_leaves_nothing(stack: SharedStack, tmp_path: Path) -> None:
    done = subprocess.run(
        _demo(), cwd=PROJECT, env=_own(tmp_path), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0 or complains_of_lateness_alone(done.stderr), done.stdout + done.stderr
    assert stack.server_url not in done.stdout.split()
    assert stack.endpoint_url not in done.stdout.split()
    for line in ("recording.start, answered 200", "recording.live, answered 200", "recording.stop, answered 200"):
        assert line in done.stdout
    assert "COMPLETED" in done.stdout
    _is_gone(tmp_path)


def complains_of_lateness_alone(said: str) -> bool:
    """What the demo may do here: other tests keep the machine busy meanwhile."""
    wrong = said.partition("should have:\n")[2].partition("\n  | ")[0].splitlines()
    return bool(wrong) and all(re.search(r"reached the server \d+ ms late", line) for line in wrong)


@reads_proc
@pytest.mark.parametrize("command", ["ministack", "pip install"])
def test_a_demo_that_is_terminated_leaves_nothing(command: str, tmp_path: Path) -> None:
    """While the emulator starts, and while `sam build` has its grandchildren at work."""
    with subprocess.Popen(_demo(), cwd=PROJECT, env=_own(tmp_path), stdout=subprocess.DEVNULL) as process:
        eventually(lambda: any(command in each for each in _processes(tmp_path)))
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 128 + signal.SIGTERM
    _is_gone(tmp_path)


def _demo() -> list[str]:
    return [sys.executable, "-m", "local", "demo"]


def _own(folder: Path) -> dict[str, str]:
    """An environment by whose TMPDIR all that the demo starts can be told from everything else."""
    return os.environ | {"TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}


def _processes(folder: Path) -> Iterator[str]:
    """The commands of the processes whose temporary files are under this folder; zombies have no environment."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
            if any(variable.startswith(b"TMPDIR=" + os.fsencode(folder)) for variable in variables):
                yield (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, UnicodeDecodeError):
            continue


def _is_gone(folder: Path) -> None:
    """Nothing runs any more that had its temporary files there, and nothing of them is left."""
    eventually(lambda: list(_processes(folder)), lambda left: not left, within=30)
    assert list(folder.iterdir()) == []
