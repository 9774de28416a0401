"""The HTTP API as people call it: signed requests, over the wire."""

from typing import Any

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from requests.auth import AuthBase

from local.environment import ACCESS_KEY, REGION


class Signature(AuthBase):
    """Signs each request as it is sent, with Signature Version 4."""

    def __init__(self, access_key: str = ACCESS_KEY, secret_key: str = ACCESS_KEY) -> None:
        self._signer = SigV4Auth(Credentials(access_key, secret_key), "execute-api", REGION)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        sent = {"Content-Type": request.headers["Content-Type"]} if "Content-Type" in request.headers else {}
        signed = AWSRequest(request.method, request.url, headers=sent, data=request.body or b"")
        self._signer.add_auth(signed)
        request.headers.update(dict(signed.headers))
        return request


class Api:
    """A caller with a key; requests are sent to the stack's API."""

    def __init__(self, url: str, auth: AuthBase | None) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False  # nobody's proxy leads to this machine
        self._session.auth = auth

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        """Send a request, with a JSON body if there is one."""
        return self._session.request(method, self.url + path, json=body, timeout=30, **options)
