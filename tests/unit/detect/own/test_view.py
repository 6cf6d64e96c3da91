"""What own rules see."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from s3warden.detect.own.page import fields_markdown
from s3warden.detect.own.shapes import ITEMS, Type
from s3warden.detect.own.view import ACCOUNT, BUCKET, ROOTS, empty, view
from s3warden.detect.rule import Kind, RuleFailedError, UnreadableError
from s3warden.detect.samples import ALL_ON, DENIED, allow, bucket, by_policy, point, points, policy, service
from s3warden.model.bucket import ABSENT, ACCOUNT_ASPECTS, Aspect, BucketState, Present, Reading, Regional
from s3warden.model.configuration import Acl, Grant, GranteeKind, Policy
from s3warden.model.services import Macie
from s3warden.model.storage import Lifecycle, LifecycleRule, Selection

PAGE = Path(__file__).parents[4] / "docs/own-rules-fields.md"
FIELDS = [(root, name) for root, fields in ROOTS[Kind.BUCKET].items() for name in fields]
READ = [(root, name) for root, name in FIELDS if ROOTS[Kind.BUCKET][root][name].aspect is not None]


def seen(readings: Mapping[Aspect, Reading[object]], name: str) -> Any:
    """One field of a bucket."""
    return view(bucket(readings), Kind.BUCKET, [("bucket", name)])["bucket"][name]


def with_reading(state: BucketState, aspect: Aspect, reading: Reading[object]) -> BucketState:
    """The bucket with this reading, of its account's where it is one of those."""
    if aspect not in ACCOUNT_ASPECTS:
        return replace(state, readings={**state.readings, aspect: reading})
    account = state.account
    assert account is not None
    return replace(state, account=replace(account, readings={**account.readings, aspect: reading}))


def conforms(value: object, kind: Type) -> bool:
    """Whether a value has the form of its type, to the last member."""
    match kind.name:
        case "record":
            return isinstance(value, dict) and all(conforms(value[name], each) for name, each in kind.fields.items())
        case "list":
            return isinstance(value, list) and all(conforms(each, kind.item or kind) for each in value)
        case "map":
            return isinstance(value, dict) and all(conforms(each, kind.item or kind) for each in value.values())
        case "int or null":
            return value is None or isinstance(value, int)
        case "timestamp or null":
            return value is None or isinstance(value, datetime)
    return isinstance(value, {"bool": bool, "string": str, "int": int, "double": float}[kind.name])


def test_page_and_code_have_the_same_fields() -> None:
    """`make docs` makes it anew."""
    assert PAGE.read_text(encoding="utf-8") == fields_markdown()


def test_every_aspect_is_in_the_view() -> None:
    """What is read for built-in rules, own rules may speak of too."""
    assert {field.aspect for fields in ROOTS[Kind.BUCKET].values() for field in fields.values()} >= set(Aspect)


def test_services_are_seen_region_by_region() -> None:
    """A rule about accounts sees all, and none where one could not be read; one about buckets sees the own region."""
    read: tuple[tuple[str, Reading[Macie]], ...] = (("eu-west-1", Present(Macie("ENABLED"))), ("us-east-1", ABSENT))
    used = [("account", "macie")]
    state = with_reading(bucket(), Aspect.MACIE, Present(Regional(read)))
    assert state.account is not None
    assert view(state, Kind.BUCKET, used)["account"]["macie"] == {"configured": True, "status": "ENABLED"}
    assert view(state.account, Kind.ACCOUNT, used)["account"]["macie"] == {
        "eu-west-1": {"configured": True, "status": "ENABLED"},
        "us-east-1": {"configured": False, "status": ""},
    }
    state = with_reading(bucket(), Aspect.MACIE, Present(Regional((*read, ("eu-north-1", DENIED)))))
    assert state.account is not None
    assert view(state, Kind.BUCKET, used)["account"]["macie"]["configured"]
    with pytest.raises(UnreadableError):
        view(state.account, Kind.ACCOUNT, used)


@pytest.mark.parametrize(("root", "name"), FIELDS)
def test_nothing_configured_has_the_form_of_the_type(root: str, name: str) -> None:
    """No expression stumbles over what is not there; `configured` says so."""
    value = empty(Kind.BUCKET, [(root, name)])[root][name]
    kind = ROOTS[Kind.BUCKET][root][name].type
    assert conforms(value, kind)
    assert "configured" not in kind.fields or value["configured"] is False


@pytest.mark.parametrize(("root", "name"), READ)
def test_what_could_not_be_read_is_not_seen(root: str, name: str) -> None:
    """Whoever asks for it gets the cause, never an empty value."""
    aspect = ROOTS[Kind.BUCKET][root][name].aspect
    assert aspect is not None
    state = with_reading(bucket(), aspect, DENIED)
    with pytest.raises(UnreadableError) as caught:
        view(state, Kind.BUCKET, [(root, name)])
    assert (caught.value.aspect, caught.value.reading) == (aspect, DENIED)


def test_what_was_read_in_part_is_not_seen() -> None:
    """One unreadable policy of one access point hides all of them."""
    half = point(allow(), block=DENIED)
    with pytest.raises(UnreadableError):
        seen({Aspect.ACCESS_POINTS: points(half)}, "access_points")


def test_only_what_is_asked_for_is_there() -> None:
    """An expression cannot reach what its rule does not name, so its needs are complete."""
    assert view(bucket(), Kind.BUCKET, [("bucket", "name")]) == {"bucket": {"name": "example-data"}, "account": {}}


def test_a_policy_is_seen_statement_by_statement() -> None:
    """Single texts are lists, principals tell their kind, conditions are flat."""
    statement = allow({"AWS": "111122223333", "Service": [service("cloudtrail")]}, ["s3:GetObject"], Sid="One")
    condition = {"StringEquals": {"aws:SourceAccount": ["1", "2"]}, "Bool": {"aws:SecureTransport": False}}
    found = seen(by_policy({**statement, "Condition": condition}), "policy")
    assert found == {
        "configured": True,
        "statements": [
            {
                "sid": "One",
                "effect": "Allow",
                "principals": ["111122223333", f"Service:{service('cloudtrail')}"],
                "not_principals": [],
                "actions": ["s3:GetObject"],
                "not_actions": [],
                "resources": [statement["Resource"]],
                "not_resources": [],
                "conditions": [
                    {"operator": "StringEquals", "key": "aws:SourceAccount", "values": ["1", "2"]},
                    {"operator": "Bool", "key": "aws:SecureTransport", "values": ["false"]},
                ],
            }
        ],
    }


def test_values_are_seen_with_the_names_of_the_model() -> None:
    """Numbers that may be missing are null, pairs are maps."""
    rule = LifecycleRule(True, Selection(tags=(("keep", "no"),)), "old", expires_after=30)
    (found,) = seen({Aspect.LIFECYCLE: Present(Lifecycle((rule,)))}, "lifecycle")["rules"]
    assert found["expires_after"] == 30
    assert found["noncurrent_days"] is None
    assert found["selection"]["tags"] == {"keep": "no"}
    assert conforms(found, BUCKET["lifecycle"].type.fields["rules"].item or Type("none"))


def test_what_aws_does_by_itself_is_seen_as_such() -> None:
    """Buckets without a setting of their own are encrypted and paid for all the same."""
    assert seen({Aspect.ENCRYPTION: ABSENT}, "encryption") == {
        "configured": False,
        "rules": [{"algorithm": "AES256", "kms_key": "", "bucket_key": False, "blocked_types": []}],
    }
    assert seen({Aspect.OWNERSHIP: ABSENT}, "ownership") == {"configured": False, "object_ownership": "ObjectWriter"}


def test_account_settings_are_seen_beside_the_bucket() -> None:
    """And by rules about accounts alone."""
    state = bucket()
    assert state.account is not None
    for kind, each in ((Kind.BUCKET, state), (Kind.ACCOUNT, state.account)):
        found = view(each, kind, [("account", "id"), ("account", "public_access_block")])["account"]
        assert found["id"] == "111122223333"
        assert found["public_access_block"]["restrict_public_buckets"] is ALL_ON.restrict_public_buckets
    assert set(ACCOUNT) <= {name for root, name in FIELDS if root == "account"}


@pytest.mark.parametrize(
    "reading",
    [
        Present(Acl("x", tuple(Grant(GranteeKind.CANONICAL_USER, str(n), "READ") for n in range(ITEMS + 1)))),
        policy(*(allow() for _ in range(ITEMS + 1))),
        policy(allow(actions=[f"s3:{n}" for n in range(ITEMS + 1)])),
        Present(Policy("{")),
        Present(Policy(json.dumps({"Statement": "none"}))),
        Present(Policy(json.dumps({"Statement": [{"Condition": {"Bool": "x"}}]}))),
        Present(Policy("[" * 100_000)),
    ],
)
def test_what_is_too_large_or_damaged_gives_no_view(reading: Present[object]) -> None:
    """Cut to size it would be another setting."""
    aspect, name = (Aspect.ACL, "acl") if isinstance(reading.value, Acl) else (Aspect.POLICY, "policy")
    with pytest.raises(RuleFailedError):
        seen({aspect: reading}, name)
