"""What the HTTP API reads of a request: its JSON body, its query parameters, its path, its preconditions."""

import base64
import binascii
import re
from collections.abc import Mapping
from email.message import Message
from typing import Any
from urllib.parse import unquote

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from classroom_scheduler.exact_json import FieldError, InvalidJson, parse_object
from classroom_scheduler.http_api.api_errors import InvalidRequest, TooLarge, UnsupportedMediaType
from classroom_scheduler.http_api.etags import IfMatch

# Twice what an item may hold (256 KiB): room for escapes and white space.
MAX_BODY_BYTES = 512 * 1024
_JSON = re.compile(r"application/(.+\+)?json")


def body_of(event: APIGatewayProxyEvent) -> dict[str, Any]:
    """The JSON object in the body. Raises TooLarge, UnsupportedMediaType and InvalidRequest."""
    raw = _raw_body(event)
    if len(raw) > MAX_BODY_BYTES:
        raise TooLarge(f"The body has {len(raw):,} bytes; expected at most {MAX_BODY_BYTES:,}.")
    _check_media_type(_header(event, "content-type") or "")
    if not raw:
        raise InvalidRequest(FieldError("body", "The body is empty; expected a JSON object."))
    try:
        return parse_object(raw.decode())
    except UnicodeDecodeError:
        raise InvalidRequest(FieldError("body", "The body is not UTF-8; expected JSON in UTF-8.")) from None
    except InvalidJson as error:
        raise InvalidRequest(*error.field_errors) from error


def parameters_of(event: APIGatewayProxyEvent) -> Mapping[str, list[str]]:
    """Every value of each query parameter."""
    return event.get("multiValueQueryStringParameters") or {
        name: [value] for name, value in (event.get("queryStringParameters") or {}).items()
    }


def if_match_of(event: APIGatewayProxyEvent) -> IfMatch:
    """The precondition of an edit. Raises InvalidRequest."""
    return IfMatch(_header(event, "if-match"))


def decoded(segment: str) -> str:
    """A segment of the path: API Gateway hands it over as it was sent, percent-encoded."""
    return unquote(segment)


def _raw_body(event: APIGatewayProxyEvent) -> bytes:
    text = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest(FieldError("body", "The body is not the base64 that it is said to be.")) from None


def _check_media_type(content_type: str) -> None:
    header = Message()
    header["content-type"] = content_type
    media_type = header.get_content_type() if content_type else ""
    charset = str(header.get_param("charset", "utf-8")).lower()
    if _JSON.fullmatch(media_type) is None or charset not in {"utf-8", "utf8"}:
        found = f"declared to be {content_type[:64]}" if content_type else "not declared to be anything"
        raise UnsupportedMediaType(f"The body is {found}; expected the header `Content-Type: application/json`.")


def _header(event: APIGatewayProxyEvent, name: str) -> str | None:
    """A header by its name in lower case; its lines joined, if it came in several."""
    lines = event.get("multiValueHeaders") or {
        header: [value] for header, value in (event.get("headers") or {}).items()
    }
    values = [value for header, each in lines.items() if header.lower() == name for value in each]
    return ", ".join(values) if values else None
