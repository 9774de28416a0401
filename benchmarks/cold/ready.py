"""A function of the package as cold as can be: its handler imported, and with its first event its clients made.

No more: what a handler then does is work that has its own figures, and the bare one has none.
"""

import importlib
import os
import sys
import time
from functools import _lru_cache_wrapper

_module, _, _name = os.environ["COLD_HANDLER"].rpartition(".")
assert callable(getattr(importlib.import_module(_module), _name))


def handler(_event: object, _context: object) -> dict[str, float]:
    """Make what bootstrap makes for this function: its cached factories that the loaded handlers refer to."""
    loaded = [module for name, module in list(sys.modules.items()) if name.startswith("classroom_scheduler.handlers")]
    factories = {
        id(value): value
        for module in loaded
        for value in vars(module).values()
        if isinstance(value, _lru_cache_wrapper) and value.__module__ == "classroom_scheduler.bootstrap"
    }
    for make in factories.values():
        make()
    for name in os.environ["COLD_FACTORIES"].split():  # of a handler that asks bootstrap for what a request needs
        getattr(sys.modules["classroom_scheduler.bootstrap"], name)()
    return {"cpu": time.process_time()}
