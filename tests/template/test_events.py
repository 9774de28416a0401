"""The published schemas of events, and the examples in them and in their documentation."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from classroom_scheduler.bookings.booking import Kind
from classroom_scheduler.domain.item_codec import OWNED_ATTRIBUTES
from classroom_scheduler.domain.session import Status
from classroom_scheduler.domain.tasks import TASKS
from classroom_scheduler.lifecycle.transitions import SOURCE, VERSION, Transition
from tests.schemas import FOLDER, complaints, schema, unknown_fields
from tests.template.project import template

SCHEMAS = sorted(FOLDER.glob("*/*.schema.json"))
PUBLISHED = [*Transition, *(task.event for task in TASKS)]
DIRECTIONS = {"published": PUBLISHED, "received": list(Kind)}
EXAMPLES: list[dict[str, Any]] = [example for path in SCHEMAS for example in json.loads(path.read_text())["examples"]]
SHOWN: list[dict[str, Any]] = [
    example
    for text in re.findall(r"^```json\n(.*?)^```", (FOLDER / "README.md").read_text(), re.M | re.S)
    if "detail" in (example := json.loads(text))
]
"""Those in the document."""


def direction_of(example: dict[str, Any]) -> str:
    return "published" if example["source"] == SOURCE else "received"


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_a_schema_is_one(path: Path) -> None:
    content = json.loads(path.read_text())

    assert content["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(content)


def test_each_event_has_a_schema_and_each_schema_an_event() -> None:
    named = {
        FOLDER / direction / f"{kind.lower().replace(' ', '-')}.schema.json"
        for direction, kinds in DIRECTIONS.items()
        for kind in kinds
    }

    assert named == set(SCHEMAS)


def test_each_event_has_one_example() -> None:
    shown = sorted((direction_of(example), example["detail-type"]) for example in EXAMPLES)

    assert shown == sorted((direction, str(kind)) for direction, kinds in DIRECTIONS.items() for kind in kinds)


@pytest.mark.parametrize(
    "example", [*EXAMPLES, *SHOWN], ids=lambda example: f"{direction_of(example)} {example['detail-type']}"
)
def test_an_example_fits_its_schema(example: dict[str, Any]) -> None:
    assert complaints(direction_of(example), example) == []
    assert direction_of(example) == "received" or unknown_fields(example) == set()


@pytest.mark.parametrize("kind", PUBLISHED)
def test_a_published_event_has_our_source_and_version_and_a_status_that_there_is(kind: str) -> None:
    properties = schema("published", kind)["properties"]
    detail = properties["detail"]["properties"]

    assert properties["source"] == {"const": SOURCE}
    assert detail["version"]["const"] == VERSION
    assert set(detail["status"]["enum"]) <= set(Status)


@pytest.mark.parametrize("kind", [Kind.BOOKED, Kind.RESCHEDULED])
def test_a_schema_of_a_booking_refuses_just_what_the_scheduler_writes(kind: Kind) -> None:
    names = schema("received", kind)["properties"]["detail"]["propertyNames"]

    assert set(names["not"]["enum"]) == OWNED_ATTRIBUTES


def test_the_examples_of_bookings_have_the_source_that_is_the_default() -> None:
    sources = {example["source"] for example in EXAMPLES if direction_of(example) == "received"}

    assert sources == {template()["Parameters"]["BookingSource"]["Default"]}
