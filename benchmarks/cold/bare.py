"""What a cold start costs at least: the same clients, made as every tutorial makes them, and nothing else."""

import os
import time

SERVICES = os.environ["COLD_SERVICES"].split()
if SERVICES:
    import boto3


def handler(_event: object, _context: object) -> dict[str, float]:
    """Make a client of each service."""
    for service in SERVICES:
        boto3.client(service)  # type: ignore[call-overload]  # the stubs know services by name
    return {"cpu": time.process_time()}
