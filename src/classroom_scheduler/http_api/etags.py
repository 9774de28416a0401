"""ETags of classrooms, and the `If-Match` that makes an edit conditional: RFC 9110, section 13.1.1.

An ETag stands for what people wrote. What the scheduler writes does not change it: whoever edits a class while its
recording starts has still read what there is to edit.
"""

import hashlib
import re

from classroom_scheduler.domain.item_codec import Item, user_attributes
from classroom_scheduler.exact_json import FieldError, to_json
from classroom_scheduler.http_api.api_errors import HasChanged, InvalidRequest

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS = re.compile(rf"\s*{_TAG}\s*(?:,\s*{_TAG}\s*)*")


def etag(item: Item) -> str:
    """The ETag of what people wrote, quotes included."""
    return f'"{hashlib.sha256(to_json(user_attributes(item)).encode()).hexdigest()[:32]}"'


class IfMatch:
    """What an `If-Match` asks of a classroom: nothing if there was none. Raises InvalidRequest if it can't be read."""

    def __init__(self, header: str | None = None) -> None:
        header = None if header is None else header.strip()
        if header not in (None, "*") and _TAGS.fullmatch(header) is None:
            message = '`If-Match` is not a list of ETags; expected one as an answer gave it, such as "5d41402a", or *.'
            raise InvalidRequest(FieldError("If-Match", message, header))
        # `*` asks only that there is something, which an edit finds out by itself.
        self._tags = None if header in (None, "*") else frozenset(re.findall(_TAG, header))

    @property
    def asks_nothing(self) -> bool:
        """Whether any state of the classroom will do."""
        return self._tags is None

    def check(self, item: Item) -> None:
        """Raise HasChanged if the item is not what the caller has read. Weak ETags never match, as RFC 9110 has it."""
        if self._tags is not None and etag(item) not in self._tags:
            raise HasChanged("The classroom is no longer as you read it; read it again, then repeat the edit on that.")
