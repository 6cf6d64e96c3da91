"""Records of incidents: written with the end of the exposure, once, and read by a visitor of the running daemon."""

from dataclasses import replace
from datetime import timedelta

import pytest

from s3warden.model.finding import ChangeKind
from s3warden.model.incident import Coverage, Incident, Log, Source
from s3warden.store.journal import AmbiguousIdError
from s3warden.store.store import Store
from s3warden.store.visit import Visit
from support.alerts import BUCKET, NIGHT, PUT_ACL, change, finding

RECORD = Incident(
    "inc-00aa11bb22cc",
    finding().fingerprint,
    "bucket-public-effective",
    BUCKET,
    "Anyone on the internet can list.",
    "list",
    (("actions", "list"),),
    NIGHT,
    NIGHT + timedelta(hours=1),
    "fixed",
    NIGHT,
    PUT_ACL,
    None,
    (Source(Log.ACCESS, Coverage.NOT_LOGGED),),
)


async def test_a_record_is_read_back_whole(store: Store, url: str) -> None:
    """By its id or the beginning of it, with the steps of its finding, while the daemon runs; written once."""
    opened = change(ChangeKind.OPENED, finding())
    for _ in range(2):
        await store.commit([opened], [], [RECORD])
    async with await Visit.open(url) as visit:
        assert await visit.incidents.find("inc-00aa") == RECORD
        assert await visit.incidents.find("inc-ffff") is None
        assert await visit.incidents.latest(10) == [RECORD]
        assert await visit.incidents.steps(RECORD.fingerprint) == [opened]


async def test_the_latest_come_first_and_ids_must_be_clear(store: Store, url: str) -> None:
    """A beginning that several share names none of them."""
    later = replace(RECORD, id="inc-00aaffffffff", closed_at=RECORD.closed_at + timedelta(days=1))
    await store.commit([], [], [RECORD, later])
    async with await Visit.open(url) as visit:
        assert await visit.incidents.latest(10) == [later, RECORD]
        assert await visit.incidents.latest(1) == [later]
        with pytest.raises(AmbiguousIdError, match="several incidents begin"):
            await visit.incidents.find("inc-00aa")


async def test_records_are_forgotten_with_the_journal(store: Store, url: str) -> None:
    """They are kept as long as the journal is, which is longer than findings."""
    await store.commit([], [], [RECORD])
    assert await store.prune(NIGHT + timedelta(days=400), RECORD.closed_at) == 0
    assert await store.journal.prune(RECORD.closed_at) == 0
    assert await store.journal.prune(NIGHT + timedelta(days=400)) == 1
    async with await Visit.open(url) as visit:
        assert await visit.incidents.latest(10) == []
