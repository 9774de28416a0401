"""What can go wrong here, said so that a person can act on it."""

from pathlib import Path


class StepFailed(Exception):
    """A step of starting the local stack failed; `str()` says which, how it ended and where to read more."""

    def __init__(self, what: str, log: Path | None = None, tail_lines: int = 25) -> None:
        self.what = what
        self.log = log
        super().__init__(what if log is None else f"{what}\n{tail(log, tail_lines)}\nThe whole output: {log}")


def tail(log: Path, lines: int) -> str:
    """The last lines of a log that hold something, indented."""
    text = log.read_text(errors="replace") if log.exists() else ""
    written = [line for line in text.splitlines() if line.strip()]
    return "\n".join(f"  | {line}" for line in written[-lines:] or ["(it printed nothing)"])
