"""The `next` of a list: where its page ended, sealed, so that it can be given back and nothing else.

A token holds the position and until when it is good; the seal covers these and the query. With another day, status or
limit, or any other change, it does not fit. What it holds is no secret: the answer had it in clear.
"""

import base64
import binascii
import hashlib
import hmac
import json
from datetime import datetime, timedelta

from classroom_scheduler.exact_json import to_json
from classroom_scheduler.http_api.api_errors import FieldError, InvalidRequest
from classroom_scheduler.http_api.day_listing import Query
from classroom_scheduler.http_api.ports import Position

LIFETIME = timedelta(hours=1)
_SEAL_BYTES = hashlib.sha256().digest_size
_MAX_LENGTH = 4096


def seal(position: Position, query: Query, key: str, now: datetime) -> str:
    """The token for the page of this query after a position."""
    content = to_json({**position, "until": int((now + LIFETIME).timestamp())}).encode()
    return base64.urlsafe_b64encode(_seal_of(content, query, key) + content).decode().rstrip("=")


def unseal(query: Query, key: str, now: datetime) -> Position | None:
    """The position in the query's token, None without one. Raises InvalidRequest if it is not of this query, or old."""
    if query.next is None:
        return None
    sealed = _decoded(query.next)
    content = sealed[_SEAL_BYTES:]
    if not hmac.compare_digest(sealed[:_SEAL_BYTES], _seal_of(content, query, key)):
        expected = "expected the one that an answer to this very query gave, with the same day, status and limit"
        raise InvalidRequest(FieldError("next", f"`next` does not belong to this query; {expected}.", query.next))
    position: dict[str, str | int] = json.loads(content)
    if int(position.pop("until")) < now.timestamp():
        minutes = LIFETIME // timedelta(minutes=1)
        message = f"`next` is older than {minutes} minutes; start again at the first page."
        raise InvalidRequest(FieldError("next", message, query.next))
    return {name: str(value) for name, value in position.items()}


def _decoded(token: str) -> bytes:
    """Whatever is no base64 has no seal that could fit."""
    try:
        raw = token.encode("ascii")[:_MAX_LENGTH]
        return base64.b64decode(raw + b"=" * (-len(raw) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _seal_of(content: bytes, query: Query, key: str) -> bytes:
    bound_to = to_json([query.day, query.status, query.limit]).encode()
    return hmac.digest(key.encode(), bound_to + b"\n" + content, hashlib.sha256)
