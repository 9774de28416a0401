"""Where things are and where what is made here goes."""

import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
"""The folder of template.yaml."""

STATE = PROJECT / ".local"
"""Logs and temporary files of the local stack; may be deleted whenever it is not running."""

WHEELS = Path(sys.prefix) / "wheels"
"""What `make setup` downloaded for the Lambda packages, so that `sam build` needs no network."""
