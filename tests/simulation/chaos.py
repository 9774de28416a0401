"""Long runs of the simulation: `python -m tests.simulation.chaos --examples 20000 [--seed 7]`.

Prints its seed and what it did; a broken promise ends it with the day that shows it, and exit code 1. The smallest
such day takes minutes to find: ask for it with --shrink.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing import Pool
from secrets import randbelow

from tests.simulation.any_day import COUNTS, explore

CHUNK = 250


def main() -> int:
    """Run the days in chunks of their own seed, one process a core."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.chaos", description=__doc__)
    parser.add_argument("--examples", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=None, help="the seed of the first chunk (default: any)")
    parser.add_argument("--steps", type=int, default=25, help="at most so many steps a day")
    parser.add_argument("--shrink", action="store_true", help="look for the smallest day that breaks a promise")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    first = randbelow(1_000_000) if arguments.seed is None else arguments.seed
    say(f"{arguments.examples} days, seed {first} (again: --examples {arguments.examples} --seed {first})")
    counts: Counter[str] = Counter()
    began = time.monotonic()
    chunks = [(size, seed, arguments.steps, arguments.shrink) for size, seed in split(arguments.examples, first)]
    with Pool(arguments.processes) as pool:  # leaving it ends whatever still runs
        for done, violation in pool.imap_unordered(run_chunk, chunks):
            counts += done
            if violation:
                say(violation)
                return 1
            if counts["examples"] // 5_000 > (counts["examples"] - done["examples"]) // 5_000:
                say(f"{counts['examples']:>9,} days, no violation, {time.monotonic() - began:,.0f} s")
    report(counts, time.monotonic() - began)
    return 0


def split(examples: int, first: int) -> Iterator[tuple[int, int]]:
    """(examples, seed) of each chunk."""
    for number, start in enumerate(range(0, examples, CHUNK)):
        yield min(CHUNK, examples - start), first + number


def run_chunk(chunk: tuple[int, int, int, bool]) -> tuple[Counter[str], str]:
    """Run some days in this process; what was done, and the log of a violation or nothing."""
    examples, random_seed, steps, shrink = chunk
    COUNTS.clear()
    try:
        explore(examples, random_seed, steps, shrink=shrink)
    except AssertionError as violation:
        again = f"A promise was broken. Again: --examples {examples} --seed {random_seed} --steps {steps} --shrink"
        return Counter(COUNTS), "\n".join([str(violation), *getattr(violation, "__notes__", ()), again])
    return Counter(COUNTS), ""


def report(counts: Counter[str], seconds: float) -> None:
    """Print everything that was counted, in groups."""
    say(f"no violation in {counts['examples']:,} days and {counts['steps']:,} steps ({seconds:,.0f} s)")
    for name, number in sorted(counts.items()):
        if name not in ("examples", "steps"):
            say(f"{number:>12,}  {name}")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
