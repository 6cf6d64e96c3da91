"""What a look shows of the calls that it was asked for by."""

from dataclasses import replace
from datetime import timedelta

from s3warden.collect.changes import made
from s3warden.collect.spared import ACLS_DISABLED
from s3warden.detect.samples import ALL_ON, DENIED, READ_AT, bucket, flags
from s3warden.model.bucket import ABSENT, Aspect, BucketState, Present
from s3warden.model.changes import Change
from s3warden.model.configuration import ALL_USERS, Acl, Grant, GranteeKind, Tags
from s3warden.model.event import SELF, Actor, Origin, RefreshRequest, Trigger

MALLORY = Actor("arn:aws:iam::111122223333:user/mallory", source_ip="203.0.113.7", user_agent="aws-cli/2 " + "x" * 99)
BEFORE = bucket()
TAGS = Present(Tags((("Team", "blue"),)))


def call(name: str, *, at: float = -5, actor: Actor | None = MALLORY, source: str = "aws.s3") -> Trigger:
    """A call some seconds before the look."""
    return Trigger(name, source, f"event-{name}", READ_AT + timedelta(seconds=at), actor)


def changes(after: BucketState, *calls: Trigger, before: BucketState | None = BEFORE) -> tuple[Change, ...]:
    """The changes of a look that these calls led to; nobody but mallory is somebody."""
    request = RefreshRequest(after.ref, frozenset(Aspect), Origin.EVENT, calls, calls=calls)
    return made(request, before, after, lambda actor: actor is not None and actor is not MALLORY)


def test_a_change_says_who_did_what_when_and_what_differs() -> None:
    """The tool stands at the beginning of a user agent, which may be long."""
    [told] = changes(bucket({Aspect.TAGGING: TAGS}), call("PutBucketTagging"))
    assert told == Change(
        "PutBucketTagging",
        READ_AT - timedelta(seconds=5),
        "event-PutBucketTagging",
        MALLORY.principal,
        "203.0.113.7",
        "aws-cli/2 " + "x" * 70,
        (Aspect.TAGGING,),
    )


def test_each_call_is_told_with_what_it_can_have_changed() -> None:
    """A burst is one look; a call that nobody knows can have changed anything."""
    after = bucket({Aspect.TAGGING: TAGS, Aspect.PUBLIC_ACCESS_BLOCK: flags()})
    told = changes(after, call("PutBucketTagging"), call("DeleteBucketPublicAccessBlock"), call("PutBucketInvented"))
    assert [each.aspects for each in told] == [
        (Aspect.TAGGING,),
        (Aspect.PUBLIC_ACCESS_BLOCK,),
        (Aspect.PUBLIC_ACCESS_BLOCK, Aspect.TAGGING),
    ]


def test_what_cannot_be_compared_does_not_differ() -> None:
    """Nothing was known before, could not be read on one side, or was only inferred."""
    blocked = replace(ALL_ON, block_public_acls=False)
    acl = Present(Acl("owner", (Grant(GranteeKind.GROUP, ALL_USERS, "READ"),)))
    for aspect, name, old, new in (
        (Aspect.TAGGING, "PutBucketTagging", DENIED, TAGS),
        (Aspect.TAGGING, "PutBucketTagging", TAGS, DENIED),
        (Aspect.ACL, "PutBucketAcl", ACLS_DISABLED, acl),
        (Aspect.ACL, "PutBucketAcl", acl, ACLS_DISABLED),
        (Aspect.TAGGING, "PutBucketTagging", TAGS, TAGS),
        # Consequences, and what is not this call's.
        (Aspect.POLICY_STATUS, "PutBucketPolicy", ABSENT, Present(blocked)),
        (Aspect.PUBLIC_ACCESS_BLOCK, "PutBucketTagging", ABSENT, Present(blocked)),
    ):
        [told] = changes(bucket({aspect: new}), call(name), before=bucket({aspect: old}))
        assert told.aspects == ()
    [told] = changes(bucket(), call("CreateBucket"), before=None)
    assert told.aspects == ()


def test_a_time_that_is_still_to_come_is_now() -> None:
    """It would never be over; and so is one that nobody tells."""
    late = call("PutBucketTagging", at=10**9)
    nowhere = replace(late, event_id="2", event_time=None)
    assert [told.at for told in changes(bucket(), late, nowhere)] == [READ_AT, READ_AT]


def test_s3wardens_own_calls_are_told_once_by_the_name_of_the_remediation() -> None:
    """Their events come later, and say nothing new."""
    own = call("Remediation", actor=None, source=SELF)
    echo = call("PutBucketPolicy", actor=Actor("arn:aws:sts::111122223333:assumed-role/s3warden/s3warden"))
    [told] = changes(bucket(), own, echo)
    assert (told.call, told.own, told.principal) == ("Remediation", True, "")


def test_other_triggers_of_the_look_are_no_changes_of_the_bucket() -> None:
    """A call on another bucket, on the account or on a key leads here, too."""
    request = RefreshRequest(BEFORE.ref, frozenset(), Origin.ACCOUNT, (call("PutBucketLogging"),))
    assert made(request, BEFORE, bucket({Aspect.LOGGING: ABSENT}), lambda _actor: False) == ()
