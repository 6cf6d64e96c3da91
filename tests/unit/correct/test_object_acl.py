"""An object that its own ACL makes public, or seems to."""

from dataclasses import replace
from typing import Any

import pytest

from s3warden.collect.objects import READ
from s3warden.correct.object_acl import RULE, ObjectRef, plan
from s3warden.correct.remedy import Look
from s3warden.correct.render_plan import as_cli, as_terraform, as_text
from s3warden.detect.samples import DENIED
from s3warden.model.action import Declined, RemediationPlan
from s3warden.model.bucket import Aspect, Present
from s3warden.model.finding import Verdict
from s3warden.model.objects import ObjectAcl, ObjectAcls, ObjectName
from support.scenes import BUCKET, MADE_AT, OWN_GRANT, acl, block, declined, group, look, only, planned, user

OPEN = acl(user(3), group("AllUsers", "READ"), group("AuthenticatedUsers", "READ_ACP"))
OBJECT = ObjectRef(BUCKET, "a b/ü.txt", "v1")
ENFORCED = {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}


def test_strangers_are_taken_out_of_the_acl_and_others_stay() -> None:
    """Of the version that was named; the inverse puts them back."""
    made = plan(OBJECT, OPEN, look({}), MADE_AT)
    assert isinstance(made, RemediationPlan)
    step = only(made)
    place = {"Bucket": BUCKET.name, "Key": "a b/ü.txt", "VersionId": "v1", "ExpectedBucketOwner": BUCKET.account}
    assert step.read.arguments == place
    kept: Any = step.call.arguments["AccessControlPolicy"]
    assert kept["Grants"] == [OWN_GRANT, user(3)]
    back: Any = step.inverse.arguments["AccessControlPolicy"]
    assert back["Grants"] == OPEN["Grants"]
    assert (made.effect.public_before, made.effect.public_after) == (True, False)
    assert any("put-object-acl" in line for line in as_cli(made))
    assert as_text(made)[0].startswith("bucket example-data")
    assert "no resource of Terraform" in as_terraform(made)[-1]
    assert plan(OBJECT, acl(user(3)), look({}), MADE_AT) == plan(OBJECT, acl(), look({}), MADE_AT)


@pytest.mark.parametrize(
    ("documents", "answer"),
    [
        ({}, acl(user(3))),
        ({Aspect.OWNERSHIP: ENFORCED}, OPEN),
        ({Aspect.PUBLIC_ACCESS_BLOCK: block("IgnorePublicAcls")}, OPEN),
        ({Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: block("IgnorePublicAcls")}, OPEN),
    ],
)
def test_object_that_is_not_public_is_left_alone(documents: Any, answer: Any) -> None:
    """Nothing grants, or a layer of the bucket makes it harmless."""
    made = plan(OBJECT, answer, look(documents), MADE_AT)
    assert isinstance(made, Declined)
    assert made.reason == "not_needed"


def test_layer_that_cannot_be_read_leaves_it_open() -> None:
    """Nobody knows then whether the object is public."""
    made = plan(OBJECT, OPEN, look({}, readings={Aspect.PUBLIC_ACCESS_BLOCK: DENIED}), MADE_AT)
    assert isinstance(made, Declined)
    assert made.reason == "unreadable"


def named(*answers: tuple[str, Any], forgotten: bool = False) -> Look:
    """A bucket with these objects, as events named them."""
    items = tuple(ObjectAcl(ObjectName.at(place), READ.understood(answer)) for place, answer in answers)
    seen = look({}, readings={Aspect.OBJECT_ACL: Present(ObjectAcls(items, forgotten))})
    return replace(seen, documents={**seen.documents, Aspect.OBJECT_ACL: dict(answers)})


def test_every_public_object_of_a_finding_is_closed_and_no_other() -> None:
    """A step each, with its own inverse; other grants and other objects stay."""
    made = planned(RULE, named(("a", OPEN), ("b", acl(user(3))), ("c?versionId=v1", OPEN)))
    assert [step.attribute for step in made.steps] == ["object_acl:a", "object_acl:c?versionId=v1"]
    assert [step.call.arguments.get("VersionId") for step in made.steps] == [None, "v1"]
    for step in made.steps:
        kept: Any = step.call.arguments["AccessControlPolicy"]
        back: Any = step.inverse.arguments["AccessControlPolicy"]
        assert kept["Grants"] == [OWN_GRANT, user(3)]
        assert back["Grants"] == OPEN["Grants"]
        assert step.undone == step.before
    assert made.effect.verdict_after is Verdict.PASS
    assert made.effect.safe


def test_nothing_is_planned_while_it_would_not_be_enough() -> None:
    """Others may be public whose names nobody knows."""
    assert declined(RULE, named(("a", OPEN), forgotten=True)) == "unreadable"
    assert declined(RULE, named(("a", acl(user(3))))) == "not_needed"
