"""A Lambda environment on this machine: AWS's Runtime Interface Emulator with AWS's Python runtime client.

The emulator comes with SAM CLI, the client from PyPI. Where they don't run (they are for Linux), a fresh interpreter
stands in: the same work without the protocol, for both sides of the comparison.
"""

import importlib.util
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.packages import base_python
from local.ports import LOOPBACK, any_free, opener

_START_WITHIN = 10
_ANSWER_WITHIN = 60
_READ_ONLY = {"PYTHONDONTWRITEBYTECODE": "1"}
"""As /var/task is: what the package doesn't bring compiled is compiled at every cold start."""


@dataclass(frozen=True)
class ColdStart:
    """Seconds until a new environment's first answer, and of CPU time in its Python."""

    elapsed: float
    cpu: float


def name() -> str:
    """What runs the functions here."""
    return "Runtime Interface Emulator" if _emulator() else "fresh interpreter"


def cold_start(handler: str, path: Sequence[Path], variables: Mapping[str, str]) -> ColdStart:
    """Start an environment for `module.function` with this sys.path, invoke it once and end it."""
    env = dict(variables) | {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(map(str, path))} | _READ_ONLY
    emulator = _emulator()
    return _emulated(emulator, handler, env) if emulator else _interpreted(handler, env)


def _emulator() -> Path | None:
    processor = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine())
    found = Path(sysconfig.get_path("purelib"), "samcli", "local", "rapid", f"aws-lambda-rie-{processor}")
    runs = sys.platform == "linux" and found.is_file() and importlib.util.find_spec("awslambdaric") is not None
    return found if runs else None


def _emulated(emulator: Path, handler: str, env: dict[str, str]) -> ColdStart:
    port = any_free()
    command = [str(emulator), "--log-level", "error"]
    command += ["--runtime-interface-emulator-address", f"{LOOPBACK}:{port}"]
    command += ["--runtime-api-address", f"{LOOPBACK}:{any_free()}"]
    command += [base_python(), "-S", "-m", "awslambdaric", handler]
    process = subprocess.Popen(
        command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        _wait_for(port)
        began = time.perf_counter()
        # The function's process is started by this call: before it, only the emulator runs.
        answer = _invoke(port)
        return ColdStart(time.perf_counter() - began, answer["cpu"])
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START_WITHIN
    while True:
        try:
            socket.create_connection((LOOPBACK, port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        else:
            return


def _invoke(port: int) -> dict[str, float]:
    url = f"http://{LOOPBACK}:{port}/2015-03-31/functions/function/invocations"
    with opener.open(urllib.request.Request(url, b"{}"), timeout=_ANSWER_WITHIN) as response:
        body: dict[str, float] = json.load(response)
    if "cpu" not in body:
        raise RuntimeError(f"the function failed: {body}")
    return body


def _interpreted(handler: str, env: dict[str, str]) -> ColdStart:
    module, _, function = handler.rpartition(".")
    script = f"import json, {module} as m; print(json.dumps(m.{function}({{}}, None)))"
    began = time.perf_counter()
    done = subprocess.run([base_python(), "-S", "-c", script], env=env, capture_output=True, check=True, timeout=60)
    return ColdStart(time.perf_counter() - began, json.loads(done.stdout)["cpu"])
