"""The commands that people type."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.environment import environment
from local.places import PROJECT

make = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


@make
def test_make_alone_lists_every_public_target() -> None:
    done = subprocess.run(["make"], cwd=PROJECT, capture_output=True, text=True, timeout=30, check=True)
    listed = re.findall(r"^  ([a-z-]+) +\S", done.stdout, re.MULTILINE)
    assert {"run", "demo", "test", "check", "deploy", "lock", "clean", "help", "setup", "chaos"} <= set(listed)


@make
def test_make_names_the_python_it_needs(tmp_path: Path) -> None:
    old = tmp_path / "python2"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    command = ["make", "setup", f"PYTHON={old}"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stderr


def test_an_unknown_command_is_refused_with_the_known_ones() -> None:
    command = [sys.executable, "-m", "local", "fly"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "run" in done.stderr


def test_nothing_of_a_persons_aws_profile_reaches_the_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "school")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    monkeypatch.setenv("MAKEFLAGS", "-j")
    made = environment("http://127.0.0.1:4566", tmp_path)
    assert not made.keys() & {"AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTPS_PROXY", "MAKEFLAGS"}
    assert made["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert made["AWS_CONFIG_FILE"] == os.devnull
    assert made["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
