"""`s3warden healthcheck`: asks the daemon in the same container whether it lives. For images without curl.

It needs nothing but the standard library, so that it starts fast where it runs every few seconds; the settings are
looked into only for the port, without being checked.
"""

import os
import sys
import tomllib
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated, Any

import typer

PORT = 9456
_LIMIT = 10_000


def healthcheck(
    url: Annotated[
        str | None, typer.Option(help="Address to ask. Default: /livez on the port of the settings.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", envvar="S3WARDEN_CONFIG", help="Settings file (TOML).")
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the answer.", min=0.1, max=60)] = 4.0,
) -> None:
    """Ask the daemon whether it lives: exit 0 if it does, 1 if not."""
    problem = ask(url or address(config), timeout)
    if problem is not None:
        typer.echo(problem, err=True)
        raise typer.Exit(1)


def main() -> None:
    """The command by itself, for a start without the rest of the command line: that takes two seconds of CPU."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(context_settings={"help_option_names": ["-h", "--help"]})(healthcheck)
    app(sys.argv[2:], prog_name="s3warden healthcheck")


def address(config: Path | None) -> str:
    """Where the daemon of the same settings listens; a host that means every address is asked on the loopback."""
    http = _http(config)
    port = os.environ.get("S3WARDEN_HTTP__PORT") or http.get("port", PORT)
    host = os.environ.get("S3WARDEN_HTTP__HOST") or http.get("host", "0.0.0.0")  # noqa: S104 - the default of http.host
    local = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(str(host), str(host))  # noqa: S104 - the same
    return f"http://{f'[{local}]' if ':' in local else local}:{port}/livez"


def ask(url: str, timeout: float) -> str | None:
    """None if the daemon says that it lives, else what is wrong. A proxy is never asked."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=timeout) as answer:
            return None if answer.status == 200 else f"{url}: HTTP {answer.status}"
    except urllib.error.HTTPError as error:
        with error:
            return f"{url}: HTTP {error.code}\n{error.read(_LIMIT).decode(errors='replace')}"
    except (OSError, ValueError) as error:
        return f"{url}: {getattr(error, 'reason', error)}"


def _http(config: Path | None) -> dict[str, Any]:
    if config is None:
        return {}
    try:
        http = tomllib.loads(config.read_text(encoding="utf-8")).get("http", {})
    except (OSError, ValueError):
        return {}
    return http if isinstance(http, dict) else {}
