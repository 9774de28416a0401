"""The figures on the terminal, in results.json and, those that matter most, in docs/performance.md."""

import json
import os
import platform
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.rows import Row
from local.places import PROJECT

RESULTS = Path(__file__).parent / "results.json"
DOCUMENT = PROJECT / "docs" / "performance.md"
_BEGIN = "<!-- make bench writes from here -->"
_END = "<!-- to here -->"
_VERDICTS = {True: "met", False: "**missed**", None: ""}


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


def result(about: str, rows: Sequence[Row], machine: dict[str, Any], plot: str) -> dict[str, Any]:
    """The entry of one question in results.json."""
    return {"about": about, "machine": machine, "plot": plot, "rows": [asdict(row) for row in rows]}


def _document(results: dict[str, Any]) -> str:
    """Each question with its machine, where that is another than the one before."""
    parts, last = [], ""
    for title, found in results.items():
        about = "\n".join(textwrap.wrap(found["about"], 120, break_on_hyphens=False))
        headlines = [row for row in (Row(**row) for row in found["rows"]) if row.headline]
        parts.append(f"### {title}\n\n{about}\n\n{table(headlines)}\n\n![{title}]({found['plot']})\n")
        if (where := _where(found["machine"])) != last:
            parts.append(f"{where}\n")
        last = where
    return "\n".join(parts)


def _where(machine: dict[str, Any]) -> str:
    return f"Measured on {machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, {machine['date']}."


def table(rows: Sequence[Row]) -> str:
    """As Markdown, which is readable on a terminal too."""
    columns = [column for column in _columns(rows) if any(column[1:])]
    widths = [max(map(len, column)) for column in columns]
    lines = [[c.ljust(w) for c, w in zip(line, widths, strict=True)] for line in zip(*columns, strict=True)]
    lines.insert(1, ["-" * max(3, width) for width in widths])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _columns(rows: Sequence[Row]) -> list[list[str]]:
    """Each with its heading first. A peer or a goal that all rows share is the heading."""
    peer, peers = _labelled("peer", [(row.compared_with, _peers_amount(row)) for row in rows])
    goal, goals = _labelled("goal", [(row.goal, _VERDICTS[row.met]) for row in rows])
    return [
        ["measure", *(row.measure for row in rows)],
        ["figure", *(_amount(row.value, row.unit) for row in rows)],
        [peer, *peers],
        ["ratio", *("" if row.ratio is None else f"{row.ratio:g} x" for row in rows)],
        [goal, *goals],
    ]


def _labelled(heading: str, cells: Sequence[tuple[str, str]]) -> tuple[str, list[str]]:
    labels = {label for label, _ in cells}
    if len(labels) == 1 and "" not in labels:
        return labels.pop(), [text for _, text in cells]
    return heading, [": ".join(filter(None, cell)) for cell in cells]


def _peers_amount(row: Row) -> str:
    return "" if row.compared_value is None else _amount(row.compared_value, row.unit)


def _amount(value: float, unit: str) -> str:
    number = f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:,.4g}"
    return f"${number}" if unit == "$" else f"{number} {unit}".strip()
