"""One call to AWS: in its turn, tried again a bounded number of times, answered or raised as AwsError.

Takes an operation by the name AWS gives it, hands on the parsed answer. Never judges the answer.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from botocore import xform_name

from s3warden.aws.errors import AwsError, translated
from s3warden.aws.limiter import Limiter
from s3warden.model.bucket import AccountRef, Cause

_EVERYWHERE = frozenset({"s3", "s3control"})


class Clients(Protocol):
    """What is needed of `session.Sessions`."""

    @property
    def home_region(self) -> str:
        """The region where the own credentials are known to be good."""

    async def offers(self, service: str, region: str) -> bool:
        """Whether the service is known to be in the region; asked where nobody answers there."""

    async def client(self, service: str, *, region: str | None = None, account: str | None = None) -> Any:
        """The SDK's client."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often and how patiently a call is tried: `attempts` in all; waits in seconds, doubling up to `longest`."""

    attempts: int = 4
    first: float = 0.2
    longest: float = 10.0

    def wait(self, attempt: int, fraction: float, retry_after: float | None = None) -> float:
        """Seconds before the try after `attempt` (from 1); `fraction` in 0..1 spreads callers over the whole span."""
        spread = fraction * min(self.longest, self.first * 2.0**attempt)
        return spread if retry_after is None else min(self.longest, max(spread, retry_after))


class Calls:
    """Calls AWS through the limiter. `sleep` and `chance` (0..1) are injected where tests need them."""

    def __init__(
        self,
        clients: Clients,
        limiter: Limiter,
        *,
        backoff: Backoff | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._clients = clients
        self._limiter = limiter
        self._backoff = backoff or Backoff()
        self._sleep = sleep
        self._chance = chance

    async def ask(
        self, account: AccountRef, service: str, operation: str, *, region: str | None = None, **params: object
    ) -> Mapping[str, Any]:
        """AWS's answer to `operation` of `service` as `account`, without the SDK's own metadata. Raises AwsError.

        The wait between two tries holds no place of the limiter.
        """
        attempt = 1
        while True:
            try:
                return await self._ask_once(account, service, operation, region, params)
            except AwsError as error:
                if not error.transient or attempt >= self._backoff.attempts:
                    raise
                wait = self._backoff.wait(attempt, self._chance(), error.retry_after)
            await self._sleep(wait)
            attempt += 1

    async def _ask_once(
        self, account: AccountRef, service: str, operation: str, region: str | None, params: Mapping[str, object]
    ) -> Mapping[str, Any]:
        client = await self._clients.client(service, region=region, account=account.account)
        method = getattr(client, xform_name(operation))
        abroad = region is not None and region != self._clients.home_region
        async with self._limiter.place(account) as place:
            try:
                with translated(operation, abroad=abroad):
                    answer = await method(**params)
            except AwsError as error:
                if error.throttled:
                    place.throttled()
                elif error.status:
                    place.answered()
                elif region and await self._is_nowhere(error, service, region):
                    raise _nowhere(service, operation, region) from error
                raise
            place.answered()
        return {key: value for key, value in answer.items() if key != "ResponseMetadata"}

    async def _is_nowhere(self, error: AwsError, service: str, region: str) -> bool:
        # S3 is in every region, also in those that are younger than the SDK.
        return (
            error.code == "EndpointConnectionError"
            and service not in _EVERYWHERE
            and not await self._clients.offers(service, region)
        )


def _nowhere(service: str, operation: str, region: str) -> AwsError:
    """Nobody answers where there is no such service; that does not pass, so nobody should try again and again."""
    message = f"the SDK knows no {service} in {region}, and nothing answers there"
    return AwsError("NoSuchEndpoint", message, cause=Cause.REGION_OFF, operation=operation)
