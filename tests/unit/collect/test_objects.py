"""The ACLs of the objects that events named: which are read, kept, forgotten, and what a refusal makes of them."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from s3warden.aws.errors import AwsError
from s3warden.collect.objects import LIMIT, object_acls
from s3warden.collect.parser import parse
from s3warden.intake import Scope, requests
from s3warden.model.bucket import ABSENT, AccountRef, Aspect, BucketRef, Cause, Present, Reading, Unreadable
from s3warden.model.configuration import Ownership, PublicAccessBlock
from s3warden.model.event import Level, Origin, Poison, Refresh, RefreshRequest, Skip, Skipped, Target
from s3warden.model.objects import ObjectAcl, ObjectAcls, ObjectName
from support.cloudtrail import BUCKET, OWNER, REGION, call, envelope
from support.scenes import acl, group, user

REF = BucketRef("aws", OWNER, REGION, BUCKET)
PRIVATE, PUBLIC = acl(user(3)), acl(group("AllUsers", "READ"))
REFUSED = AwsError("AccessDenied", "no", cause=Cause.ROLE_PERMISSION)


class Objects:
    """S3 with these ACLs, by key; an exception is raised."""

    def __init__(self, acls: Mapping[str, Any]) -> None:
        self.acls = acls
        self.asked: list[dict[str, object]] = []

    async def service(
        self, ref: AccountRef, service: str, operation: str, *, region: str | None = None, **parameters: object
    ) -> Mapping[str, Any]:
        """The ACL of the object that is asked about."""
        assert (ref, service, operation, region) == (REF.owner, "s3", "GetObjectAcl", REGION)
        self.asked.append(parameters)
        found = self.acls[str(parameters["Key"])]
        if isinstance(found, Exception):
            raise found
        return dict(found)


def named(*keys: str, forgotten: bool = False) -> ObjectAcls:
    """Objects of these keys, not read yet."""
    return ObjectAcls(forgotten=forgotten).naming(tuple(map(ObjectName, keys)))


async def read(aws: Objects, known: ObjectAcls, **others: Reading[object]) -> Reading[ObjectAcls]:
    """What comes of reading these."""
    settings = {Aspect(name): reading for name, reading in others.items()}
    return await object_acls(aws, REF, {Aspect.OBJECT_ACL: Present(known), **settings})


def value(reading: Reading[ObjectAcls]) -> ObjectAcls:
    """What was read."""
    assert isinstance(reading, Present)
    return reading.value


async def test_nothing_is_asked_while_no_event_named_an_object() -> None:
    """The aspect costs nothing in a bucket whose objects nobody touches."""
    aws = Objects({})
    assert await object_acls(aws, REF, {}) == ABSENT
    assert aws.asked == []


async def test_the_object_is_asked_for_as_the_event_names_it() -> None:
    """With its version, if there is one, and in the owner's name."""
    aws = Objects({"a b": PUBLIC, "c": PRIVATE})
    found = value(await read(aws, ObjectAcls().naming((ObjectName("a b", "v1"), ObjectName("c")))))
    where = {"Bucket": BUCKET, "ExpectedBucketOwner": OWNER}
    assert aws.asked == [{**where, "Key": "a b", "VersionId": "v1"}, {**where, "Key": "c"}]
    assert [bool(each.to_strangers) for each in found.items] == [True, False]


@pytest.mark.parametrize("code", ["NoSuchKey", "NoSuchVersion", "MethodNotAllowed"])
async def test_an_object_that_is_gone_is_known_no_more(code: str) -> None:
    """A delete marker has no ACL either."""
    assert await read(Objects({"a": AwsError(code, "gone", status=404)}), named("a")) == ABSENT


async def test_an_acl_that_cannot_be_read_is_no_private_one() -> None:
    """It stays known, with its cause, and the aspect is partly unreadable."""
    found = await read(Objects({"a": REFUSED, "b": {"Owner": {}}}), named("a", "b"))
    assert [part.cause for part in value(found).unreadable] == [Cause.ROLE_PERMISSION, Cause.MALFORMED]


async def test_what_is_public_is_kept_before_what_is_not() -> None:
    """Within the limit; of the others the latest stay."""
    keys = [f"k{at}" for at in range(LIMIT + 10)]
    found = value(await read(Objects({**dict.fromkeys(keys, PRIVATE), "k0": PUBLIC}), named(*keys)))
    assert [each.name.key for each in found.items] == ["k0", *keys[11:]]
    assert not found.forgotten


async def test_public_objects_beyond_the_limit_are_not_forgotten_in_silence() -> None:
    """That there are more makes the aspect partly unreadable, from then on."""
    keys = [f"k{at}" for at in range(LIMIT + 1)]
    found = value(await read(Objects(dict.fromkeys(keys, PUBLIC)), named(*keys)))
    assert len(found.items) == LIMIT
    assert [part.cause for part in found.unreadable] == [Cause.NOT_READ]
    later = value(await read(Objects(dict.fromkeys(keys, PRIVATE)), found))
    assert later.forgotten


@pytest.mark.parametrize(
    "others",
    [
        {"public_access_block": Present(PublicAccessBlock(False, True, False, False))},
        {"ownership": Present(Ownership("BucketOwnerEnforced"))},
    ],
)
async def test_forgotten_objects_do_not_matter_where_acls_have_no_effect(others: dict[str, Reading[object]]) -> None:
    """The one way to be sure of objects that nobody can name."""
    assert await read(Objects({}), named(forgotten=True), **others) == ABSENT
    assert value(await read(Objects({}), named(forgotten=True))).forgotten


def test_an_object_named_again_is_the_latest() -> None:
    """And is not known twice."""
    known = ObjectAcls((ObjectAcl(ObjectName("a"), Unreadable(Cause.ERROR)),)).naming((ObjectName("b"),))
    assert known.naming((ObjectName("a"),)) == named("b", "a")


def event(**changes: Any) -> str:
    """S3's own event about the ACL of an object."""
    detail = {"bucket": {"name": BUCKET}, "object": {"key": "a b/ü", "version-id": "v1"}, **changes}
    return json.dumps(envelope(detail, detail_type="Object ACL Updated"))


OBJECT = Target(Level.BUCKET, OWNER, REGION, BUCKET, frozenset({Aspect.OBJECT_ACL}), object=ObjectName("a b/ü", "v1"))


def test_s3s_own_event_names_the_object() -> None:
    """As it is, not URL-encoded; what may open it waits for no quiet period."""
    parsed = parse(event(requester="123456789012", **{"source-ip-address": "203.0.113.5"}))
    assert isinstance(parsed, Refresh)
    assert (parsed.targets, parsed.urgent, parsed.trigger.name) == ((OBJECT,), True, "Object ACL Updated")
    assert parsed.trigger.actor is not None
    assert (parsed.trigger.actor.principal, parsed.trigger.actor.source_ip) == ("123456789012", "203.0.113.5")


@pytest.mark.parametrize("told", [None, {}, {"key": 7}, {"key": ""}, {"key": "x" * 1025}, {"key": "\ud800"}])
def test_an_object_that_cannot_be_is_not_named(told: Any) -> None:
    """The objects that are known are looked at then."""
    parsed = parse(event(object=told))
    assert isinstance(parsed, Refresh)
    assert parsed.targets[0].object is None


@pytest.mark.parametrize(("name", "reason"), [(None, "no_bucket"), ("../x", "bad_bucket_name")])
def test_an_event_without_a_bucket_is_skipped(name: object, reason: str) -> None:
    """It names nothing that could be looked at."""
    parsed = parse(event(bucket={"name": name}))
    assert isinstance(parsed, Skip)
    assert parsed.reason == reason


def test_an_event_without_a_detail_is_poison() -> None:
    """It goes to the dead-letter queue."""
    assert isinstance(parse(json.dumps(envelope(None, detail_type="Object ACL Updated"))), Poison)


def test_the_data_event_of_a_trail_names_the_object() -> None:
    """And its version where the call named one."""
    parameters = {"bucketName": BUCKET, "key": "k", "versionId": "v2", "acl": ""}
    parsed = parse(call("PutObjectAcl", requestParameters=parameters, eventCategory="Data", managementEvent=False))
    assert isinstance(parsed, Refresh)
    [target] = parsed.targets
    assert (target.object, target.aspects) == (ObjectName("k", "v2"), frozenset({Aspect.OBJECT_ACL}))
    assert parsed.urgent


def test_the_request_carries_the_object_if_a_rule_needs_it() -> None:
    """Else nothing is looked at: such events come at the rate of the objects."""
    parsed = parse(event())
    assert isinstance(parsed, Refresh)
    scope = Scope("aws", REGION, frozenset({REF.owner}))

    class Nothing:
        """Knows no bucket."""

        def find(self, _partition: str | None, _name: str) -> BucketRef | None:
            """None."""
            return None

    found = requests(parsed, scope, Nothing())
    assert isinstance(found, tuple)
    assert [request.objects for request in found] == [(ObjectName("a b/ü", "v1"),)]
    assert requests(parsed, scope, Nothing(), frozenset({Aspect.ACL})) == Skipped("no_rule_needs_it")


def test_merged_requests_name_each_object_once() -> None:
    """In order of arrival."""
    one = RefreshRequest(REF, frozenset(), Origin.EVENT, objects=(ObjectName("a"), ObjectName("b")))
    two = RefreshRequest(REF, frozenset(), Origin.EVENT, objects=(ObjectName("b"), ObjectName("c")))
    assert [each.key for each in one.merge(two).objects] == ["a", "b", "c"]
