"""Why something that a person asked for is not done: each of these is one answer of the HTTP API."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from classroom_scheduler.domain.errors import PermanentError

_SHOWN_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong with a request: where, in words, and what stands there."""

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
            case Decimal() if not self.value.is_finite() or len(str(self.value)) > _SHOWN_CHARACTERS:
                return {}
            case str() | bool() | Decimal() | None:
                return {"value": self.value}
            case _:
                return {}


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
