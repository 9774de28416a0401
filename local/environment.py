"""The environment of the child processes: nothing of a person's AWS profile gets in, everything else is said."""

import json
import os
import platform
import sys
import time
from pathlib import Path

from local.places import WHEELS

REGION = "us-east-1"
ACCESS_KEY = "test"

_KEPT = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TZ", "USER")


def environment(endpoint_url: str, temporary: Path) -> dict[str, str]:
    """Variables for the emulator, `sam` and `aws`: all AWS calls go to `endpoint_url` with made-up credentials.

    Starts from a short list of variables, because AWS_PROFILE, proxies, MAKEFLAGS and settings of other emulators
    would each lead somewhere else. What the tools keep for themselves goes to `temporary`.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    tools = str(Path(sys.executable).parent)
    return (
        kept
        | aws_variables(endpoint_url)
        | {
            # `sam build` finds the same Python's pip, `make` and nothing else first.
            "PATH": os.pathsep.join([tools, kept.get("PATH", os.defpath)]),
            "TMPDIR": str(temporary),
            "SAM_CLI_TELEMETRY": "0",
            "__SAM_CLI_APP_DIR": str(_sam_folder(temporary)),
            "PYTHONUNBUFFERED": "1",
        }
    )


def _sam_folder(temporary: Path) -> Path:
    """Where SAM remembers when it last asked the network for a newer SAM: just now, so that it does not ask."""
    folder = temporary / "sam"
    folder.mkdir(exist_ok=True)
    (folder / "metadata.json").write_text(json.dumps({"lastVersionCheck": time.time()}))
    return folder


def aws_variables(endpoint_url: str) -> dict[str, str]:
    """What makes any AWS SDK or tool talk to the emulator and to nobody else."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
    }


def build_variables() -> dict[str, str]:
    """Where pip finds the run-time dependencies: on disk after `make setup`, else wherever this person's pip looks."""
    if WHEELS.is_dir():
        return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(WHEELS)}
    passed = ("PIP_", "SSL_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
    return {name: value for name, value in os.environ.items() if name.startswith(passed)}


def python_runtime() -> str:
    """The Lambda runtime of this interpreter, which is the one that the emulator runs functions on."""
    return f"python3.{sys.version_info.minor}"


def architecture() -> str:
    """The template's name for this machine's processor."""
    return "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"
