"""What the HTTP API answers: JSON, or a problem in the form of RFC 9457 (https://www.rfc-editor.org/rfc/rfc9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayRouter

from classroom_scheduler.domain.errors import ClassroomNotWritable, TransientError
from classroom_scheduler.exact_json import to_json
from classroom_scheduler.http_api.api_errors import (
    AlreadyExists,
    AlreadyOver,
    ApiError,
    HasChanged,
    InvalidRequest,
    NotFound,
    NotReplaceable,
    TooLarge,
    UnsupportedMediaType,
)
from classroom_scheduler.observability import count, logger

# Long enough for a throttled table to split, short enough for a person to wait.
_RETRY_AFTER = "5"
_KINDS: dict[type[ApiError], tuple[HTTPStatus, str]] = {
    InvalidRequest: (HTTPStatus.BAD_REQUEST, "invalid-request"),
    NotFound: (HTTPStatus.NOT_FOUND, "not-found"),
    AlreadyExists: (HTTPStatus.CONFLICT, "already-exists"),
    AlreadyOver: (HTTPStatus.CONFLICT, "already-over"),
    NotReplaceable: (HTTPStatus.CONFLICT, "not-replaceable"),
    HasChanged: (HTTPStatus.PRECONDITION_FAILED, "has-changed"),
    TooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large"),
    UnsupportedMediaType: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type"),
}
_TITLES = {
    "invalid-request": "Something in the request is wrong",
    "not-found": "There is no such thing",
    "method-not-allowed": "The method is not for this address",
    "already-exists": "The name is taken",
    "already-over": "It has happened already",
    "not-replaceable": "The item has too many attributes",
    "not-writable": "The table refuses the item",
    "has-changed": "Somebody else has changed it",
    "too-large": "The body is too large",
    "unsupported-media-type": "The body is not declared as JSON",
    "unavailable": "Not possible at the moment",
    "internal-error": "Something went wrong here",
}


def answer(status: HTTPStatus, content: Any, headers: Mapping[str, str] | None = None) -> Response[str]:
    """An answer in JSON, which nobody is to cache: what the scheduler writes changes without a new ETag."""
    return _response(status, "application/json", content, headers or {})


def done() -> Response[str]:
    """Done, and nothing more to say."""
    return Response(int(HTTPStatus.NO_CONTENT), body="", headers={"Cache-Control": "no-store"})


def refused(error: ApiError, router: APIGatewayRouter) -> Response[str]:
    """The problem that a error is."""
    status, kind = _KINDS[type(error)]
    field_errors = error.field_errors if isinstance(error, InvalidRequest) else ()
    errors = [wrong.shown for wrong in field_errors]
    return problem(router, status, kind, str(error), **({"errors": errors} if errors else {}))


def unwritable(error: ClassroomNotWritable, router: APIGatewayRouter) -> Response[str]:
    """DynamoDB found something that we had not; what exactly is for the log, because it tells of the table."""
    logger.warning("item refused by DynamoDB", reason=str(error))
    detail = "DynamoDB does not take this item; make it smaller or simpler."
    return problem(router, HTTPStatus.BAD_REQUEST, "not-writable", detail)


def unavailable(error: TransientError, router: APIGatewayRouter) -> Response[str]:
    """AWS does not answer, or an item does not come to rest; what exactly is for the log."""
    logger.warning("request not carried out", reason=str(error))
    count("ApiUnavailable")
    detail = f"Nothing was done, or it is not known whether it was; repeat the request in {_RETRY_AFTER} seconds."
    answered = problem(router, HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail)
    answered.headers["Retry-After"] = _RETRY_AFTER
    return answered


def broken(error: Exception, router: APIGatewayRouter) -> Response[str]:
    """A mistake of ours: the log says which, and the caller gets the number to ask for it."""
    logger.exception("request failed", exc_info=error)
    count("ApiFailed")
    detail = "This is a mistake of the scheduler, and is in its log under the number in `instance`."
    return problem(router, HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", detail)


def problem(router: APIGatewayRouter, status: HTTPStatus, kind: str, detail: str, **more: Any) -> Response[str]:
    """An answer of the type application/problem+json."""
    content = {
        "type": f"urn:classroom-scheduler:problem:{kind}",
        "title": _TITLES[kind],
        "status": int(status),
        "detail": detail,
        "instance": f"urn:uuid:{router.current_event.request_context.request_id}",
        **more,
    }
    return _response(status, "application/problem+json", content, {})


def _response(status: HTTPStatus, content_type: str, content: Any, headers: Mapping[str, str]) -> Response[str]:
    # A problem may quote half a character of the body that it is about, which no answer can carry.
    body = to_json(content).encode("utf-8", "replace").decode()
    return Response(int(status), content_type, body, headers={"Cache-Control": "no-store", **headers})
