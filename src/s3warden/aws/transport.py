"""How bytes reach AWS: verified TLS, and names under `.localhost`.

Hands the SDK the two things it lacks. Never decides what is asked, nor of whom.
"""

import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

from aiobotocore.httpsession import AIOHTTPSession
from aiohttp.abc import AbstractResolver, ResolveResult


class VerifiedSession(AIOHTTPSession):  # type: ignore[misc]  # aiobotocore carries no types
    """aiobotocore's HTTP session, with the checks of TLS that it leaves out.

    aiobotocore takes botocore's TLS context, which switches host name checks off because urllib3 makes them itself;
    aiohttp does not. Through a proxy it verifies nothing at all unless a bundle for the proxy is configured. Both
    would let anyone on the path answer in the name of AWS.
    """

    def _get_ssl_context(self) -> ssl.SSLContext:
        context: ssl.SSLContext = super()._get_ssl_context()
        context.check_hostname = True
        return context

    def _setup_proxy_ssl_context(self, proxy_url: str) -> ssl.SSLContext:
        context: ssl.SSLContext = super()._setup_proxy_ssl_context(proxy_url) or self._get_ssl_context()
        context.check_hostname = True
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
