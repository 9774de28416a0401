"""`python -m operations preflight | protect | smoke | destroy`: what the targets of the Makefile do.

Exit code 0: all is done, or no check failed. 1: a check failed, or something is left undone. 2: nothing was begun,
because something is missing or forbids it. 130: Ctrl-C.
"""

import argparse
import signal
import sys
from types import FrameType

from operations import destroy, preflight, protect, smoke
from operations.account import connect
from operations.errors import AwsError, NotBegun, Undone, in_words

INTERRUPTED = 130
_ENDING = (signal.SIGINT, signal.SIGTERM)


def main(arguments: list[str]) -> int:
    """Run the command; the exit code."""
    asked = _parser().parse_args(arguments)
    for number in _ENDING:
        signal.signal(number, _interrupt)
    try:
        return 0 if asked.run(asked) else 1
    except NotBegun as error:
        return _told(error, 2)
    except Undone as error:
        return _told(error, 1)
    except AwsError as error:
        return _told(in_words(error), 1)
    except KeyboardInterrupt as interrupted:
        return _told(str(interrupted) or "Interrupted before anything was done.", INTERRUPTED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m operations", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="preflight | protect | smoke | destroy")
    before = commands.add_parser("preflight", help="what in this account and Region would stop or starve the stack")
    before.add_argument("--config-env", default="default", help="the environment of samconfig.toml (default)")
    before.set_defaults(run=_preflight)
    last = commands.add_parser("protect", help="give a deployed stack termination protection, if its table has some")
    last.add_argument("--config-env", default="default", help="the environment of samconfig.toml (default)")
    last.set_defaults(run=_protect)
    after = commands.add_parser("smoke", help="prove on a deployed, disposable stack what only AWS can show")
    after.add_argument("stack", help="the name of the stack")
    after.set_defaults(run=_smoke)
    end = commands.add_parser("destroy", help="take a stack away, its waiting executions included")
    end.add_argument("stack", help="the name of the stack")
    end.add_argument("--yes", action="store_true", help="do not ask")
    end.set_defaults(run=_destroy)
    return parser


def _preflight(asked: argparse.Namespace) -> bool:
    return preflight.preflight(asked.config_env, _say)


def _protect(asked: argparse.Namespace) -> bool:
    protect.protect(asked.config_env, _say)
    return True


def _smoke(asked: argparse.Namespace) -> bool:
    return smoke.smoke(connect(), asked.stack, _say)


def _destroy(asked: argparse.Namespace) -> bool:
    terminal = destroy.Terminal(_say, input if sys.stdin.isatty() else None)
    destroy.destroy(connect(), asked.stack, terminal, agreed=asked.yes)
    return True


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """End as Ctrl-C does. Whoever presses it twice must not interrupt the tidying up."""
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _say(line: str) -> None:
    print(line, flush=True)


def _told(what: object, code: int) -> int:
    print(f"\n{what}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
