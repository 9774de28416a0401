"""`python -m local run | demo | packages`: what `make run`, `make demo` and `make package-check` do."""

import argparse
import sys

from local import demo, interrupts, packages
from local.errors import StepFailed

COMMANDS = {"run": demo.run, "demo": demo.demo, "packages": packages.check}


def main() -> int:
    """Run the command; the exit code: 0 if all went well, 1 if a step failed, 128 + n if signal n ended it."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    command = parser.parse_args().command
    interrupts.install()
    try:
        COMMANDS[command]()
    except StepFailed as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    except interrupts.Interrupted as interrupted:
        print(f"\nEnded by {interrupted}; everything that was started is stopped.", file=sys.stderr)
        return interrupted.exit_code
    return 0


sys.exit(main())
