"""What can be known of sessions without a network: partitions, endpoints, names."""

from collections.abc import Callable
from typing import Any

import pytest

from s3warden.aws.errors import AwsError
from s3warden.aws.session import SessionConfig, Sessions, role_arn
from s3warden.aws.transport import VerifiedSession
from s3warden.model.bucket import Cause


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some credentials, and nothing of the machine's own configuration."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("partition", "name", "arn"),
    [
        ("aws", "s3warden", "arn:aws:iam::1:role/s3warden"),
        ("aws-us-gov", "security/s3warden", "arn:aws-us-gov:iam::1:role/security/s3warden"),
        ("aws-cn", "/security/s3warden", "arn:aws-cn:iam::1:role/security/s3warden"),
        ("aws-eusc", "s3warden", "arn:aws-eusc:iam::1:role/s3warden"),
    ],
)
def test_a_role_s_arn_is_built_from_partition_account_and_path(partition: str, name: str, arn: str) -> None:
    """The path may be written with its leading slash or without."""
    assert role_arn(partition, "1", name) == arn


@pytest.mark.parametrize(
    ("region", "partition", "domain"),
    [
        ("eu-west-1", "aws", "amazonaws.com"),
        ("us-east-1", "aws", "amazonaws.com"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
    ],
)
async def test_each_partition_is_called_at_its_own_regional_endpoints(
    region: str, partition: str, domain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Partition and endpoints follow from the region; they stay regional whatever the environment says."""
    monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", "legacy")
    async with Sessions(SessionConfig(region=region)) as sessions:
        assert sessions.partition == partition
        for service in ("sts", "s3", "sqs"):
            client = await sessions.client(service)
            assert client.meta.endpoint_url == f"https://{service}.{region}.{domain}"


async def test_clients_are_made_for_many_calls_over_few_connections() -> None:
    """Path-style addresses, one attempt where the caller retries, a pool as wide as the concurrency, our name."""
    async with Sessions(SessionConfig(region="eu-west-1", max_connections=17)) as sessions:
        config = (await sessions.client("s3")).meta.config
        assert config.s3["addressing_style"] == "path"
        assert config.retries == {"mode": "standard", "total_max_attempts": 1}
        assert (await sessions.client("sqs")).meta.config.retries["total_max_attempts"] == 3
        assert config.max_pool_connections == 17
        assert "s3warden/" in config.user_agent_extra


async def test_every_client_verifies_whom_it_talks_to() -> None:
    """The HTTP session with the full TLS checks is the one that clients get."""
    async with Sessions(SessionConfig(region="eu-west-1")) as sessions:
        for service in ("s3", "s3control", "sts", "sqs"):
            client = await sessions.client(service)
            assert isinstance(client._endpoint.http_session, VerifiedSession)


@pytest.mark.parametrize(
    "arrange",
    [
        lambda patch: patch.setenv("AWS_REGION", "eu-north-1"),
        lambda patch: patch.setenv("AWS_DEFAULT_REGION", "eu-north-1"),
    ],
)
def test_the_region_may_come_from_the_environment(
    arrange: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both spellings count; containers are given the first, SDKs read the second."""
    arrange(monkeypatch)
    assert Sessions(SessionConfig()).home_region == "eu-north-1"


def test_without_any_region_there_is_a_plain_word() -> None:
    """The message says what to set."""
    with pytest.raises(AwsError, match="no AWS region is set"):
        _ = Sessions(SessionConfig()).home_region


def test_a_profile_that_does_not_exist_is_an_aws_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the SDK's own exceptions gets out, not even from the start."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(AwsError) as caught:
        _ = Sessions(SessionConfig(region="eu-west-1")).partition
    assert caught.value.cause is Cause.CREDENTIALS
