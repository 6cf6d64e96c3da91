"""What people ask of the running daemon about its remediations, and what the calendar asks: time is up.

Takes requests that the command line left in the store, does what they ask while it holds the subject's turn, and
answers there. Time-boxed fixes are taken back when their time is over, whatever was restarted in between.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

import structlog

from s3warden.correct.approvals import Unanswered, answered, words
from s3warden.correct.book import Book
from s3warden.correct.guard import Stop
from s3warden.correct.kill import KillSwitch
from s3warden.correct.mend import Aftermath
from s3warden.correct.undo import Answer, Undoer
from s3warden.correct.worker import Turn
from s3warden.model.remediation import Asked, AuditEntry, Remediation, Request
from s3warden.store.codec import UndecodableError
from s3warden.store.errors import StoreError
from s3warden.store.journal import AmbiguousIdError
from s3warden.telemetry.metrics import Metrics

log = structlog.get_logger("s3warden.remediation")

_POLL = 1.0
_NO_STORE = 10.0
_LATER = timedelta(minutes=5)
CALENDAR = "the end of its time"


class Desk(Protocol):
    """The part of the journal where orders come in. Every method raises StoreError."""

    async def requests(self) -> list[Request]:
        """What waits for an answer."""

    async def answer(self, request: Request) -> None:
        """Store the answer."""

    async def find(self, prefix: str) -> Remediation | None:
        """The entry whose id begins so."""

    async def timed(self) -> list[Remediation]:
        """The time-boxed fixes that still stand, the next to end first."""

    async def unfinished(self) -> list[Remediation]:
        """The entries that have not ended."""

    async def record(self, *, audit: Sequence[AuditEntry] = ()) -> None:
        """Add lines to the audit log."""


@dataclass(slots=True)
class Orders:
    """Works while `run` runs."""

    desk: Desk
    undoer: Undoer
    book: Book
    turn: Turn
    follow: Callable[[Aftermath], Awaitable[None]]
    metrics: Metrics
    kill: KillSwitch
    # Take up at once what this entry is about, since somebody answered.
    again: Callable[[Remediation], None]
    # Keep who stopped it over a restart; "" for nobody.
    remember: Callable[[str], Awaitable[None]]
    valid: timedelta = timedelta(hours=1)

    async def run(self) -> None:
        """Work until cancelled."""
        resumed = False
        while True:
            wait = _POLL
            try:
                if not resumed:
                    await self._resume()
                    resumed = True
                for request in await self.desk.requests():
                    await self.take(request)
                await self._end_what_is_due()
            except StoreError as error:
                self.metrics.remediation_errors.labels("store").inc()
                log.warning("orders_unreadable", error=str(error), retry_seconds=_NO_STORE)
                wait = _NO_STORE
            await asyncio.sleep(wait)

    async def _resume(self) -> None:
        """Finish the undoings that an earlier life had begun."""
        for undoing in await self.desk.unfinished():
            entry = await self.desk.find(undoing.undo_of) if undoing.undo_of is not None else None
            if entry is not None:
                async with self.turn(undoing.subject):
                    answer = await self.undoer.go_on(undoing, entry)
                log.warning("undo_resumed", remediation_id=undoing.id, ok=answer.ok, detail=answer.text)
                await self.follow(answer.aftermath)

    async def take(self, request: Request) -> Answer:
        """Do what is asked and keep the answer beside the request. Raises StoreError."""
        try:
            answer = await self._done(request)
        except StoreError:
            raise
        except Exception as error:
            # One request that cannot be obeyed must not keep the others waiting for ever.
            self.metrics.remediation_errors.labels("crashed").inc()
            log.exception("order_crashed", asked=request.asked.value, remediation_id=request.remediation)
            answer = Answer(False, f"it failed inside s3warden ({type(error).__name__}); the log has the rest")
        log.info("order_answered", asked=request.asked.value, by=request.by, ok=answer.ok, detail=answer.text)
        at = self.book.clock()
        await self.desk.answer(replace(request, ok=answer.ok, answer=answer.text, answered_at=at))
        await self.follow(answer.aftermath)
        return answer

    async def _done(self, request: Request) -> Answer:
        if request.asked in (Asked.STOP, Asked.START):
            return await self._switch(request)
        if request.asked in (Asked.APPROVE, Asked.REJECT):
            return await self._answered(request)
        try:
            entry = await self.desk.find(request.remediation)
        except (AmbiguousIdError, UndecodableError) as error:
            return Answer(False, str(error))
        if entry is None:
            return Answer(False, f"there is no remediation {request.remediation}")
        async with self.turn(entry.subject):
            if request.asked is Asked.UNDO:
                return await self.undoer.undo(entry, request.by)
            return await self.undoer.keep(entry, request.by)

    async def _answered(self, request: Request) -> Answer:
        """An approval or a rejection. The latest entry counts: while it was waited for its turn the plan may change."""
        entry = self.book.known(request.remediation)
        if entry is None:
            return Answer(False, f"{request.remediation} does not wait for an answer.", final=True)
        async with self.turn(entry.subject):
            entry = self.book.known(request.remediation) or entry
            at = self.book.clock()
            found = answered(entry, request, at, self.valid)
            if isinstance(found, Unanswered):
                log.info("answer_not_taken", remediation_id=entry.id, by=request.by, reason=found.reason)
                return Answer(False, found.detail, final=True)
            kind = "approved" if request.asked is Asked.APPROVE else "rejected"
            told = {"by": request.by, "via": request.via, "plan": request.digest}
            found = await self.book.write(found, kind, told)
        self.again(found)
        return Answer(True, words(found, request, at))

    async def _switch(self, request: Request) -> Answer:
        """The kill switch, kept in the store first: a restart must not turn it off."""
        stop = request.asked is Asked.STOP
        at = self.book.clock()
        await self.desk.record(audit=(AuditEntry(at, request.asked.value, {"by": request.by, "via": request.via}),))
        await self.remember(request.by if stop else "")
        if stop:
            self.kill.trip(request.by)
            return Answer(True, "Nothing is changed from now on, until `s3warden remediations start`.")
        self.kill.release()
        still = self.kill.on()
        for entry in self.book.unfinished():
            if entry.reason == Stop.KILLED:
                self.again(entry)
        return Answer(True, "Fixes go on." if still is None else f"The order is taken back, but {still}.")

    async def _end_what_is_due(self) -> None:
        for entry in await self.desk.timed():
            if entry.until is None or entry.until > self.book.clock() or self.undoer.applier.killed() is not None:
                break
            async with self.turn(entry.subject):
                answer = await self.undoer.undo(entry, CALENDAR)
            if not answer.ok:
                await self._not_ended(entry.id, answer)
            await self.follow(answer.aftermath)

    async def _not_ended(self, id_: str, answer: Answer) -> None:
        """Its time is over and it could not be taken back: tried again later, but not over somebody else's change."""
        entry = await self.desk.find(id_)
        if entry is None or entry.undone_by is not None:
            return
        at = self.book.clock()
        log.error("time_box_not_ended", remediation_id=id_, detail=answer.text, final=answer.final)
        until = None if answer.final else at + _LATER
        await self.book.write(entry.after(at, until=until), "time_box_not_ended", {"why": answer.text})
