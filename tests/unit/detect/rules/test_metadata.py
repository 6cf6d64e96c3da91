"""What people read about each rule is there, short, and true to what the rule does."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from s3warden.detect.evaluate import evaluate
from s3warden.detect.rule import Example, Kind, Rule
from s3warden.detect.rules import RULES
from s3warden.detect.samples import ACCOUNT, bucket
from s3warden.model.bucket import ACCOUNT_ASPECTS, Aspect, BucketState, Reading, State
from s3warden.model.finding import Severity, Verdict
from s3warden.model.rule import Category

EXAMPLES = [
    pytest.param(rule, example, id=f"{rule.info.id}: {example.title}") for rule in RULES for example in rule.examples
]
each_rule = pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.info.id) for rule in RULES])


class Recorder(Mapping[Aspect, Reading[object]]):
    """Readings that remember who was asked for."""

    def __init__(self, readings: Mapping[Aspect, Reading[object]], asked: set[Aspect]) -> None:
        self.readings = readings
        self.asked = asked

    def __getitem__(self, aspect: Aspect) -> Reading[object]:
        self.asked.add(aspect)
        return self.readings[aspect]

    def __iter__(self) -> Iterator[Aspect]:
        return iter(self.readings)

    def __len__(self) -> int:
        return len(self.readings)


def recorded(state: State, asked: set[Aspect]) -> State:
    """`state` whose readings, the account's included, are recorded in `asked`."""
    if isinstance(state, BucketState) and state.account is not None:
        account = replace(state.account, readings=Recorder(state.account.readings, asked))
        return replace(state, readings=Recorder(state.readings, asked), account=account)
    return replace(state, readings=Recorder(state.readings, asked))


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_example_holds(rule: Rule, example: Example) -> None:
    """Each rule says of its examples what it promises."""
    [result] = evaluate((rule,), example.state, options=example.options)
    assert result.verdict is example.verdict
    assert result.severity is (example.severity or rule.info.severity)
    assert result.evidence.live is example.live
    assert result.evidence.summary.endswith(".")
    assert bool(result.evidence.details) is (result.verdict in (Verdict.FAIL, Verdict.UNKNOWN))


@each_rule
def test_examples_show_every_side(rule: Rule) -> None:
    """Each rule shows a pass, a failure and, if it reads anything, an unknown; titles are unique."""
    shown = Counter(example.verdict for example in rule.examples)
    assert shown[Verdict.PASS]
    assert shown[Verdict.FAIL]
    assert bool(shown[Verdict.UNKNOWN]) is bool(rule.info.needs)
    assert len({example.title for example in rule.examples}) == len(rule.examples)


@each_rule
def test_needs_are_what_the_check_reads(rule: Rule) -> None:
    """Over all its examples a check asks for its needs and hints and nothing else: the rest is never fetched."""
    asked: set[Aspect] = set()
    for example in rule.examples:
        if example.verdict is not Verdict.UNKNOWN:
            rule.check(recorded(example.state, asked), example.options)
    assert asked == rule.info.needs | rule.info.hints


@each_rule
def test_metadata_is_for_people(rule: Rule) -> None:
    """Ids are kebab-case and begin with what is judged; titles and reasons are short sentences."""
    info = rule.info
    assert re.fullmatch(rf"{rule.kind}(-[a-z0-9]+)+", info.id)
    assert 10 < len(info.title) <= 80
    assert not info.title.endswith(".")
    assert 2 <= len(re.findall(r"[.](?: |$)", info.why)) <= 2
    assert len(info.why) <= 250
    assert info.references
    assert all(re.fullmatch(r"https://\S+", reference) for reference in info.references), "ids belong to `maps`"


@each_rule
def test_advice_is_whole(rule: Rule) -> None:
    """Each step in the console is a sentence, each check by hand says what to expect, no control is named twice."""
    info = rule.info
    assert all(re.fullmatch(r"[A-Z].*[.:]", step) for step in info.console.splitlines())
    assert "# Expect: " in info.verify
    assert "aws " in info.verify
    assert info.console
    assert info.cloudformation
    assert len(set(info.maps)) == len(info.maps)


@each_rule
def test_what_is_grave_is_looked_at_by_default(rule: Rule) -> None:
    """Every rule of high or critical severity is in the default profile."""
    assert rule.info.default or rule.info.severity.rank < Severity.HIGH.rank


@each_rule
def test_fix_is_filled_in(rule: Rule) -> None:
    """Both fixes are there, and no name of ours is left in braces once they are filled in."""
    state = bucket() if rule.kind is Kind.BUCKET else rule.examples[0].state
    info = rule.info
    fix = info.fix(state.ref)
    more = [
        replace(rule.info, cli=text).fix(state.ref).cli for text in (info.console, info.cloudformation, info.verify)
    ]
    for text in (fix.cli, fix.terraform, *more):
        assert text.strip() == text
        assert not re.search(r"(?<!\$)\{(bucket|account|region|partition)\}", text)
        assert max(map(len, text.splitlines())) <= 140
    assert "aws " in fix.cli
    assert str(state.ref) if rule.kind is Kind.BUCKET else ACCOUNT.account in fix.cli


@each_rule
def test_account_rules_read_the_account_alone(rule: Rule) -> None:
    """A rule about an account has no bucket to read."""
    assert rule.kind is Kind.BUCKET or rule.info.needs <= ACCOUNT_ASPECTS


def test_ids_stay() -> None:
    """Settings, exemptions and histories name rules by id: none is renamed, none goes away."""
    known = [
        "bucket-public-effective",
        "bucket-public-authenticated",
        "bucket-public-latent",
        "bucket-objects-may-be-public",
        "bucket-acl-public-read",
        "bucket-acl-public-write",
        "bucket-acl-authenticated-read",
        "bucket-acl-authenticated-write",
        "bucket-acl-latent-public",
        "bucket-object-acl-public",
        "bucket-acl-external-grantee",
        "bucket-acl-log-delivery-on-source",
        "bucket-log-target-acl-delivery",
        "bucket-policy-public",
        "bucket-policy-latent-public",
        "bucket-public-access-block",
        "account-public-access-block",
        "bucket-cross-account-access",
        "bucket-cross-account-admin-actions",
        "bucket-cross-account-outside-org",
        "bucket-access-point-public-block",
        "bucket-mrap-public-block",
        "bucket-access-point-cross-account",
        "account-mrap-foreign-bucket",
        "account-mrap-degraded",
        "bucket-policy-oac-wildcard-sourcearn",
        "bucket-policy-service-confused-deputy",
        "bucket-policy-not-principal-allow",
        "bucket-policy-spoofable-condition",
        "bucket-policy-broad-source-ip",
        "bucket-policy-not-action-allow",
        "bucket-policy-wildcard-principal",
        "bucket-policy-lockout",
        "bucket-policy-dangling-principal",
        "bucket-policy-status-differs",
        "bucket-policy-grantees-allowlist",
        "bucket-policy-not-broader-than",
        "bucket-policy-allows-star-action",
        "bucket-policy-web-identity",
        "bucket-policy-required-statements",
        "bucket-policy-forbidden-statement",
        "bucket-policy-exists",
        "bucket-policy-size",
        "bucket-acls-disabled",
        "bucket-objects-writer-owned",
        "bucket-website-enabled",
        "bucket-cors-wildcard",
        "bucket-website-redirect-external",
        "bucket-unreadable",
        "bucket-presign-unbounded",
        "bucket-tls-required",
        "bucket-tls-min-version",
        "bucket-upload-encryption-enforced",
        "bucket-default-encryption",
        "bucket-encryption-kms",
        "bucket-encryption-approved-key",
        "bucket-key-enabled",
        "bucket-ssec-blocked",
        "bucket-access-logging",
        "bucket-log-target-self",
        "bucket-log-target-prefix",
        "bucket-log-target-grants",
        "bucket-event-notifications",
        "bucket-eventbridge-enabled",
        "bucket-notification-confused-destination",
        "bucket-inventory",
        "bucket-versioning",
        "bucket-mfa-delete",
        "bucket-object-lock",
        "bucket-object-lock-retention",
        "bucket-replication-enabled",
        "bucket-replication-complete",
        "bucket-replication-cross-region",
        "bucket-replication-forbidden-region",
        "bucket-lifecycle-mass-expiry",
        "bucket-lifecycle-conflicts",
        "bucket-lifecycle",
        "bucket-lifecycle-noncurrent",
        "bucket-abort-incomplete-mpu",
        "bucket-expired-delete-markers",
        "bucket-transfer-acceleration",
        "bucket-requester-pays",
        "bucket-intelligent-tiering",
        "bucket-empty-or-idle",
        "bucket-oversize-growth",
        "bucket-region-allowed",
        "bucket-required-tags",
        "bucket-abac-tag-escalation",
        "bucket-name",
        "bucket-kms-key-usable",
        "bucket-kms-key-policy-public",
        "bucket-kms-aws-managed-key-shared",
        "bucket-encryption-cmk",
        "bucket-kms-key-rotation",
        "bucket-log-target-valid",
        "bucket-log-target-chain",
        "bucket-log-bucket-not-public",
        "bucket-log-bucket-retention",
        "bucket-replication-external",
        "bucket-replication-destination-hijackable",
        "bucket-delivery-destination-ownership",
        "account-origin-bucket-missing",
        "bucket-origin-single-distribution",
        "account-origin-oac",
        "account-public-via-cloudfront",
        "bucket-policy-legacy-oai",
        "account-dns-bucket-missing",
        "account-bucket-name-released",
        "bucket-access-analyzer-finding",
        "account-macie-enabled",
        "account-macie-auto-discovery",
        "bucket-macie-covered",
        "bucket-macie-findings",
        "account-guardduty-s3",
        "account-access-analyzer",
        "account-org-public-access-block",
        "account-storage-lens",
        "account-management-events",
        "bucket-object-events-write",
        "bucket-object-events-read",
        "bucket-trail-not-public",
        "account-trail-bucket-missing",
        "bucket-trail-access-logging",
        "bucket-trail-mfa-delete",
        "bucket-trail-object-lock",
        "account-trail-bucket-designated",
        "account-bucket-change-alarm",
        "bucket-config-changed",
        "bucket-backup-plan",
        "bucket-backup-recent",
        "account-shadow-resource",
        "account-lake-formation-foreign-bucket",
        "account-directory-bucket-external",
        "account-table-bucket-external",
        "account-vector-bucket-external",
        "account-table-bucket-encryption",
        "account-vector-bucket-encryption",
        "account-directory-bucket-lifecycle",
        "account-table-bucket-replication",
        "account-s3-files-policy",
        "account-object-lambda-exposed",
        "account-access-point-foreign-bucket",
        "bucket-access-point-vpc-only",
    ]
    assert [rule.info.id for rule in RULES if rule.info.id in known] == known


def test_no_id_is_a_category() -> None:
    """Patterns may name ids or categories, so the two must never meet."""
    assert not {rule.info.id for rule in RULES} & set(Category)
    assert {rule.info.category for rule in RULES} == set(Category)


def test_sound_bucket_passes_or_is_not_concerned() -> None:
    """The sample of a sound bucket breaks no rule."""
    assert {result.verdict for result in evaluate(RULES, bucket())} == {Verdict.PASS, Verdict.NOT_APPLICABLE}
