"""Items and images in DynamoDB JSON, read with every digit of their numbers.

The libraries' readers keep 38 digits and raise for the 51 of 1E+50, which DynamoDB itself writes out so.
"""

import base64
from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def read_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item or an image with plain Python values. Raises an error of any kind where it is no DynamoDB JSON."""
    return {name: _read(value) for name, value in item.items()}


def _read(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "S" | "BOOL":
            return content
        case "N":
            return Decimal(content)
        case "M":
            return read_item(content)
        case "L":
            return [_read(element) for element in content]
        case "NULL":
            return None
        case "B":
            return _binary(content)
        case "SS":
            return set(content)
        case "NS":
            return {Decimal(element) for element in content}
        case "BS":
            return {_binary(element) for element in content}
        case _:
            raise TypeError(f"DynamoDB has no type {kind}")


def _binary(content: bytes | str) -> bytes:
    """Bytes from botocore, base64 from Lambda: an image has to equal the item as it is read."""
    return base64.b64decode(content) if isinstance(content, str) else bytes(content)
