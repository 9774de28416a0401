"""JSON as the HTTP API takes and gives it: read strictly, as DynamoDB can keep it, and written exactly.

Python's own reader takes NaN, the last of two equal names and floats; its writer knows no Decimal. DynamoDB keeps 38
digits, nests 32 levels and has no empty names:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

import base64
import json
from collections.abc import Iterable, Mapping
from decimal import Context, Decimal
from typing import Any

from classroom_scheduler.http_api.api_errors import FieldError, InvalidRequest

# Two fewer than DynamoDB nests, so that nobody has to know how it counts.
MAX_LEVELS = 30
_MAX_DIGITS = 38
_MAX_NAME_BYTES = 255
_EXACT = Context(prec=60)


class _NamedTwice(ValueError):
    pass


def parse_object(text: str) -> dict[str, Any]:
    """The JSON object in a text, its numbers as Decimal. Raises InvalidRequest where it is anything else."""
    try:
        value = json.loads(
            text, parse_float=Decimal, parse_int=Decimal, parse_constant=Decimal, object_pairs_hook=_without_duplicates
        )
    except _NamedTwice as error:
        name = str(error)
        raise InvalidRequest(FieldError(name, f"`{_short(name)}` stands twice in one object; expected once.")) from None
    except RecursionError:
        raise InvalidRequest(FieldError("body", f"The body is nested too deeply; {_LEVELS}.")) from None
    except ArithmeticError:
        raise InvalidRequest(FieldError("body", f"A number in the body is out of range; {_NUMBER}.")) from None
    except ValueError as error:
        raise InvalidRequest(FieldError("body", f"The body is not JSON: {error}; expected a JSON object.")) from None
    if not isinstance(value, dict):
        kind = {list: "an array", str: "a string", Decimal: "a number"}.get(type(value), "true, false or null")
        raise InvalidRequest(FieldError("body", f"The body is {kind}; expected a JSON object."))
    return value


def problems_in(body: Mapping[str, Any]) -> list[FieldError]:
    """For each member that DynamoDB could not keep, why not."""
    found = ((name, value, _why_not_name(name) or _why_not(value, MAX_LEVELS)) for name, value in body.items())
    return [FieldError(name, f"`{_short(name)}` {why}.", value) for name, value, why in found if why]


def to_json(value: Any) -> str:
    """The value as compact JSON with names in order and every digit of its numbers.

    Sets are written as sorted arrays, binary values in base64: JSON has neither.
    """
    match value:
        case Decimal():
            return _number(value)
        case bytes():
            return json.dumps(base64.b64encode(value).decode())
        case Mapping():
            members = (f"{_text(str(name))}:{to_json(element)}" for name, element in sorted(value.items()))
            return "{" + ",".join(members) + "}"
        case set() | frozenset():
            return to_json(sorted(value))
        case list() | tuple():
            return "[" + ",".join(map(to_json, value)) + "]"
        case _:
            return _text(value)


_LEVELS = f"expected at most {MAX_LEVELS} levels"
_NUMBER = f"expected at most {_MAX_DIGITS} digits and a size below 1E+126"


def _without_duplicates(members: list[tuple[str, Any]]) -> dict[str, Any]:
    together: dict[str, Any] = {}
    for name, value in members:
        if name in together:
            raise _NamedTwice(name)
        together[name] = value
    return together


def _why_not(value: Any, levels: int) -> str | None:
    match value:
        case str():
            return _why_not_text(value)
        case Decimal():
            return _why_not_number(value)
        case list() | dict() if levels == 0:
            return f"is nested too deeply; {_LEVELS}"
        case list():
            return _first(_why_not(element, levels - 1) for element in value)
        case dict():
            return _first(_why_not_name(name) or _why_not(element, levels - 1) for name, element in value.items())
        case _:
            return None


def _why_not_name(name: str) -> str | None:
    if not name:
        return "has an empty name; expected at least one character"
    if len(name.encode("utf-8", "replace")) > _MAX_NAME_BYTES:
        return f"has a name of {len(name)} characters; expected at most {_MAX_NAME_BYTES} bytes"
    return _why_not_text(name)


def _why_not_text(text: str) -> str | None:
    if "\0" in text:
        return "contains the character U+0000; expected text without it"
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "contains half of a surrogate pair; expected whole characters"
    return None


def _why_not_number(number: Decimal) -> str | None:
    if not number.is_finite():
        return f"is {number}, which is no number of JSON; {_NUMBER}"
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    if len(digits) > _MAX_DIGITS:
        return f"is a number of {len(digits)} digits; {_NUMBER}"
    if digits and not -130 <= number.adjusted() <= 125:
        return f"is a number of the size 1E{number.adjusted():+}; {_NUMBER}"
    return None


def _number(number: Decimal) -> str:
    """DynamoDB may give 60 back as it was written, 60.0; both have to look alike, or an ETag would change by itself."""
    if number == number.to_integral_value() and number.adjusted() < _MAX_DIGITS:
        return str(int(number))
    return str(_EXACT.normalize(number))


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _short(name: str) -> str:
    name = name.encode("utf-8", "replace").decode().replace("\0", "�")
    return name if len(name) <= 64 else f"{name[:60]}…"


def _first(reasons: Iterable[str | None]) -> str | None:
    return next((reason for reason in reasons if reason is not None), None)
