"""An object that its own ACL makes public, or seems to."""

from typing import Any

import pytest

from s3warden.collect.shapes import ShapeError
from s3warden.correct.object_acl import ObjectRef, object_of, plan
from s3warden.correct.render_plan import as_cli, as_terraform, as_text
from s3warden.detect.samples import DENIED
from s3warden.model.action import Declined, RemediationPlan
from s3warden.model.bucket import Aspect
from support.scenes import BUCKET, MADE_AT, OWN_GRANT, acl, block, group, look, only, user

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


def test_event_names_the_object() -> None:
    """`Object ACL Updated` has the key, and the version where the bucket has versions."""
    detail: dict[str, Any] = {"bucket": {"name": BUCKET.name}, "object": {"key": "k", "version-id": "v"}}
    assert object_of(detail, BUCKET) == ObjectRef(BUCKET, "k", "v")
    assert object_of({**detail, "object": {"key": "k"}}, BUCKET) == ObjectRef(BUCKET, "k")
    for strange in ({}, {**detail, "object": {}}, {**detail, "bucket": {"name": "another"}}):
        with pytest.raises(ShapeError):
            object_of(strange, BUCKET)
