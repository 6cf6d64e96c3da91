"""An exemption from a rule about who gets in holds for what was approved, and for nothing more."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s3warden.detect.evaluate import evaluate
from s3warden.detect.exemptions.binding import BY_FACTS, SHARING, Beyond, beyond, is_bound
from s3warden.detect.exemptions.proposal import proposed
from s3warden.detect.rule import DEFAULT_OPTIONS, RuleOptions
from s3warden.detect.rules import RULES, find
from s3warden.detect.samples import (
    ACCOUNT,
    ALL_ON,
    ARN,
    DENIED,
    OWNER,
    OWNER_GRANT,
    allow,
    bucket,
    by_policy,
    flags,
    granting,
    point,
    points,
    unguarded,
)
from s3warden.model.bucket import ABSENT, Aspect, BucketState, Present, State
from s3warden.model.configuration import (
    ALL_USERS,
    AUTHENTICATED_USERS,
    Acl,
    Grant,
    GranteeKind,
    Ownership,
    Policy,
    PolicyStatus,
)
from s3warden.model.exemption import Approved
from s3warden.model.finding import Verdict
from s3warden.model.rule import Category
from support.exempting import may, public
from support.exposure_states import VECTORS, state_of

PARTNER = "444455556666"
ROLE = f"arn:{ACCOUNT.partition}:iam::{PARTNER}:role/reader"
ROOT = {"AWS": f"arn:{ACCOUNT.partition}:iam::{PARTNER}:root"}
CANONICAL = "f" * 64
OURS = RuleOptions(organization_id="o-ourownorg1")
THEIRS = {"StringEquals": {"aws:PrincipalOrgID": "o-elsewhere1"}}
PUBLIC, AUTHENTICATED, LATENT = "bucket-public-effective", "bucket-public-authenticated", "bucket-public-latent"
ACCESS, ADMIN = "bucket-cross-account-access", "bucket-cross-account-admin-actions"
POINT_ONLY = allow(
    "*", "s3:*", [ARN, f"{ARN}/*"], Condition={"StringEquals": {"s3:DataAccessPointAccount": ACCOUNT.account}}
)
THROUGH = f"arn:{ACCOUNT.partition}:s3:eu-west-1:{ACCOUNT.account}:accesspoint/data/object/*"


def held(rule_id: str, state: State, approved: Approved, options: RuleOptions = DEFAULT_OPTIONS) -> Beyond | None:
    """What of the rule's finding goes beyond what was approved."""
    rule = find(rule_id)
    (result,) = evaluate((rule,), state, options=options)
    assert result.verdict is Verdict.FAIL, result.evidence.summary
    return beyond(approved, rule, state, options, result)


def reading(**more: Any) -> BucketState:
    """A bucket whose policy lets everyone read objects, in nobody's way."""
    return unguarded(by_policy(allow(**more)))


def shared(principal: object, actions: object = "s3:GetObject", **more: object) -> BucketState:
    """A bucket that a policy shares with somebody by name."""
    return bucket(by_policy(allow(principal, actions, **more), public=False))


def behind_point(actions: str) -> BucketState:
    """A bucket that a partner reaches through an access point only."""
    own = point(allow(ROOT, actions, THROUGH), block=Present(ALL_ON))
    return bucket({**by_policy(POINT_ONLY, public=False), Aspect.ACCESS_POINTS: points(own)})


@pytest.mark.parametrize(
    ("rule_id", "state", "approved"),
    [
        (PUBLIC, reading(), public("s3:GetObject")),
        (PUBLIC, reading(), public("s3:getobject")),
        (PUBLIC, reading(), public("s3:Get*")),
        (PUBLIC, reading(resource=f"{ARN}/pub/*"), public("s3:GetObject on pub/*")),
        (PUBLIC, unguarded({Aspect.ACL: granting((ALL_USERS, "READ"))}), public("s3:ListBucket*")),
        ("bucket-acl-public-read", unguarded({Aspect.ACL: granting((ALL_USERS, "READ"))}), public("s3:ListBucket*")),
        ("bucket-policy-public", reading(), public("s3:GetObject")),
        (LATENT, bucket(by_policy(allow())), public("s3:GetObject")),
        ("bucket-policy-latent-public", bucket(by_policy(allow())), public("s3:GetObject")),
        (
            "bucket-acl-latent-public",
            unguarded(
                {
                    Aspect.ACL: granting((ALL_USERS, "READ")),
                    Aspect.OWNERSHIP: Present(Ownership("BucketOwnerEnforced")),
                }
            ),
            public("s3:ListBucket*"),
        ),
        (
            AUTHENTICATED,
            unguarded({Aspect.ACL: granting((AUTHENTICATED_USERS, "READ"))}),
            Approved(authenticated=may("s3:ListBucket*")),
        ),
        (
            AUTHENTICATED,
            reading(Condition={"StringLike": {"aws:SourceVpc": "vpc-*"}}),
            Approved(authenticated=may("s3:GetObject")),
        ),
        (AUTHENTICATED, unguarded({Aspect.ACL: granting((AUTHENTICATED_USERS, "READ"))}), public("s3:ListBucket*")),
        (ACCESS, shared(ROOT), Approved(accounts=((PARTNER, may("s3:GetObject")),))),
        (ACCESS, shared({"AWS": ROLE}), Approved(accounts=((ROLE, may("s3:GetObject")),))),
        (ACCESS, shared({"CanonicalUser": CANONICAL}), Approved(accounts=((CANONICAL, may("s3:GetObject")),))),
        (ACCESS, behind_point("s3:GetObject"), Approved(accounts=((PARTNER, may("s3:GetObject")),))),
        (
            "bucket-access-point-cross-account",
            behind_point("s3:GetObject"),
            Approved(accounts=((PARTNER, may("s3:GetObject")),)),
        ),
        (
            ADMIN,
            shared(ROOT, ["s3:GetObject", "s3:DeleteBucket"], Resource=[ARN, f"{ARN}/*"]),
            Approved(accounts=((PARTNER, may("s3:DeleteBucket")),)),
        ),
    ],
)
def test_what_was_approved_holds(rule_id: str, state: State, approved: Approved) -> None:
    """By policy, ACL, access point, organisation, by name or for everyone, now or after one change."""
    assert held(rule_id, state, approved) is None


@pytest.mark.parametrize(
    ("rule_id", "state", "approved", "says"),
    [
        (
            PUBLIC,
            unguarded(by_policy(allow(), allow(actions="s3:ListBucket", resource=ARN))),
            public("s3:GetObject"),
            "Anyone on the internet can list the bucket",
        ),
        (PUBLIC, reading(actions=["s3:GetObject", "s3:GetObjectVersion"]), public("s3:GetObject"), "read objects"),
        (PUBLIC, reading(), public("s3:GetObject on pub/*"), "read objects"),
        (PUBLIC, reading(resource=f"{ARN}/*/pub/*"), public("s3:GetObject on pub/*"), "read objects"),
        (
            PUBLIC,
            unguarded({Aspect.ACL: granting((ALL_USERS, "READ"), (AUTHENTICATED_USERS, "WRITE"))}),
            public("s3:ListBucket*"),
            "Anyone with an AWS account, a VPC or a login can put objects",
        ),
        (
            PUBLIC,
            unguarded({Aspect.ACL: granting((ALL_USERS, "READ"))}),
            Approved(authenticated=may("s3:ListBucket*")),
            "Anyone on the internet can list the bucket",
        ),
        ("bucket-policy-public", reading(actions="s3:*"), public("s3:GetObject"), "Anyone on the internet"),
        ("bucket-acl-public-read", unguarded({Aspect.ACL: granting((ALL_USERS, "READ"))}), public("s3:ListBucket"), ""),
        (LATENT, bucket(by_policy(allow(actions="s3:*", resource="*"))), public("s3:GetObject"), "Public but for"),
        (
            ACCESS,
            shared(ROOT, ["s3:GetObject", "s3:PutObject"]),
            Approved(accounts=((PARTNER, may("s3:GetObject")),)),
            PARTNER,
        ),
        (
            ACCESS,
            bucket(by_policy(allow(ROOT), allow({"AWS": "777788889999"}), public=False)),
            Approved(accounts=((PARTNER, may("s3:GetObject")),)),
            "Other accounts have access: 777788889999",
        ),
        (ACCESS, shared(ROOT), Approved(accounts=((ROLE, may("s3:GetObject")),)), PARTNER),
        (ACCESS, behind_point("s3:*"), Approved(accounts=((PARTNER, may("s3:GetObject")),)), PARTNER),
        (ACCESS, shared(ROOT), public("s3:PutObject"), PARTNER),
    ],
)
def test_more_than_was_approved_is_named(rule_id: str, state: State, approved: Approved, says: str) -> None:
    """Another action, another key, another caller, another way in: the rule's own words say what is new."""
    found = held(rule_id, state, approved)
    assert found is not None
    assert says in found.text
    assert not found.undecided


def test_another_organisation_is_approved_by_its_id() -> None:
    """And for the actions that were approved only."""
    rule_id, approved = "bucket-cross-account-outside-org", Approved(organizations=(("o-elsewhere1", may("s3:Get*")),))
    assert held(rule_id, shared("*", Condition=THEIRS), approved, OURS) is None
    assert held(rule_id, shared("*", "s3:PutObject", Condition=THEIRS), approved, OURS) is not None


def test_an_access_point_opens_what_the_policy_leaves_to_it() -> None:
    """What the public reaches through an access point is held against what was approved for the public."""
    own = point(allow("*", "s3:GetObject", THROUGH))
    state = unguarded({**by_policy(POINT_ONLY, public=False), Aspect.ACCESS_POINTS: points(own)})
    assert held(PUBLIC, state, public("s3:GetObject")) is None
    assert held(PUBLIC, state, public("s3:PutObject")) is not None


def test_a_grant_of_the_acl_to_an_account_is_approved_by_its_canonical_id() -> None:
    """For all that the permission stands for; another permission, or another account, is more."""
    rule_id = "bucket-acl-external-grantee"

    def granting_to(*grants: tuple[str, str]) -> BucketState:
        given = (Grant(GranteeKind.CANONICAL_USER, name, permission) for name, permission in grants)
        return unguarded({Aspect.ACL: Present(Acl(OWNER, (OWNER_GRANT, *given)))})

    approved = Approved(accounts=((CANONICAL, may("s3:ListBucket*")),))
    assert held(rule_id, granting_to((CANONICAL, "READ")), approved) is None
    wanted = proposed(granting_to((CANONICAL, "READ")), DEFAULT_OPTIONS)
    assert wanted is not None
    assert wanted.accounts == (
        (CANONICAL, may("s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions")),
    )
    assert held(rule_id, granting_to((CANONICAL, "READ"), (CANONICAL, "WRITE")), approved) is not None
    assert held(rule_id, granting_to((CANONICAL, "READ"), ("e" * 64, "READ")), approved) is not None


@pytest.mark.parametrize("rule_id", sorted(BY_FACTS))
def test_what_the_engine_does_not_follow_is_approved_by_its_facts(rule_id: str) -> None:
    """All of them, as the finding tells them; an approval of access says nothing about it."""
    rule = find(rule_id)
    example = next(each for each in rule.examples if each.verdict is Verdict.FAIL)
    (result,) = evaluate((rule,), example.state, options=example.options)
    facts = tuple(sorted(result.evidence.details.items()))
    assert facts
    assert beyond(Approved(facts=facts), rule, example.state, example.options, result) is None
    other = ((facts[0][0], "another"), *facts[1:])
    for approved in (Approved(facts=other), Approved(facts=facts[1:]), public("s3:*")):
        assert beyond(approved, rule, example.state, example.options, result) is not None


def test_facts_stand_for_what_is_no_access() -> None:
    """A setting is approved by its facts, all of them; one that differs is named."""
    rule_id, state = "bucket-objects-may-be-public", unguarded()
    facts = {"ownership": "ObjectWriter", "IgnorePublicAcls": "off (account), off (bucket)"}
    assert held(rule_id, state, Approved(facts=tuple(sorted(facts.items())))) is None
    found = held(rule_id, state, Approved(facts=(("ownership", "BucketOwnerPreferred"),)))
    assert found is not None
    assert "ownership is ObjectWriter" in found.text


def test_facts_never_stand_for_access() -> None:
    """The very facts of a public bucket approve nobody's access: a policy can widen and leave them as they are."""
    rule, state = find("bucket-policy-public"), reading()
    (result,) = evaluate((rule,), state)
    facts = Approved(facts=tuple(sorted(result.evidence.details.items())))
    assert beyond(facts, rule, state, DEFAULT_OPTIONS, result) is not None


def test_a_setting_that_was_approved_does_not_hide_a_leak() -> None:
    """Objects may be public by agreement; that the policy opens the bucket was not agreed."""
    facts = (("IgnorePublicAcls", "off (account), off (bucket)"), ("ownership", "ObjectWriter"))
    found = held("bucket-objects-may-be-public", reading(), Approved(facts=facts))
    assert found is not None
    assert "Anyone on the internet" in found.text


def test_a_policy_that_nobody_understands_is_never_within() -> None:
    """What cannot be compared is not approved, and says so."""
    strange = allow(Condition={"StringResembles": {"aws:SourceVpc": "x"}})
    state = unguarded({**by_policy(strange), Aspect.ACL: granting((ALL_USERS, "READ"))})
    found = held(PUBLIC, state, public("s3:*"))
    assert found is not None
    assert found.undecided


def test_a_reading_that_is_missing_is_never_within() -> None:
    """The ACL proves the leak; whether the policy adds to it nobody knows."""
    state = unguarded({Aspect.ACL: granting((ALL_USERS, "READ")), Aspect.POLICY: DENIED})
    found = held("bucket-acl-public-read", state, public("s3:*"))
    assert found is not None
    assert found.undecided


def test_the_rules_about_who_gets_in_are_bound() -> None:
    """All of the category, and every rule about access by name."""
    bound = {rule.info.id for rule in RULES if is_bound(rule.info)}
    assert bound >= {rule.info.id for rule in RULES if rule.info.category is Category.EXPOSURE}
    assert bound >= {rule.info.id for rule in RULES if "cross-account" in rule.info.id}
    assert bound >= {rule.info.id for rule in RULES if rule.info.id.endswith("-bucket-external")}
    assert {rule.info.id for rule in RULES} >= SHARING | BY_FACTS
    assert not SHARING & BY_FACTS


EXPOSED = [vector for vector in VECTORS if vector.get("policy") or vector.get("acl_grants")]


@pytest.mark.parametrize("vector", EXPOSED, ids=[str(vector["id"]) for vector in EXPOSED])
def test_approving_all_that_is_open_holds_and_one_less_does_not(vector: dict[str, Any]) -> None:
    """On every vector: what the engine finds open is exactly what has to be approved."""
    state = state_of(vector)
    approved = proposed(state, DEFAULT_OPTIONS)
    if approved is None:
        return
    for rule_id in (PUBLIC, AUTHENTICATED, LATENT, ACCESS):
        rule = find(rule_id)
        (result,) = evaluate((rule,), state)
        if result.verdict is not Verdict.FAIL:
            continue
        assert beyond(approved, rule, state, DEFAULT_OPTIONS, result) is None, rule_id
        for less in _one_less(approved, names=rule_id == ACCESS):
            assert beyond(less, rule, state, DEFAULT_OPTIONS, result) is not None, (rule_id, less)


def _one_less(approved: Approved, *, names: bool) -> list[Approved]:
    """What was approved, without one thing that the rule is about."""
    found = []
    if not names:
        for kind in ("public", "authenticated"):
            given = getattr(approved, kind)
            if given and not (kind == "authenticated" and approved.public):
                found.append(_with(approved, **{kind: given[1:]}))
    elif approved.accounts and not approved.public:
        found.append(_with(approved, accounts=approved.accounts[1:]))
    return found


def _with(approved: Approved, **fields: Any) -> Approved:
    whole = {
        name: getattr(approved, name) for name in ("public", "authenticated", "accounts", "organizations", "facts")
    }
    return Approved(**(whole | fields))


ACTIONS = ("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject", "s3:GetObjectAcl")
PREFIXES = ("", "pub/", "pub/a/", "b/")
STATEMENTS = st.lists(
    st.tuples(st.sampled_from(ACTIONS), st.sampled_from(PREFIXES)), min_size=1, max_size=4, unique=True
)


@given(STATEMENTS, st.tuples(st.sampled_from(ACTIONS), st.sampled_from(PREFIXES)))
@settings(max_examples=60, deadline=None)
def test_any_widening_voids(before: list[tuple[str, str]], more: tuple[str, str]) -> None:
    """Approve a policy statement by statement; add one: it holds still only if the statement gives nothing new."""
    approved = public(*(f"{action} on {prefix}*" for action, prefix in before))

    def opened(statements: list[tuple[str, str]]) -> BucketState:
        given = [allow(actions=action, resource=f"{ARN}/{prefix}*") for action, prefix in statements]
        return unguarded(by_policy(*given))

    assert held(PUBLIC, opened(before), approved) is None
    covered = any(action == more[0] and more[1].startswith(prefix) for action, prefix in before)
    assert (held(PUBLIC, opened([*before, more]), approved) is None) == covered


def test_the_real_status_of_the_policy_decides_what_is_restricted() -> None:
    """Taking a public statement away must not open what RestrictPublicBuckets keeps shut because of it."""
    state = unguarded(
        {
            **by_policy(allow(), allow(ROOT, "s3:PutObject")),
            Aspect.ACL: granting((ALL_USERS, "READ")),
            Aspect.PUBLIC_ACCESS_BLOCK: flags(restrict=True),
        }
    )
    assert held(PUBLIC, state, public("s3:ListBucket*")) is None


def test_a_policy_is_not_needed_for_an_acl() -> None:
    """A bucket without a policy gets one that denies what was approved, for the question alone."""
    state = unguarded({Aspect.ACL: granting((ALL_USERS, "WRITE")), Aspect.POLICY: ABSENT, Aspect.POLICY_STATUS: ABSENT})
    assert held(PUBLIC, state, public("s3:PutObject")) is None
    assert state.reading(Aspect.POLICY) == ABSENT


def test_a_single_statement_that_is_no_list_is_understood() -> None:
    """AWS takes one statement without brackets."""
    text = json.dumps({"Version": "2012-10-17", "Statement": dict(allow())})
    state = unguarded({Aspect.POLICY: Present(Policy(text)), Aspect.POLICY_STATUS: Present(PolicyStatus(True))})
    assert held(PUBLIC, state, public("s3:GetObject")) is None
