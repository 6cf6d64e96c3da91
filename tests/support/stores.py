"""Databases looked at and changed behind the store's back."""

from typing import Any

from sqlalchemy import text

from s3warden.store.database import database


async def run_sql(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """Execute statements in one transaction; gives the rows of the last one."""
    base = database(url)
    rows: list[tuple[Any, ...]] = []
    try:
        async with base.engine.begin() as connection:
            for statement in statements:
                result = await connection.execute(text(statement))
                rows = [tuple(row) for row in result] if result.returns_rows else []
    finally:
        await base.close()
    return rows
