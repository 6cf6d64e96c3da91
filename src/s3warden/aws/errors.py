"""What AWS refuses or fails to answer, told apart by cause.

Takes whatever the SDK raises, hands on one exception: `AwsError`. Everything that leaves this package is an AwsError;
nothing of the SDK's own exceptions gets out. It decides nothing: whether an error means "absent", "gone" or "unknown"
is the caller's business, and so is waiting.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore import exceptions as sdk
from botocore.parsers import ResponseParserError

from s3warden.model.bucket import Cause

MESSAGE_LIMIT = 300

_GONE = frozenset({"NoSuchBucket"})
_THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "ServiceUnavailable",
        "SlowDown",
        "Throttled",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
        "TooManyRequestsException",
    }
)
_DENIED = frozenset(
    {"403", "AccessDenied", "AccessDeniedException", "AllAccessDisabled", "AuthorizationError", "UnauthorizedOperation"}
)
# An identity that AWS does not know: a bad key, or a good key in a region that is switched off for the account.
_UNKNOWN_IDENTITY = frozenset(
    {"AuthFailure", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidToken", "UnrecognizedClientException"}
)
_CREDENTIALS = _UNKNOWN_IDENTITY | {
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotSignedUp",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
}
_REGION_OFF = frozenset({"IllegalLocationConstraintException", "OptInRequired", "RegionDisabledException"})

# The policy type that AWS names in a denial, most specific first. "Troubleshoot access denied error messages" of the
# IAM user guide lists the phrases, each as "explicit deny in a …" or "because no … allows".
_POLICY_TYPES: tuple[tuple[str, Cause], ...] = (
    ("service control policy", Cause.SCP),
    ("resource control policy", Cause.RCP),
    ("resource-based policy", Cause.BUCKET_POLICY),
    ("identity-based policy", Cause.ROLE_PERMISSION),
    ("permissions boundary", Cause.ROLE_PERMISSION),
    ("session policy", Cause.ROLE_PERMISSION),
)
_DENIAL = re.compile(
    r"explicit deny in an? (?P<explicit>[a-z -]+)|because no (?P<implicit>[a-z -]+?) allows", re.IGNORECASE
)
_DENIED_CAUSES = frozenset({Cause.SCP, Cause.RCP, Cause.BUCKET_POLICY, Cause.ROLE_PERMISSION, Cause.DENIED})
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


class AwsError(Exception):
    """A call to AWS that did not succeed.

    `code` is AWS's error code or the name of the local failure, `status` the HTTP status (0: no answer), `message`
    AWS's own text, shortened and free of control characters. `retry_after` is in seconds, where AWS gave one.
    `bucket_region` is set when the answer told where the bucket lives.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        cause: Cause = Cause.ERROR,
        status: int = 0,
        operation: str = "",
        retry_after: float | None = None,
        bucket_region: str | None = None,
    ) -> None:
        self.code = shorten(code, 100)
        self.message = shorten(message)
        self.cause = cause
        self.status = status
        self.operation = operation
        self.retry_after = retry_after
        self.bucket_region = bucket_region
        super().__init__(f"{operation or 'AWS'}: {self.code}: {self.message}")

    @property
    def denied(self) -> bool:
        """Whether some policy refused the call."""
        return self.cause in _DENIED_CAUSES

    @property
    def throttled(self) -> bool:
        """Whether AWS asked to slow down."""
        return self.cause is Cause.THROTTLED

    @property
    def gone(self) -> bool:
        """Whether AWS says that the bucket does not exist."""
        return self.code in _GONE

    @property
    def transient(self) -> bool:
        """Whether the same call may well succeed a moment later."""
        return self.cause in {Cause.THROTTLED, Cause.UNREACHABLE} or self.status >= 500


@contextmanager
def translated(operation: str, *, abroad: bool = False) -> Iterator[None]:
    """Turn whatever the SDK raises inside into an AwsError that names `operation`.

    `abroad` says that the call went to another region than the one where the credentials proved good: an unknown
    identity there means that the region is switched off for the account.
    """
    try:
        yield
    except AwsError:
        raise
    except Exception as error:  # the SDK's parsers raise whatever a damaged answer provokes
        raise translate(error, operation, abroad=abroad) from error


def translate(error: Exception, operation: str, *, abroad: bool = False) -> AwsError:
    """The AwsError that says what `error` says."""
    if isinstance(error, sdk.ClientError):
        return _refused(error.response, operation, abroad=abroad)
    return AwsError(type(error).__name__, str(error), cause=_local_cause(error), operation=operation)


def classify(code: str, status: int, message: str, *, abroad: bool = False) -> Cause:
    """Why AWS refused, from the three things that its answer tells."""
    if code in _THROTTLED or status in {429, 503}:
        return Cause.THROTTLED
    if code in _REGION_OFF or (abroad and code in _UNKNOWN_IDENTITY):
        return Cause.REGION_OFF
    if code in _CREDENTIALS:
        return Cause.CREDENTIALS
    if code in _DENIED or status == 403:
        return _denial(message)
    # AWS's own trouble passes; what it says it cannot do (501) does not.
    return Cause.UNREACHABLE if status in {500, 502, 504} else Cause.ERROR


def malformed(operation: str, message: str) -> AwsError:
    """The error for an answer that does not have the shape AWS documents."""
    return AwsError("Malformed", message, cause=Cause.MALFORMED, operation=operation)


def shorten(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """`text` on one line without control characters, at most `limit` characters long."""
    clean = _CONTROL.sub(" ", text).strip()
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def _denial(message: str) -> Cause:
    found = _DENIAL.search(message)
    if found is None:
        return Cause.DENIED
    policy = (found["explicit"] or found["implicit"]).lower()
    return next((cause for phrase, cause in _POLICY_TYPES if policy.startswith(phrase)), Cause.DENIED)


def _refused(response: Mapping[str, Any], operation: str, *, abroad: bool) -> AwsError:
    error = response.get("Error", {})
    metadata = response.get("ResponseMetadata", {})
    headers = metadata.get("HTTPHeaders", {})
    code, message = str(error.get("Code") or "Unknown"), str(error.get("Message") or "")
    status = int(metadata.get("HTTPStatusCode") or 0)
    return AwsError(
        code,
        message,
        cause=classify(code, status, message, abroad=abroad),
        status=status,
        operation=operation,
        retry_after=_retry_after(headers.get("retry-after")),
        bucket_region=headers.get("x-amz-bucket-region"),
    )


def _local_cause(error: Exception) -> Cause:
    if isinstance(error, ResponseParserError | ValueError | LookupError | TypeError | AttributeError):
        return Cause.MALFORMED
    if isinstance(
        error,
        sdk.NoCredentialsError
        | sdk.PartialCredentialsError
        | sdk.CredentialRetrievalError
        | sdk.TokenRetrievalError
        | sdk.SSOError
        | sdk.NoAuthTokenError,
    ):
        return Cause.CREDENTIALS
    if isinstance(error, sdk.HTTPClientError | sdk.ConnectionError | OSError | TimeoutError):
        return Cause.UNREACHABLE
    return Cause.ERROR


def _retry_after(value: str | None) -> float | None:
    """Seconds from a Retry-After header, which holds seconds or a date (RFC 9110, 10.2.3)."""
    if not value:
        return None
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
