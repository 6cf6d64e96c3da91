"""Buckets that receive access logs: who reads them knows who read what, and how long they are kept decides what can
still be found out.

Which buckets receive logs is known from those that send them: the sources that were read. Trails have rules of their
own.
"""

from s3warden.detect import proofs
from s3warden.detect.advice import BLOCK_RESOURCE, BLOCK_STEPS, SHOWS_BLOCK, bucket_resource
from s3warden.detect.exposed import HINTS, NEEDS, analysed, inputs_of
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
    undecided,
)
from s3warden.detect.samples import DENIED, allow, bucket, by_policy
from s3warden.detect.surroundings import reference, referrers
from s3warden.model.bucket import ABSENT, NOT_READ, Aspect, BucketState, Present, State
from s3warden.model.configuration import Versioning
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.references import Reference, References, Use, described
from s3warden.model.rule import Category, RuleInfo
from s3warden.model.storage import Lifecycle, LifecycleRule, ObjectLock

_NO_LOGS = "No bucket that is known sends its access logs here."


def _sources(state: State) -> tuple[Reference, ...]:
    pointing = configured(state, Aspect.REFERRERS, References)
    return () if pointing is None else pointing.used_as(Use.ACCESS_LOGS)


def _public(state: State, options: RuleOptions) -> Judgement:
    sources, inputs = _sources(state), inputs_of(state, options)
    if not sources:
        return not_applicable(_NO_LOGS)
    found = analysed(inputs)
    if found.public is None:
        return undecided("It cannot be decided whether the logs are public.", proofs.doubts(found))
    if not found.public:
        return passes("The logs that the bucket receives are not public.")
    facts = {"logs": described(sources), "request": proofs.request(found.witnesses[0])}
    return fails(f"Anybody can reach the logs that the bucket receives: {facts['logs']}.", facts, live=True)


def _kept(state: State, options: RuleOptions) -> Judgement:
    sources = _sources(state)
    lifecycle = configured(state, Aspect.LIFECYCLE, Lifecycle)
    versioning = configured(state, Aspect.VERSIONING, Versioning)
    lock = configured(state, Aspect.OBJECT_LOCK, ObjectLock)
    if not sources:
        return not_applicable(_NO_LOGS)
    least = options.log_retention_days
    rules = lifecycle.acting if lifecycle is not None else ()
    short = [rule.expires_after for rule in rules if rule.expires_after is not None and rule.expires_after < least]
    if short:
        facts = {"expires_after_days": str(min(short)), "least": str(least), "logs": described(sources)}
        return fails(f"Access logs are deleted after {min(short)} days; {least} are asked for.", facts)
    if lock is None and (versioning is None or versioning.status != "Enabled"):
        facts = {"versioning": "off" if versioning is None else versioning.status, "object_lock": "off"}
        summary = "Whoever can write to the bucket can overwrite the logs in it: it has no versions and no lock."
        return fails(summary, facts, severity=Severity.LOW)
    return passes(f"Access logs are kept for {least} days at least, and what is overwritten is, too.")


_FROM = referrers(reference(Use.ACCESS_LOGS, "example-data", "example-web"))
_TRAIL = referrers(reference(Use.TRAIL, "example-data", "arn:aws:cloudtrail:eu-west-1:111122223333:trail/example"))
_OPEN = {Aspect.PUBLIC_ACCESS_BLOCK: ABSENT, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: ABSENT, **by_policy(allow())}


def _receiving(*rules: LifecycleRule, versions: bool = True, lock: bool = True) -> BucketState:
    """A bucket that receives logs."""
    return bucket(
        {
            Aspect.REFERRERS: _FROM,
            Aspect.LIFECYCLE: Present(Lifecycle(rules)) if rules else ABSENT,
            Aspect.VERSIONING: Present(Versioning("Enabled" if versions else "Suspended")),
            Aspect.OBJECT_LOCK: Present(ObjectLock()) if lock else ABSENT,
        }
    )


NOT_PUBLIC = Rule(
    RuleInfo(
        id="bucket-log-bucket-not-public",
        title="Access logs of other buckets are public",
        severity=Severity.CRITICAL,
        category=Category.EXPOSURE,
        needs=NEEDS | {Aspect.REFERRERS},
        hints=HINTS,
        why=(
            "Access logs hold keys, addresses and names of those who asked, of every bucket that logs here. "
            "Nobody is meant to read them but those who look into what happened."
        ),
        cli="""\
aws s3api put-public-access-block --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --public-access-block-configuration \\
  BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true""",
        terraform="""\
resource "aws_s3_bucket_public_access_block" "logs" {
  bucket                  = "{bucket}"
  block_public_acls       = true
  ignore_public_acls      = true
  block_public_policy     = true
  restrict_public_buckets = true
}""",
        console=BLOCK_STEPS,
        cloudformation=BLOCK_RESOURCE,
        verify=SHOWS_BLOCK,
        maps=maps({Framework.CUSTODIAN: "is-log-target"}),
        default=True,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html",),
    ),
    Kind.BUCKET,
    _public,
    (
        Example("a receiver of logs", bucket({Aspect.REFERRERS: _FROM}), Verdict.PASS),
        Example("no receiver", bucket(_OPEN), Verdict.NOT_APPLICABLE),
        Example(
            "of a trail, which has its own rule", bucket({**_OPEN, Aspect.REFERRERS: _TRAIL}), Verdict.NOT_APPLICABLE
        ),
        Example("public", bucket({**_OPEN, Aspect.REFERRERS: _FROM}), Verdict.FAIL, live=True),
        Example("policy unreadable", bucket({Aspect.REFERRERS: _FROM, Aspect.POLICY: DENIED}), Verdict.UNKNOWN),
        Example("what points here is not known", bucket({Aspect.REFERRERS: NOT_READ}), Verdict.UNKNOWN),
    ),
)
RETENTION = Rule(
    RuleInfo(
        id="bucket-log-bucket-retention",
        title="Access logs are deleted early or can be overwritten",
        severity=Severity.MEDIUM,
        category=Category.LOGGING,
        needs=frozenset({Aspect.REFERRERS, Aspect.LIFECYCLE, Aspect.VERSIONING, Aspect.OBJECT_LOCK}),
        why=(
            "Breaches are found months after they began; what the logs no longer hold cannot be answered. "
            "Without versions or a lock, who got in can write his own history."
        ),
        cli="""\
aws s3api put-bucket-versioning --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --versioning-configuration Status=Enabled
# In the lifecycle rules, raise Expiration.Days; the call replaces all rules, so send the others along:
aws s3api get-bucket-lifecycle-configuration --bucket {bucket} --region {region} > lifecycle.json
aws s3api put-bucket-lifecycle-configuration --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --lifecycle-configuration file://lifecycle.json""",
        terraform="""\
# In the aws_s3_bucket_lifecycle_configuration of {bucket}:
expiration {
  days = 365
}""",
        console="""\
Open Amazon S3, Buckets, {bucket}, Management, Lifecycle rules: the rule that expires logs, Edit.
Raise the number of days and Save.
Choose Properties, Bucket Versioning, Edit, Enable, Save changes.""",
        cloudformation=bucket_resource("""\
VersioningConfiguration:
  Status: Enabled
LifecycleConfiguration:
  Rules:
    - Status: Enabled
      ExpirationInDays: 365"""),
        verify="""\
aws s3api get-bucket-lifecycle-configuration --bucket {bucket} --region {region} --expected-bucket-owner {account}
# Expect: no rule that expires current versions before the days that you ask for.""",
        maps=maps({Framework.CLOUDSPLOIT: "cloudtrailObjectLock", Framework.PCI_4_0: "10.5.1"}),
        default=False,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html",),
    ),
    Kind.BUCKET,
    _kept,
    (
        Example("kept for ever", _receiving(), Verdict.PASS),
        Example("kept for a year", _receiving(LifecycleRule(enabled=True, expires_after=365)), Verdict.PASS),
        Example("deleted after a month", _receiving(LifecycleRule(enabled=True, expires_after=30)), Verdict.FAIL),
        Example("a rule that is off", _receiving(LifecycleRule(enabled=False, expires_after=30)), Verdict.PASS),
        Example(
            "a month is enough",
            _receiving(LifecycleRule(enabled=True, expires_after=30)),
            Verdict.PASS,
            RuleOptions(log_retention_days=30),
        ),
        Example("no versions and no lock", _receiving(versions=False, lock=False), Verdict.FAIL, severity=Severity.LOW),
        Example("no receiver", bucket(), Verdict.NOT_APPLICABLE),
        Example("lifecycle unreadable", bucket({Aspect.REFERRERS: _FROM, Aspect.LIFECYCLE: DENIED}), Verdict.UNKNOWN),
    ),
)

RULES = (NOT_PUBLIC, RETENTION)
