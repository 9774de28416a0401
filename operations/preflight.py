"""`make preflight`: what in this account and Region would stop or starve the stack, before anything is deployed."""

from functools import partial

from operations import change_set, definitions, deployment, guests, limits
from operations.account import Account, connect
from operations.deployment import DEFINITIONS, Deployment
from operations.errors import AwsError, NotBegun, in_words
from operations.results import Check, Result, Say, failed, passed, run
from operations.stacks import describe

_UNUSABLE = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED"}


def preflight(environment: str, say: Say) -> bool:
    """Make every check and say what it saw; whether none failed. Raises NotBegun."""
    plan = deployment.read(environment)
    account = connect(plan.region)
    say(f"Preflight of {plan.stack_name} ({plan.environment} in samconfig.toml)\nin {account}, as {account.caller}\n")
    # Few at once: Step Functions lets through ten TestState and one validation a second.
    try:
        return run(checks(account, plan), say)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("Interrupted: checks without a line were not made. Nothing of them stays.") from None


def checks(account: Account, plan: Deployment) -> list[Check]:
    """The checks of a deployment, in the order in which they are begun. Raises NotBegun."""
    try:
        stack = describe(account, plan.stack_name)
    except AwsError as error:
        raise NotBegun(f"{in_words(error)} Nothing was done.") from error
    status = stack["StackStatus"] if stack else ""
    deployed = {each["ParameterKey"]: each["ParameterValue"] for each in (stack or {}).get("Parameters", [])}
    outputs = {each["OutputKey"]: each["OutputValue"] for each in (stack or {}).get("Outputs", [])}
    exists = status not in {"", change_set.EMPTY}

    def value(parameter: str) -> str:
        return plan.value(parameter, deployed)

    return [
        ("Change set", partial(change_set.try_out, account, plan, deployed, status)),
        ("Stack", partial(_stack, plan.stack_name, status)),
        *((path.name, partial(definitions.valid, account, path)) for path in sorted(DEFINITIONS.glob("*.asl.json"))),
        (
            "One-time invocation times",
            partial(definitions.invocation_times, account, outputs.get("OneTimeLambdaSchedulerArn", "")),
        ),
        ("Lambda concurrency", partial(limits.lambda_concurrency, account)),
        ("Step Functions rates", partial(limits.step_functions_rates, account)),
        ("Log resource policies", partial(limits.log_policies, account)),
        (
            "API Gateway's log role",
            partial(limits.api_log_role, account, plan.stack_name, set_by_stack=value("ApiGatewayLogRole") == "Own"),
        ),
        ("Log groups of a former stack", partial(limits.left_behind, account, plan, exists=exists)),
        ("Event bus", partial(limits.bus, account, value("EventBusName"))),
        ("Key", partial(guests.key, account, value("KmsKeyArn"))),
        ("Alarm topic", partial(guests.topic, account, value("AlarmTopicArn"))),
    ]


def _stack(name: str, status: str) -> Result:
    if status in _UNUSABLE:
        return failed(
            f"{name} is {status}, which no deployment can change.", f"make destroy STACK={name}, then deploy anew."
        )
    if status and status.endswith("_IN_PROGRESS") and status != change_set.EMPTY:
        return failed(f"{name} is {status}.", "Wait until it is done.")
    return passed(f"{name} is {status}: it would be updated." if status else f"There is no {name} yet.")
