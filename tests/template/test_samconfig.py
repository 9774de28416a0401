"""The environments of the SAM CLI."""

import re
import tomllib
from typing import Any

import pytest

from tests.template.project import ROOT, template

TEXT = (ROOT / "samconfig.toml").read_text()
CONFIG: dict[str, Any] = tomllib.loads(TEXT)
ENVIRONMENTS = ["default", "local", "dev", "prod"]


def test_the_environments_are_these() -> None:
    assert [name for name in CONFIG if name != "version"] == ENVIRONMENTS


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_has_its_own_stack_and_is_linted(environment: str) -> None:
    stacks = [CONFIG[each]["global"]["parameters"]["stack_name"] for each in ENVIRONMENTS]

    assert len(set(stacks)) == len(stacks)
    assert CONFIG[environment]["validate"]["parameters"]["lint"] is True


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_deployment_may_make_roles_without_names_and_finds_its_bucket_itself(environment: str) -> None:
    deploy = CONFIG[environment]["deploy"]["parameters"]

    assert deploy["capabilities"] == "CAPABILITY_IAM"
    assert deploy["resolve_s3"] is True
    # `make deploy` twice is no error.
    assert deploy["fail_on_empty_changeset"] is False


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_parameters_exist_and_take_their_values(environment: str) -> None:
    known = template()["Parameters"]
    for command in CONFIG[environment].values():
        for pair in command["parameters"].get("parameter_overrides", "").split():
            name, value = pair.split("=", 1)
            assert value in map(str, known[name].get("AllowedValues", [value]))


def test_a_table_in_production_is_protected_and_changes_are_looked_at() -> None:
    deploy = CONFIG["prod"]["deploy"]["parameters"]

    assert "DeletionProtection=true" in deploy["parameter_overrides"].split()
    assert deploy["confirm_changeset"] is True


def test_no_two_environments_of_an_account_follow_the_same_bookings() -> None:
    """dev and prod would record every class twice; default and local are for accounts that have no other."""
    default = template()["Parameters"]["BookingSource"]["Default"]
    sources = []
    for environment in ("dev", "prod"):
        pairs = CONFIG[environment]["deploy"]["parameters"]["parameter_overrides"].split()
        sources.append(dict(pair.split("=", 1) for pair in pairs).get("BookingSource", default))

    assert len(set(sources)) == 2


def test_it_names_no_account_and_no_bucket_and_no_region_but_that_of_the_emulator() -> None:
    regions = {name: each["global"]["parameters"].get("region") for name, each in CONFIG.items() if name != "version"}

    assert not re.search(r"\d{12}|s3_bucket|s3_prefix|profile\s*=", TEXT)
    assert {name for name, region in regions.items() if region} == {"local"}
