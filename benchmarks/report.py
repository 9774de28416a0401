"""The figures as a table: on the terminal, in results.json and in docs/performance.md."""

import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.rows import Row
from local.places import PROJECT

RESULTS = Path(__file__).parent / "results.json"
DOCUMENT = PROJECT / "docs" / "performance.md"
_BEGIN = "<!-- make bench writes from here -->"
_END = "<!-- to here -->"


def machine(date: str) -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "date": date,
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        if models:
            return models[0]
    return platform.processor() or platform.machine()


def earlier() -> dict[str, Any]:
    """What the last runs found, by question."""
    return dict(json.loads(RESULTS.read_text())) if RESULTS.exists() else {}


def save(results: dict[str, Any]) -> None:
    """Write results.json and the part of the document that is made from it."""
    RESULTS.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    before, _, rest = DOCUMENT.read_text().partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not end:
        raise RuntimeError(f"{DOCUMENT} lacks the lines {_BEGIN} and {_END}")
    DOCUMENT.write_text(f"{before}{_BEGIN}\n\n{_document(results)}\n{_END}{after}")


def result(rows: Sequence[Row], machine: dict[str, Any], plot: str) -> dict[str, Any]:
    """What results.json holds of one question."""
    return {"machine": machine, "plot": plot, "rows": [asdict(row) for row in rows]}


def _document(results: dict[str, Any]) -> str:
    parts = []
    for title, found in results.items():
        rows = [Row(**row) for row in found["rows"]]
        at = found["machine"]
        where = f"{at['cpu']}, {at['cores']} cores, Python {at['python']}, load {at['load']} before, {at['date']}"
        parts.append(f"### {title}\n\n{table(rows)}\n\n![{title}]({found['plot']})\n\nMeasured on {where}.\n")
    return "\n".join(parts)


def table(rows: Iterable[Row]) -> str:
    """As Markdown, which is readable on a terminal too."""
    cells = [["measure", "figure", "compared with", "ratio", "goal", ""]]
    cells += [_cells(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in cells]
    lines.insert(1, "| " + " | ".join("-" * max(3, w) for w in widths) + " |")
    return "\n".join(lines)


def _cells(row: Row) -> list[str]:
    other = "" if row.compared_value is None else f": {_number(row.compared_value)} {row.unit}"
    return [
        row.measure,
        f"{_number(row.value)} {row.unit}",
        row.compared_with + other,
        "" if row.ratio is None else f"{row.ratio:g} x",
        row.goal,
        {True: "met", False: "**missed**", None: ""}[row.met],
    ]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:,.4g}"
