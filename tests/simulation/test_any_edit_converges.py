"""Whatever people, AWS and the classroom server do: every class is recorded as its item says, once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = 2_000
PARTS = 8


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_every_class_is_recorded_once_whatever_happens(part: int) -> None:
    """In a process of its own: Hypothesis also draws constants that it finds in the modules that happen to be loaded.

    A seed therefore means other days after other tests.
    """
    seed = int(os.environ.get("SIMULATION_SEED", "20261201")) + part
    command = [sys.executable, "-m", "tests.simulation.chaos", "--processes", "1"]
    command += ["--examples", str(EXAMPLES // PARTS), "--seed", str(seed)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONHASHSEED": "0"}

    days = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert days.returncode == 0, days.stdout + days.stderr
