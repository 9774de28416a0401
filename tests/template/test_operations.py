"""docs/operations.md lists every metric and none else, explains every alarm, and its key policy is one."""

import json
import re
from itertools import product
from typing import Any

from classroom_scheduler.domain import errors
from classroom_scheduler.domain.tasks import TASKS
from tests.template.metrics import MADE_OF_PARTS, counted, written_names
from tests.template.project import ROOT, of_type, template

TEXT = (ROOT / "docs" / "operations.md").read_text()


def section(heading: str) -> str:
    """A section of the second level, with those in it."""
    return re.split(rf"^## {re.escape(heading)}$", TEXT, maxsplit=1, flags=re.MULTILINE)[1].split("\n## ")[0]


def listed() -> set[str]:
    """The metrics of the table, with each task and each error in the place of {task} and {error}."""
    cells = re.findall(r"^\| (`.*?) \|", section("Metrics"), re.MULTILINE)
    patterns = [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]
    kinds = [name for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, Exception)]
    return {
        pattern.replace("{task}", task.name).replace("{error}", kind)
        for pattern, task, kind in product(patterns, TASKS, kinds)
    }


def test_every_metric_is_listed_and_none_that_is_not_counted() -> None:
    assert listed() == counted()


def test_names_that_are_put_together_are_those_that_are_known() -> None:
    assert {name for name in written_names() if "{" in name} == set(MADE_OF_PARTS)


def test_every_alarm_has_its_section_and_every_section_its_alarm() -> None:
    sections = re.findall(r"^### (.+)$", section("What each alarm means"), re.MULTILINE)
    alarms = {re.sub(r"(?<!^)(?=[A-Z])", " ", name.removesuffix("Alarm")) for name in of_type("AWS::CloudWatch::Alarm")}

    assert {heading.lower() for heading in sections} == {name.lower() for name in alarms}


def test_the_key_policy_is_one_and_lets_the_services_that_need_it() -> None:
    statements: list[dict[str, Any]] = json.loads((ROOT / "docs" / "key-policy.json").read_text())["Statement"]
    services = {each["Principal"].get("Service"): each for each in statements}

    assert {"logs.eu-west-1.amazonaws.com", "events.amazonaws.com"} <= set(services)
    assert set(services["events.amazonaws.com"]["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
    # All but the account itself are let under a condition.
    assert [each["Sid"] for each in statements if "Condition" not in each] == ["AccountAdministersAndIamPoliciesAllow"]


def test_the_bus_policy_keeps_all_but_the_booking_system_from_booking_and_nobody_from_publishing() -> None:
    [policy] = re.findall(r"^```json\n(.*?)^```", section("Who may book, who cancelled"), re.MULTILINE | re.DOTALL)
    [statement] = json.loads(policy)["Statement"]

    assert (statement["Effect"], statement["Action"]) == ("Deny", "events:PutEvents")
    source = template()["Parameters"]["BookingSource"]["Default"]
    assert statement["Condition"].pop("ForAnyValue:StringEquals") == {"events:source": source}
    assert list(statement["Condition"]) == ["ArnNotEquals"], "an identity policy of the same account can't get past it"


def test_the_number_of_alarms_that_say_ok_at_first_is_theirs() -> None:
    assert f"each of the {len(of_type('AWS::CloudWatch::Alarm'))}\nalarms" in TEXT
