"""What the account allows: new ones allow little, and some limits are shared by everything in a Region."""

from typing import Any

from botocore.exceptions import ClientError

from operations.account import Account
from operations.deployment import Deployment
from operations.errors import code_of
from operations.results import Result, failed, not_checkable, passed, warned

_FEW_FUNCTIONS = 100
"""A start, its stream handler and the ping of the class before need a function each, and an import needs ten."""
_FEW_TRANSITIONS = 800
"""A second: the least that accounts have, but for new ones."""
_RATES = ("StartExecution", "StopExecution", "StateTransition")
_LOG_POLICIES = 10
_DELIVERED = "/aws/vendedlogs/"


def lambda_concurrency(account: Account) -> Result:
    """How many functions may run at once: 10 in a new account."""
    limit = account.client("lambda").get_account_settings()["AccountLimit"]
    all_, free = limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]
    seen = f"{all_:,} functions may run at once, {free:,} of them unreserved."
    if account.emulated:
        return not_checkable(f"it answers {all_:,}, which is no limit of an account.")
    if free < _FEW_FUNCTIONS:
        mend = "Ask for 1,000 in Service Quotas (Lambda, concurrent executions): an import would starve the starts."
        return warned(seen, mend)
    return passed(seen)


def step_functions_rates(account: Account) -> Result:
    """How many executions may be started and stopped, and how many states entered, a second."""
    if account.emulated:
        return not_checkable("it has no Service Quotas.")
    pages = account.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="states")
    quotas = [each for page in pages for each in page["Quotas"]]
    rates = {rate: value for rate in _RATES if (value := _refill(quotas, rate)) is not None}
    if not rates:
        return warned("Service Quotas names no rates of Step Functions.", "Read them in the Service Quotas console.")
    seen = "; ".join(f"{rate} {value:,.0f} a second" for rate, value in rates.items()) + "."
    if rates.get("StateTransition", _FEW_TRANSITIONS) < _FEW_TRANSITIONS:
        classes = rates["StateTransition"] / 6
        mend = f"A class enters six states: {classes:,.0f} classes a second. Ask for more in Service Quotas."
        return warned(seen, mend)
    return passed(seen)


def _refill(quotas: list[dict[str, Any]], rate: str) -> float | None:
    """The least refill a second among the quotas of an action; express workflows have others."""
    named = [each for each in quotas if rate in each["QuotaName"] and "refill" in each["QuotaName"].lower()]
    values = [float(each["Value"]) for each in named if "express" not in each["QuotaName"].lower()]
    return min(values, default=None)


def log_policies(account: Account) -> Result:
    """Whether Step Functions can be let to deliver logs: a Region has room for ten resource policies."""
    pages = account.client("logs").get_paginator("describe_resource_policies").paginate()
    policies = [each for page in pages for each in page["resourcePolicies"]]
    seen = f"{len(policies)} of {_LOG_POLICIES} resource policies of CloudWatch Logs are used"
    if any(_DELIVERED in each.get("policyDocument", "") for each in policies):
        return passed(f"{seen}, one of them for {_DELIVERED}.")
    if len(policies) >= _LOG_POLICIES:
        return failed(f"{seen}, none for {_DELIVERED}*: no state machine can log.", "Delete or merge one of them.")
    return passed(f"{seen}; the first deployment adds one.")


def api_log_role(account: Account, stack_name: str, *, set_by_stack: bool) -> Result:
    """Whose role API Gateway logs with: there is one for the whole account and Region, and the stack may set it."""
    role = str(account.client("apigateway").get_account().get("cloudwatchRoleArn") or "")
    if not set_by_stack:
        if role:
            return passed(f"API Gateway logs with the account's role, {role}.")
        return failed(
            "API Gateway has no role to log with: the API's stage is refused.", "Deploy with ApiGatewayLogRole=Own."
        )
    if not role:
        return passed(
            "API Gateway has no role to log with yet; the stack gives it one, for the whole account and Region."
        )
    if role.rpartition("/")[2].startswith(f"{stack_name}-"):
        return passed(f"API Gateway logs with this stack's role, {role}.")
    return warned(
        f"API Gateway logs with {role}, which the stack replaces by its own for the whole account and Region.",
        "Deploy with ApiGatewayLogRole=Account, which leaves it.",
    )


def left_behind(account: Account, deployment: Deployment, *, exists: bool) -> Result:
    """Whether log groups of a former stack of this name are in the way of a new one."""
    if exists:
        return passed(f"{deployment.stack_name} is deployed; its log groups are its own.")
    logs = account.client("logs")
    there = []
    for name in deployment.log_groups():
        groups = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        there += [name for each in groups if each["logGroupName"] == name]
    if there:
        mend = "Delete them, or name the stack otherwise."
        return failed(f"Log groups of a former stack are there: {', '.join(there)}.", mend)
    return passed("Nothing of a former stack of this name is in the way.")


def bus(account: Account, name: str) -> Result:
    """Whether the bus is there: PutEvents to one that is missing succeeds, and nobody hears the event."""
    try:
        arn = account.client("events").describe_event_bus(Name=name)["Arn"]
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        mend = f"aws events create-event-bus --name {name}, or mend EventBusName."
        return failed(f"There is no event bus {name} in {account.region}.", mend)
    return passed(f"{arn} is there.")
