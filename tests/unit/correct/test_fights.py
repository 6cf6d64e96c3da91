"""A fight is seen at the right moment and names both sides."""

from datetime import UTC, datetime, timedelta

import pytest

from s3warden.correct.fights import PastFix, fight
from s3warden.correct.writers import Writer, WriterKind

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
TERRAFORM = Writer(WriterKind.TERRAFORM, "arn:aws:sts::111122223333:assumed-role/ci/run-7")


def past(name: str, hours: float, *attributes: str, subject: str = "b") -> PastFix:
    """A fix so many hours ago."""
    return PastFix(name, NOW - timedelta(hours=hours), subject, frozenset(attributes or ("acl",)), TERRAFORM)


def test_two_fixes_then_a_stop() -> None:
    """The setting was mended twice within a day and is open again: no third time."""
    assert fight("b", ["acl"], [past("r1", 3)], TERRAFORM, at=NOW) is None
    seen = fight("b", ["acl"], [past("r1", 3), past("r2", 1)], None, at=NOW)
    assert seen is not None
    assert (seen.fixes, seen.other, seen.attributes) == (("r1", "r2"), TERRAFORM, ("acl",))
    assert "s3warden" in str(seen)
    assert "terraform" in str(seen)


@pytest.mark.parametrize(
    "fixes",
    [
        [past("r1", 25), past("r2", 1)],
        [past("r1", 3, "policy"), past("r2", 1)],
        [past("r1", 3, subject="other"), past("r2", 1)],
    ],
    ids=["too long ago", "another attribute", "another bucket"],
)
def test_what_is_no_fight(fixes: list[PastFix]) -> None:
    """Only the same attribute of the same bucket within a day counts."""
    assert fight("b", ["acl"], fixes, TERRAFORM, at=NOW) is None


def test_nobody_is_named_where_nobody_told() -> None:
    """A change without an event is somebody's all the same."""
    fixes = [PastFix(name, NOW, "b", frozenset({"acl"})) for name in ("r1", "r2")]
    seen = fight("b", ["acl"], fixes, None, at=NOW)
    assert seen is not None
    assert "no event named" in str(seen)
