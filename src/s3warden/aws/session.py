"""Whose name AWS is called in: identities, and one ready client for each service, account and region.

Takes the plain facts of `SessionConfig`, hands on clients of the SDK with the right credentials. The only module that
makes clients, so that the SDK could be changed here. It never retries an identity that AWS refuses: the caller does.
"""

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

import aioboto3
from aiobotocore.config import AioConfig
from aiobotocore.credentials import AioRefreshableCredentials
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError

from s3warden.aws.errors import AwsError, translated
from s3warden.aws.meter import Meter
from s3warden.aws.transport import SingleSession, VerifiedSession, connector_options
from s3warden.model.bucket import Cause

# These services are asked through `calls.Calls`, which retries by itself with the limiter watching; a retry inside the
# SDK would hide the throttling from it.
_SINGLE_ATTEMPT = frozenset(
    {
        "accessanalyzer",
        "backup",
        "cloudtrail",
        "cloudwatch",
        "ec2",
        "guardduty",
        "logs",
        "macie2",
        "organizations",
        "s3",
        "s3control",
    }
)
_ATTEMPTS = 3
# How long a refused AssumeRole is believed, so that a hundred buckets of a locked account cost one call, not a hundred.
_REFUSAL_SECONDS = 10.0

# What S3 and its relatives have learnt since the SDK was made, in the SDK's own form for additions to its descriptions
# of services. A kind of its own, since of each kind the SDK reads the first file that it finds, and it has one itself.
MODELS = Path(__file__).with_name("models")
ADDITIONS = "s3warden"

_Key: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """How to reach AWS. Times in seconds.

    `region` falls back to what the environment and the profile say. `role_name`, with its path if it has one, is
    assumed in every account but the own one, and with `assume_at_home` there too; `external_id` goes with it.
    `max_connections` bounds the pool of each client. `endpoint_url` replaces the endpoints of all services. Without
    `resend` a request that got no answer is not sent again on another connection.
    """

    region: str | None = None
    endpoint_url: str | None = None
    role_name: str = "s3warden"
    external_id: str | None = None
    session_name: str = "s3warden"
    role_duration: int = 3600
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    max_connections: int = 100
    assume_at_home: bool = False
    resend: bool = True


@dataclass(frozen=True, slots=True)
class Identity:
    """Who AWS says we are: `arn` of the caller, its `account` and `partition`."""

    partition: str
    account: str
    arn: str


class Sessions:
    """Clients by service, account and region, each made once and kept until the end of the context.

    Entering the context calls nobody. `identify` asks AWS who we are; the first `client` of a foreign account does so
    too where nobody has. Every method that reaches AWS raises AwsError.
    """

    def __init__(
        self,
        config: SessionConfig,
        *,
        meter: Meter | None = None,
        clock: Callable[[], float] = time.monotonic,
        like: "Sessions | None" = None,
    ) -> None:
        self._config = config
        self._meter = meter
        self._clock = clock
        self._home = _sdk_session(config.region, share=like.home if like is not None else None)
        self._region: str | None = None
        self._identity: Identity | None = None
        self._assumed: dict[str, aioboto3.Session] = {}
        self._refusals: dict[str, tuple[float, AwsError]] = {}
        self._clients: dict[_Key, Any] = {}
        self._locks: defaultdict[object, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clients.clear()
        await self._stack.__aexit__(kind, error, trace)

    @property
    def home(self) -> aioboto3.Session:
        """The SDK's session of the own identity; `like` another one, sessions share what the SDK has parsed."""
        return self._home

    @property
    def config(self) -> SessionConfig:
        """How AWS is reached."""
        return self._config

    @property
    def home_region(self) -> str:
        """The region of the own endpoints. AwsError when neither settings, environment nor profile name one."""
        if self._region is None:
            # Every call asks, and the SDK goes through environment and profile each time.
            region = self._home.region_name or os.environ.get("AWS_REGION")
            if not region:
                raise AwsError("NoRegion", "no AWS region is set; set one in the settings or as AWS_REGION")
            self._region = str(region)
        return self._region

    @property
    def partition(self) -> str:
        """The partition of the own identity; before `identify`, that of the home region."""
        if self._identity is not None:
            return self._identity.partition
        with translated("GetPartition"):
            return str(self._home.get_partition_for_region(self.home_region))

    @property
    def home_account(self) -> str:
        """The account of the own identity. AwsError before `identify` has succeeded."""
        if self._identity is None:
            raise AwsError("NotIdentified", "the own identity is not known yet", cause=Cause.CREDENTIALS)
        return self._identity.account

    async def identify(self) -> Identity:
        """Ask AWS who we are, once; a failure is not kept."""
        if self._identity is None:
            sts = await self.client("sts")
            with translated("GetCallerIdentity"):
                answer = await sts.get_caller_identity()
                arn = str(answer["Arn"])
                self._identity = Identity(arn.split(":")[1], str(answer["Account"]), arn)
        return self._identity

    async def offers(self, service: str, region: str) -> bool:
        """Whether the SDK's data have the service in the region; they may be older than the region is."""
        with translated("GetAvailableRegions"):
            # The asynchronous session beneath answers, so what comes through boto3 has to be awaited.
            regions = await self._home.get_available_regions(service, partition_name=self.partition)
            return region in regions

    async def client(self, service: str, *, region: str | None = None, account: str | None = None) -> Any:
        """The SDK's client of `service` in `region`, acting in `account`. None means home.

        The client belongs to this object: do not close it. Its calls raise the SDK's exceptions; wrap them in
        `errors.translated`.
        """
        home = account is None or (account == (await self.identify()).account and not self._config.assume_at_home)
        key = (service, "" if home else str(account), region or self.home_region)
        client = self._clients.get(key)
        if client is None:
            async with self._locks[key]:
                client = self._clients.get(key) or await self._make_client(*key)
                self._clients[key] = client
        return client

    async def _make_client(self, service: str, account: str, region: str) -> Any:
        session = await self._assume(account) if account else self._home
        with translated("CreateClient"):
            # A client made without credentials would stay without them for ever.
            if await session.get_credentials() is None:
                raise AwsError("NoCredentials", "no AWS credentials were found", cause=Cause.CREDENTIALS)
            client = await self._stack.enter_async_context(
                session.client(
                    service,
                    region_name=region,
                    endpoint_url=self._config.endpoint_url,
                    config=self._client_config(service),
                )
            )
        if self._meter is not None:
            self._meter.watch(client)
        return client

    def _client_config(self, service: str) -> AioConfig:
        endpoint = self._config.endpoint_url or os.environ.get("AWS_ENDPOINT_URL")
        return AioConfig(
            connector_args=connector_options(endpoint),
            http_session_cls=VerifiedSession if self._config.resend else SingleSession,
            connect_timeout=self._config.connect_timeout,
            read_timeout=self._config.read_timeout,
            max_pool_connections=self._config.max_connections,
            retries={"mode": "standard", "total_max_attempts": self._attempts(service)},
            # One host name for all buckets of a region lets connections be used again; the global one is not for
            # networks that reach AWS by private endpoints.
            s3={"addressing_style": "path", "us_east_1_regional_endpoint": "regional"},
            user_agent_extra=f"s3warden/{version('s3warden')}",
        )

    def _attempts(self, service: str) -> int:
        return 1 if service in _SINGLE_ATTEMPT or not self._config.resend else _ATTEMPTS

    async def _assume(self, account: str) -> aioboto3.Session:
        async with self._locks[account]:
            if account not in self._assumed:
                self._heed_refusal(account)
                self._assumed[account] = await self._first_assume(account)
            return self._assumed[account]

    def _heed_refusal(self, account: str) -> None:
        until, error = self._refusals.get(account, (0.0, None))
        if error is not None and self._clock() < until:
            raise error

    async def _first_assume(self, account: str) -> aioboto3.Session:
        refresh = self._role(account)
        try:
            metadata = await refresh()
        except AwsError as error:
            self._refusals[account] = (self._clock() + _REFUSAL_SECONDS, error)
            raise
        self._refusals.pop(account, None)
        credentials = AioRefreshableCredentials.create_from_metadata(metadata, refresh, method="assume-role")
        session = _sdk_session(self.home_region, share=self._home)
        session._session.register_component("credential_provider", _Given(credentials))  # noqa: SLF001
        return session

    def _role(self, account: str) -> Callable[[], Awaitable[dict[str, str]]]:
        """A function that assumes the role in `account` and gives its credentials as the SDK wants them."""
        request = {
            "RoleArn": role_arn(self.partition, account, self._config.role_name),
            "RoleSessionName": self._config.session_name,
            "DurationSeconds": self._config.role_duration,
        }
        if self._config.external_id is not None:
            request["ExternalId"] = self._config.external_id

        async def refresh() -> dict[str, str]:
            sts = await self.client("sts")
            try:
                with translated("AssumeRole"):
                    issued = (await sts.assume_role(**request))["Credentials"]
            except AwsError as error:
                raise _unassumable(error) from error
            return {
                "access_key": issued["AccessKeyId"],
                "secret_key": issued["SecretAccessKey"],
                "token": issued["SessionToken"],
                "expiry_time": issued["Expiration"].isoformat(),
            }

        return refresh


class _Given:
    """A credential provider for the SDK that has the answer already."""

    def __init__(self, credentials: AioRefreshableCredentials) -> None:
        self._credentials = credentials

    async def load_credentials(self) -> AioRefreshableCredentials:
        return self._credentials


def role_arn(partition: str, account: str, role_name: str) -> str:
    """The ARN of a role; `role_name` may carry a path, with or without its leading slash."""
    return f"arn:{partition}:iam::{account}:role/{role_name.lstrip('/')}"


def _unassumable(error: AwsError) -> AwsError:
    """A refused AssumeRole is told apart from being throttled, cut off or badly identified."""
    if error.cause in {Cause.THROTTLED, Cause.UNREACHABLE, Cause.CREDENTIALS, Cause.REGION_OFF, Cause.MALFORMED}:
        return error
    return AwsError(error.code, error.message, cause=Cause.ASSUME_ROLE, status=error.status, operation="AssumeRole")


def _sdk_session(region: str | None, *, share: aioboto3.Session | None = None) -> aioboto3.Session:
    """A session of the SDK; `share` lends its loader, so that the service descriptions are parsed only once."""
    core = get_session()
    core.set_config_variable("sts_regional_endpoints", "regional")
    try:
        session = aioboto3.Session(botocore_session=core, region_name=region)
    except BotoCoreError as error:  # a profile that does not exist, a configuration file that cannot be parsed
        raise AwsError(type(error).__name__, str(error), cause=Cause.CREDENTIALS) from error
    if share is not None:
        loader = share._session.get_component("data_loader")  # noqa: SLF001 - boto3 gives no way to hand a loader on
        core.register_component("data_loader", loader)
    else:
        loader = core.get_component("data_loader")
        loader.search_paths.append(str(MODELS))
        loader.extras_types.append(ADDITIONS)
    return session
