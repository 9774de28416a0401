"""What people wrote, quoted: on one line, cut where it is long, with every character named that nobody can see."""

import re
from decimal import Decimal

LONGEST_QUOTE = 64
"""A quotation has at most so many characters of what it quotes."""

_DYNAMODB_TYPES: dict[type, str] = {dict: "map", list: "list", set: "set"}
_NAMES = {
    " ": "a space",
    "\t": "a tab",
    "\n": "a newline",
    "\r": "a carriage return",
    "\u00a0": "a no-break space (U+00A0)",
    "\ufeff": "a byte order mark (U+FEFF)",
}
# Letters and marks that show nothing, although Python counts them as printable.
_BLANKS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def describe(value: object) -> str:
    """`is missing` (where it is `...`), `is null`, `is the number 5` or `is "31 February"`."""
    match value:
        case None:
            return "is null"
        case str():
            return f"is {quoted(value)}"
        case bool():
            return f"is the boolean {value}"
        case float():
            return f"is the number {value}"
        case int() | Decimal():
            return f"is the number {_number(value)}"
        case _:
            return "is missing" if value is ... else f"is of the type {_DYNAMODB_TYPES.get(type(value), 'binary')}"


def quoted(text: str) -> str:
    """`"room 1"`, `"room-1" with a newline at the end`, `"xxx…" of 3000 characters`."""
    if len(text) > LONGEST_QUOTE:
        return f'"{printable(text[: LONGEST_QUOTE - 4])}…" of {len(text)} characters'
    seen = _seen(text)
    if not seen:
        return f"nothing but {_named(text)}" if text else '""'
    before, _, after = text.partition(seen)
    around = [f"{_named(before)} before it"] if before else []
    around += [f"{_named(after)} at the end"] if after else []
    return f'"{printable(seen)}"' + (f" with {' and '.join(around)}" if around else "")


def printable(text: str) -> str:
    """The text with `<U+200E>` for each character that nobody can see."""
    if is_printable(text):
        return text
    return "".join(character if is_printable(character) else f"<{_code(character)}>" for character in text)


def is_printable(text: str) -> bool:
    """Whether everything in it can be seen: no control character, no white space but the space, nothing invisible."""
    return text.isprintable() and (text.isascii() or _BLANKS.search(text) is None)


def cut(text: str, length: int) -> str:
    """The text with nothing unprintable in it, and an ellipsis where it was longer than that."""
    text = printable(text[: length + 1])
    return text if len(text) <= length else text[: length - 1] + "…"


def _seen(text: str) -> str:
    """What is left without spaces and invisible characters at both ends."""
    seen = [place for place, character in enumerate(text) if character != " " and is_printable(character)]
    return text[seen[0] : seen[-1] + 1] if seen else ""


def _named(unseen: str) -> str:
    names = [_NAMES.get(character) or _code(character) for character in unseen]
    return f"{len(names)} characters that can't be seen" if len(names) > 3 else ", ".join(names)


def _code(character: str) -> str:
    return f"U+{ord(character):04X}"


def _number(value: int | Decimal) -> str:
    """`5`, or `1.000000000E+1000` where it is long: no text of a thousand digits is ever made."""
    number = Decimal(value)
    text = str(number) if len(number.as_tuple().digits) <= LONGEST_QUOTE else f"{number:.9E}"
    return text if len(text) <= LONGEST_QUOTE else f"{number:.9E}"
