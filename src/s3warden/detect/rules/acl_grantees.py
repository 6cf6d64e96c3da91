"""ACL grants to accounts by canonical id, and to the group of S3's log delivery.

Grants to everyone are another module's matter. An explicit Deny in the bucket policy is not looked at, so a grant may
be reported that the policy takes back, never the other way round. While ACLs are disabled no grant has any effect.
"""

from fnmatch import fnmatchcase

from s3warden.detect import proofs
from s3warden.detect.advice import NO_ACLS_RESOURCE, policy_resource
from s3warden.detect.effective import ENFORCED, ownership
from s3warden.detect.questions import document
from s3warden.detect.rule import (
    Example,
    Judgement,
    Kind,
    Rule,
    RuleOptions,
    configured,
    fails,
    not_applicable,
    passes,
)
from s3warden.detect.samples import ACCOUNT, DENIED, OWNER, OWNER_GRANT, allow, bucket, granting, policy, service
from s3warden.model.bucket import ABSENT, Aspect, BucketState, Present, Reading, State
from s3warden.model.configuration import Acl, Grant, GranteeKind, Ownership, Policy
from s3warden.model.finding import Severity, Verdict
from s3warden.model.references import Reference, References, Use
from s3warden.model.rule import Category, RuleInfo

AWS_IDS = {
    # CloudFront's delivery of standard logs; the second one in China. Source: "Configure standard logging (legacy)",
    # CloudFront developer guide, and its edition for China.
    "c4c1ede66af53448b93c283ce9448c4ba468c9432aa01d700d3878632f77d2d0": "CloudFront log delivery",
    "a52cb28745c0c06e84ec548334e44bfa7fc2a85c54af20cd59e4969344b7af56": "CloudFront log delivery",
}
"""Canonical ids of AWS itself, which delivers to buckets by ACL."""

_LOG_DELIVERY = "/s3/LogDelivery"
_LOGGING = "logging.s3."
_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html"
_LOGS_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html"
_SHOWS = """\
aws s3api get-bucket-acl --bucket {bucket} --region {region} --expected-bucket-owner {account} --query Grants
# Expect: %s."""
_STEPS = """\
Open Amazon S3, Buckets, {bucket}, Permissions, Access control list (ACL): Edit.
%s
Choose Save changes."""


def _without(chosen: str) -> str:
    """The AWS CLI command that writes the ACL back without the grants that the JMESPath term `chosen` picks."""
    return (
        "aws s3api put-bucket-acl --bucket {bucket} --region {region} --expected-bucket-owner {account} \\\n"
        '  --access-control-policy "$(aws s3api get-bucket-acl --bucket {bucket} --region {region} \\\n'
        f'    --output json --query "{{Owner: Owner, Grants: Grants[?({chosen}) == \\`false\\`]}}")"'
    )


def _foreign(acl: Acl, trusted: tuple[str, ...]) -> list[Grant]:
    known = {acl.owner, *trusted, *AWS_IDS}
    return [grant for grant in acl.grants if grant.kind is not GranteeKind.GROUP and grant.grantee not in known]


def _check_foreign(state: State, options: RuleOptions) -> Judgement:
    acl = configured(state, Aspect.ACL, Acl)
    found = _foreign(acl, options.trusted_canonical_ids) if acl is not None else []
    if not found:
        return passes("The ACL grants nothing to accounts that are not trusted.")
    if ownership(state) == ENFORCED:
        return passes(f"The ACL grants something to other accounts, without effect: ownership {ENFORCED}.")
    facts = {
        "grantees": proofs.some(list(dict.fromkeys(grant.grantee for grant in found))),
        "permissions": ", ".join(sorted({grant.permission for grant in found})),
        "ownership": ownership(state),
    }
    # Who reads the ACL alone learns who may do what, but neither lists nor changes anything.
    lesser = Severity.MEDIUM if all(grant.permission == "READ_ACP" for grant in found) else None
    return fails(f"The ACL grants {facts['permissions']} to other accounts.", facts, severity=lesser)


def _delivers(state: State) -> list[str]:
    """The permissions that the ACL gives to S3's log delivery."""
    acl = configured(state, Aspect.ACL, Acl)
    grants = acl.grants if acl is not None else ()
    return sorted({grant.permission for grant in grants if grant.grantee.endswith(_LOG_DELIVERY)})


def _logged_here(state: State, options: RuleOptions) -> list[str]:
    """Whose access logs arrive in the bucket, the operator's own word included."""
    named = [glob for glob in options.log_buckets if fnmatchcase(str(state.ref), glob)]
    found = configured(state, Aspect.REFERRERS, References)
    return [*named, *(each.holder for each in (found.used_as(Use.ACCESS_LOGS) if found is not None else ()))]


def _named(options: RuleOptions) -> bool:
    return bool(options.log_buckets)


def _check_source(state: State, options: RuleOptions) -> Judgement:
    given = _delivers(state)
    if not given:
        return passes("The ACL grants nothing to log delivery.")
    if ownership(state) == ENFORCED:
        return passes(f"The ACL grants something to log delivery, without effect: ownership {ENFORCED}.")
    logged = _logged_here(state, options)
    if logged:
        return passes(f"Access logs of {proofs.some(logged)} arrive here.")
    return fails(
        "Log delivery may write here, and nobody's access logs are known to arrive.", {"permissions": ", ".join(given)}
    )


def _check_delivery(state: State, options: RuleOptions) -> Judgement:
    logged = _logged_here(state, options)
    if not logged:
        return not_applicable("Nobody's access logs are known to arrive here.")
    given = _delivers(state)
    if "WRITE" not in given and "FULL_CONTROL" not in given:
        return passes("Log delivery needs no ACL grant here.")
    own = configured(state, Aspect.POLICY, Policy)
    if own is not None and _admitted(own.text):
        return passes("The bucket policy admits log delivery; the ACL grant is not needed.")
    return fails(
        f"Access logs of {proofs.some(logged)} arrive by an ACL grant alone.",
        {"permissions": ", ".join(given), "logs_of": proofs.some(logged)},
    )


def _admitted(text: str) -> bool:
    """Whether the policy speaks to log delivery as AWS advises: an Allow to the service."""
    allowed = (s for s in document(text).statements if s.effect == "Allow" and not s.principals.negated)
    return any(name.startswith(_LOGGING) for statement in allowed for name in statement.principals.service)


_PARTNER = Grant(GranteeKind.CANONICAL_USER, "f" * 64, "READ")
_GROUP = "http://acs.example/groups" + _LOG_DELIVERY
_ENABLED: dict[Aspect, Reading[object]] = {Aspect.OWNERSHIP: Present(Ownership("BucketOwnerPreferred"))}
_LOGS_HERE = Present(References((Reference(Use.ACCESS_LOGS, "example-data", ACCOUNT.account, "example-source"),)))


def _with(*grants: Grant, **readings: Reading[object]) -> BucketState:
    more = {Aspect(name): reading for name, reading in readings.items()}
    return bucket({**_ENABLED, Aspect.ACL: Present(Acl(OWNER, (OWNER_GRANT, *grants))), **more})


def _delivering(**readings: Reading[object]) -> BucketState:
    more = {Aspect(name): reading for name, reading in readings.items()}
    return bucket({**_ENABLED, Aspect.ACL: granting((_GROUP, "WRITE"), (_GROUP, "READ_ACP")), **more})


_BY_POLICY = policy(allow({"Service": service("logging.s3")}, "s3:PutObject"))
FOREIGN = Rule(
    RuleInfo(
        id="bucket-acl-external-grantee",
        title="The ACL grants access to another account",
        severity=Severity.HIGH,
        category=Category.ACCESS,
        needs=frozenset({Aspect.ACL, Aspect.OWNERSHIP}),
        why=(
            "A canonical id in the ACL is another account, and nothing in the policy shows that it has access. "
            "Such grants outlive the partners and tools that they were made for."
        ),
        cli="""\
# The ids that stay; add those that are trusted, with spaces between:
KEEP="$(aws s3api get-bucket-acl --bucket {bucket} --region {region} --query Owner.ID --output text)"
aws s3api put-bucket-acl --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --access-control-policy "$(aws s3api get-bucket-acl --bucket {bucket} --region {region} \\
    --output json --query "{Owner: Owner, Grants: Grants[?contains('$KEEP', not_null(Grantee.ID, ''))]}")\"""",
        terraform="""\
# In place of a `grant` to another account:
resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = "{bucket}"
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}""",
        console=_STEPS % "Under Access for other AWS accounts, remove the ids that need no access.",
        cloudformation=NO_ACLS_RESOURCE,
        verify=_SHOWS % "no ID but the owner's, those of rules.trusted_canonical_ids and AWS's own",
        maps=(),
        default=True,
        references=(_GUIDE, "https://docs.aws.amazon.com/AmazonS3/latest/userguide/finding-canonical-user-id.html"),
    ),
    Kind.BUCKET,
    _check_foreign,
    (
        Example("the owner alone", _with(), Verdict.PASS),
        Example("another account", _with(_PARTNER), Verdict.FAIL),
        Example(
            "another account, to look at the ACL",
            _with(Grant(GranteeKind.CANONICAL_USER, "f" * 64, "READ_ACP")),
            Verdict.FAIL,
            severity=Severity.MEDIUM,
        ),
        Example("one that is trusted", _with(_PARTNER), Verdict.PASS, RuleOptions(trusted_canonical_ids=("f" * 64,))),
        Example(
            "CloudFront's log delivery",
            _with(*(Grant(GranteeKind.CANONICAL_USER, name, "FULL_CONTROL") for name in AWS_IDS)),
            Verdict.PASS,
        ),
        Example("ACLs are disabled", _with(_PARTNER, ownership=Present(Ownership(ENFORCED))), Verdict.PASS),
        Example("ownership is unreadable", _with(_PARTNER, ownership=DENIED), Verdict.UNKNOWN),
        Example("the ACL is unreadable", _with(acl=DENIED), Verdict.UNKNOWN),
    ),
)
SOURCE = Rule(
    RuleInfo(
        id="bucket-acl-log-delivery-on-source",
        title="Log delivery may write to a bucket that receives no logs",
        severity=Severity.LOW,
        category=Category.ACCESS,
        needs=frozenset({Aspect.ACL, Aspect.OWNERSHIP, Aspect.REFERRERS}),
        why=(
            "The ACL lets S3's log delivery write here, and no bucket that is known sends its access logs. "
            "Anyone in the account may then point a bucket's logs at this one."
        ),
        cli=_without(f"ends_with(not_null(Grantee.URI, ''), '{_LOG_DELIVERY}')"),
        terraform="""\
# In place of `acl = "log-delivery-write"`:
resource "aws_s3_bucket_acl" "this" {
  bucket = "{bucket}"
  acl    = "private"
}""",
        console=_STEPS % "In the row S3 log delivery group, clear every box.",
        cloudformation=NO_ACLS_RESOURCE,
        verify=_SHOWS % "no Grantee with a URI that ends with LogDelivery",
        maps=(),
        default=False,
        references=(_LOGS_GUIDE, _GUIDE),
    ),
    Kind.BUCKET,
    _check_source,
    (
        Example("no such grant", _with(), Verdict.PASS),
        Example("logs arrive", _delivering(referrers=_LOGS_HERE), Verdict.PASS),
        Example(
            "the settings say that logs arrive",
            _delivering(referrers=ABSENT),
            Verdict.PASS,
            RuleOptions(log_buckets=("example-*",)),
        ),
        Example("ACLs are disabled", _delivering(ownership=Present(Ownership(ENFORCED))), Verdict.PASS),
        Example("no logs arrive", _delivering(referrers=ABSENT), Verdict.FAIL),
        Example("whether logs arrive is not known", _delivering(referrers=DENIED), Verdict.UNKNOWN),
        Example("the ACL is unreadable", _with(acl=DENIED), Verdict.UNKNOWN),
    ),
    by_name=_named,
)
DELIVERY = Rule(
    RuleInfo(
        id="bucket-log-target-acl-delivery",
        title="Access logs arrive by an ACL grant, not by the policy",
        severity=Severity.LOW,
        category=Category.LOGGING,
        needs=frozenset({Aspect.ACL, Aspect.POLICY, Aspect.REFERRERS}),
        why=(
            "While an ACL grant is the only way for logs to arrive, ACLs cannot be disabled here. "
            "Who disables them all the same stops the logs of every bucket that sends them."
        ),
        cli="""\
aws s3api get-bucket-policy --bucket {bucket} --region {region} --query Policy --output text > {bucket}.json \\
  || echo '{"Version":"2012-10-17","Statement":[]}' > {bucket}.json
# In {bucket}.json, allow s3:PutObject to the service logging.s3 for the account {account}, then:
aws s3api put-bucket-policy --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --policy file://{bucket}.json""",
        terraform="""\
# In an aws_iam_policy_document for aws_s3_bucket_policy of {bucket}:
statement {
  actions   = ["s3:PutObject"]
  resources = ["arn:{partition}:s3:::{bucket}/*"]
  principals {
    type        = "Service"
    identifiers = ["logging.s3.${data.aws_partition.current.dns_suffix}"]
  }
  condition {
    test     = "StringEquals"
    variable = "aws:SourceAccount"
    values   = ["{account}"]
  }
}""",
        console="""\
Open Amazon S3, Buckets, {bucket}, Permissions, Bucket policy: Edit.
Add a statement that allows s3:PutObject to log delivery for this account.
Choose Save changes. Once logs arrive, clear the boxes of S3 log delivery group in the ACL.""",
        cloudformation=policy_resource(
            f"""\
- Sid: AccessLogs
  Effect: Allow
  Principal:
    Service: {service("logging.s3")}
  Action: s3:PutObject
  Resource: arn:{{partition}}:s3:::{{bucket}}/*
  Condition:
    StringEquals:
      aws:SourceAccount: "{{account}}\""""
        ),
        verify="""\
aws s3api get-bucket-policy --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --query Policy --output text
# Expect: an Allow of s3:PutObject to the service logging.s3.""",
        maps=(),
        default=False,
        references=(_LOGS_GUIDE,),
    ),
    Kind.BUCKET,
    _check_delivery,
    (
        Example("by the policy", _delivering(referrers=_LOGS_HERE, policy=_BY_POLICY), Verdict.PASS),
        Example("no grant", _with(referrers=_LOGS_HERE), Verdict.PASS),
        Example("by the ACL alone", _delivering(referrers=_LOGS_HERE), Verdict.FAIL),
        Example("by the ACL, without any policy", _delivering(referrers=_LOGS_HERE, policy=ABSENT), Verdict.FAIL),
        Example("no logs arrive", _delivering(referrers=ABSENT), Verdict.NOT_APPLICABLE),
        Example("the policy is unreadable", _delivering(referrers=_LOGS_HERE, policy=DENIED), Verdict.UNKNOWN),
    ),
    by_name=_named,
)

RULES = (FOREIGN, SOURCE, DELIVERY)
