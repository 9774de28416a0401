"""JSON as it is taken and given: read strictly, as DynamoDB can keep it, and written exactly, everywhere alike.

Python's own reader takes NaN, the last of two equal names and floats; its writer knows no Decimal. DynamoDB keeps 38
digits, nests 32 levels and has no empty names:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Any

from classroom_scheduler.domain.quoting import LONGEST_QUOTE, cut, is_printable

# Two fewer than DynamoDB nests, so that nobody has to know how it counts.
MAX_LEVELS = 30
_MAX_DIGITS = 38
_MAX_NAME_BYTES = 255
# So many places of a whole number are written out.
_MAX_PLACES = 38
_SHOWN_CHARACTERS = 64
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong with what somebody sent: where, in words, and what stands there."""

    field: str
    message: str
    value: Any = ...

    @property
    def shown(self) -> dict[str, Any]:
        """As an answer shows it: the value only if it fits on a line and JSON has it, a text cut where it is long."""
        return {"field": self.field, **self._shown_value, "message": self.message}

    @property
    def _shown_value(self) -> dict[str, Any]:
        match self.value:
            case str() if len(self.value) > _SHOWN_CHARACTERS:
                return {"value": f"{self.value[: _SHOWN_CHARACTERS - 4]}…"}
            case Decimal() if not self.value.is_finite() or abs(self.value.adjusted()) > _SHOWN_CHARACTERS:
                return {}  # written out, it would be longer than any answer
            case Decimal() if len(str(self.value)) > _SHOWN_CHARACTERS:
                return {}
            case str() | bool() | Decimal() | None:
                return {"value": self.value}
            case _:
                return {}


class InvalidJson(ValueError):
    """A text is no object of JSON that can be kept; `field_errors` says why not."""

    def __init__(self, *field_errors: FieldError) -> None:
        super().__init__(" ".join(wrong.message for wrong in field_errors))
        self.field_errors = field_errors


class _NamedTwice(ValueError):
    pass


def parse_object(text: str) -> dict[str, Any]:
    """The JSON object in a text, its numbers as Decimal. Raises InvalidJson where it is anything else."""
    try:
        value = json.loads(
            text, parse_float=Decimal, parse_int=Decimal, parse_constant=Decimal, object_pairs_hook=_without_duplicates
        )
    except _NamedTwice as error:
        name = str(error)
        raise InvalidJson(FieldError(name, f"`{_short(name)}` stands twice in one object; expected once.")) from None
    except RecursionError:
        raise InvalidJson(FieldError("body", f"The body is nested too deeply; {_LEVELS}.")) from None
    except ArithmeticError:
        raise InvalidJson(FieldError("body", f"A number in the body is out of range; {_NUMBER}.")) from None
    except ValueError as error:
        raise InvalidJson(FieldError("body", f"The body is not JSON: {error}; expected a JSON object.")) from None
    if not isinstance(value, dict):
        kind = {list: "an array", str: "a string", Decimal: "a number"}.get(type(value), "true, false or null")
        raise InvalidJson(FieldError("body", f"The body is {kind}; expected a JSON object."))
    return value


def problems_in(body: Mapping[str, Any]) -> list[FieldError]:
    """For each member that DynamoDB could not keep, why not."""
    found = ((name, value, _why_not_name(name) or why_not_kept(value)) for name, value in body.items())
    return [FieldError(name, f"`{_short(name)}` {why}.", value) for name, value, why in found if why]


def why_not_kept(value: Any, levels: int = MAX_LEVELS) -> str | None:
    """Why DynamoDB could not keep a value whose numbers are Decimal, or None."""
    match value:
        case str():
            return _why_not_text(value)
        case Decimal():
            return _why_not_number(value)
        case list() | dict() if levels == 0:
            return f"is nested too deeply; {_LEVELS}"
        case list():
            return _first(why_not_kept(element, levels - 1) for element in value)
        case dict():
            return _first(_why_not_name(name) or why_not_kept(element, levels - 1) for name, element in value.items())
        case _:
            return None


def to_json(value: Any, *, sort_names: bool = True) -> str:
    """The value as compact JSON with every digit of its numbers and nothing in it that can't be printed.

    Sets are written as sorted arrays, binary values in base64: JSON has neither. Raises TypeError and ValueError for
    what DynamoDB has no type for.
    """

    def written(value: Any) -> str:
        match value:
            case str():
                return _text(value)
            case Decimal():
                return write_number(value)
            case bytes():
                return json.dumps(base64.b64encode(value).decode())
            case Mapping():
                members = sorted(value.items()) if sort_names else value.items()
                return "{" + ",".join(f"{_text(str(name))}:{written(element)}" for name, element in members) + "}"
            case set() | frozenset():
                return written(sorted(value))
            case list() | tuple():
                return "[" + ",".join(map(written, value)) + "]"
            case _:
                return json.dumps(value, allow_nan=False)

    return written(value)


def plain(value: Any) -> Any:
    """The value as a reader of its JSON gets it, with Python's own numbers: for what can't be written with ours."""
    return json.loads(to_json(value, sort_names=False))


def write_number(number: Decimal) -> str:
    """Every digit, as JSON and DynamoDB both read it.

    DynamoDB may give 60 back as it was written, 60.0: both have to look alike, or an ETag would change by itself.
    """
    if not number.is_finite():
        raise ValueError(f"{number} is no number of JSON")
    exact = _EXACT.normalize(number)
    if exact.adjusted() < _MAX_PLACES and exact == exact.to_integral_value():
        return str(int(exact))
    return str(exact)


_LEVELS = f"expected at most {MAX_LEVELS} levels"
_NUMBER = f"expected at most {_MAX_DIGITS} digits and a size below 1E+126"


def _without_duplicates(members: list[tuple[str, Any]]) -> dict[str, Any]:
    together: dict[str, Any] = {}
    for name, value in members:
        if name in together:
            raise _NamedTwice(name)
        together[name] = value
    return together


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


def _text(text: str) -> str:
    written = json.dumps(text, ensure_ascii=False)
    unseen = () if is_printable(written) else [character for character in set(written) if not is_printable(character)]
    return written.translate({ord(character): json.dumps(character)[1:-1] for character in unseen})


def _short(name: str) -> str:
    return cut(name, LONGEST_QUOTE)


def _first(reasons: Iterable[str | None]) -> str | None:
    return next((reason for reason in reasons if reason is not None), None)
