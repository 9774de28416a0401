"""What people wrote, quoted: cut, and with a name for every character that nobody can see."""

import unicodedata
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classroom_scheduler.domain.quoting import cut, describe, is_printable, printable, quoted
from tests.values import dynamodb_values


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("room 1", '"room 1"'),
        ("", '""'),
        ("2026-12-01T09:00:00Z\n", '"2026-12-01T09:00:00Z" with a newline at the end'),
        ("2026-12-01T09:00:00Z\r\n", '"2026-12-01T09:00:00Z" with a carriage return, a newline at the end'),
        ("\u200e2026-12-01", '"2026-12-01" with U+200E before it'),
        ("\ufeff2026-12-01\t", '"2026-12-01" with a byte order mark (U+FEFF) before it and a tab at the end'),
        (" 2026-12-01", '"2026-12-01" with a space before it'),
        ("2026-12-01\u00a009:00", '"2026-12-01<U+00A0>09:00"'),
        ("2026\x00", '"2026" with U+0000 at the end'),
        ("\u009b31m", '"31m" with U+009B before it'),
        (
            "\u202e2026\u2066\u2067\u2068\u2069",
            '"2026" with U+202E before it and 4 characters that can\'t be seen at the end',
        ),
        ("\n", "nothing but a newline"),
        ("x" * 3_000, f'"{"x" * 60}…" of 3000 characters'),
        ("\n" * 3_000, f'"{"<U+000A>" * 60}…" of 3000 characters'),
        ("Zoë 日本 😀", '"Zoë 日本 😀"'),
    ],
)
def test_a_quotation_names_what_nobody_can_see(text: str, shown: str) -> None:
    assert quoted(text) == shown


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (..., "is missing"),
        (None, "is null"),
        (True, "is the boolean True"),
        (Decimal(5), "is the number 5"),
        (Decimal("1" + "0" * 125), "is the number 1.000000000E+125"),
        (Decimal("1e999999999"), "is the number 1E+999999999"),
        (10**5_000, "is the number 1.000000000E+5000"),
        ({"a": 1}, "is of the type map"),
        ([], "is of the type list"),
        ({"a"}, "is of the type set"),
        (b"a", "is of the type binary"),
    ],
    ids=lambda value: repr(type(value)) if isinstance(value, int) else None,
)
def test_a_value_is_described_in_words(value: Any, said: str) -> None:
    assert describe(value) == said


@given(dynamodb_values())
def test_no_description_is_long_or_has_anything_unprintable(value: Any) -> None:
    assert is_printable(describe(value))
    assert len(describe(value)) < 800


@given(st.text(), st.integers(1, 100))
def test_what_is_cut_is_printable_and_no_longer_than_that(text: str, length: int) -> None:
    assert len(cut(text, length)) <= length
    assert is_printable(cut(text, length))
    assert printable(printable(text)) == printable(text)


def test_every_control_format_and_separator_character_counts_as_unseen() -> None:
    unseen = {"Cc", "Cf", "Zl", "Zp", "Zs", "Cs", "Cn", "Co"}

    for character in map(chr, range(0x110000)):
        if unicodedata.category(character) in unseen and character != " ":
            assert not is_printable(character), f"U+{ord(character):04X}"
