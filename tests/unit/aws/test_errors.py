"""Every way in which AWS refuses, told apart."""

import asyncio

import pytest
from botocore import exceptions as sdk
from botocore.parsers import ResponseParserError
from hypothesis import given
from hypothesis import strategies as st

from s3warden.aws.errors import MESSAGE_LIMIT, AwsError, classify, malformed, shorten, translate, translated
from s3warden.model.bucket import Cause

_WHO = "User: arn:aws:sts::1:assumed-role/s3warden/x is not authorized to perform: s3:GetBucketAcl on resource: b "


def _refusal(code: str, status: int = 403, message: str = "", **headers: str) -> sdk.ClientError:
    metadata = {"HTTPStatusCode": status, "HTTPHeaders": headers}
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}
    return sdk.ClientError(response, "GetBucketAcl")


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (_WHO + "with an explicit deny in a service control policy", Cause.SCP),
        (_WHO + "because no service control policy allows the s3:GetBucketAcl action", Cause.SCP),
        (_WHO + "with an explicit deny in a service control policy: arn:aws:organizations::1:policy/p-1", Cause.SCP),
        (_WHO + "with an explicit deny in a resource control policy", Cause.RCP),
        (_WHO + "with an explicit deny in a resource-based policy", Cause.BUCKET_POLICY),
        (_WHO + "because no resource-based policy allows the s3:GetBucketAcl action", Cause.BUCKET_POLICY),
        (_WHO + "because no identity-based policy allows the s3:GetBucketAcl action", Cause.ROLE_PERMISSION),
        (_WHO + "with an explicit deny in an identity-based policy", Cause.ROLE_PERMISSION),
        (_WHO + "because no permissions boundary allows the s3:GetBucketAcl action", Cause.ROLE_PERMISSION),
        (_WHO + "with an explicit deny in a permissions boundary", Cause.ROLE_PERMISSION),
        (_WHO + "because no session policy allows the s3:GetBucketAcl action", Cause.ROLE_PERMISSION),
        (_WHO + "with an explicit deny in a VPC endpoint policy", Cause.DENIED),
        (_WHO + "with an explicit deny", Cause.DENIED),
        ("Access Denied", Cause.DENIED),
        ("", Cause.DENIED),
    ],
)
def test_a_denial_names_the_policy_that_refused(message: str, cause: Cause) -> None:
    """The kind of policy is taken from AWS's own words; without them it is just denied."""
    error = translate(_refusal("AccessDenied", message=message), "GetBucketAcl")
    assert error.cause is cause
    assert error.denied
    assert not error.transient


@pytest.mark.parametrize(
    ("code", "status", "cause"),
    [
        ("SlowDown", 503, Cause.THROTTLED),
        ("ThrottlingException", 400, Cause.THROTTLED),
        ("RequestLimitExceeded", 503, Cause.THROTTLED),
        ("TooManyRequestsException", 429, Cause.THROTTLED),
        ("Anything", 429, Cause.THROTTLED),
        ("503", 503, Cause.THROTTLED),
        ("ExpiredToken", 400, Cause.CREDENTIALS),
        ("InvalidClientTokenId", 403, Cause.CREDENTIALS),
        ("SignatureDoesNotMatch", 403, Cause.CREDENTIALS),
        ("RequestTimeTooSkewed", 403, Cause.CREDENTIALS),
        ("OptInRequired", 403, Cause.REGION_OFF),
        ("IllegalLocationConstraintException", 400, Cause.REGION_OFF),
        ("RegionDisabledException", 403, Cause.REGION_OFF),
        ("UnauthorizedOperation", 403, Cause.DENIED),
        ("AccessDeniedException", 400, Cause.DENIED),
        ("403", 403, Cause.DENIED),
        ("InternalError", 500, Cause.UNREACHABLE),
        ("NotImplemented", 501, Cause.ERROR),
        ("NoSuchBucketPolicy", 404, Cause.ERROR),
        ("MethodNotAllowed", 405, Cause.ERROR),
    ],
)
def test_codes_have_causes(code: str, status: int, cause: Cause) -> None:
    """Each code of AWS falls into one cause."""
    assert translate(_refusal(code, status), "X").cause is cause


def test_an_unknown_identity_abroad_is_a_region_that_is_off() -> None:
    """Credentials known to be good at home are not called bad because another region does not know them."""
    for code in ("InvalidClientTokenId", "AuthFailure", "UnrecognizedClientException", "InvalidAccessKeyId"):
        assert classify(code, 403, "", abroad=True) is Cause.REGION_OFF
        assert classify(code, 403, "") is Cause.CREDENTIALS
    assert classify("ExpiredToken", 400, "", abroad=True) is Cause.CREDENTIALS


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (sdk.NoCredentialsError(), Cause.CREDENTIALS),
        (sdk.CredentialRetrievalError(provider="x", error_msg="y"), Cause.CREDENTIALS),
        (sdk.EndpointConnectionError(endpoint_url="https://x"), Cause.UNREACHABLE),
        (sdk.ConnectTimeoutError(endpoint_url="https://x"), Cause.UNREACHABLE),
        (sdk.ReadTimeoutError(endpoint_url="https://x"), Cause.UNREACHABLE),
        (sdk.SSLError(endpoint_url="https://x", error="bad certificate"), Cause.UNREACHABLE),
        (sdk.ConnectionClosedError(endpoint_url="https://x"), Cause.UNREACHABLE),
        (sdk.ProxyConnectionError(proxy_url="http://x"), Cause.UNREACHABLE),
        (TimeoutError(), Cause.UNREACHABLE),
        (ConnectionResetError(), Cause.UNREACHABLE),
        (ResponseParserError("x"), Cause.MALFORMED),
        (KeyError("Credentials"), Cause.MALFORMED),
        (ValueError("no date"), Cause.MALFORMED),
        (sdk.ParamValidationError(report="x"), Cause.ERROR),
        (RuntimeError("x"), Cause.ERROR),
    ],
)
def test_what_fails_before_aws_answers_has_a_cause_too(error: Exception, cause: Cause) -> None:
    """The SDK's own exceptions are told apart as well."""
    told = translate(error, "GetBucketAcl")
    assert told.cause is cause
    assert told.code == type(error).__name__
    assert told.status == 0


def test_all_that_leaves_is_an_aws_error() -> None:
    """Inside `translated` everything but a cancellation becomes an AwsError, and an AwsError stays itself."""
    original = malformed("X", "y")
    with pytest.raises(AwsError) as caught, translated("Y"):
        raise original
    assert caught.value is original
    with pytest.raises(AwsError, match=r"GetBucketAcl: NoCredentialsError"), translated("GetBucketAcl"):
        raise sdk.NoCredentialsError
    with pytest.raises(asyncio.CancelledError), translated("Y"):
        raise asyncio.CancelledError


def test_the_answer_s_hints_are_kept() -> None:
    """Status, Retry-After and the bucket's region travel along."""
    error = translate(_refusal("SlowDown", 503, **{"retry-after": "7", "x-amz-bucket-region": "eu-west-1"}), "X")
    assert (error.status, error.retry_after, error.bucket_region) == (503, 7.0, "eu-west-1")
    assert error.throttled
    assert error.transient


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [("Fri, 01 Jan 2100 00:00:00 GMT", 1e6, 1e10), ("Thu, 01 Jan 1970 00:00:00 GMT", 0, 0)],
)
def test_retry_after_may_be_a_date(value: str, low: float, high: float) -> None:
    """A date becomes seconds from now, never negative."""
    seconds = translate(_refusal("SlowDown", 503, **{"retry-after": value}), "X").retry_after
    assert seconds is not None
    assert low <= seconds <= high


@pytest.mark.parametrize("value", ["soon", "-1", ""])
def test_a_damaged_retry_after_is_left_out(value: str) -> None:
    """What is neither seconds nor a date is no hint."""
    assert translate(_refusal("SlowDown", 503, **{"retry-after": value}), "X").retry_after is None


@pytest.mark.parametrize("response", [{}, {"Error": {"Code": None}}])
def test_an_empty_refusal_is_an_error_still(response: dict[str, object]) -> None:
    """An answer without any detail is classified, not tripped over."""
    error = translate(sdk.ClientError(response, "X"), "X")
    assert (error.code, error.cause) == ("Unknown", Cause.ERROR)


@given(st.text())
def test_texts_are_short_and_on_one_line(text: str) -> None:
    """Whatever AWS writes, no control character and no flood gets into a log or an alert."""
    short = shorten(text)
    assert len(short) <= MESSAGE_LIMIT
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in short)


def test_gone_is_told_by_its_code() -> None:
    """Only NoSuchBucket means that the bucket is gone."""
    assert translate(_refusal("NoSuchBucket", 404), "X").gone
    assert not translate(_refusal("NoSuchBucketPolicy", 404), "X").gone
