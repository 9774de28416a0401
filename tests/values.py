"""Any value that DynamoDB can hold, for Hypothesis to draw: of every type, to its limits."""

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

_LARGE = ["1" * 38, "-" + "9" * 38, "1" + "0" * 50, "1e50", "9.99e125", "-9.99e125", "1e-130", "0", "-0", "60.0"]
_TIMES = [
    *("2026-12-01T09:00:00Z", "2026-12-01T09:00:00.5+05:30", "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59.5Z"),
    *("9999-12-31T23:59:59.9-23:59", "0000-00-00T00:00:00Z", "2026-12-01T24:00:00Z", "2026-12-01T09:00:00Z\n"),
]
_WORDS = ["INVALID", "SCHEDULED", "CLAIMED", "SUCCEEDED", "algebra-1", "algebra-1-zzzzzzzzzz", "algebra-1-0000000000"]


def dynamodb_numbers() -> st.SearchStrategy[Decimal]:
    """Up to 38 digits between 1E-130 and 9.99E+125, written out or not."""
    drawn = st.builds(
        lambda digits, exponent: Decimal(digits).scaleb(exponent) if digits else Decimal(0),
        st.integers(-(10**9), 10**9),
        st.integers(-130, 110),
    )
    return st.sampled_from(_LARGE).map(Decimal) | drawn | drawn.map(lambda number: Decimal(format(number, "f")))


def dynamodb_texts() -> st.SearchStrategy[str]:
    """Texts without halves of characters, times and names that look like the scheduler's among them."""
    return (
        st.text() | st.sampled_from(_TIMES + _WORDS) | st.sampled_from(["x" * 5_000, "\u009b31m", "\u200e\x00\ufeff"])
    )


def dynamodb_values() -> st.SearchStrategy[Any]:
    """A value of any of DynamoDB's ten types."""
    scalars = st.none() | st.booleans() | dynamodb_numbers() | dynamodb_texts() | st.binary()
    sets = st.sets(dynamodb_numbers(), min_size=1) | st.sets(st.text(), min_size=1) | st.sets(st.binary(), min_size=1)
    names = st.text(min_size=1) | st.sampled_from(["state", "dueAt", "startedAt", "attempts", "start", "end", "error"])
    return st.recursive(
        scalars | sets,
        lambda values: st.lists(values, max_size=3) | st.dictionaries(names, values, max_size=3),
        max_leaves=4,
    )
