"""Multi-region access points: what opens a bucket or lets others in is taken out of their policies, and that alone."""

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
from s3warden.model.configuration import MultiRegionAccessPoints, MultiRegionBucket
from support.scenes import ARN, BUCKET, acl, block, declined, group, look, only, planned, policy

LIVE = "bucket-public-effective"
SIGNED = "bucket-public-authenticated"
FOREIGN = "bucket-access-point-cross-account"
ASPECT = Aspect.MULTI_REGION_ACCESS_POINTS
PARTNER = "arn:aws:iam::777788889999:root"
PLACE = f"us-west-2:{BUCKET.account}/everywhere"
DELEGATED = {
    "Sid": "ToAccessPoints",
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": [ARN, f"{ARN}/*"],
    "Condition": {"StringEquals": {"s3:DataAccessPointAccount": BUCKET.account}},
}


def statement(principal: object, sid: str, **more: object) -> dict[str, Any]:
    """A statement of the policy of a multi-region access point."""
    own = {"Action": "s3:GetObject", "Resource": f"arn:aws:s3::{BUCKET.account}:accesspoint/everywhere.mrap/object/*"}
    return {"Sid": sid, "Effect": "Allow", "Principal": principal, **own, **more}


OWN = statement({"AWS": f"arn:aws:iam::{BUCKET.account}:role/reader"}, "Own")
OPEN = statement("*", "Open")
TLS = statement("*", "Tls", Effect="Deny", Condition={"Bool": {"aws:SecureTransport": "false"}})
SHARED = statement({"AWS": PARTNER}, "Shared")


def text_of(*statements: dict[str, Any]) -> str:
    """A policy that a person wrote, with spaces of his own."""
    return json.dumps({"Version": "2012-10-17", "Id": "mine", "Statement": list(statements)}, indent=3)


def answer(established: str, proposed: str | None = None) -> dict[str, Any]:
    """What AWS answers about the policy; without `proposed` nothing is on its way."""
    return {"Policy": {"Established": {"Policy": established}, "Proposed": {"Policy": proposed or established}}}


def shared(*statements: dict[str, Any], proposed: str | None = None, more: Any = None) -> Look:
    """A bucket that leaves the decision to its access points, one of which, of many regions, has these statements."""
    point = {PLACE: answer(text_of(*statements), proposed)}
    return look({Aspect.POLICY: policy(DELEGATED), ASPECT: point, **(more or {})})


def changed(seen: Look, **changes: Any) -> Look:
    """The same with other parts of the multi-region access point."""
    reading = seen.state.reading(ASPECT)
    assert isinstance(seen.state, BucketState)
    assert seen.state.account is not None
    assert isinstance(reading, Present)
    assert isinstance(reading.value, MultiRegionAccessPoints)
    points = tuple(replace(each, **changes) for each in reading.value.points)
    readings = {**seen.state.account.readings, ASPECT: Present(MultiRegionAccessPoints(points))}
    return replace(seen, state=replace(seen.state, account=replace(seen.state.account, readings=readings)))


def left(step: Any) -> list[dict[str, Any]]:
    """The statements that a step writes."""
    listed: list[dict[str, Any]] = json.loads(step.call.arguments["Details"]["Policy"])["Statement"]
    return listed


def test_leak_is_closed_where_it_is() -> None:
    """The one statement goes; the others and the bucket's policy stay to the letter, and the undo puts it back."""
    made = planned(SIGNED, shared(OWN, OPEN, TLS))
    step = only(made)
    assert (made.remedy, step.attribute, step.slow) == (
        "remove-openings",
        f"multi_region_access_points:{PLACE}",
        True,
    )
    assert {(call.service, call.region) for call in (step.read, step.call, step.inverse)} == {
        ("s3control", "us-west-2")
    }
    place = {"AccountId": BUCKET.account}
    named = {"Name": "everywhere"}
    assert (step.read.operation, step.read.arguments) == ("GetMultiRegionAccessPointPolicy", {**place, **named})
    assert (step.call.operation, step.call.arguments) == (
        "PutMultiRegionAccessPointPolicy",
        {**place, "Details": {**named, "Policy": text_of(OWN, TLS)}},
    )
    assert (step.inverse.operation, step.inverse.arguments) == (
        "PutMultiRegionAccessPointPolicy",
        {**place, "Details": {**named, "Policy": text_of(OWN, OPEN, TLS)}},
    )
    assert (made.effect.public_before, made.effect.public_after) == (True, False)
    assert (made.effect.losses, made.effect.unknown) == ((), ())


def test_what_aws_answers_in_between_is_neither_before_nor_after() -> None:
    """Only the order for the very policy that is wanted is on its way."""
    step = only(planned(SIGNED, shared(OWN, OPEN)))
    before, after, other = text_of(OWN, OPEN), text_of(OWN), text_of(OWN, TLS)

    def seen(*texts: str) -> str | None:
        return settled(step.attribute, answer(*texts))

    assert (seen(before), seen(after)) == (step.before, step.after)
    assert step.on_its_way(seen(before, after))
    assert not any(map(step.on_its_way, (None, seen(before), seen(after), seen(after, before), seen(before, other))))
    assert [step.may_come(each) for each in (seen(before), seen(before, after), seen(after))] == [True, True, False]
    # AWS calls what is in force proposed, too, be it with other spaces.
    assert seen(after, json.dumps(json.loads(after))) == step.after
    assert settled(step.attribute, {"Policy": {"Proposed": {"Policy": after}}}) is None


def test_policy_of_which_nothing_would_be_left_is_left_to_people() -> None:
    """There is no call that deletes it; what is open to everyone the block of the bucket closes."""
    assert declined(FOREIGN, shared(SHARED)) == "only_statement"
    assert [step.attribute for step in planned(SIGNED, shared(OPEN)).steps] == ["public_access_block"]
    assert left(only(planned(SIGNED, shared(OPEN, TLS)))) == [TLS]


def test_account_that_is_not_trusted_goes_and_no_other() -> None:
    """Of a statement that names several, that one alone."""
    own, friend = f"arn:aws:iam::{BUCKET.account}:role/reader", "arn:aws:iam::111100001111:root"
    mixed = statement({"AWS": [own, PARTNER, friend]}, "Mixed")
    made = planned(FOREIGN, shared(OWN, mixed, TLS), options=RuleOptions(trusted_accounts=("111100001111",)))
    assert left(only(made)) == [OWN, {**mixed, "Principal": {"AWS": [own, friend]}}, TLS]
    assert made.remedy == "remove-foreign-principals-of-access-points"
    assert made.effect.losses == (Loss(LossKind.ACCOUNT, PARTNER),)


def test_access_points_of_one_region_and_of_many_are_mended_together() -> None:
    """Neither alone would be enough."""
    arn = f"arn:aws:s3:{BUCKET.region}:{BUCKET.account}:accesspoint/data"
    guest = {**SHARED, "Resource": f"{arn}/object/*"}
    more = {Aspect.ACCESS_POINTS: {arn: {"Policy": text_of({**OWN, "Resource": guest["Resource"]}, guest)}}}
    made = planned(FOREIGN, shared(OWN, SHARED, more=more))
    assert [step.attribute for step in made.steps] == [
        f"access_points:{arn}",
        f"multi_region_access_points:{PLACE}",
    ]
    made = planned(LIVE, shared(OWN, OPEN, more={Aspect.ACL: acl(group("AllUsers", "READ"))}))
    assert [step.attribute for step in made.steps] == ["acl", f"multi_region_access_points:{PLACE}"]


def test_other_buckets_behind_it_are_named() -> None:
    """Who needs them nobody can tell by a look at this one, so that no plan is safe that changes it."""
    buckets = (
        MultiRegionBucket(BUCKET.name, BUCKET.region, BUCKET.account),
        MultiRegionBucket("far", "us-east-1", BUCKET.account),
        MultiRegionBucket("foreign", "eu-west-2", "777788889999"),
    )
    made = planned(FOREIGN, changed(shared(OWN, SHARED), buckets=buckets))
    others = f"far (us-east-1, {BUCKET.account}), foreign (eu-west-2, 777788889999)"
    assert made.effect.unknown == (f"who needs {others} through the multi-region access point everywhere",)
    assert not made.effect.safe


def test_nothing_is_ordered_while_aws_carries_out_another_order() -> None:
    """Neither over it, nor where it is what lets others in; what is open to everyone the block of the bucket closes."""
    assert declined(FOREIGN, shared(OWN, SHARED, proposed=text_of(OWN, SHARED, TLS))) == "still_changing"
    assert declined(FOREIGN, shared(OWN, TLS, proposed=text_of(OWN, TLS, SHARED))) == "still_changing"
    leak = planned(SIGNED, shared(OWN, OPEN, proposed=text_of(OWN, OPEN, TLS)))
    assert [step.attribute for step in leak.steps] == ["public_access_block"]


def test_leak_elsewhere_is_closed_while_aws_carries_out_an_order() -> None:
    """What is on its way is nothing to that."""
    seen = shared(OWN, proposed=text_of(OWN, TLS), more={Aspect.ACL: acl(group("AllUsers", "READ"))})
    assert [step.attribute for step in planned(LIVE, seen).steps] == ["acl"]


def test_what_could_not_be_read_is_not_changed() -> None:
    """Nobody can tell whether the bucket would be closed."""
    for rule_id, opening in ((FOREIGN, SHARED), (SIGNED, OPEN)):
        assert declined(rule_id, changed(shared(OWN, opening), block=DENIED)) in {"unknown", "unreadable"}


def test_what_aws_would_refuse_is_not_planned() -> None:
    """While BlockPublicPolicy is on, there or in the account, AWS takes no policy that still is public."""
    partly = (SHARED, statement("*", "Vpc", Condition={"StringLike": {"aws:SourceVpc": "vpc-*"}}))
    assert only(planned(FOREIGN, shared(*partly))).call.operation == "PutMultiRegionAccessPointPolicy"
    blocks = {Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: block("BlockPublicPolicy")}
    assert declined(FOREIGN, shared(*partly, more=blocks)) == "refused_by_block"
    blocked = changed(shared(*partly), block=Present(replace(ALL_ON, restrict_public_buckets=False)))
    assert declined(FOREIGN, blocked) == "refused_by_block"


@pytest.mark.parametrize("own", ["{", '{"Version":"2012-10-17"}'])
def test_policy_that_is_none_is_left_alone(own: str) -> None:
    """Nobody can tell what it says."""
    seen = look({Aspect.POLICY: policy(DELEGATED), ASPECT: {PLACE: answer(own)}})
    assert declined(SIGNED, seen) in {"unknown", "unreadable", "not_mended", "not_needed"}


def test_printed_forms() -> None:
    """A shell and Terraform."""
    made = planned(FOREIGN, shared(OWN, SHARED))
    text = "\n".join(as_cli(made))
    assert "aws s3control put-multi-region-access-point-policy" in text
    assert "--region us-west-2" in text
    code = "\n".join(as_terraform(made))
    assert 'resource "aws_s3control_multi_region_access_point_policy" "everywhere"' in code
    assert 'name = "everywhere"' in code
