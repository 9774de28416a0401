"""Throughput: a batch of the stream with 20 ms for each call of AWS, and records that cost no call at all."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.batches import NEW, OWN, ROUNDS
from benchmarks.rows import Row, Say, ratio
from local.environment import aws_variables
from local.places import PROJECT
from local.ports import LOOPBACK

TITLE = "Throughput of the stream handler"
ABOUT = (
    "A server on loopback answers each AWS call after 20 ms. Ours writes the intent and starts the execution; the "
    "peers only start it. The scheduler's own writes, most of a stream, cost a comparison of two images."
)
LATENCY = 0.020
_FASTER, _NO_OPS = 6, 20_000


def measure(say: Say) -> list[Row]:
    """Medians over the rounds."""
    say(f"{ROUNDS} batches of {NEW} new classrooms for each, {LATENCY * 1000:.0f} ms a call")
    with _slow_aws() as url:
        times = {name: statistics.median(seconds) for name, seconds in _run(url).items()}
    say(f"ours used the processor for {times['ours, processor'] * 1000:.0f} ms of a batch")
    rate = {name: NEW / times[name] for name in ("ours", "article", "powertools")}
    no_ops = OWN / times["no-op"]
    return [
        _faster("one StartExecution after the other", rate["ours"], rate["article"], goal=True),
        _faster("Powertools' BatchProcessor", rate["ours"], rate["powertools"], goal=False),
        _faster("its processor time alone", rate["ours"], NEW / times["ours, processor"], goal=False),
        Row(
            question=TITLE,
            measure="own writes",
            value=round(no_ops),
            unit="a second on one core",
            goal=f"at least {_NO_OPS:,}",
            met=no_ops >= _NO_OPS,
        ),
    ]


def _faster(peer: str, ours: float, theirs: float, *, goal: bool) -> Row:
    times = ratio(ours, theirs)
    return Row(
        question=TITLE,
        measure="new classrooms",
        value=round(ours),
        unit="a second",
        compared_with=peer,
        compared_value=round(theirs),
        ratio=times,
        goal=f"at least {_FASTER} x" if goal else "",
        met=times >= _FASTER if goal else None,
        headline=goal,
    )


def _run(url: str) -> dict[str, list[float]]:
    variables = aws_variables(url) | {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(PROJECT), str(PROJECT / "src")]),
        "CLASSROOMS_TABLE": "Classrooms",
        "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:Classroom",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }
    with tempfile.TemporaryDirectory(prefix="classroom-benchmarks-") as folder:
        results = Path(folder, "results.json")
        command = [sys.executable, "-m", "benchmarks.batches", str(results)]
        subprocess.run(command, env=variables, cwd=PROJECT, stdout=subprocess.DEVNULL, check=True, timeout=300)
        return dict(json.loads(results.read_text()))


@contextmanager
def _slow_aws() -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.slow_aws", str(LATENCY)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://{LOOPBACK}:{process.stdout.readline().strip()}"
        finally:
            process.terminate()
