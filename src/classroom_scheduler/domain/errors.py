"""Everything that can go wrong, named for what the caller does about it."""

FAILED_FOR_GOOD = "ClassroomFailed"
"""The error of the state machine's own Fail state: a task failed for good. Any other is the service's."""

REPLACED = "ClassroomChanged"
"""The error of an execution that the scheduler has stopped; StopExecution takes up to 256 characters."""


class SchedulerError(Exception):
    """The base of all errors raised on purpose."""


class TransientError(SchedulerError):
    """Trying again later may help: Step Functions retries it, the stream redelivers the record."""


class PermanentError(SchedulerError):
    """Trying again cannot help; named in the state machine, where it is never retried."""


class ConcurrentUpdate(TransientError):
    """The item is no longer what the decision was based on: read it again and decide anew."""


class ReconcilePending(TransientError):
    """The stream handler has to come first: the item was wiped, or an edit of it is not carried out yet."""


class ClassroomNotWritable(PermanentError):
    """DynamoDB refuses any write to this item, for example because it would grow beyond 400 KB."""


class ServiceUnavailable(TransientError):
    """AWS throttled, timed out or failed after the client's own retries."""


class ServerUnavailable(TransientError):
    """The classroom server timed out, broke the connection or answered 408, 425, 429 or 5xx."""


class ServerRefused(PermanentError):
    """The classroom server answered something that will not change: 4xx, or a redirect, which is not followed."""
