"""Which services a function makes clients of: asked of the function itself, so that the bare one makes the same."""

import importlib
import sys

import botocore.session

_made: list[str] = []
_create = botocore.session.Session.create_client


def _noting(self: botocore.session.Session, service_name: str, *args: object, **options: object) -> object:
    _made.append(service_name)
    return _create(self, service_name, *args, **options)  # type: ignore[arg-type]  # passed on as they came


botocore.session.Session.create_client = _noting  # type: ignore[assignment,method-assign]  # to listen
importlib.import_module("ready").handler({}, None)
sys.stdout.write(" ".join(_made))
