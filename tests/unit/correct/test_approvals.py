"""Answers of people: each about one plan, nobody's own, and as many as the risk asks for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from s3warden.correct.approvals import SHORT, Unanswered, answered, words
from s3warden.correct.invitations import Invitations
from s3warden.correct.links import Answer, Link, opened
from s3warden.model.action import Call, Effect, Mode, RemediationPlan, Risk, Step, canonical
from s3warden.model.finding import Verdict
from s3warden.model.remediation import Asked, Remediation, Request, Stage
from s3warden.model.secret import Secret
from support.alerts import BUCKET

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
CALL = Call("s3", "PutBucketAcl", canonical({"Bucket": BUCKET.name}), BUCKET.region)
PLAN = RemediationPlan(
    "acl",
    "bucket-acl-public-read",
    "f" * 32,
    "e" * 16,
    BUCKET,
    (Step("acl", "remove the grant", CALL, CALL, CALL, "{}", "{}", "{}"),),
    Risk.LOW,
    "Listings stop.",
    Effect(True, False, (), (), Verdict.PASS),
    NOW,
)
HELD = Remediation(
    "k7m2", PLAN.fingerprint, PLAN.rule_id, BUCKET, PLAN.evidence, NOW, NOW, Stage.HELD, plan=PLAN, mode=Mode.APPROVE
)


def request(asked: Asked = Asked.APPROVE, by: str = "ann", digest: str = PLAN.digest) -> Request:
    """What somebody asks about the plan."""
    return Request("r-1", asked, HELD.id, by, NOW, digest)


def taken(entry: Remediation, *requests: Request) -> Remediation:
    """The entry after these answers."""
    for each in requests:
        found = answered(entry, each, NOW, HOUR)
        assert isinstance(found, Remediation)
        entry = found
    return entry


def test_an_approval_is_kept_with_its_end() -> None:
    """Who, to what, from when to when, and how it came in."""
    entry = taken(HELD, request())
    [approval] = entry.approvals
    assert (approval.by, approval.digest, approval.until) == ("ann", PLAN.digest, NOW + HOUR)
    assert entry.approved_by == ("ann",)
    assert entry.version == HELD.version + 1
    assert "goes on now" in words(entry, request(), NOW)


def test_the_same_person_twice_is_one() -> None:
    """Saying yes again renews it; a high risk still waits for somebody else."""
    risky = replace(HELD, plan=replace(PLAN, risk=Risk.HIGH))
    digest = replace(PLAN, risk=Risk.HIGH).digest
    entry = taken(risky, request(digest=digest), request(digest=digest))
    assert len(entry.approvals) == 1
    assert "1 more have to agree" in words(entry, request(), NOW)
    entry = taken(entry, request(by="bob", digest=digest))
    assert entry.approved_by == ("ann", "bob")
    assert "goes on now" in words(entry, request(by="bob"), NOW)


def test_a_no_stands_until_its_author_changes_his_mind() -> None:
    """Others may agree meanwhile; only who said no can take it back, by a yes."""
    entry = taken(HELD, request(Asked.REJECT), request(by="bob"))
    assert entry.rejection is not None
    assert "rejected it" in words(entry, request(by="bob"), NOW)
    assert taken(entry, request()).rejection is None


@pytest.mark.parametrize(
    ("entry", "asked", "reason"),
    [
        (HELD, request(digest="0" * 64), "plan_changed"),
        (HELD, request(digest=""), "plan_changed"),
        (HELD, request(digest=PLAN.digest[: SHORT - 1]), "plan_changed"),
        (replace(HELD, requester="ann"), request(), "own_request"),
        (replace(HELD, stage=Stage.ENDED), request(), "not_held"),
        (replace(HELD, stage=Stage.APPLYING), request(Asked.REJECT), "not_held"),
        (replace(HELD, plan=None), request(), "not_held"),
        (replace(HELD, mode=Mode.PLAN), request(), "mode"),
    ],
)
def test_answers_that_do_not_count(entry: Remediation, asked: Request, reason: str) -> None:
    """Each is refused with its reason, and nothing is written."""
    found = answered(entry, asked, NOW, HOUR)
    assert isinstance(found, Unanswered)
    assert found.reason == reason
    assert found.detail.endswith(".")


def test_old_approvals_of_other_plans_do_not_pile_up() -> None:
    """The entry is bounded, however often the plan changes."""
    entry = HELD
    for number in range(50):
        plan = replace(PLAN, steps=(replace(PLAN.steps[0], after=f'"{number}"'),))
        entry = taken(replace(entry, plan=plan), request(digest=plan.digest))
    assert len(entry.approvals) == 20
    assert entry.approved_by == ("ann",)


def test_invitations_are_for_one_receiver_and_one_plan() -> None:
    """Two links, each with a nonce of its own, good for a while."""
    drawn = iter(("n1", "n2"))
    key = Secret("k" * 32)
    inviting = Invitations("https://warden.example.com/", key, HOUR, lambda: NOW, lambda: next(drawn))
    (_, approve), (_, reject) = inviting.links(HELD, "oncall")
    head = "https://warden.example.com/remediations/answer?link="
    assert approve.startswith(head)
    links = [opened(url.removeprefix(head), key, NOW) for url in (approve, reject)]
    expected = Link(HELD.id, PLAN.digest, Answer.APPROVE, "oncall", "n1", NOW + HOUR)
    assert links == [expected, replace(expected, answer=Answer.REJECT, nonce="n2")]
    assert inviting.links(replace(HELD, plan=None), "oncall") == ()
