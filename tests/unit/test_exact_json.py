"""JSON as the HTTP API takes it, strictly, and gives it, exactly."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classroom_scheduler.exact_json import MAX_LEVELS, FieldError, InvalidJson, parse_object, problems_in, to_json


def refusal_of(text: str) -> FieldError:
    with pytest.raises(InvalidJson) as refused:
        parse_object(text)
    (wrong,) = refused.value.field_errors
    return wrong


@pytest.mark.parametrize(
    ("text", "field", "said"),
    [
        ("", "body", "not JSON"),
        ("{", "body", "line 1 column 2"),
        ('{"a": 1} {}', "body", "Extra data"),
        ("{'a': 1}", "body", "not JSON"),
        ("\ufeff{}", "body", "not JSON"),
        ('{"a": "\n"}', "body", "not JSON"),
        ("[1]", "body", "is an array; expected a JSON object"),
        ('"text"', "body", "is a string"),
        ("1", "body", "is a number"),
        ("null", "body", "true, false or null"),
        ('{"start": 1, "start": 2}', "start", "`start` stands twice"),
        ('{"a": {"b": 1, "b": 2}}', "b", "`b` stands twice"),
        ("[" * 100_000, "body", "nested too deeply"),
        ('{"a": 1e99999999999999999999}', "body", "out of range"),
    ],
    ids=lambda text: text[:24],
)
def test_what_is_no_json_object_is_refused_in_words(text: str, field: str, said: str) -> None:
    wrong = refusal_of(text)

    assert wrong.field == field
    assert said in wrong.message


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("NaN", "is NaN, which is no number of JSON"),
        ("-Infinity", "is -Infinity"),
        ("1" * 39, "is a number of 39 digits; expected at most 38 digits"),
        ("0.1" + "2" * 38, "is a number of 39 digits"),
        ("1e126", "of the size 1E+126"),
        ("1e-131", "of the size 1E-131"),
        ('"a\\u0000b"', "contains the character U+0000"),
        ('"\\ud800"', "half of a surrogate pair"),
        ('{"": 1}', "an empty name"),
        ('{"a\\u0000": 1}', "U+0000"),
        ('[{"deep": ["\\u0000"]}]', "U+0000"),
        ("[" * (MAX_LEVELS + 1) + "]" * (MAX_LEVELS + 1), "nested too deeply; expected at most 30 levels"),
        ('{"' + "n" * 256 + '": 1}', "a name of 256 characters"),
    ],
    ids=lambda text: text[:24],
)
def test_what_dynamodb_could_not_keep_is_named_with_its_field(value: str, said: str) -> None:
    (wrong,) = problems_in(parse_object(f'{{"fine": [1, "a", null], "notes": {value}}}'))

    assert wrong.field == "notes"
    assert said in wrong.message
    json.loads(to_json(wrong.shown).encode("utf-8", "replace"))


@pytest.mark.parametrize(
    "value", ["1" * 38, "1" + "0" * 100, "1e125", "1e-130", "0e999", "-0.0", "[" * 30 + "]" * 30, "true"]
)
def test_what_dynamodb_can_keep_is_taken(value: str) -> None:
    assert problems_in(parse_object(f'{{"notes": {value}}}')) == []


def test_an_attribute_without_a_name_is_refused() -> None:
    (wrong,) = problems_in(parse_object('{"": 1}'))

    assert "empty name" in wrong.message


def test_a_large_object_with_one_name_twice_is_refused_at_once() -> None:
    members = ",".join(f'"{number}":0' for number in range(40_000))

    assert refusal_of(f'{{{members},"39999":0}}').field == "39999"


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=None).filter(
        lambda number: len(number.as_tuple().digits) <= 38
    )
)
def test_a_number_comes_back_with_every_digit(number: Decimal) -> None:
    read = json.loads(to_json(number), parse_float=Decimal, parse_int=Decimal)

    assert read == number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": Decimal("60.0"), "a": [True, None, "ü"]}, '{"a":[true,null,"ü"],"b":60}'),
        ({"set": {"b", "a"}, "numbers": {Decimal(2), Decimal(1)}}, '{"numbers":[1,2],"set":["a","b"]}'),
        ({"photo": b"\x00\xff"}, '{"photo":"AP8="}'),
        (
            {"large": Decimal("12345678901234567890123456789012345678")},
            '{"large":12345678901234567890123456789012345678}',
        ),
        ({"small": Decimal("1E-7")}, '{"small":1E-7}'),
    ],
)
def test_items_are_written_in_order_and_exactly(value: Any, text: str) -> None:
    assert to_json(value) == text
