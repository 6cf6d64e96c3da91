"""Leases: what needs more time, and when nothing more can be had."""

from s3warden.aws.sqs import MAX_VISIBILITY, Message
from s3warden.collect.leases import Extension, Leases


def test_a_fresh_lease_needs_nothing() -> None:
    """In the first quarter of its time a message is left alone."""
    leases = Leases(60)
    assert leases.take(Message("a", "r", ""), 0.0)
    assert leases.due(15.0) == []
    assert leases.due(15.1) == [Extension("a", "r", 60)]


def test_an_extension_counts_from_its_call() -> None:
    """A granted extension starts a new period; one that was not granted stays due."""
    leases = Leases(60)
    leases.take(Message("a", "r", ""), 0.0)
    [extension] = leases.due(20.0)
    assert leases.due(21.0) == [extension]
    leases.extended(extension, 21.0)
    assert leases.due(30.0) == []


def test_the_last_receipt_is_the_one_that_counts() -> None:
    """After a repeat only the newest receipt is extended, but all are released, each once."""
    leases = Leases(60)
    leases.take(Message("a", "r1", ""), 0.0)
    [old] = leases.due(20.0)
    for receipt in ("r2", "r1", "r2"):
        assert not leases.take(Message("a", receipt, ""), 30.0)
    leases.extended(old, 80.0)
    assert leases.due(50.0) == [Extension("a", "r2", 60)]
    assert leases.release("a") == ["r1", "r2"]
    assert len(leases) == 0


def test_nothing_is_asked_beyond_twelve_hours() -> None:
    """Near the limit the extension shrinks, and at the limit none is due."""
    leases = Leases(600)
    leases.take(Message("a", "r", ""), 0.0)
    [late] = leases.due(MAX_VISIBILITY - 300)
    assert late.seconds == 240
    leases.extended(late, MAX_VISIBILITY - 300)
    assert leases.due(MAX_VISIBILITY - 100) == []
