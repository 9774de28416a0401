"""The account and Region that the commands talk to: of AWS, or of an emulator."""

import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import InvalidRegionError, NoRegionError

from operations.errors import AwsError, NotBegun, in_words

_OF_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws", ".api.amazonwebservices.com.cn")
_QUICK: Any = {"total_max_attempts": 4, "mode": "standard"}
# StopExecution refills at 25 a second outside the three largest Regions: what is throttled slows the caller down.
_PATIENT: Any = {"total_max_attempts": 10, "mode": "adaptive"}


@dataclass(frozen=True)
class Account:
    """Whose resources these are, and the way to them. Its clients may be shared by threads."""

    session: boto3.Session
    region: str
    number: str
    caller: str
    endpoint: str
    _clients: dict[tuple[str, bool], Any] = field(default_factory=dict, repr=False)
    _making: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def emulated(self) -> bool:
        """Whether this is an emulator: its address is none of AWS."""
        return is_emulator(self.endpoint)

    @property
    def partition(self) -> str:
        """`aws`, or `aws-cn` and its like."""
        return self.session.get_partition_for_region(self.region)

    def client(self, service: str, *, patient: bool = False) -> Any:
        """A client whose calls end within a minute or two. A patient one waits where AWS throttles."""
        with self._making:  # a session makes one client at a time
            key = (service, patient)
            if key not in self._clients:
                self._clients[key] = _client(self.session, service, patient=patient, emulated=self.emulated)
            return self._clients[key]

    def __str__(self) -> str:
        where = f"{self.region} of account {self.number}"
        return f"{where}, an emulator at {self.endpoint}" if self.emulated else where


def connect(region: str | None = None) -> Account:
    """The account of the credentials that are found here. Raises NotBegun where there are none that work."""
    try:
        session = boto3.Session(region_name=region)
        if not session.region_name:  # STS alone would answer all the same
            raise NoRegionError
        sts = _client(session, "sts", patient=False, emulated=False)
        caller = sts.get_caller_identity()
    except (*AwsError, InvalidRegionError) as error:
        raise NotBegun(f"{in_words(error)} Nothing was done.") from error
    return Account(session, session.region_name, caller["Account"], caller["Arn"], sts.meta.endpoint_url)


def is_emulator(endpoint: str) -> bool:
    """Whether this address is not one of AWS."""
    return not (urlsplit(endpoint).hostname or "").endswith(_OF_AWS)


def _client(session: boto3.Session, service: str, *, patient: bool, emulated: bool) -> Any:
    config = Config(
        connect_timeout=5,
        read_timeout=30,
        retries=_PATIENT if patient else _QUICK,
        max_pool_connections=32,
        # An emulator has one host name for everything.
        inject_host_prefix=not emulated,
    )
    return session.client(service, config=config)  # type: ignore[call-overload]  # the stubs know services by name
