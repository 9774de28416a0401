"""ClassroomApi: classrooms and one-time invocations over HTTP. What each route takes and answers is in openapi.json."""

from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, CORSConfig, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.router import APIGatewayRouter
from aws_lambda_powertools.utilities.typing import LambdaContext

from classroom_scheduler import clock, settings
from classroom_scheduler.adapters.editable_classrooms import EditableTableClassrooms
from classroom_scheduler.adapters.invocations import StateMachineInvocations
from classroom_scheduler.domain.errors import ClassroomNotWritable, TransientError
from classroom_scheduler.domain.item_codec import Item
from classroom_scheduler.http_api import day_listing, editing, invocations
from classroom_scheduler.http_api.api_errors import ApiError
from classroom_scheduler.http_api.etags import etag
from classroom_scheduler.http_api.requests import body_of, decoded, if_match_of, parameters_of
from classroom_scheduler.http_api.responses import (
    answer,
    broken,
    done,
    last_resort,
    problem,
    refused,
    unavailable,
    unwritable,
)
from classroom_scheduler.observability import logger, metrics

_DOCUMENT = Path(__file__).parents[1] / "openapi.json"
_A_DAY = 86_400

router = APIGatewayRouter()  # type: ignore[no-untyped-call]  # Powertools left it without types


@cache
def table() -> EditableTableClassrooms:
    return EditableTableClassrooms(settings.required("CLASSROOMS_TABLE"))


@cache
def one_time_executions() -> StateMachineInvocations:
    return StateMachineInvocations(settings.required("ONE_TIME_STATE_MACHINE_ARN"))


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId")
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    try:
        answered = _app().resolve(event, context)
    except Exception as error:  # noqa: BLE001 - an answer, too, may fail while it is made, and API Gateway says nothing
        answered = last_resort(error, context.aws_request_id)
    answered["multiValueHeaders"]["X-Content-Type-Options"] = ["nosniff"]
    return answered


@router.post("/classroom/create")
def create_classroom() -> Response[str]:
    body = body_of(router.current_event)
    item = editing.create(body, table(), uuid4().hex, clock.now())
    logger.info("classroom created", classroomId=item["classroomId"])
    # Relative to this address, whatever stage or domain is before it.
    return _classroom(HTTPStatus.CREATED, item, Location=f"../classrooms/{item['classroomId']}")


@router.get("/classrooms")
def list_classrooms() -> Response[str]:
    query = day_listing.Query.read(parameters_of(router.current_event))
    items, position = day_listing.page(query, table())
    content: dict[str, Any] = {"classrooms": items}
    if position is not None:
        content["next"] = day_listing.token_of(position, query)
    return answer(HTTPStatus.OK, content)


@router.get("/classrooms/<classroom_id>")
def get_classroom(classroom_id: str) -> Response[str]:
    return _classroom(HTTPStatus.OK, editing.read(decoded(classroom_id), table()))


@router.put("/classrooms/<classroom_id>")
def replace_classroom(classroom_id: str) -> Response[str]:
    event = router.current_event
    body, if_match = body_of(event), if_match_of(event)
    item = editing.replace(decoded(classroom_id), body, if_match, table())
    logger.info("classroom replaced", classroomId=item["classroomId"])
    return _classroom(HTTPStatus.OK, item)


@router.delete("/classrooms/<classroom_id>")
def delete_classroom(classroom_id: str) -> Response[str]:
    editing.delete(decoded(classroom_id), if_match_of(router.current_event), table())
    logger.info("classroom deleted", classroomId=decoded(classroom_id))
    return done()


@router.post("/invocations")
def schedule_invocation() -> Response[str]:
    body = body_of(router.current_event)
    scheduled = invocations.schedule(body, one_time_executions(), uuid4().hex, clock.now())
    logger.info("invocation scheduled", invocation=scheduled.name, time=scheduled.time)
    content = {"name": scheduled.name, "invocationTime": scheduled.time, "executionArn": scheduled.arn}
    return answer(HTTPStatus.ACCEPTED, content)


@router.delete("/invocations/<name>")
def cancel_invocation(name: str) -> Response[str]:
    invocations.cancel(decoded(name), one_time_executions())
    logger.info("invocation cancelled", invocation=decoded(name))
    return done()


@router.get("/openapi.json")
def get_document() -> Response[str]:
    return Response(int(HTTPStatus.OK), "application/json", _document())


@cache
def _document() -> str:
    return _DOCUMENT.read_text(encoding="utf-8")


@cache
def _app() -> APIGatewayRestResolver:
    app = APIGatewayRestResolver(cors=_cors(settings.cors_origins()))
    app.include_router(router)
    app.exception_handler(NotFoundError)(_no_such_address)
    app.exception_handler(ApiError)(lambda error: refused(error, router))
    app.exception_handler(ClassroomNotWritable)(lambda error: unwritable(error, router))
    app.exception_handler(TransientError)(lambda error: unavailable(error, router))
    app.exception_handler(Exception)(lambda error: broken(error, router))
    return app


def _cors(origins: list[str]) -> CORSConfig | None:
    if not origins:
        return None
    return CORSConfig(
        allow_origin=origins[0],
        extra_origins=origins[1:],
        allow_headers=["If-Match"],
        expose_headers=["ETag", "Location", "Retry-After"],
        max_age=_A_DAY,
    )


def _classroom(status: HTTPStatus, item: Item, **headers: str) -> Response[str]:
    return answer(status, item, {"ETag": etag(item), **headers})


def _no_such_address(_error: NotFoundError) -> Response[str]:
    detail = "There is nothing at this address for this method; see /openapi.json."
    return problem(router, HTTPStatus.NOT_FOUND, "not-found", detail)
