"""Identities and clients against a real wire."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from s3warden.aws.errors import AwsError, translated
from s3warden.aws.session import SessionConfig, Sessions
from s3warden.model.bucket import Cause
from s3warden.telemetry.metrics import Metrics
from support.faults import FaultProxy
from support.moto import HOME_ACCOUNT


async def test_the_own_identity_is_asked_for_once(sessions: Sessions, proxy: FaultProxy) -> None:
    """GetCallerIdentity tells account and partition, and is remembered."""
    first, second = await asyncio.gather(sessions.identify(), sessions.identify())
    await sessions.identify()
    assert first == second
    assert (sessions.home_account, sessions.partition, sessions.home_region) == (HOME_ACCOUNT, "aws", "eu-west-1")
    assert proxy.count("GetCallerIdentity") <= 2


async def test_where_a_service_is_the_sdk_knows(sessions: Sessions) -> None:
    """By its own data: old services in old regions, and nothing of services that it does not know."""
    assert await sessions.offers("macie2", "eu-west-1")
    assert not await sessions.offers("macie2", "eu-nowhere-1")
    assert not await sessions.offers("no-such-service", "eu-west-1")


async def test_an_identity_that_fails_can_be_asked_again(sessions: Sessions, proxy: FaultProxy) -> None:
    """A failure is not remembered, so a daemon that starts before its network comes up in the end."""
    proxy.fail("GetCallerIdentity", code="ExpiredToken", times=1)
    with pytest.raises(AwsError) as caught:
        await sessions.identify()
    assert caught.value.cause is Cause.CREDENTIALS
    with pytest.raises(AwsError):
        _ = sessions.home_account
    assert (await sessions.identify()).account == HOME_ACCOUNT


async def test_every_account_is_called_in_its_own_name(sessions: Sessions, fresh_account: Callable[[], str]) -> None:
    """AssumeRole leads into each account, the home account excepted."""
    accounts = [fresh_account(), fresh_account(), HOME_ACCOUNT]
    told = []
    for account in accounts:
        sts = await sessions.client("sts", account=account)
        told.append((await sts.get_caller_identity())["Account"])
    assert told == accounts


async def test_a_client_is_made_once_for_all_who_ask_at_the_same_time(
    sessions: Sessions, proxy: FaultProxy, fresh_account: Callable[[], str]
) -> None:
    """Fifty callers share one client and one AssumeRole; another region takes a client but no AssumeRole."""
    account = fresh_account()
    clients = await asyncio.gather(*(sessions.client("s3", account=account) for _ in range(50)))
    elsewhere = await sessions.client("s3", account=account, region="us-east-1")
    assert {id(client) for client in clients} == {id(clients[0])}
    assert elsewhere is not clients[0]
    assert proxy.count("AssumeRole", text=account) == 1


async def test_the_role_is_asked_for_with_its_path_external_id_and_session_name(
    proxy: FaultProxy, fresh_account: Callable[[], str]
) -> None:
    """What the operator configured is what STS is sent."""
    config = SessionConfig(
        region="eu-west-1",
        endpoint_url=proxy.url,
        role_name="/security/s3warden",
        external_id="open-sesame",
        session_name="s3warden-blue",
        role_duration=900,
    )
    account = fresh_account()
    async with Sessions(config) as sessions:
        await sessions.client("s3", account=account)
    [request] = [seen for seen in proxy.seen if seen.operation == "AssumeRole"]
    for part in (
        f"{account}%3Arole%2Fsecurity%2Fs3warden",
        "ExternalId=open-sesame",
        "RoleSessionName=s3warden-blue",
        "DurationSeconds=900",
    ):
        assert part in request.text
    assert request.region == "eu-west-1"
    assert "s3warden/" in request.user_agent


async def test_a_role_that_cannot_be_assumed_is_told_apart_and_not_asked_for_again_at_once(
    proxy: FaultProxy, fresh_account: Callable[[], str]
) -> None:
    """A locked account costs one call for a while; then it is tried again, and works."""
    account, now = fresh_account(), [0.0]
    proxy.deny("AssumeRole", text=account, times=1)
    config = SessionConfig(region="eu-west-1", endpoint_url=proxy.url)
    async with Sessions(config, clock=lambda: now[0]) as sessions:
        await sessions.identify()
        answers = await asyncio.gather(
            *(sessions.client("s3", account=account) for _ in range(20)), return_exceptions=True
        )
        assert all(isinstance(answer, AwsError) and answer.cause is Cause.ASSUME_ROLE for answer in answers)
        assert proxy.count("AssumeRole", text=account) == 1
        now[0] = 60.0
        assert await sessions.client("s3", account=account)


async def test_credentials_are_renewed_before_they_end(proxy: FaultProxy, fresh_account: Callable[[], str]) -> None:
    """A role's credentials near their end are replaced by the next call, once."""
    account = fresh_account()
    soon = (datetime.now(UTC) + timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    proxy.answer("AssumeRole", text=account, times=1, body=_issued(account, soon))
    async with Sessions(SessionConfig(region="eu-west-1", endpoint_url=proxy.url)) as sessions:
        s3 = await sessions.client("s3", account=account)
        await asyncio.gather(*(s3.list_buckets() for _ in range(5)))
        await s3.list_buckets()
    assert proxy.count("AssumeRole", text=account) == 2


async def test_a_role_lost_later_is_an_error_of_the_call_that_needed_it(
    proxy: FaultProxy, fresh_account: Callable[[], str]
) -> None:
    """When renewing is refused, the caller hears that the role could not be assumed."""
    account = fresh_account()
    soon = (datetime.now(UTC) + timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    proxy.answer("AssumeRole", text=account, times=1, body=_issued(account, soon))
    proxy.deny("AssumeRole", text=account)
    async with Sessions(SessionConfig(region="eu-west-1", endpoint_url=proxy.url)) as sessions:
        s3 = await sessions.client("s3", account=account)
        with pytest.raises(AwsError) as caught, translated("ListBuckets"):
            await s3.list_buckets()
    assert caught.value.cause is Cause.ASSUME_ROLE


async def test_no_credentials_is_an_answer_and_not_a_client_without_any(
    proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without credentials there is no client; with credentials that come later there is."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    async with Sessions(SessionConfig(region="eu-west-1", endpoint_url=proxy.url)) as sessions:
        with pytest.raises(AwsError) as caught:
            await sessions.client("s3")
        assert caught.value.cause is Cause.CREDENTIALS
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        assert (await sessions.identify()).account == HOME_ACCOUNT


async def test_the_endpoint_of_the_environment_is_used(
    proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, fresh_account: Callable[[], str]
) -> None:
    """AWS_ENDPOINT_URL alone leads there, S3 Control's account host names included."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
    account = fresh_account()
    async with Sessions(SessionConfig(region="eu-west-1")) as sessions:
        control = await sessions.client("s3control", account=account)
        await control.put_public_access_block(
            AccountId=account, PublicAccessBlockConfiguration={"BlockPublicAcls": True}
        )
    assert proxy.count("PutPublicAccessBlock", account=account) == 1


async def test_calls_are_counted_by_attempt(sessions: Sessions, proxy: FaultProxy, metrics: Metrics) -> None:
    """A call that the SDK tries three times counts as three calls, of which two were throttled."""
    proxy.throttle("GetCallerIdentity", times=2)
    await sessions.identify()

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(f"s3warden_aws_api_{name}", labels)

    assert value("calls_total", service="sts", operation="GetCallerIdentity") == 3
    assert value("throttles_total", service="sts") == 2
    assert value("errors_total", service="sts", cause="throttled") == 2
    assert value("duration_seconds_count", service="sts") == 1
    skew = metrics.registry.get_sample_value("s3warden_clock_skew_seconds")
    assert skew is not None
    assert abs(skew) < 5


def _issued(account: str, expiration: str) -> bytes:
    """An answer of AssumeRole whose credentials end at `expiration`."""
    return f"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
    <Credentials><AccessKeyId>ASIAEXAMPLE{account}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
    <SessionToken>token</SessionToken><Expiration>{expiration}</Expiration></Credentials>
    </AssumeRoleResult></AssumeRoleResponse>""".encode()
