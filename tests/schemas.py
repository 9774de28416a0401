"""The published schemas of events, as tests use them: does what is really sent and received fit?"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

FOLDER = Path(__file__).parents[1] / "docs" / "events"


@cache
def schema(direction: str, detail_type: str) -> dict[str, Any]:
    """The schema of an event that is `published` or `received`."""
    path = FOLDER / direction / f"{detail_type.lower().replace(' ', '-')}.schema.json"
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def complaints(direction: str, event: Mapping[str, Any]) -> list[str]:
    """What the schema of this event's detail-type has against it."""
    validator = Draft202012Validator(schema(direction, event["detail-type"]))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(event)]


def unknown_fields(event: Mapping[str, Any]) -> set[str]:
    """Fields of a published event's detail that its schema does not know: nothing of people's may get out."""
    known = schema("published", event["detail-type"])["properties"]["detail"]["properties"]
    return set(event["detail"]) - set(known)
