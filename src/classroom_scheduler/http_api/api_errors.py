"""Why something that a person asked for is not done: each of these is one answer of the HTTP API."""

from classroom_scheduler.domain.errors import PermanentError
from classroom_scheduler.exact_json import FieldError


class ApiError(PermanentError):
    """The base of all answers that say no; the message is for the person who asked."""


class InvalidRequest(ApiError):
    """Something in the request is wrong; `field_errors` says everything that is."""

    def __init__(self, *field_errors: FieldError) -> None:
        super().__init__(" ".join(dict.fromkeys(wrong.message for wrong in field_errors)))
        self.field_errors = field_errors


class NotFound(ApiError):
    """There is no such thing."""


class AlreadyExists(ApiError):
    """The name or id is taken."""


class HasChanged(ApiError):
    """It is no longer what the caller says to have read."""


class NotReplaceable(ApiError):
    """It can't be replaced under a condition, which DynamoDB allows only so much of."""


class AlreadyOver(ApiError):
    """It has happened: too late to prevent."""


class TooLarge(ApiError):
    """The body is larger than anything that could be kept."""


class UnsupportedMediaType(ApiError):
    """The body is not declared to be JSON."""
