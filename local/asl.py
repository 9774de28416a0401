"""`make asl`: the one-time scheduler's definition without substitutions, for the AWS CLI alone."""

import re
import sys
from pathlib import Path

from local.errors import StepFailed
from local.places import PROJECT

DEFINITION = PROJECT / "statemachine" / "one_time_lambda_scheduler.asl.json"
RENDERED = PROJECT / "build" / DEFINITION.name
_FUNCTION_ARN = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[\w-]{1,64}(:[\w$-]{1,128})?", re.ASCII)


def render(function_arn: str) -> str:
    """The definition that invokes this function. Raises StepFailed if that is no function's ARN."""
    if not _FUNCTION_ARN.fullmatch(function_arn):
        raise StepFailed(
            f"FUNCTION_ARN is {function_arn!r}; expected the ARN of a Lambda function, such as\n"
            "  make asl FUNCTION_ARN=arn:aws:lambda:eu-west-1:123456789012:function:my-function"
        )
    return DEFINITION.read_text().replace("${TargetFunctionArn}", function_arn)


def main() -> int:
    """Write the rendered definition and say where it is; the exit code."""
    try:
        definition = render(" ".join(sys.argv[1:]))
    except StepFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    RENDERED.parent.mkdir(exist_ok=True)
    RENDERED.write_text(definition)
    print(RENDERED.relative_to(Path.cwd()) if RENDERED.is_relative_to(Path.cwd()) else RENDERED)
    return 0


if __name__ == "__main__":
    sys.exit(main())
