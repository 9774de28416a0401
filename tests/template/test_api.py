"""The HTTP API: nothing of it is open, and its document, its template and its function know the same addresses."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from classroom_scheduler.domain.item_codec import OWNED_ATTRIBUTES
from classroom_scheduler.domain.schedule import MAX_LIVE_PING_DELAY
from classroom_scheduler.domain.session import Status
from classroom_scheduler.handlers.classroom_api import router
from classroom_scheduler.http_api.day_listing import DEFAULT_LIMIT, MAX_LIMIT
from classroom_scheduler.http_api.editing import MAX_ATTRIBUTES
from classroom_scheduler.http_api.responses import _KINDS, _TITLES
from tests.template.project import PACKAGE, Json, deployed, names, of_type, strings, template

DOCUMENT: Json = json.loads((PACKAGE / "openapi.json").read_text())
API = of_type("AWS::Serverless::Api")["ClassroomApi"]
BODY: Json = API["DefinitionBody"]
METHODS = {"get", "put", "post", "delete", "patch", "options", "head"}
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method in METHODS
}
AUTHORIZED = {"Fn::If": ["HasUserPool", [{"UserPool": []}], [{"Signature": []}]]}
GATEWAY: Json = BODY["x-amazon-apigateway-gateway-responses"]


# --- authorization ----------------------------------------------------------------------------------------------------


def test_every_address_asks_for_a_signature_or_a_token() -> None:
    for path, item in BODY["paths"].items():
        assert set(item) == METHODS, "what is left out, API Gateway would answer itself"
        for method, operation in item.items():
            if method != "options":
                assert operation["security"] == AUTHORIZED, f"{method} {path}"


def test_only_a_browsers_question_is_open_and_only_where_pages_may_call() -> None:
    for item in BODY["paths"].values():
        condition, preflight, otherwise = item["options"]["Fn::If"]
        assert condition == "HasCorsOrigins"
        assert set(preflight) == {"responses", "x-amazon-apigateway-integration"}
        assert otherwise["security"] == AUTHORIZED
    assert template()["Conditions"]["HasCorsOrigins"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "CorsOrigins"}, ""]}]}


def test_by_default_callers_sign_and_no_page_may_call() -> None:
    assert BODY["components"]["securitySchemes"]["Signature"]["x-amazon-apigateway-authtype"] == "awsSigv4"
    condition, pool, otherwise = BODY["components"]["securitySchemes"]["UserPool"]["Fn::If"]
    assert (condition, otherwise) == ("HasUserPool", {"Ref": "AWS::NoValue"})
    assert pool["x-amazon-apigateway-authorizer"] == {
        "type": "cognito_user_pools",
        "providerARNs": [{"Ref": "CognitoUserPoolArn"}],
    }


def test_nobody_but_this_api_invokes_the_function() -> None:
    permissions = [each["Properties"] for each in deployed().values() if each["Type"] == "AWS::Lambda::Permission"]
    [permission] = [
        each for each in permissions if each["FunctionName"] == {"Fn::GetAtt": ["ClassroomApiFunction", "Arn"]}
    ]

    assert permission["Principal"] == "apigateway.amazonaws.com"
    assert permission["SourceArn"]["Fn::Sub"].endswith(":${ClassroomApi}/*")


# --- the stage --------------------------------------------------------------------------------------------------------


def test_there_is_one_stage_throttled_and_traced_as_the_parameter_says_without_metrics_a_method() -> None:
    [stage] = [each["Properties"] for each in deployed().values() if each["Type"] == "AWS::ApiGateway::Stage"]
    [settings] = stage["MethodSettings"]

    assert stage["TracingEnabled"] == {"Fn::If": ["IsTraced", True, False]}
    assert "MetricsEnabled" not in settings, "nothing uses them, and each is billed"
    assert (settings["ResourcePath"], settings["HttpMethod"]) == ("/*", "*")
    assert settings["ThrottlingRateLimit"] == {"Ref": "ApiRateLimit"}
    assert settings["ThrottlingBurstLimit"] == {"Ref": "ApiBurstLimit"}
    assert "DataTraceEnabled" not in settings, "bodies are not for the log"
    assert API["EndpointConfiguration"] == {"Type": "REGIONAL"}


def test_the_access_log_tells_nothing_of_who_asked_and_for_which_class() -> None:
    logged = json.loads(API["AccessLogSetting"]["Format"])

    assert set(logged.values()) == {
        f"$context.{each}"
        for each in (
            *("requestId", "requestTimeEpoch", "httpMethod", "status", "responseLength"),
            *("responseLatency", "integrationLatency", "error.responseType", "xrayTraceId"),
        )
    }
    assert API["AccessLogSetting"]["DestinationArn"] == {"Fn::GetAtt": ["ClassroomApiLogGroup", "Arn"]}


def test_api_gateway_may_log_before_it_is_told_to_and_after_the_stack_has_gone() -> None:
    resources = template()["Resources"]

    [stage] = [each["Properties"] for each in deployed().values() if each["Type"] == "AWS::ApiGateway::Stage"]

    assert "ApiGatewayAccount" in names(stage["Variables"]), "a stage that logs is refused while there is no role"
    for kept in ("ApiGatewayAccount", "ApiGatewayCloudWatchRole"):
        assert resources[kept]["DeletionPolicy"] == resources[kept]["UpdateReplacePolicy"] == "Retain"


def test_the_accounts_role_for_logs_is_left_alone_where_the_parameter_says_so() -> None:
    resources = template()["Resources"]
    bound = {name for name, each in resources.items() if each.get("Condition") == "SetsApiGatewayLogRole"}

    assert bound == {"ApiGatewayAccount", "ApiGatewayCloudWatchRole"}
    assert template()["Conditions"]["SetsApiGatewayLogRole"] == {"Fn::Equals": [{"Ref": "ApiGatewayLogRole"}, "Own"]}


def test_what_a_parameter_changes_in_the_api_is_deployed() -> None:
    assert API["AlwaysDeploy"] is True


# --- what API Gateway answers by itself -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(GATEWAY))
def test_api_gateways_own_answers_are_problems(kind: str) -> None:
    response = GATEWAY[kind]
    filled = response["responseTemplates"]["application/json"]
    filled = filled.replace("$context.error.messageString", '"any"').replace("$context.requestId", "a-b-c")

    problem = json.loads(filled)

    assert list(Draft202012Validator(_schema("Problem")).iter_errors(problem)) == []
    assert problem.get("status") == response.get("statusCode")
    assert response["responseParameters"] == {
        "gatewayresponse.header.Content-Type": "'application/problem+json'",
        "gatewayresponse.header.X-Content-Type-Options": "'nosniff'",
    }
    assert "$" not in json.dumps(problem), "nothing else of the request is echoed"


def test_api_gateways_own_answers_are_all_covered() -> None:
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "ACCESS_DENIED", "THROTTLED", "UNAUTHORIZED"} <= set(GATEWAY)
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
    assert "REQUEST_TOO_LARGE" not in GATEWAY, "it can't be customised"
    assert "$context.error" not in json.dumps(GATEWAY["DEFAULT_5XX"]), "what broke inside is for the log"


# --- the document -----------------------------------------------------------------------------------------------------


def test_whatever_is_asked_for_reaches_the_function() -> None:
    """So that a method or an address that there isn't is answered in its form, and each is said once, in its code."""
    assert set(BODY["paths"]) == {"/", "/{proxy+}"}


def test_document_and_function_know_the_same_addresses() -> None:
    in_document = {(path, method.upper()) for path, item in DOCUMENT["paths"].items() for method in item}
    in_function = {
        (rule.replace("<classroom_id>", "{classroomId}").replace("<", "{").replace(">", "}"), method)
        for rule, methods, *_ in router._routes
        for method in methods
    }

    assert {each for each in in_document if each[1].lower() in METHODS} == in_function


def test_every_reference_leads_somewhere() -> None:
    references = [each for each in strings(DOCUMENT) if each.startswith("#/")]

    assert references
    for reference in references:
        place: Any = DOCUMENT
        for name in reference.removeprefix("#/").split("/"):
            place = place[name]


def test_every_schema_is_one() -> None:
    for name in DOCUMENT["components"]["schemas"]:
        Draft202012Validator.check_schema(_schema(name))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_example_is_one_of_its_schema(operation: str) -> None:
    contents = [*_contents(OPERATIONS[operation].get("requestBody", {}))]
    for response in OPERATIONS[operation]["responses"].values():
        contents += _contents(_resolved(response))
    assert contents
    for content in contents:
        examples = [each["value"] for each in content.get("examples", {}).values()] + [
            content[key] for key in ("example",) if key in content
        ]
        assert examples or operation == "GET /openapi.json"
        for example in examples:
            validator = Draft202012Validator({**content["schema"], "components": DOCUMENT["components"]})
            assert list(validator.iter_errors(example)) == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_tells_how_it_can_fail(operation: str) -> None:
    described = OPERATIONS[operation]
    statuses = set(described["responses"])

    assert described["operationId"]
    assert described["summary"]
    assert {"401", "403", "429", "500", "503"} <= statuses
    assert "requestBody" not in described or {"400", "413", "415"} <= statuses
    for status, response in described["responses"].items():
        if int(status) >= 400:
            assert set(_resolved(response)["content"]) == {"application/problem+json"}


def test_every_problem_has_an_example_with_its_own_title_and_status() -> None:
    examples = {
        (example["value"]["type"].rpartition(":")[2], example["value"]["title"], example["value"]["status"])
        for response in DOCUMENT["components"]["responses"].values()
        for example in response["content"]["application/problem+json"]["examples"].values()
    }
    ours = {(kind, _TITLES[kind], int(status)) for status, kind in _KINDS.values()}

    assert ours <= examples


def test_the_schemas_have_the_limits_of_the_code() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    limit = next(each for each in OPERATIONS["GET /classrooms"]["parameters"] if each["name"] == "limit")["schema"]
    read_only = {name for name, each in schemas["Classroom"]["properties"].items() if each.get("readOnly")}

    assert schemas["Status"]["enum"] == list(Status)
    assert read_only == OWNED_ATTRIBUTES
    assert schemas["NewClassroom"]["properties"]["livePingDelay"]["maximum"] == MAX_LIVE_PING_DELAY
    # One attribute is the id, which a body may leave out.
    assert schemas["NewClassroom"]["maxProperties"] == MAX_ATTRIBUTES - 1
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, MAX_LIMIT, DEFAULT_LIMIT)


def _schema(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}


def _resolved(value: Json) -> Json:
    return DOCUMENT["components"]["responses"][value["$ref"].rpartition("/")[2]] if "$ref" in value else value


def _contents(value: Json) -> list[Json]:
    return list(value.get("content", {}).values())
