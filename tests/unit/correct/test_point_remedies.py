"""Access points: what opens a bucket or lets others in is taken out of their policies, and nothing else."""

import json
from dataclasses import replace
from typing import Any

import pytest

from s3warden.correct.remedy import Look
from s3warden.correct.render_plan import as_cli, as_terraform
from s3warden.correct.steps import seen as settled
from s3warden.detect.rule import RuleOptions
from s3warden.detect.samples import ALL_ON, DENIED
from s3warden.model.action import Loss, LossKind
from s3warden.model.bucket import Aspect, BucketState, Present
from s3warden.model.configuration import AccessPoints
from support.scenes import ARN, BUCKET, acl, block, declined, group, look, only, planned, policy

LIVE = "bucket-public-effective"
FOREIGN = "bucket-access-point-cross-account"
PARTNER = "arn:aws:iam::777788889999:root"
POINT = f"arn:aws:s3:{BUCKET.region}:{BUCKET.account}:accesspoint/data"
DELEGATED = {
    "Sid": "ToAccessPoints",
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": [ARN, f"{ARN}/*"],
    "Condition": {"StringEquals": {"s3:DataAccessPointAccount": BUCKET.account}},
}


def statement(principal: object, sid: str, **more: object) -> dict[str, Any]:
    """A statement of the access point's policy."""
    own = {"Action": "s3:GetObject", "Resource": f"{POINT}/object/*", **more}
    return {"Sid": sid, "Effect": "Allow", "Principal": principal, **own}


OWN = statement({"AWS": f"arn:aws:iam::{BUCKET.account}:role/reader"}, "Own")
OPEN = statement("*", "Open")
TLS = statement("*", "Tls", Effect="Deny", Condition={"Bool": {"aws:SecureTransport": "false"}})
SHARED = statement({"AWS": PARTNER}, "Shared")


def text_of(*statements: dict[str, Any]) -> str:
    """A policy that a person wrote, with spaces of his own."""
    return json.dumps({"Version": "2012-10-17", "Id": "mine", "Statement": list(statements)}, indent=3)


def point(*statements: dict[str, Any], name: str = "data") -> dict[str, Any]:
    """An access point with a policy of these statements, by its ARN."""
    return {POINT.replace("/data", f"/{name}"): {"Policy": text_of(*statements)}}


def left(step: Any) -> list[dict[str, Any]]:
    """The statements that a step writes."""
    listed: list[dict[str, Any]] = json.loads(step.call.arguments["Policy"])["Statement"]
    return listed


def delegating(*found: dict[str, Any], more: Any = None) -> Look:
    """A bucket that leaves the decision to these access points."""
    points = {arn: policy for each in found for arn, policy in each.items()}
    return look({Aspect.POLICY: policy(DELEGATED), Aspect.ACCESS_POINTS: points, **(more or {})})


def changed(seen: Look, name: str, **changes: Any) -> Look:
    """The same with other parts of one access point."""
    reading = seen.state.reading(Aspect.ACCESS_POINTS)
    assert isinstance(seen.state, BucketState)
    assert isinstance(reading, Present)
    assert isinstance(reading.value, AccessPoints)
    points = tuple(replace(each, **changes) if each.name == name else each for each in reading.value.points)
    readings = {**seen.state.readings, Aspect.ACCESS_POINTS: Present(AccessPoints(points))}
    return replace(seen, state=replace(seen.state, readings=readings))


# Live exposure --------------------------------------------------------------------------------------------------------


def test_leak_through_an_access_point_is_closed_there() -> None:
    """The one statement goes; the others, the other access points and the bucket's policy stay to the letter."""
    made = planned(LIVE, delegating(point(OWN, OPEN, TLS), point(OWN, name="quiet")))
    step = only(made)
    assert (made.remedy, step.attribute) == ("remove-openings", f"access_points:{POINT}")
    assert (step.call.service, step.call.operation, step.call.region) == (
        "s3control",
        "PutAccessPointPolicy",
        BUCKET.region,
    )
    assert step.call.arguments == {
        "AccountId": BUCKET.account,
        "Name": "data",
        "Policy": text_of(OWN, TLS),
    }
    assert step.inverse.arguments["Policy"] == text_of(OWN, OPEN, TLS)
    assert (step.read.operation, step.read.arguments) == (
        "GetAccessPointPolicy",
        {"AccountId": BUCKET.account, "Name": "data"},
    )
    assert (made.effect.public_before, made.effect.public_after) == (True, False)
    assert (made.effect.losses, made.effect.unknown) == ((), ())


def test_policy_that_only_opens_is_deleted_and_put_back_to_the_letter() -> None:
    """It only allowed, so that nothing opens by its end."""
    step = only(planned(LIVE, delegating(point(OPEN))))
    assert (step.call.operation, step.after) == ("DeleteAccessPointPolicy", None)
    assert (step.inverse.operation, step.inverse.arguments["Policy"]) == ("PutAccessPointPolicy", text_of(OPEN))
    assert step.undone == step.before == settled(step.attribute, {"Policy": text_of(OPEN)})


def test_policy_with_a_deny_is_never_deleted() -> None:
    """What refuses stays, even alone."""
    assert left(only(planned(LIVE, delegating(point(OPEN, TLS))))) == [TLS]
    assert left(only(planned(FOREIGN, delegating(point(SHARED, TLS))))) == [TLS]


def test_everyone_is_taken_out_from_beside_those_who_are_named() -> None:
    """Who is named keeps the access."""
    reader = f"arn:aws:iam::{BUCKET.account}:role/reader"
    mixed = statement({"AWS": ["*", reader]}, "Mixed")
    assert left(only(planned(LIVE, delegating(point(mixed, TLS))))) == [{**mixed, "Principal": {"AWS": [reader]}}, TLS]


def test_bucket_and_access_point_are_closed_together() -> None:
    """Each by what opens it: the grant of the ACL, and the statement of the access point."""
    made = planned(LIVE, delegating(point(OPEN, OWN), more={Aspect.ACL: acl(group("AllUsers", "READ"))}))
    assert [step.attribute for step in made.steps] == ["acl", f"access_points:{POINT}"]
    assert made.effect.public_after is False


def test_bucket_that_is_public_itself_is_closed_itself() -> None:
    """Its statement opens the access point too, which alone opens nothing then."""
    public = {**DELEGATED, "Sid": "All", "Condition": {}}
    kept = policy(public, {**DELEGATED, "Effect": "Deny"})
    made = planned(LIVE, delegating(point(OPEN), more={Aspect.POLICY: kept}))
    assert [step.attribute for step in made.steps] == ["policy"]
    assert made.effect.public_after is False


def test_access_point_that_could_not_be_read_is_not_changed() -> None:
    """Nobody can tell whether the bucket would be closed."""
    for rule_id, opening in ((FOREIGN, SHARED), (LIVE, OPEN)):
        seen = delegating(point(opening), point(OWN, name="dark"))
        assert declined(rule_id, changed(seen, "dark", policy=DENIED)) == "unreadable"


def test_leak_that_a_block_holds_back_is_taken_out_too() -> None:
    """Under RestrictPublicBuckets it has no effect yet."""
    seen_so = delegating(point(OPEN, OWN), more={Aspect.PUBLIC_ACCESS_BLOCK: block("RestrictPublicBuckets")})
    step = only(planned("bucket-public-latent", seen_so))
    assert (step.attribute, left(step)) == (f"access_points:{POINT}", [OWN])


def test_what_aws_would_refuse_is_not_planned() -> None:
    """While BlockPublicPolicy is on, anywhere, AWS takes no policy that still is public."""
    partly = point(SHARED, statement("*", "Vpc", Condition={"StringLike": {"aws:SourceVpc": "vpc-*"}}))
    assert only(planned(FOREIGN, delegating(partly))).call.operation == "PutAccessPointPolicy"
    for blocked in (
        delegating(partly, more={Aspect.PUBLIC_ACCESS_BLOCK: block("BlockPublicPolicy")}),
        delegating(partly, more={Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: block("BlockPublicPolicy")}),
        changed(delegating(partly), "data", block=Present(replace(ALL_ON, restrict_public_buckets=False))),
    ):
        assert declined(FOREIGN, blocked) == "refused_by_block"


# Other accounts -------------------------------------------------------------------------------------------------------


def test_account_that_is_not_trusted_goes_and_no_other() -> None:
    """Of a statement that names several, that one alone."""
    own, friend = f"arn:aws:iam::{BUCKET.account}:role/reader", "arn:aws:iam::111100001111:root"
    mixed = statement({"AWS": [own, PARTNER, friend]}, "Mixed")
    made = planned(FOREIGN, delegating(point(OWN, mixed, TLS)), options=RuleOptions(trusted_accounts=("111100001111",)))
    step = only(made)
    assert left(step) == [OWN, {**mixed, "Principal": {"AWS": [own, friend]}}, TLS]
    assert made.effect.losses == (Loss(LossKind.ACCOUNT, PARTNER),)
    assert not made.effect.safe
    assert made.risk.value == "high"


def test_sound_access_points_are_spared() -> None:
    """Only what breaks the rule is written."""
    made = planned(FOREIGN, delegating(point(OWN, TLS, name="quiet"), point(SHARED, OWN)))
    assert [step.attribute for step in made.steps] == [f"access_points:{POINT}"]
    anywhere = {**SHARED, "Resource": "*"}
    both = planned(FOREIGN, delegating(point(anywhere, OWN, name="other"), point(anywhere, OWN)))
    assert [step.attribute.rpartition("/")[2] for step in both.steps] == ["data", "other"]


def test_account_by_a_condition_goes_with_its_statement() -> None:
    """Nobody can tell whom else the condition lets in."""
    tied = statement("*", "Tied", Condition={"StringEquals": {"aws:PrincipalAccount": "777788889999"}})
    made = planned(FOREIGN, delegating(point(OWN, tied)))
    assert left(only(made)) == [OWN]
    assert made.effect.unknown == ("whom the conditions of statement 1 (Tied) let in",)


def test_access_by_the_bucket_policy_is_another_matter() -> None:
    """An access point can take nothing from whom the bucket lets in."""
    named = {**DELEGATED, "Principal": {"AWS": PARTNER}, "Condition": {}}
    assert declined(FOREIGN, delegating(point(OWN), more={Aspect.POLICY: policy(named)})) == "not_needed"


@pytest.mark.parametrize("own", ["{", '{"Version":"2012-10-17"}', ""])
def test_policy_that_is_none_is_left_alone(own: str) -> None:
    """Beside one that is."""
    broken = {POINT.replace("/data", "/broken"): {"Policy": own}}
    assert declined(FOREIGN, delegating(broken, point(SHARED))) in {"unknown", "unreadable", "not_mended"}


# In print -------------------------------------------------------------------------------------------------------------


def test_printed_forms() -> None:
    """A shell and Terraform."""
    made = planned(FOREIGN, delegating(point(OWN, SHARED)))
    text = "\n".join(as_cli(made))
    assert "aws s3control put-access-point-policy" in text
    assert "--name data" in text
    code = "\n".join(as_terraform(made))
    assert 'resource "aws_s3control_access_point_policy"' in code
    assert f'access_point_arn = "{POINT}"' in code
    gone = planned(LIVE, delegating(point(OPEN)))
    assert f"# Remove the aws_s3control_access_point_policy of {POINT}." in "\n".join(as_terraform(gone))
    assert "aws s3control delete-access-point-policy" in "\n".join(as_cli(gone))
