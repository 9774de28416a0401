"""Each function, its handler and its state have one name, and AWS is told all they need."""

import json

import pytest

from tests.template.project import (
    PACKAGE,
    ROOT,
    TASKS,
    functions,
    handler_module,
    of_type,
    state_machine,
    template,
)

FUNCTIONS = sorted(functions())
MACHINES = of_type("AWS::Serverless::StateMachine")


def test_functions_and_handler_modules_are_named_alike() -> None:
    modules = {path.stem for path in (PACKAGE / "handlers").glob("*.py") if not path.stem.startswith("_")}

    assert modules == {handler_module(function) for function in FUNCTIONS}
    for function, properties in functions().items():
        assert properties["Handler"] == f"classroom_scheduler.handlers.{handler_module(function)}.handler"


@pytest.mark.parametrize("task", TASKS)
def test_a_task_is_named_as_its_function(task: str) -> None:
    assert state_machine()["States"][task]["Resource"] == f"${{{task}FunctionArn}}"
    assert MACHINES["ClassroomStateMachine"]["DefinitionSubstitutions"][f"{task}FunctionArn"] == {
        "Fn::GetAtt": [f"{task}Function", "Arn"]
    }


def test_whatever_logs_logs_to_a_group_of_the_stack_that_forgets() -> None:
    groups = of_type("AWS::Logs::LogGroup")
    destinations = [machine["Logging"]["Destinations"] for machine in MACHINES.values()]
    used = {each["LoggingConfig"]["LogGroup"]["Ref"] for each in functions().values()}
    used |= {each["CloudWatchLogsLogGroup"]["LogGroupArn"]["Fn::GetAtt"][0] for [each] in destinations}
    used |= {
        each["AccessLogSetting"]["DestinationArn"]["Fn::GetAtt"][0] for each in of_type("AWS::Serverless::Api").values()
    }

    assert used == set(groups)
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())


@pytest.mark.parametrize("machine", sorted(MACHINES))
def test_a_state_machine_logs_its_failures_without_what_passed_through_it(machine: str) -> None:
    logging = MACHINES[machine]["Logging"]
    group = logging["Destinations"][0]["CloudWatchLogsLogGroup"]["LogGroupArn"]["Fn::GetAtt"][0]

    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ERROR", False)
    # Elsewhere each stack would make the account's log resource policy longer, until it is full.
    name = of_type("AWS::Logs::LogGroup")[group]["LogGroupName"]["Fn::Sub"]
    assert name.startswith("/aws/vendedlogs/states/${AWS::StackName}")


def test_every_function_and_state_machine_is_traced_if_the_parameter_says_so() -> None:
    assert all(each["Tracing"] == {"Ref": "Tracing"} for each in functions().values())
    assert all(each["Tracing"] == {"Enabled": {"Fn::If": ["IsTraced", True, False]}} for each in MACHINES.values())
    assert template()["Conditions"]["IsTraced"] == {"Fn::Equals": [{"Ref": "Tracing"}, "Active"]}


def test_every_function_is_built_by_the_makefile_on_the_runtime_that_was_chosen() -> None:
    assert all(template()["Resources"][function]["Metadata"]["BuildMethod"] == "makefile" for function in FUNCTIONS)
    assert {each["CodeUri"] for each in functions().values()} == {"src/"}
    assert all(each["Runtime"] == {"Ref": "PythonRuntime"} for each in functions().values())
    assert (ROOT / "src" / "Makefile").is_file()


def test_every_function_that_starts_executions_knows_how_early_and_no_other() -> None:
    variables = {name: each["Environment"]["Variables"] for name, each in functions().items()}
    lead = {"Ref": "StartLeadSeconds"}

    assert {name for name, each in variables.items() if each.get("START_LEAD_SECONDS") == lead} == {
        name for name, each in variables.items() if "STATE_MACHINE_ARN" in each
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_sam_local_has_a_value_for_each_variable_that_only_a_deployment_knows(function: str) -> None:
    given = json.loads((ROOT / "events" / "env.json").read_text())
    variables = functions()[function]["Environment"]["Variables"]
    defaults = [{"Ref": name} for name, each in template()["Parameters"].items() if "Default" in each]
    unknown = {name for name, value in variables.items() if isinstance(value, dict) and value not in defaults}

    assert unknown <= set({**given.get("Parameters", {}), **given.get(function, {})})
    assert set(given.get(function, {})) <= set(variables)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_fits_into_what_lambda_offers(function: str) -> None:
    properties = functions()[function]
    variables = properties["Environment"]["Variables"]

    assert sum(len(name) + _longest(value) for name, value in variables.items()) < 4096
    assert 128 <= properties["MemorySize"] <= 10_240
    assert 1 <= properties["Timeout"] <= 900


def test_the_http_api_answers_before_api_gateway_gives_up() -> None:
    assert functions()["ClassroomApiFunction"]["Timeout"] < 29


def _longest(value: object) -> int:
    """How long a variable's value can be: text as it is, a parameter by its limit, names and ARNs 256."""
    if not isinstance(value, dict):
        return len(str(value))
    [argument] = value.values()
    parameter = template()["Parameters"].get(argument, {}) if isinstance(argument, str) else {}
    return int(parameter.get("MaxLength", 256))
