"""Brings a database to the schema of this code, within the caller's transaction: all or nothing.

Alembic is imported only when there is something to do. Nobody else may work on the database meanwhile.
"""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from s3warden.store.errors import StoreVersionError
from s3warden.store.schema import REVISIONS


def migrate(connection: Connection, revisions: Sequence[str] = REVISIONS) -> tuple[str | None, str]:
    """Upgrade to the last of `revisions`; gives the version before and after.

    Raises StoreVersionError for a version that this code does not know, which a newer one must have written.
    """
    before = _version(connection)
    if before is not None and before not in REVISIONS:
        raise StoreVersionError(
            f"the store has schema {before}, this version of s3warden knows only up to {REVISIONS[-1]}: "
            "run the newer version again, or restore the backup from before its first start"
        )
    if before != revisions[-1]:
        _upgrade(connection, revisions[-1])
    return before, revisions[-1]


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return version


def _upgrade(connection: Connection, revision: str) -> None:
    from alembic import command  # noqa: PLC0415 - costs most of a second, and is needed once per version
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, revision)
