"""Events of other tables, as `sam local generate-event` makes them: a clear answer and nothing else."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.environment import environment
from local.places import PROJECT
from tests.integration.day import Day


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What `sam local generate-event dynamodb update` prints: three records of a table with another key."""
    scratch = tmp_path_factory.mktemp("sam")
    done = subprocess.run(
        [Path(sys.executable).with_name("sam"), "local", "generate-event", "dynamodb", "update"],
        cwd=PROJECT,
        env=environment("http://127.0.0.1:9", scratch),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(done.stdout)


def test_records_of_another_table_are_ignored_and_said_to_be(day: Day, foreign: Any) -> None:
    assert day.invoke("ClassroomChanged", foreign, at_time="08:00") == {"batchItemFailures": []}

    assert day.account.calls == []
    ignored = day.logged("record ignored")
    assert [line["event_id"] for line in ignored] == [record["eventID"] for record in foreign["Records"]]
    assert all("not a record of the Classrooms table's stream: 'classroomId' is missing" in x["error"] for x in ignored)
