"""Group commit: whatever callers want written while a transaction runs goes into the next one, together.

Takes rows by step, answers when they are durable. A commit waits for the disk; a thousand callers can share one wait.
One caller's unusable rows must not fail the others, and no caller's cancellation may tear a transaction.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog
from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from s3warden.store.auditing import chained_rows
from s3warden.store.database import cause, passes
from s3warden.store.errors import StoreError, StoreUnavailableError
from s3warden.store.writes import Row, Step, Writes
from s3warden.telemetry.metrics import Metrics

log = structlog.get_logger("s3warden.store")

T = TypeVar("T")

_BATCH_ROWS = 4000
_FIRST_PAUSE = 0.05
_LAST_PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class _Job:
    writes: Writes
    done: asyncio.Future[None]

    @property
    def rows(self) -> int:
        return sum(map(len, self.writes.values()))


class Writer:
    """Writes over one connection, which `connect` gives anew after a failure; tries for `patience` seconds."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[AsyncConnection]],
        statements: Mapping[Step, Executable],
        *,
        metrics: Metrics,
        patience: float,
    ) -> None:
        self._connect = connect
        self._statements = statements
        self._metrics = metrics
        self._patience = patience
        self._connection: AsyncConnection | None = None
        self._jobs: deque[_Job] = deque()
        self._turn = asyncio.Lock()
        self._worker: asyncio.Task[None] | None = None
        self._closed = False

    async def write(self, writes: Writes) -> None:
        """Returns when `writes` are durable, all of them; raises StoreError when none of them is."""
        if self._closed:
            raise StoreError("the store is closed")
        if not any(writes.values()):
            return
        job = _Job(writes, asyncio.get_running_loop().create_future())
        self._jobs.append(job)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work(), name="store:writer")
        await job.done

    async def transaction(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Do `work` in a transaction of its own, between those of the others. Tried once."""
        async with self._turn:
            if self._connection is None:
                self._connection = await self._connect()
            try:
                async with self._connection.begin():
                    return await work(self._connection)
            except BaseException as error:
                if not isinstance(error, Exception) or passes(error):
                    await self._drop()
                raise

    async def close(self) -> None:
        """Write what is already handed in, then give the connection back. Nothing can be written after."""
        self._closed = True
        if self._worker is not None:
            await asyncio.wait([self._worker])
        await self._drop()

    async def _work(self) -> None:
        batch: list[_Job] = []
        try:
            while batch := self._next_batch():
                await self._settle(batch)
        finally:
            # Only a cancelled worker leaves anything: the loop ends, and so must those who wait.
            for job in (*batch, *self._jobs):
                job.done.cancel()
            self._jobs.clear()

    def _next_batch(self) -> list[_Job]:
        """The oldest jobs that fit into one transaction, at least one; whose caller has gone is left out."""
        batch: list[_Job] = []
        rows = 0
        while self._jobs and (not batch or rows + self._jobs[0].rows <= _BATCH_ROWS):
            job = self._jobs.popleft()
            if not job.done.done():
                batch.append(job)
                rows += job.rows
        return batch

    async def _settle(self, batch: Sequence[_Job]) -> None:
        error = await self._attempt(batch)
        if error is not None and len(batch) > 1 and not isinstance(error, StoreUnavailableError):
            # Somebody's rows are unusable. Alone, each shows whose they were.
            for job in batch:
                await self._settle([job])
            return
        for job in batch:
            if job.done.done():
                continue
            if error is None:
                job.done.set_result(None)
            else:
                job.done.set_exception(type(error)(*error.args))

    async def _attempt(self, batch: Sequence[_Job]) -> StoreError | None:
        """Write the batch, trying again for as long as that may help and patience lasts; None if it is durable."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        pause = _FIRST_PAUSE
        while True:
            try:
                await self.transaction(lambda connection: self._execute(connection, batch))
            except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
                self._metrics.store_commits_failed.inc()
                if not passes(error):
                    log.warning("commit_refused", error=cause(error), callers=len(batch))
                    return StoreError(f"the store refused the rows: {cause(error)}")
                if loop.time() + pause > deadline:
                    return StoreUnavailableError(f"the store took no rows for {self._patience:g} s: {cause(error)}")
                log.warning("commit_retried", error=cause(error), callers=len(batch), retry_in=pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LAST_PAUSE)
            else:
                self._metrics.store_commits.inc()
                return None

    async def _execute(self, connection: AsyncConnection, batch: Sequence[_Job]) -> None:
        for step, statement in self._statements.items():
            rows: Sequence[Row] = [row for job in batch for row in job.writes.get(step, ())]
            if rows and step is Step.AUDIT:
                # Here and no earlier: nobody else can write between the look at the last record and the next one.
                rows = await chained_rows(connection, rows)
            if rows:
                await connection.execute(statement, rows)

    async def _drop(self) -> None:
        """Close the connection for real: it may be broken, and with it goes the right to write."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.invalidate()
            await connection.close()
