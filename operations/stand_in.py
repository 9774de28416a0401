"""A classroom server in one Lambda function, for as long as a smoke run lasts.

Zipped alone, so it needs nothing but the standard library and boto3. It verifies signatures as a real server does.
A class says by its own attribute `smoke` how it is to be treated:
`{"status": 503, "times": 2}` answers its first two starts with 503.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
from functools import cache
from typing import Any

import boto3
from botocore.config import Config


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """A request to the function's URL; the answer to it."""
    body = _body(event)
    if not is_signed(event["headers"], body, _secret()):
        return _answer(401, {"error": "The signature does not fit."})
    return answer(json.loads(body))


def answer(webhook: dict[str, Any]) -> dict[str, Any]:
    """What is answered to a webhook whose signature fits."""
    data = webhook["data"]
    wish = data.get("classroom", {}).get("smoke") or {}
    if webhook["type"] == "recording.start" and data["attempt"] <= wish.get("times", 0):
        return _answer(int(wish["status"]), {"error": "as the smoke run asked for"})
    return _answer(200, {"recordingId": data["recordingId"], "signature": "verified"})


def is_signed(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """Whether this is a webhook by https://www.standardwebhooks.com, signed with the secret."""
    signed = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + body
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"))
    except binascii.Error:
        return False
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(expected.encode(), each.encode()) for each in given)


def _body(event: dict[str, Any]) -> bytes:
    body = event.get("body") or ""
    return base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()


def _answer(status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}


@cache
def _secret() -> str:
    retries = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 3, "mode": "standard"})
    secrets = boto3.client("secretsmanager", config=retries)
    return str(secrets.get_secret_value(SecretId=os.environ["WEBHOOK_SECRET_ARN"])["SecretString"])
