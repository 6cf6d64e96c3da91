"""Mistakes of other scanners, reported to them or found in their code, that the rules here must not make.

A test is named after the project and the number under which the mistake was reported. tests/unit/test_mistakes.py has
the list of all of them.
"""

from dataclasses import replace

import pytest

from s3warden.collect.fetch import READS
from s3warden.detect.evaluate import evaluate
from s3warden.detect.rule import Kind, Rule, RuleOptions
from s3warden.detect.rules import RULES, find
from s3warden.detect.samples import (
    ACCOUNT,
    ALL_ON,
    ARN,
    DENIED,
    TLS_ONLY,
    account,
    allow,
    bucket,
    by_policy,
    flags,
    granting,
    point,
    points,
    policy,
    unguarded,
)
from s3warden.detect.surroundings import KEY_ARN
from s3warden.model.bucket import ABSENT, ACCOUNT_ASPECTS, Aspect, Present, Reading, State
from s3warden.model.configuration import ALL_USERS, AUTHENTICATED_USERS, Encryption, EncryptionRule, Website
from s3warden.model.finding import RuleResult, Verdict
from s3warden.model.framework import Control, Framework
from s3warden.model.keys import Key
from s3warden.model.storage import Lifecycle, LifecycleRule

PARTNER = "444455556666"
PUBLIC = ("bucket-public-effective", "bucket-public-authenticated", "bucket-policy-public", "bucket-acl-public-read")
ORGANISATION = {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}


def judge(rule_id: str, state: State, options: RuleOptions | None = None) -> RuleResult:
    """What one rule says of a state."""
    [result] = evaluate((find(rule_id),), state, options=options or RuleOptions())
    return result


def verdict(rule_id: str, state: State, options: RuleOptions | None = None) -> Verdict:
    """Its verdict alone."""
    return judge(rule_id, state, options).verdict


@pytest.mark.parametrize("aspect", [Aspect.ACL, Aspect.POLICY, Aspect.PUBLIC_ACCESS_BLOCK])
def test_prowler_12872_a_denied_read_is_no_pass(aspect: Aspect) -> None:
    """A bucket whose ACL, policy or block may not be read is not called private."""
    state = unguarded({aspect: DENIED})
    assert verdict("bucket-public-effective", state) is Verdict.UNKNOWN


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.info.id) for rule in RULES if "public" in rule.info.id])
def test_prowler_971_a_denied_read_is_no_failure(rule: Rule) -> None:
    """Nor is it called public: a bucket of which nothing may be read is unknown to every rule."""
    blind = bucket(dict.fromkeys(Aspect, DENIED))
    subject: State = blind
    if rule.kind is Kind.ACCOUNT:
        subject = replace(account(DENIED), readings=dict.fromkeys(ACCOUNT_ASPECTS, DENIED))
    assert verdict(rule.info.id, subject) is Verdict.UNKNOWN


@pytest.mark.parametrize("scope", [Aspect.PUBLIC_ACCESS_BLOCK, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK])
def test_prowler_2647_2052_2715_635_blocks_count_wherever_they_are(scope: Aspect) -> None:
    """A public ACL and a public policy under the block of the bucket, or of the account, are not public."""
    open_ = {Aspect.ACL: granting((ALL_USERS, "READ")), **by_policy(allow()), scope: Present(ALL_ON)}
    assert {verdict(rule, unguarded(open_)) for rule in PUBLIC} == {Verdict.PASS}


@pytest.mark.parametrize("actions", ["s3:GetObject", "s3:PutObject"])
def test_prowler_4257_5386_a_restricted_policy_is_not_public(actions: str) -> None:
    """Conditions on a network, an endpoint or an organisation restrict whom a policy admits."""
    for operator, key, value in (
        ("IpAddress", "aws:SourceIp", "203.0.113.0/24"),
        ("StringEquals", "aws:SourceVpce", "vpce-1a2b3c4d"),
        ("StringEquals", "aws:PrincipalOrgID", "o-abcdefghij"),
    ):
        state = unguarded(by_policy(allow(actions=actions, Condition={operator: {key: value}}), public=False))
        assert {verdict(rule, state) for rule in PUBLIC} == {Verdict.PASS}


def test_prowler_3346_3364_reading_is_not_writing() -> None:
    """A policy that lets everyone `s3:Get*` opens reading, and nothing is said of writing."""
    opened = judge("bucket-public-effective", unguarded(by_policy(allow(actions="s3:Get*")))).evidence
    assert "read" in opened.details["actions"].split(", ")
    assert "write" not in opened.details["actions"].split(", ")


def test_prowler_1481_http_to_the_bucket_itself_counts() -> None:
    """A Deny for objects alone leaves listings in the clear; the request that slips through is shown."""
    result = judge("bucket-tls-required", bucket({Aspect.POLICY: policy({**TLS_ONLY, "Resource": f"{ARN}/*"})}))
    assert result.verdict is Verdict.FAIL
    assert f"on {ARN} by" in result.evidence.details["not_refused"]


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": ["*"]}])
def test_steampipe_538_523_cloudsploit_1725_38_public_by_policy(principal: object) -> None:
    """A bucket is public by its policy alone, in whatever form the policy says everyone."""
    assert verdict("bucket-public-effective", unguarded(by_policy(allow(principal)))) is Verdict.FAIL


def test_steampipe_952_954_an_organisation_is_not_everyone() -> None:
    """A statement for everyone in one organisation is not public."""
    state = unguarded(by_policy(allow(Condition=ORGANISATION), public=False))
    assert {verdict(rule, state) for rule in PUBLIC} == {Verdict.PASS}


def test_steampipe_402_logging_is_read_where_logging_is_set() -> None:
    """The rule on access logging looks at GetBucketLogging, and at nothing else."""
    needed = find("bucket-access-logging").info.needs
    assert [read.operation for aspect in needed for read in READS[aspect]] == ["GetBucketLogging"]


def test_custodian_3234_4776_a_website_is_no_excuse() -> None:
    """A public grant on a bucket with a website is public like any other."""
    state = unguarded({Aspect.ACL: granting((ALL_USERS, "READ")), Aspect.WEBSITE: Present(Website())})
    assert verdict("bucket-acl-public-read", state) is Verdict.FAIL


def test_custodian_10316_an_access_point_without_a_policy() -> None:
    """It grants nothing and breaks nothing."""
    state = bucket({Aspect.ACCESS_POINTS: points(point(block=Present(ALL_ON)))})
    assert verdict("bucket-access-point-cross-account", state) is Verdict.PASS


def test_custodian_6881_a_named_account_is_not_everyone() -> None:
    """Cross-account access by name is not told as access for everyone."""
    state = unguarded(by_policy(allow({"AWS": PARTNER}), public=False))
    assert verdict("bucket-cross-account-access", state) is Verdict.FAIL
    assert verdict("bucket-policy-wildcard-principal", state) is Verdict.PASS
    assert verdict("bucket-public-effective", state) is Verdict.PASS


def test_cloudsploit_532_a_missing_policy_refuses_nothing() -> None:
    """No policy is no protection of transport."""
    assert verdict("bucket-tls-required", bucket({Aspect.POLICY: ABSENT})) is Verdict.FAIL


def test_cloudsploit_757_resources_of_a_demand_add_up() -> None:
    """Bucket and objects may stand in two statements; a prefix is not all objects."""
    split = policy({**TLS_ONLY, "Resource": ARN}, {**TLS_ONLY, "Resource": f"{ARN}/*"})
    part = policy({**TLS_ONLY, "Resource": [ARN, f"{ARN}/logs/*"]})
    assert verdict("bucket-tls-required", bucket({Aspect.POLICY: split})) is Verdict.PASS
    assert verdict("bucket-tls-required", bucket({Aspect.POLICY: part})) is Verdict.FAIL


def test_checkov_5934_a_deny_is_not_always_a_lockout() -> None:
    """A Deny for everyone under a condition that the account can meet locks nobody out."""
    assert verdict("bucket-policy-lockout", bucket()) is Verdict.PASS
    whole = {name: value for name, value in TLS_ONLY.items() if name != "Condition"}
    assert verdict("bucket-policy-lockout", bucket({Aspect.POLICY: policy(whole)})) is Verdict.FAIL


def test_checkov_6982_7269_6287_sound_settings_pass() -> None:
    """The account's block covers the bucket, any default encryption is one, and a Deny may name everyone."""
    assert verdict("bucket-public-access-block", bucket({Aspect.PUBLIC_ACCESS_BLOCK: ABSENT})) is Verdict.PASS
    for algorithm in ("AES256", "aws:kms", "aws:kms:dsse"):
        state = bucket({Aspect.ENCRYPTION: Present(Encryption((EncryptionRule(algorithm),)))})
        assert verdict("bucket-default-encryption", state) is Verdict.PASS
    assert verdict("bucket-policy-wildcard-principal", bucket()) is Verdict.PASS


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (Key(KEY_ARN, KEY_ARN, manager="AWS", rotatable=False), Verdict.PASS),
        (Key(KEY_ARN, KEY_ARN), Verdict.NOT_APPLICABLE),
    ],
)
def test_checkov_6293_rotation_is_asked_of_keys_that_can_rotate(key: Key, expected: Verdict) -> None:
    """A key of AWS's own is rotated by AWS, and imported material cannot be rotated."""
    state = bucket({Aspect.DEFAULT_KEY: Present(key), Aspect.KEY_ROTATION: ABSENT})
    assert verdict("bucket-kms-key-rotation", state) is expected


def test_kics_4576_mfa_delete_is_not_asked_beside_a_lifecycle() -> None:
    """S3 does not have both, so that asking for it would ask for the impossible."""
    rules = Lifecycle((LifecycleRule(enabled=True, expires_after=30),))
    assert verdict("bucket-mfa-delete", bucket({Aspect.LIFECYCLE: Present(rules)})) is Verdict.NOT_APPLICABLE


def test_checkov_6156_transport_is_checked() -> None:
    """Whether plain http is refused is a rule of its own, in the default profile."""
    assert find("bucket-tls-required").info.default


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"Condition": {"Bool": {"AWS:SECURETRANSPORT": "false"}}}, Verdict.PASS),
        ({"Condition": {"Bool": {"aws:SecureTransport": [False]}}}, Verdict.PASS),
        ({"Action": "*"}, Verdict.PASS),
        ({"Principal": {"AWS": "*"}}, Verdict.PASS),
        ({"Principal": {"AWS": PARTNER}}, Verdict.FAIL),
        ({"Effect": "Allow"}, Verdict.FAIL),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, Verdict.FAIL),
        (
            {"Condition": {"Bool": {"aws:SecureTransport": "false", "aws:MultiFactorAuthPresent": "false"}}},
            Verdict.FAIL,
        ),
    ],
)
def test_guard_rules_218_243_transport_is_neither_literal_nor_lax(change: dict[str, object], expected: Verdict) -> None:
    """Any spelling of the same demand holds, and nothing less than it."""
    assert verdict("bucket-tls-required", bucket({Aspect.POLICY: policy({**TLS_ONLY, **change})})) is expected


def test_asr_60_ids_are_those_of_their_edition() -> None:
    """A control that was renumbered is mapped under its number in each edition."""
    controls = find("bucket-tls-required").info.maps
    assert Control(Framework.CIS_1_4, "2.1.2") in controls
    assert Control(Framework.CIS_5_0, "2.1.1") in controls
    assert Control(Framework.CIS_6_0, "3.1.1") in controls


def test_prowler_code_flags_of_two_scopes_add_up() -> None:
    """IgnorePublicAcls in the account and RestrictPublicBuckets at the bucket close ACL and policy together."""
    mixed = {Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: flags(ignore=True), Aspect.PUBLIC_ACCESS_BLOCK: flags(restrict=True)}
    state = unguarded({Aspect.ACL: granting((ALL_USERS, "READ")), **by_policy(allow()), **mixed})
    assert {verdict(rule, state) for rule in PUBLIC} == {Verdict.PASS}


def test_prowler_code_ignored_acls_are_not_public() -> None:
    """A public ACL under IgnorePublicAcls alone is not public, but latent."""
    grants = {Aspect.ACL: granting((ALL_USERS, "READ")), Aspect.PUBLIC_ACCESS_BLOCK: flags(ignore=True)}
    assert verdict("bucket-public-effective", unguarded(grants)) is Verdict.PASS
    assert verdict("bucket-acl-latent-public", unguarded(grants)) is Verdict.FAIL


@pytest.mark.parametrize("missing", ["acls", "ignore", "policy", "restrict"])
def test_prowler_code_all_four_flags_are_asked_for(missing: str) -> None:
    """Three flags are not enough, in the account as at the bucket."""
    three: Reading[object] = flags(**{name: name != missing for name in ("acls", "ignore", "policy", "restrict")})
    assert verdict("account-public-access-block", account(three)) is Verdict.FAIL
    alone: dict[Aspect, Reading[object]] = {
        Aspect.PUBLIC_ACCESS_BLOCK: three,
        Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: ABSENT,
    }
    assert verdict("bucket-public-access-block", bucket(alone)) is Verdict.FAIL


def test_prowler_code_controls_map_to_what_they_ask() -> None:
    """S3.7 is about replication and maps to no rule on access; S3.2 has rules."""
    mapped = {control for rule in RULES if "cross-account" in rule.info.id for control in rule.info.maps}
    assert Control(Framework.SECURITY_HUB, "S3.7") not in mapped
    assert any(Control(Framework.SECURITY_HUB, "S3.2") in rule.info.maps for rule in RULES)


def test_steampipe_code_blocking_new_grants_closes_no_old_one() -> None:
    """BlockPublicAcls and BlockPublicPolicy do not neutralise what is there."""
    half = {Aspect.PUBLIC_ACCESS_BLOCK: flags(acls=True, policy=True)}
    assert verdict("bucket-public-effective", unguarded({**by_policy(allow()), **half})) is Verdict.FAIL
    grants = {Aspect.ACL: granting((ALL_USERS, "READ")), **half}
    assert verdict("bucket-acl-public-read", unguarded(grants)) is Verdict.FAIL


def test_steampipe_code_an_old_version_refused_is_not_http_refused() -> None:
    """A Deny on s3:TlsVersion leaves http open, which has no such key."""
    old = policy({**TLS_ONLY, "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}})
    assert verdict("bucket-tls-required", bucket({Aspect.POLICY: old})) is Verdict.FAIL


def test_custodian_code_the_account_counts_and_denied_is_unknown() -> None:
    """The block is judged over both scopes, and a denied read is not read as all off."""
    assert verdict("bucket-public-access-block", bucket({Aspect.PUBLIC_ACCESS_BLOCK: ABSENT})) is Verdict.PASS
    blind: dict[Aspect, Reading[object]] = {
        Aspect.PUBLIC_ACCESS_BLOCK: DENIED,
        Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: ABSENT,
    }
    assert verdict("bucket-public-access-block", bucket(blind)) is Verdict.UNKNOWN


def test_custodian_code_a_demand_need_not_match_byte_for_byte() -> None:
    """Uploads are judged by what is refused, not by one template."""
    asked = RuleOptions(upload_encryption=("aws:kms",))
    header = "s3:x-amz-server-side-encryption"
    one = {**allow(actions="s3:PutObject"), "Effect": "Deny", "Condition": {"StringNotEquals": {header: "aws:kms"}}}
    two = {**one, "Sid": "Any", "Action": ["s3:PutObject", "s3:PutObjectAcl"], "Resource": [f"{ARN}/*"]}
    for statement in (one, two):
        state = bucket({Aspect.POLICY: policy(statement)})
        assert verdict("bucket-upload-encryption-enforced", state, asked) is Verdict.PASS


def test_custodian_code_statements_without_action_are_judged() -> None:
    """NotAction is no error in any rule."""
    statement = {"Effect": "Allow", "Principal": "*", "NotAction": "s3:Delete*", "Resource": f"{ARN}/*"}
    results = evaluate(RULES, unguarded(by_policy(statement)))
    assert "bucket-policy-not-action-allow" in {r.rule_id for r in results if r.verdict is Verdict.FAIL}
    assert not [r.rule_id for r in results if r.verdict is Verdict.UNKNOWN]


@pytest.mark.parametrize("principal", [{"AWS": ["*"]}, {"AWS": "AROAEXAMPLEID1234567"}, "*"])
def test_asr_code_principals_without_colons_are_judged(principal: object) -> None:
    """Everyone, and the id of a deleted role, are principals that every rule can read."""
    results = evaluate(RULES, unguarded(by_policy(allow(principal, "s3:*", [ARN, f"{ARN}/*"]))))
    assert not [r.rule_id for r in results if r.verdict is Verdict.UNKNOWN]


def test_scoutsuite_code_not_every_condition_is_a_guard() -> None:
    """A condition that any caller can meet is none."""
    state = unguarded(by_policy(allow(Condition={"StringLike": {"aws:Referer": "https://example.com/*"}})))
    assert verdict("bucket-public-effective", state) is Verdict.FAIL
    assert verdict("bucket-policy-spoofable-condition", state) is Verdict.FAIL


def test_config_code_nothing_configured_is_the_bad_case() -> None:
    """An account without a block of its own fails; it is not left without an answer."""
    assert verdict("account-public-access-block", account(ABSENT)) is Verdict.FAIL


def test_config_code_conditions_count_for_administration() -> None:
    """Administration by another account under a condition that excludes it is no finding."""
    condition = {"StringEquals": {"aws:PrincipalAccount": ACCOUNT.account}}
    state = bucket(by_policy(allow({"AWS": PARTNER}, "s3:*", "*", Condition=condition), public=False))
    assert verdict("bucket-cross-account-admin-actions", state) is Verdict.PASS


@pytest.mark.parametrize(
    ("number", "group", "permission", "severity"),
    [
        (2, ALL_USERS, "READ", "critical"),
        (3, ALL_USERS, "READ_ACP", "high"),
        (4, ALL_USERS, "WRITE", "critical"),
        (5, ALL_USERS, "WRITE_ACP", "critical"),
        (6, ALL_USERS, "FULL_CONTROL", "critical"),
        (7, AUTHENTICATED_USERS, "READ", "critical"),
        (8, AUTHENTICATED_USERS, "READ_ACP", "high"),
        (9, AUTHENTICATED_USERS, "WRITE", "critical"),
        (10, AUTHENTICATED_USERS, "WRITE_ACP", "critical"),
        (11, AUTHENTICATED_USERS, "FULL_CONTROL", "critical"),
    ],
)
def test_each_of_the_ten_public_grants_has_its_rule_and_level(
    number: int, group: str, permission: str, severity: str
) -> None:
    """Exactly one ACL rule fails for each, names Conformity's id, and weighs it."""
    state = unguarded({Aspect.ACL: granting((group, permission))})
    rules = [rule for rule in RULES if rule.info.id.startswith(("bucket-acl-public", "bucket-acl-authenticated"))]
    [failed] = [result for result in evaluate(rules, state) if result.verdict is Verdict.FAIL]
    assert failed.severity == severity
    assert failed.evidence.details["conformity"] == f"S3-{number - 1:03}"
