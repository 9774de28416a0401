"""`make policy` holds the whole template to checkov's policies, and asks nobody."""

import re
from typing import Any

import yaml

from tests.template.project import ROOT

TEXT = (ROOT / ".checkov.yaml").read_text()
CONFIG: dict[str, Any] = yaml.safe_load(TEXT)
LOCK = (ROOT / "requirements" / "checkov.txt").read_text()


def test_no_resource_is_let_off_where_nobody_sees_it() -> None:
    assert "checkov" not in (ROOT / "template.yaml").read_text()
    assert not {"soft-fail", "soft-fail-on", "skip-framework", "skip-path", "baseline"} & set(CONFIG)


def test_the_whole_template_is_held_to_all_other_policies_without_the_network() -> None:
    assert CONFIG["file"] == ["template.yaml"]
    assert CONFIG["framework"] == ["cloudformation"]
    assert CONFIG["skip-download"] is True
    assert not {"check", "bc-api-key", "repo-id"} & set(CONFIG)


def test_checkov_is_locked_with_hashes() -> None:
    packages = re.findall(r"^[a-z0-9][\w.-]*==", LOCK, re.MULTILINE)

    assert "checkov==" in packages
    assert LOCK.count("--hash=sha256:") >= len(packages)
