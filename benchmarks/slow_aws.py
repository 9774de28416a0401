"""A stand-in for AWS that takes its time: answers GetItem, UpdateItem and StartExecution after a given latency.

One thread that only waits, in a process of its own, so that it takes next to nothing from what is measured.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from local.ports import LOOPBACK

_DAY = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"
START, END = f"{_DAY}T09:00:00Z", f"{_DAY}T10:00:00Z"
"""The times of every classroom in this table: within the horizon, or no execution would be started."""


def item(classroom_id: str) -> dict[str, Any]:
    """A classroom that somebody has just written, as DynamoDB and its stream give it."""
    return {"classroomId": {"S": classroom_id}, "start": {"S": START}, "end": {"S": END}, "teacher": {"S": "Ada"}}


def _answer(operation: str, request: dict[str, Any]) -> dict[str, Any]:
    match operation:
        case "GetItem":
            return {"Item": item(request["Key"]["classroomId"]["S"])}
        case "StartExecution":
            return {"executionArn": f"{request['stateMachineArn']}:{request['name']}", "startDate": 1.7e9}
        case _:
            return {}


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, latency: float) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
            headers = dict(line.split(": ", 1) for line in head[1:] if line)
            arrived = asyncio.get_running_loop().time()
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            operation = _OPERATIONS[headers["x-amz-target"].rpartition(".")[2]]
            content = json.dumps(_answer(operation, json.loads(body))).encode()
            await asyncio.sleep(arrived + latency - asyncio.get_running_loop().time())
            lines = ["HTTP/1.1 200 OK", "content-type: application/x-amz-json-1.0", f"content-length: {len(content)}"]
            writer.write("\r\n".join([*lines, "", ""]).encode() + content)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


_OPERATIONS = {name.lower(): name for name in ("GetItem", "UpdateItem", "StartExecution")}


async def _run(latency: float) -> None:
    server = await asyncio.start_server(lambda r, w: _serve(r, w, latency), LOOPBACK, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_run(float(sys.argv[1])))
