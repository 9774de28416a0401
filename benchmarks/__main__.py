"""`python -m benchmarks [names…]`: measures, prints a table, writes results.json, the plots and docs/performance.md."""

import argparse
import sys
import time
from datetime import UTC, datetime
from importlib import import_module

from benchmarks import plots, report
from benchmarks.rows import Row

QUESTIONS = ("cold_start", "throughput", "cost", "punctuality", "hotspot", "growth")
"""Modules here: each has TITLE, ABOUT and `measure(say) -> list[Row]`, and `plot(rows)` where bars do not suffice."""
_PLOTS = report.DOCUMENT.parent / "performance"


def main() -> int:
    """Answer the questions asked for, all by default. What was not asked for stays as it was found last."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("questions", nargs="*", metavar="question", help=", ".join(QUESTIONS))
    parser.add_argument("--date", default=f"{datetime.now(UTC):%Y-%m-%d}", help="what the results are dated with")
    arguments = parser.parse_args()
    if unknown := set(arguments.questions) - set(QUESTIONS):
        parser.error(f"no such question: {', '.join(sorted(unknown))}; there is {', '.join(QUESTIONS)}")
    found = report.earlier()
    for name in arguments.questions or QUESTIONS:
        module = import_module(f"benchmarks.{name}")
        began, machine = time.monotonic(), report.machine(arguments.date)
        print(f"\n{module.TITLE}", flush=True)
        rows: list[Row] = module.measure(lambda text: print(f"  {text}", flush=True))
        _PLOTS.mkdir(exist_ok=True)
        plot = module.plot(rows) if hasattr(module, "plot") else plots.bars(module.TITLE, rows)
        (_PLOTS / f"{name}.svg").write_text(plot)
        found[module.TITLE] = report.result(module.ABOUT, rows, machine, f"performance/{name}.svg")
        report.save(found)
        print(f"\n{report.table(rows)}\n\n  {time.monotonic() - began:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
