"""Items and images in DynamoDB JSON: every number comes as it stands there, and goes on with every digit."""

import base64
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classroom_scheduler.adapters.classrooms import stored
from classroom_scheduler.adapters.dynamodb_json import read_item
from classroom_scheduler.domain.quoting import is_printable
from classroom_scheduler.exact_json import plain, to_json
from tests.builders import dynamodb_image
from tests.values import dynamodb_numbers, dynamodb_values

WRITTEN_OUT = ["1" + "0" * 50, "-1" + "0" * 125, "0." + "0" * 129 + "1", "1e50", "9.99E+125", "1E-130", "9" * 38]


@pytest.mark.parametrize("number", WRITTEN_OUT)
@pytest.mark.parametrize("shape", ['{"N": %s}', '{"NS": [%s]}', '{"L": [{"M": {"deep": {"N": %s}}}]}'])
def test_a_number_of_any_size_and_spelling_is_read_and_passed_on(number: str, shape: str) -> None:
    item = read_item({"budget": json.loads(shape % f'"{number}"')})

    (passed_on,) = json.loads(to_json([item["budget"]]), parse_float=Decimal, parse_int=Decimal)

    assert Decimal(number) in (passed_on, *_inside(passed_on))
    assert read_item(stored(item)) == item


@given(st.dictionaries(st.text(min_size=1), dynamodb_values(), max_size=4))
def test_whatever_dynamodb_can_hold_is_read_from_the_table_and_the_stream_alike_and_can_be_written_again(
    item: dict[str, Any],
) -> None:
    image = dynamodb_image(item)

    assert read_item(image) == item
    assert read_item(json.loads(json.dumps(image, default=_base64))) == item
    assert read_item(stored(item)) == item


@given(dynamodb_numbers())
def test_a_number_is_one_and_the_same_in_json_however_dynamodb_spells_it(number: Decimal) -> None:
    spellings = {str(number), format(number, "f"), f"{number:E}"}

    (text,) = {to_json(Decimal(spelling)) for spelling in spellings}

    assert json.loads(text, parse_float=Decimal, parse_int=Decimal) == number


@given(dynamodb_values())
def test_every_value_is_json_with_nothing_unprintable_in_it_and_the_same_text_inside(value: Any) -> None:
    text = to_json(value)

    assert is_printable(text)
    assert to_json(json.loads(text, parse_float=Decimal, parse_int=Decimal)) == text
    assert plain(value) == json.loads(text)


@pytest.mark.parametrize("value", ["x", {}, {"N": "many"}, {"N": None}, {"X": "x"}, {"S": "x", "N": "1"}, {"L": [{}]}])
def test_what_is_no_dynamodb_json_is_an_error(value: Any) -> None:
    with pytest.raises((AttributeError, TypeError, ValueError, ArithmeticError)):
        read_item({"budget": value})


def _inside(value: Any) -> list[Any]:
    elements = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [*elements, *(inner for element in elements for inner in _inside(element))]


def _base64(value: Any) -> str:
    return base64.b64encode(bytes(value)).decode()
