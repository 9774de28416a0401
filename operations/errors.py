"""What AWS refuses, in sentences that a person can act on."""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  botocore's, the base of all time-outs and broken connections
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

AwsError = (BotoCoreError, ClientError)
"""Whatever a call to AWS may raise."""

_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_UNKNOWN_KEY = frozenset(
    {
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "SignatureDoesNotMatch",
        "InvalidAccessKeyId",
        "AuthFailure",
    }
)
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403"})


class NotBegun(Exception):
    """Nothing was done, because something is missing or forbids it; `str()` says what and how to mend it."""


class Undone(Exception):
    """Something was begun and is not finished; `str()` says what was done and what was not."""


def code_of(error: BaseException) -> str:
    """AWS's name for the error, or nothing where AWS did not answer."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def is_denied(error: BaseException) -> bool:
    """Whether the caller lacks a permission for this one call."""
    return code_of(error) in _DENIED


def in_words(error: BaseException) -> str:
    """The error as a sentence: what happened and, where that is known, the mend."""
    match error:
        case NoCredentialsError() | PartialCredentialsError():
            return "There are no AWS credentials here. Run `aws sso login` or `aws configure`, or set AWS_PROFILE."
        case ProfileNotFound() | CredentialRetrievalError():
            return f"The AWS credentials can't be read: {_plain(error)}."
        case SSOError() | TokenRetrievalError():
            return f"The AWS session is over: {_plain(error)}. Run `aws sso login`."
        case NoRegionError():
            return "There is no AWS Region here. Set AWS_REGION, such as AWS_REGION=eu-west-1."
        case ClientError():
            return _of_aws(error)
        case HTTPClientError() | ConnectionError():
            return f"AWS could not be reached: {_plain(error)}. Check the network and the Region."
        case _:
            return f"{type(error).__name__}: {_plain(error)}."


def _of_aws(error: ClientError) -> str:
    code = code_of(error)
    said = str(error.response.get("Error", {}).get("Message", "")).strip().rstrip(".") or code
    if code in _EXPIRED:
        return f"The AWS credentials have expired ({said}). Get new ones, with `aws sso login` for example."
    if code in _UNKNOWN_KEY:
        return f"AWS doesn't know these credentials ({said}). Check the key, and that the Region is enabled."
    if code in _DENIED:
        return f"No permission for {error.operation_name}: {said}."
    return f"{error.operation_name} was refused: {said}."


def _plain(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".")
