"""The secrets that messages are signed with, from Secrets Manager."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from classroom_scheduler.adapters import aws
from classroom_scheduler.domain.errors import ServiceUnavailable

# A new secret is in use after five minutes.
_MAX_AGE = 300.0
# So long after a new secret was written the one before signs too: time for every receiver to go over to the new one.
OVERLAP = timedelta(days=7)


class WebhookSecrets:
    """Gives the current secret and, for a week after it was written, the one before. Reads them every five minutes."""

    def __init__(self, arn: str) -> None:
        self._arn = arn
        self._client = aws.client("secretsmanager")
        self._known: Sequence[str] = ()
        self._good_until = 0.0

    def __call__(self) -> Sequence[str]:
        """The secrets, the current one first. Raises ServiceUnavailable."""
        now = time.monotonic()
        if not self._known or now >= self._good_until:
            self._known, self._good_until = self._read(), now + _MAX_AGE
        return self._known

    def _read(self) -> Sequence[str]:
        try:
            current = self._client.get_secret_value(SecretId=self._arn)
            is_new = datetime.now(UTC) - current["CreatedDate"] < OVERLAP
            return [current["SecretString"], *(self._previous() if is_new else ())]
        except (ClientError, BotoCoreError) as error:
            raise ServiceUnavailable(f"the webhook secret can't be read: {error}") from error

    def _previous(self) -> Sequence[str]:
        try:
            return [self._client.get_secret_value(SecretId=self._arn, VersionStage="AWSPREVIOUS")["SecretString"]]
        except self._client.exceptions.ResourceNotFoundException:  # the first secret has none before it
            return ()
