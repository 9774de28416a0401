"""Cold start: each built package against a bare handler that makes the same clients, in new environments by turns."""

import statistics
import subprocess
import sysconfig
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.emulated_lambda import ColdStart, cold_start, name
from benchmarks.rows import Row, Say, ratio
from local.environment import aws_variables, environment
from local.packages import Package, base_python, build, lay_out_runtime, packages
from local.places import STATE

TITLE = "Cold start"
ABOUT = (
    "Processor time of a new environment until its first answer: imports and clients, no other work, in AWS's Runtime "
    "Interface Emulator (a fresh interpreter where that does not run). The bare handler makes the same boto3 clients "
    "and nothing else."
)
ROUNDS = 11
GOAL = 1.25
_HERE = Path(__file__).parent / "cold"
_NOBODY = "http://127.0.0.1:9"
_RUNTIME_CLIENT = ("awslambdaric", "simplejson", "snapshot_restore_py.py", "runtime_client*.so")
# Values that the functions accept; a variable that isn't here is set to 1, which reads as a text and as a number.
_VARIABLES = {
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:Classroom",
    "CLASSROOM_SERVER_URL": f"{_NOBODY}/webhooks",
    "BOOKINGS_TABLE": "Bookings",  # PynamoDB knows each table once
}


_FACTORIES = {"ClassroomApiFunction": "editable_classrooms"}
"""What most requests need, where a handler makes it by its route."""


@dataclass
class _Subject:
    """A function, the variables that it needs and what it makes clients of; with what was measured."""

    name: str
    path: list[Path]
    variables: dict[str, str]
    services: str
    starts: list[ColdStart] = field(default_factory=list)


def measure(say: Say) -> list[Row]:
    """The medians of the first answers of ROUNDS environments of each function, and of as many bare ones."""
    with tempfile.TemporaryDirectory(prefix="classroom-benchmarks-") as folder:
        scratch = Path(folder)
        template = build(scratch / "build", env=environment(_NOBODY, scratch), log=STATE / "bench" / "sam-build.log")
        runtime = _runtime(scratch / "runtime")
        subjects = [_subject(package, runtime) for package in packages(template)]
        say(f"{len(subjects)} functions, each {ROUNDS} times and by turns with a bare one, in the {name()}")
        floors: dict[str, list[ColdStart]] = defaultdict(list)
        # The first round fills the page cache.
        for round_ in range(ROUNDS + 1):
            for subject in subjects:
                start = cold_start("ready.handler", subject.path, subject.variables)
                floor = _bare(subject.services, runtime)
                if round_:
                    subject.starts.append(start)
                    floors[subject.services].append(floor)
    return [row for subject in subjects for row in _rows(subject, floors[subject.services])]


def _subject(package: Package, runtime: Path) -> _Subject:
    variables = aws_variables(_NOBODY) | {name: _VARIABLES.get(name, "1") for name in package.variables}
    variables["COLD_HANDLER"] = package.handler
    variables["COLD_FACTORIES"] = _FACTORIES.get(package.function, "")
    path = [package.folder, _HERE, runtime]
    return _Subject(package.function.removesuffix("Function"), path, variables, _services(path, variables))


def _bare(services: str, runtime: Path) -> ColdStart:
    return cold_start("bare.handler", [_HERE, runtime], aws_variables(_NOBODY) | {"COLD_SERVICES": services})


def _rows(subject: _Subject, floors: Sequence[ColdStart]) -> Iterator[Row]:
    elapsed = [start.elapsed for start in subject.starts], [floor.elapsed for floor in floors]
    cpu = [start.cpu for start in subject.starts], [floor.cpu for floor in floors]
    # Processor time is judged: the load of other processes hardly changes it.
    yield _row(subject.name, *cpu, goal=True)
    yield _row(f"{subject.name}, first answer", *elapsed, goal=False)


def _row(what: str, ours: Sequence[float], floor: Sequence[float], *, goal: bool) -> Row:
    mine, bare = statistics.median(ours) * 1000, statistics.median(floor) * 1000
    times = ratio(mine, bare)
    return Row(
        question=TITLE,
        measure=what,
        value=round(mine),
        unit="ms",
        compared_with="bare handler",
        compared_value=round(bare),
        ratio=times,
        goal=f"at most {GOAL} x" if goal else "",
        met=times <= GOAL if goal else None,
        headline=goal,
    )


def _services(path: Sequence[Path], variables: Mapping[str, str]) -> str:
    env = dict(variables) | {"PYTHONPATH": ":".join(map(str, path)), "PYTHONDONTWRITEBYTECODE": "1"}
    script = _HERE / "services.py"
    done = subprocess.run(
        [base_python(), "-S", str(script)], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{variables['COLD_HANDLER']} does not start:\n{done.stderr}")
    return done.stdout


def _runtime(folder: Path) -> Path:
    """boto3 and its like, and AWS's runtime client where it is installed."""
    lay_out_runtime(folder)
    for pattern in _RUNTIME_CLIENT:
        for path in Path(sysconfig.get_path("purelib")).glob(pattern):
            (folder / path.name).symlink_to(path)
    # The runtime's own packages are compiled on AWS, and here perhaps not yet.
    installed = [str(path.resolve()) for path in folder.iterdir() if not path.name.endswith(".so")]
    subprocess.run([base_python(), "-m", "compileall", "-qq", *installed], check=True, timeout=120)
    return folder
