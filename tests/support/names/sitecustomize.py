"""On PYTHONPATH: names below `localhost` lead to this machine, as RFC 6761 (6.3) has it and not every resolver does.

S3 Control puts the account's number in front of the host's name, and the SDK lets nobody switch that off.
"""

import socket
from typing import Any

_resolve = socket.getaddrinfo


def _getaddrinfo(host: Any, *arguments: Any, **more: Any) -> Any:
    if isinstance(host, str) and host.endswith(".localhost"):
        host = "localhost"
    return _resolve(host, *arguments, **more)


socket.getaddrinfo = _getaddrinfo
