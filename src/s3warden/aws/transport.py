"""How bytes reach AWS: verified TLS, and names under `.localhost`.

Hands the SDK the two things it lacks. Never decides what is asked, nor of whom.
"""

import socket
import ssl
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiobotocore.httpsession import AIOHTTPSession
from aiohttp.abc import AbstractResolver, ResolveResult
from botocore.httpsession import create_urllib3_context, get_cert_path


class VerifiedSession(AIOHTTPSession):  # type: ignore[misc]  # aiobotocore carries no types
    """aiobotocore's HTTP session, with the checks of TLS that it leaves out.

    aiobotocore takes botocore's TLS context, which switches host name checks off because urllib3 makes them itself;
    aiohttp does not. Through a proxy it verifies nothing at all unless a bundle for the proxy is configured. Both
    would let anyone on the path answer in the name of AWS.
    """

    def _create_connector(self, proxy_url: str | None) -> aiohttp.TCPConnector:  # noqa: ARG002 - aiobotocore's interface
        bundle = str(get_cert_path(self._verify or True))
        return aiohttp.TCPConnector(
            limit=self._max_pool_connections,
            ssl=_trust(bundle, Path(bundle).stat().st_mtime_ns),
            **self._connector_args,
        )


class SingleSession(VerifiedSession):
    """A session that sends nothing twice: aiohttp repeats a PUT by itself when the connection breaks.

    Who writes has to look at what is there before another try, since the first one may have taken effect.
    """

    async def _get_session(self, proxy_url: str | None) -> aiohttp.ClientSession:
        session: aiohttp.ClientSession = await super()._get_session(proxy_url)
        session._retry_connection = False  # noqa: SLF001 - aiohttp has no other switch for it
        return session


@cache
def _trust(bundle: str, changed: int) -> ssl.SSLContext:  # noqa: ARG001 - a file that changed is read again
    """The authorities of a bundle, shared by all clients: reading them takes 16 ms and 600 KiB each time."""
    context: ssl.SSLContext = create_urllib3_context()
    context.check_hostname = True
    context.load_verify_locations(bundle)
    return context


class LoopbackResolver(AbstractResolver):
    """Answers the loopback address for `localhost` and every name under it (RFC 6761, 6.3), and knows no other name.

    S3 Control puts the account id before the host; against an emulator on `localhost` that gives names which the
    system's resolver need not know.
    """

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 - aiohttp's interface
    ) -> list[ResolveResult]:
        """The IPv4 loopback address for `host`; OSError for a name that is not local."""
        if not is_localhost(host):
            raise OSError(None, f"{host} is not a name under localhost")
        return [
            ResolveResult(
                hostname=host,
                host="127.0.0.1",
                port=port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
        ]

    async def close(self) -> None:
        """Nothing is held."""


def connector_options(endpoint_url: str | None) -> dict[str, Any]:
    """What aiohttp's connector is told: for an endpoint on localhost, how to find the names under it."""
    host = urlsplit(endpoint_url).hostname if endpoint_url else None
    return {"resolver": LoopbackResolver()} if host and is_localhost(host) else {}


def is_localhost(host: str) -> bool:
    """Whether `host` is the name localhost or lies under it; an address is not a name."""
    name = host.rstrip(".").lower()
    return name == "localhost" or name.endswith(".localhost")
