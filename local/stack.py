"""The stack on this machine: the emulator, the demo classroom server, and what `sam` deployed between them."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from local.aws import Aws
from local.emulator import Emulator, emulator
from local.environment import REGION, architecture, environment, python_runtime
from local.errors import StepFailed
from local.packages import build
from local.places import STATE
from local.ports import reserved
from local.processes import run_step
from local.server import ClassroomServer, classroom_server

STACK_NAME = "classroom-scheduler-local"
EMULATOR_PORT = 4566
SERVER_PORT = 8790
_BUCKET = "classroom-scheduler-artifacts"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Deployment:
    """A deployed stack as any process on this machine can use it.

    `template` is what `sam build` made; `logs` is the folder with the output of all that was started.
    """

    endpoint_url: str
    server_url: str
    outputs: dict[str, str]
    template: Path
    logs: Path

    @cached_property
    def aws(self) -> Aws:
        """The emulator's services."""
        return Aws(self.endpoint_url)

    @property
    def table_name(self) -> str:
        """Name of the Classrooms table."""
        return self.outputs["ClassroomsTableName"]

    @property
    def state_machine_arn(self) -> str:
        """ARN of the Classroom state machine."""
        return self.outputs["ClassroomStateMachineArn"]

    @property
    def api_url(self) -> str:
        """Where the HTTP API is on this machine: the emulator serves AWS's host names by a path of its own."""
        address = urlsplit(self.outputs["ApiUrl"])
        return f"{self.endpoint_url}/_aws/execute-api/{address.netloc.partition('.')[0]}{address.path}"


@dataclass(frozen=True)
class Stack(Deployment):
    """A deployed stack whose emulator and demo server this process runs."""

    emulator: Emulator
    server: ClassroomServer


@contextmanager
def running_stack(name: str, *, say: Say) -> Iterator[Stack]:
    """A fresh stack that lives as long as the block; only the logs in .local/<name>/ stay.

    Says what each step did. Raises StepFailed where one fails.
    """
    logs = STATE / name
    shutil.rmtree(logs, ignore_errors=True)
    with (
        # Each Lambda worker of the emulator unpacks its code there and leaves it.
        tempfile.TemporaryDirectory(prefix="classroom-scheduler-", ignore_cleanup_errors=True) as folder,
        reserved(SERVER_PORT, "the classroom server") as server_port,
        classroom_server(server_port) as server,
        reserved(EMULATOR_PORT, "the emulator") as port,
        emulator(port, log=logs / "emulator.log", temporary=Path(folder)) as emulated,
    ):
        say(f"emulator of AWS     {emulated.url}")
        say(f"classroom server    {server.url}")
        began = time.monotonic()
        env = environment(emulated.url, Path(folder))
        template = build(Path(folder) / "build", env=env, log=logs / "sam-build.log")
        say(f"sam build           {time.monotonic() - began:.1f} s")
        outputs = deploy(emulated.url, server, template, logs, Path(folder), say)
        yield Stack(emulated.url, server.url, outputs, template, logs, emulated, server)


def deploy(
    endpoint_url: str, server: ClassroomServer, template: Path, logs: Path, scratch: Path, say: Say
) -> dict[str, str]:
    """`sam deploy` what was built, and the server knows the secret; the stack's outputs."""
    began = time.monotonic()
    aws = Aws(endpoint_url)
    # A bucket of our own, because --resolve-s3 would deploy a second stack for one first.
    aws.s3.create_bucket(Bucket=_BUCKET)
    command = ["sam", "deploy", "--config-env", "local", "--template-file", str(template), "--stack-name", STACK_NAME]
    command += ["--region", REGION, "--capabilities", "CAPABILITY_IAM", "--no-resolve-s3", "--s3-bucket", _BUCKET]
    command += ["--no-confirm-changeset", "--no-progressbar", "--parameter-overrides"]
    command += [f"ClassroomServerUrl={server.webhooks_url}"]
    command += [f"PythonRuntime={python_runtime()}", f"Architecture={architecture()}"]
    log = logs / "sam-deploy.log"
    run_step("sam deploy", command, env=environment(endpoint_url, scratch), log=log, timeout=300)
    outputs = _outputs(aws, log)
    say(f"sam deploy          {time.monotonic() - began:.1f} s")
    secret = aws.secretsmanager.get_secret_value(SecretId=outputs["WebhookSecretArn"])
    server.secret = secret["SecretString"]
    return outputs


def _outputs(aws: Aws, log: Path) -> dict[str, str]:
    stack = aws.cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
    if stack["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        raise StepFailed(f"After sam deploy the stack is {stack['StackStatus']}.", log)
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
