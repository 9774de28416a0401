"""Requests to addresses that no SDK client knows: the stack's HTTP API, signed or not."""

import json
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies, should_bypass_proxies

from operations.account import Account

_TIMEOUT: Any = (5, 35)
"""Seconds to connect and to answer: API Gateway gives up after 29."""


@dataclass(frozen=True)
class Answer:
    """An answer, or 0 and why there is none."""

    status: int
    content_type: str
    text: str

    @property
    def is_problem(self) -> bool:
        """Whether it is an error in the form of RFC 9457."""
        return self.content_type.startswith("application/problem+json")

    @property
    def detail(self) -> str:
        """What an error says, or the beginning of whatever else it is."""
        try:
            return str(json.loads(self.text)["detail"])
        except (ValueError, TypeError, KeyError):
            return self.text[:200]


def ask(method: str, url: str, body: bytes = b"", *, signed_by: Account | None = None) -> Answer:
    """Send one request once; what came back. A connection that breaks is an answer too, with the status 0."""
    request = AWSRequest(method, url, headers={"Content-Type": "application/json"}, data=body)
    if signed_by is not None:
        credentials: Any = signed_by.session.get_credentials()
        SigV4Auth(credentials.get_frozen_credentials(), "execute-api", signed_by.region).add_auth(request)
    proxies = {} if should_bypass_proxies(url) else get_environ_proxies(url)
    try:
        response = URLLib3Session(proxies=proxies, timeout=_TIMEOUT).send(request.prepare())
    except BotoCoreError as error:
        return Answer(0, "", str(error))
    return Answer(response.status_code, response.headers.get("Content-Type", ""), response.text)
