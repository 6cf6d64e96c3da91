"""The buckets that CloudTrail trails deliver to: who cleans up after himself begins there.

A bucket is one if a trail of any guarded account delivers to it, as the trails say that were read; a bucket whose own
account's trails could not be read may be one, too. For a bucket that is missing or strange, its trail is judged.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from s3warden.detect.advice import BLOCK_RESOURCE, BLOCK_STEPS, SHOWS_BLOCK, bucket_resource
from s3warden.detect.exposed import HINTS, NEEDS
from s3warden.detect.mappings import TRAIL_LOGGING, TRAIL_PUBLIC
from s3warden.detect.rule import (
    Check,
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
from s3warden.detect.rules import exposure
from s3warden.detect.rules.trails import receives_trail
from s3warden.detect.samples import DENIED, account_with, allow, bucket, by_policy, unguarded
from s3warden.detect.service_samples import TRAIL_BUCKET, feeds, here, trail, trails
from s3warden.model.bucket import ABSENT, Aspect, Present, Reading, Regional, State, unreadable_parts
from s3warden.model.configuration import Logging, Versioning
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.references import Destination, Destinations, Reference, Standing, Use
from s3warden.model.rule import Category, RuleInfo
from s3warden.model.storage import Lifecycle, LifecycleRule, ObjectLock
from s3warden.model.trails import Trail, Trails

_ROLE = frozenset({Aspect.REFERRERS})
_OWN_TRAILS = frozenset({Aspect.TRAILS})
_NO_TRAIL = not_applicable("No trail delivers to the bucket.", proven=True)
_FEEDS = feeds("example-data")
_NOBODY = {Aspect.REFERRERS: ABSENT}
_FIND = """\
aws cloudtrail describe-trails --query "trailList[?S3BucketName=='{bucket}'].TrailARN"
# Expect: the trails that deliver there, as far as they are this account's.
"""


def _of_trail(check: Check) -> Check:
    """The check of a bucket that a trail delivers to; whether one does hangs on the account's own trails, too."""

    def judge(state: State, options: RuleOptions) -> Judgement:
        if receives_trail(state):
            return check(state, options)
        # Raises where they could not be listed: then it is not known that none of them delivers here.
        configured(state, Aspect.TRAILS, Trails)
        return _NO_TRAIL

    return judge


def _public(state: State, options: RuleOptions) -> Judgement:
    """Open to anyone, or to anyone with an AWS account."""
    judgement = exposure.PUBLIC.check(state, options)
    return judgement if judgement.verdict is not Verdict.PASS else exposure.AUTHENTICATED.check(state, options)


def _logged(state: State, _options: RuleOptions) -> Judgement:
    logging = configured(state, Aspect.LOGGING, Logging)
    if logging is None:
        return fails("Requests to the bucket that holds a trail are not logged.", {"logging": "off"})
    return passes(f"Requests are logged to {logging.target_bucket}.")


def _mfa_delete(state: State, _options: RuleOptions) -> Judgement:
    versioning = configured(state, Aspect.VERSIONING, Versioning)
    if versioning is not None and versioning.mfa_delete:
        return passes("Versions of the trail's files are deleted with MFA only.")
    if configured(state, Aspect.LIFECYCLE, Lifecycle) is not None:
        return not_applicable("The bucket has a lifecycle, which S3 does not let go together with MFA delete.")
    details = {"mfa_delete": "off", "versioning": versioning.status if versioning else "never on"}
    return fails("The trail's files can be deleted for good without MFA.", details)


def _locked(state: State, _options: RuleOptions) -> Judgement:
    lock = configured(state, Aspect.OBJECT_LOCK, ObjectLock)
    if lock is None:
        return fails("The trail's files are not locked.", {"object_lock": "off"})
    if lock.mode is None:
        return fails("Object Lock is on, and nothing is locked by default.", {"default_retention": "none"})
    return passes(f"The trail's files are locked by default ({lock.mode}).")


def _own(state: State) -> tuple[Trail, ...]:
    """The trails that belong to the account, each once. Those of the organisation are judged with their owner."""
    listed = configured(state, Aspect.TRAILS, Regional)
    every = [] if listed is None else [each for value in listed.known(Trails) for each in value.trails]
    mine = {each.arn: each for each in every if each.owner == state.ref.account}
    return tuple(mine[arn] for arn in sorted(mine))


def _designated(state: State, options: RuleOptions) -> Judgement:
    if not options.trail_buckets:
        return not_applicable("The settings name no buckets that trails should deliver to.")
    own = _own(state)
    strange = {each.name: each.bucket for each in own if not _is_designated(each.bucket, options)}
    if strange:
        return fails(f"Trails deliver to other buckets than intended: {', '.join(strange)}.", strange)
    # What a trail selects, and whether it records, has no part in this.
    return passes("Every trail delivers to a bucket that is meant for it.", proven=_all_listed(state))


def _is_designated(name: str, options: RuleOptions) -> bool:
    return any(fnmatchcase(name, glob) for glob in options.trail_buckets)


def _delivered(state: State, options: RuleOptions) -> Judgement:
    own = _own(state)
    if not own:
        return not_applicable("The account has no trail of its own.", proven=_all_listed(state))
    outside = configured(state, Aspect.OUTSIDE_NAMES, Destinations)
    names = {each.name: each.standing for each in outside.used_as(Use.TRAIL)} if outside is not None else {}
    missing = {each.name: each.bucket for each in own if _is_missing(names.get(each.bucket))}
    if missing:
        details = {f"trail {name}": target for name, target in missing.items()}
        return fails(f"The bucket of a trail does not exist: {', '.join(missing.values())}.", details)
    refused = {each.name: error for each in own if (error := _error(each))}
    if refused:
        details = {f"trail {name}": error for name, error in refused.items()}
        return fails(f"CloudTrail cannot deliver: {', '.join(refused)}.", details, severity=Severity.HIGH)
    strange = {each.name: each.bucket for each in own if _is_strange(each.bucket, names.get(each.bucket), options)}
    if strange:
        details = {f"trail {name}": target for name, target in strange.items()}
        text = f"A trail delivers to a bucket of no guarded account: {', '.join(strange.values())}."
        return fails(text, details, severity=Severity.MEDIUM)
    sure = _all_listed(state) and all(isinstance(each.status, Present) for each in own)
    known = not unreadable_parts(state.reading(Aspect.OUTSIDE_NAMES))
    return passes("Every trail delivers to a bucket that is ours.", proven=sure and known)


def _all_listed(state: State) -> bool:
    """Whether the trails of all regions could be listed."""
    return all(isinstance(reading, Present) for _, reading in configured(state, Aspect.TRAILS, Regional) or ())


def _is_missing(standing: Reading[Standing] | None) -> bool:
    return isinstance(standing, Present) and not standing.value.exists


def _is_strange(name: str, standing: Reading[Standing] | None, options: RuleOptions) -> bool:
    if not isinstance(standing, Present) or _is_designated(name, options):
        return False
    return standing.value.owner not in options.trusted_accounts


def _error(each: Trail) -> str:
    logging = isinstance(each.status, Present) and each.status.value.logging
    return each.status.value.delivery_error if logging and isinstance(each.status, Present) else ""


_BLOCK_CLI = """\
aws s3api put-public-access-block --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --public-access-block-configuration \\
  BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true"""
NOT_PUBLIC = Rule(
    RuleInfo(
        id="bucket-trail-not-public",
        title="The bucket that holds a CloudTrail trail is public",
        severity=Severity.CRITICAL,
        category=Category.EXPOSURE,
        needs=NEEDS | _ROLE,
        hints=HINTS | _OWN_TRAILS,
        why=(
            "The trail names every principal, role and resource, which is a map for whoever breaks in. "
            "A trail that strangers can write to or delete from proves nothing any more."
        ),
        cli=_BLOCK_CLI,
        terraform="""\
resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = "{bucket}"
  block_public_acls       = true
  ignore_public_acls      = true
  block_public_policy     = true
  restrict_public_buckets = true
}""",
        console=BLOCK_STEPS,
        cloudformation=BLOCK_RESOURCE,
        verify=f"{_FIND}{SHOWS_BLOCK}",
        maps=maps(
            {
                **TRAIL_PUBLIC,
                Framework.SECURITY_HUB: "CloudTrail.6",
                Framework.CONFIG: "cloudtrail-s3-bucket-public-access-prohibited",
                Framework.CONFORMITY: "CT-003",
                Framework.CLOUDSPLOIT: "cloudtrailBucketPrivate",
                Framework.PROWLER: "cloudtrail_logs_s3_bucket_is_not_publicly_accessible",
            }
        ),
        default=True,
        references=("https://docs.aws.amazon.com/awscloudtrail/latest/userguide/best-practices-security.html",),
    ),
    Kind.BUCKET,
    _of_trail(_public),
    (
        Example("private", bucket({Aspect.REFERRERS: _FEEDS}), Verdict.PASS),
        Example(
            "public by its policy",
            unguarded({Aspect.REFERRERS: _FEEDS, **by_policy(allow())}),
            Verdict.FAIL,
            live=True,
        ),
        Example("no trail", unguarded({**_NOBODY, **by_policy(allow())}), Verdict.NOT_APPLICABLE),
        Example("the trails are unreadable", bucket({**_NOBODY, Aspect.TRAILS: here(DENIED)}), Verdict.UNKNOWN),
        Example(
            "the ACL is unreadable",
            unguarded({Aspect.REFERRERS: _FEEDS, Aspect.ACL: DENIED}),
            Verdict.UNKNOWN,
        ),
    ),
)
LOGGED = Rule(
    RuleInfo(
        id="bucket-trail-access-logging",
        title="Requests to the bucket that holds a trail are not logged",
        severity=Severity.MEDIUM,
        category=Category.LOGGING,
        needs=frozenset({Aspect.LOGGING}) | _ROLE,
        hints=_OWN_TRAILS,
        why=(
            "Whoever reads or removes the trail leaves no trace, since CloudTrail should not record its own bucket. "
            "Server access logs do, and have no such loop."
        ),
        cli="""\
# Set LOG_BUCKET first: same account and region, another one than this, with a policy that admits S3's log delivery.
aws s3api put-bucket-logging --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --bucket-logging-status \\
  "{\\"LoggingEnabled\\":{\\"TargetBucket\\":\\"${LOG_BUCKET:?}\\",\\"TargetPrefix\\":\\"{bucket}/\\"}}\"""",
        terraform="""\
resource "aws_s3_bucket_logging" "this" {
  bucket        = "{bucket}"
  target_bucket = var.log_bucket
  target_prefix = "{bucket}/"
}""",
        console="""\
Open Amazon S3, Buckets, {bucket}, Properties, Server access logging: Edit.
Choose Enable and browse to a log bucket of the same account and region, not this one.
Choose Save changes.""",
        cloudformation=bucket_resource("""\
LoggingConfiguration:
  DestinationBucketName: log-bucket
  LogFilePrefix: "{bucket}/\""""),
        verify=f"""\
{_FIND}aws s3api get-bucket-logging --bucket {{bucket}} --region {{region}} --expected-bucket-owner {{account}}
# Expect: LoggingEnabled with TargetBucket.""",
        maps=maps(
            {
                **TRAIL_LOGGING,
                Framework.SECURITY_HUB: "CloudTrail.7",
                Framework.CONFORMITY: "CT-002",
                Framework.CLOUDSPLOIT: "cloudtrailBucketAccessLogging",
                Framework.PROWLER: "cloudtrail_logs_s3_bucket_access_logging_enabled",
            }
        ),
        default=False,
        references=("https://docs.aws.amazon.com/awscloudtrail/latest/userguide/best-practices-security.html",),
    ),
    Kind.BUCKET,
    _of_trail(_logged),
    (
        Example("logged", bucket({Aspect.REFERRERS: _FEEDS}), Verdict.PASS),
        Example("off", bucket({Aspect.REFERRERS: _FEEDS, Aspect.LOGGING: ABSENT}), Verdict.FAIL),
        Example("no trail", bucket({**_NOBODY, Aspect.LOGGING: ABSENT}), Verdict.NOT_APPLICABLE),
        Example("unreadable", bucket({Aspect.REFERRERS: _FEEDS, Aspect.LOGGING: DENIED}), Verdict.UNKNOWN),
    ),
)
MFA_DELETE = Rule(
    RuleInfo(
        id="bucket-trail-mfa-delete",
        title="The bucket that holds a trail has MFA delete off",
        severity=Severity.MEDIUM,
        category=Category.RESILIENCE,
        needs=frozenset({Aspect.VERSIONING}) | _ROLE,
        hints=frozenset({Aspect.LIFECYCLE}) | _OWN_TRAILS,
        why=(
            "Who covers his tracks deletes the trail's files, and with the right keys no one asks him for more. "
            "MFA delete asks the root user for a token; Object Lock does the same work with less trouble."
        ),
        cli="""\
# As the root user of {account}, with its MFA device; no lifecycle may be set:
aws s3api put-bucket-versioning --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --versioning-configuration Status=Enabled,MFADelete=Enabled --mfa "${DEVICE_ARN:?} ${CODE:?}\"""",
        terraform="""\
# Only the root user with an MFA token can turn it on; afterwards, so that Terraform does not turn it off:
resource "aws_s3_bucket_versioning" "this" {
  bucket = "{bucket}"
  versioning_configuration {
    status     = "Enabled"
    mfa_delete = "Enabled"
  }
  mfa = var.device_and_code
}""",
        console="MFA delete cannot be turned on in the console: use the call of the CLI as the root user.",
        cloudformation="# Not in CloudFormation: only the root user with an MFA token can turn it on.",
        verify=f"""\
{_FIND}aws s3api get-bucket-versioning --bucket {{bucket}} --region {{region}} --expected-bucket-owner {{account}}
# Expect: MFADelete Enabled.""",
        maps=maps(
            {
                Framework.CIS_2_0: "2.1.2",
                Framework.NIS2: "11.7.2",
                Framework.CONFORMITY: "CT-004",
                Framework.CLOUDSPLOIT: "cloudtrailBucketDelete",
                Framework.PROWLER: "cloudtrail_bucket_requires_mfa_delete",
            }
        ),
        default=False,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiFactorAuthenticationDelete.html",),
    ),
    Kind.BUCKET,
    _of_trail(_mfa_delete),
    (
        Example(
            "on",
            bucket({Aspect.REFERRERS: _FEEDS, Aspect.VERSIONING: Present(Versioning("Enabled", mfa_delete=True))}),
            Verdict.PASS,
        ),
        Example("off", bucket({Aspect.REFERRERS: _FEEDS, Aspect.LIFECYCLE: ABSENT}), Verdict.FAIL),
        Example(
            "a lifecycle, which excludes it",
            bucket(
                {
                    Aspect.REFERRERS: _FEEDS,
                    Aspect.LIFECYCLE: Present(Lifecycle((LifecycleRule(enabled=True, expires_after=400),))),
                }
            ),
            Verdict.NOT_APPLICABLE,
        ),
        Example("no trail", bucket(_NOBODY), Verdict.NOT_APPLICABLE),
        Example("unreadable", bucket({Aspect.REFERRERS: _FEEDS, Aspect.VERSIONING: DENIED}), Verdict.UNKNOWN),
    ),
)
LOCKED = Rule(
    RuleInfo(
        id="bucket-trail-object-lock",
        title="The bucket that holds a trail does not lock its files",
        severity=Severity.MEDIUM,
        category=Category.RESILIENCE,
        needs=frozenset({Aspect.OBJECT_LOCK}) | _ROLE,
        hints=_OWN_TRAILS,
        why=(
            "Whoever may delete objects can remove the proof of what he did. "
            "A default retention keeps each file of the trail for a time that nobody can cut short."
        ),
        cli="""\
# Not to be undone: in COMPLIANCE mode nobody can delete a file before its time. Choose days and mode with care.
aws s3api put-object-lock-configuration --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --object-lock-configuration \\
  '{"ObjectLockEnabled":"Enabled","Rule":{"DefaultRetention":{"Mode":"GOVERNANCE","Days":365}}}'""",
        terraform="""\
resource "aws_s3_bucket_object_lock_configuration" "this" {
  bucket = "{bucket}"
  rule {
    default_retention {
      mode = "GOVERNANCE"
      days = 365
    }
  }
}""",
        console="""\
Open Amazon S3, Buckets, {bucket}, Properties, Object Lock: Edit.
Choose Enable, a default retention mode and a period, then Save changes.""",
        cloudformation=bucket_resource("""\
ObjectLockEnabled: true
ObjectLockConfiguration:
  ObjectLockEnabled: Enabled
  Rule: {DefaultRetention: {Mode: GOVERNANCE, Days: 365}}"""),
        verify=f"""\
{_FIND}aws s3api get-object-lock-configuration --bucket {{bucket}} --region {{region}} \\
  --expected-bucket-owner {{account}}
# Expect: Enabled, with a DefaultRetention.""",
        maps=maps({Framework.CLOUDSPLOIT: "cloudtrailObjectLock"}),
        default=False,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html",),
    ),
    Kind.BUCKET,
    _of_trail(_locked),
    (
        Example(
            "locked by default",
            bucket({Aspect.REFERRERS: _FEEDS, Aspect.OBJECT_LOCK: Present(ObjectLock("GOVERNANCE", 365))}),
            Verdict.PASS,
        ),
        Example("off", bucket({Aspect.REFERRERS: _FEEDS, Aspect.OBJECT_LOCK: ABSENT}), Verdict.FAIL),
        Example(
            "on, with nothing locked by default",
            bucket({Aspect.REFERRERS: _FEEDS, Aspect.OBJECT_LOCK: Present(ObjectLock())}),
            Verdict.FAIL,
        ),
        Example("no trail", bucket(_NOBODY), Verdict.NOT_APPLICABLE),
        Example("unreadable", bucket({Aspect.REFERRERS: _FEEDS, Aspect.OBJECT_LOCK: DENIED}), Verdict.UNKNOWN),
    ),
)
_OPTIONS = RuleOptions(trail_buckets=("example-*",))
_UPDATE = """\
# In account {account}; the bucket's policy has to admit CloudTrail:
aws cloudtrail update-trail --name "${TRAIL:?}" --s3-bucket-name "${TRAIL_BUCKET:?}\""""
_UPDATE_TERRAFORM = """\
# In aws_cloudtrail:
s3_bucket_name = var.trail_bucket"""
_UPDATE_CONSOLE = """\
Open CloudTrail, Trails in account {account}, the trail that is named, General details: Edit.
Choose the storage location that is meant for it, then Save changes."""
_UPDATE_CLOUDFORMATION = """\
# With the name of the bucket that is meant for it:
Trail:
  Type: AWS::CloudTrail::Trail
  Properties:
    IsLogging: true
    S3BucketName: trail-bucket"""
DESIGNATED = Rule(
    RuleInfo(
        id="account-trail-bucket-designated",
        title="A trail delivers to another bucket than it should",
        severity=Severity.MEDIUM,
        category=Category.LOGGING,
        needs=_OWN_TRAILS,
        why=(
            "A trail that delivers elsewhere is missing where people look for it. "
            "To redirect a trail is a quiet way of taking the evidence away."
        ),
        cli=_UPDATE,
        terraform=_UPDATE_TERRAFORM,
        console=_UPDATE_CONSOLE,
        cloudformation=_UPDATE_CLOUDFORMATION,
        verify="""\
aws cloudtrail describe-trails --query "trailList[].[Name,S3BucketName]"
# Expect: for each trail a bucket that is meant for it.""",
        maps=maps({Framework.CONFORMITY: "CT-014", Framework.CLOUDSPLOIT: "cloudtrailS3Bucket"}),
        default=False,
        references=(
            "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-create-and-update-a-trail.html",
        ),
    ),
    Kind.ACCOUNT,
    _designated,
    (
        Example("as intended", account_with({Aspect.TRAILS: trails(trail())}), Verdict.PASS, options=_OPTIONS),
        Example(
            "elsewhere",
            account_with({Aspect.TRAILS: trails(trail(bucket="someones-bucket"))}),
            Verdict.FAIL,
            options=_OPTIONS,
        ),
        Example(
            "its selectors do not matter",
            account_with({Aspect.TRAILS: trails(trail(DENIED))}),
            Verdict.PASS,
            options=_OPTIONS,
        ),
        Example("nothing is asked for", account_with({Aspect.TRAILS: trails(trail())}), Verdict.NOT_APPLICABLE),
        Example("unreadable", account_with({Aspect.TRAILS: here(DENIED)}), Verdict.UNKNOWN, options=_OPTIONS),
    ),
)


def _outside(standing: Reading[Standing]) -> dict[Aspect, Reading[object]]:
    reference = Reference(Use.TRAIL, TRAIL_BUCKET, "111122223333", "main")
    found = Destinations((Destination(TRAIL_BUCKET, (reference,), standing),))
    return {Aspect.TRAILS: trails(trail()), Aspect.OUTSIDE_NAMES: Present(found)}


def _inside(each: Trail) -> dict[Aspect, Reading[object]]:
    return {Aspect.TRAILS: trails(each), Aspect.OUTSIDE_NAMES: ABSENT}


def _examples() -> Iterator[Example]:
    stranger = Present(Standing(TRAIL_BUCKET, exists=True))
    yield Example("our own bucket", account_with(_inside(trail())), Verdict.PASS)
    yield Example("meant for it", account_with(_outside(stranger)), Verdict.PASS, options=_OPTIONS)
    yield Example("missing", account_with(_outside(Present(Standing(TRAIL_BUCKET, exists=False)))), Verdict.FAIL)
    yield Example("refused", account_with(_inside(trail(error="AccessDenied"))), Verdict.FAIL, severity=Severity.HIGH)
    yield Example("somebody's", account_with(_outside(stranger)), Verdict.FAIL, severity=Severity.MEDIUM)
    yield Example(
        "no trail", account_with({Aspect.TRAILS: trails(), Aspect.OUTSIDE_NAMES: ABSENT}), Verdict.NOT_APPLICABLE
    )
    yield Example("the bucket's owner is unreadable", account_with(_outside(DENIED)), Verdict.UNKNOWN)
    yield Example("its selectors do not matter", account_with(_inside(trail(DENIED))), Verdict.PASS)
    yield Example("the status is unreadable", account_with(_inside(trail(status=DENIED))), Verdict.UNKNOWN)


MISSING = Rule(
    RuleInfo(
        id="account-trail-bucket-missing",
        title="A trail delivers to a bucket that is missing, refuses or is not ours",
        severity=Severity.CRITICAL,
        category=Category.LOGGING,
        needs=frozenset({Aspect.TRAILS, Aspect.OUTSIDE_NAMES}),
        why=(
            "What happens is recorded nowhere while the bucket is missing or refuses CloudTrail. "
            "Whoever registers the missing name gets the trail from then on, and can read all that the account does."
        ),
        cli=f"""\
# If the bucket is missing, make it again at once, before somebody else does:
aws s3api create-bucket --bucket "${{TRAIL_BUCKET:?}}" --region "${{REGION:?}}" \\
  --create-bucket-configuration "LocationConstraint=${{REGION:?}}"
# Or let the trail deliver to a bucket that is ours:
{_UPDATE}""",
        terraform=_UPDATE_TERRAFORM,
        console=_UPDATE_CONSOLE,
        cloudformation=_UPDATE_CLOUDFORMATION,
        verify="""\
aws cloudtrail get-trail-status --name "${TRAIL:?}" --query LatestDeliveryError
# Expect: null, after the next delivery.
aws s3api head-bucket --bucket "${TRAIL_BUCKET:?}" --expected-bucket-owner "${OWNER:?}"
# Expect: no error.""",
        maps=maps({Framework.CONFORMITY: "CT-011", Framework.CLOUDSPLOIT: "cloudtrailDeliveryFailing"}),
        default=True,
        references=(
            "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html",
        ),
    ),
    Kind.ACCOUNT,
    _delivered,
    tuple(_examples()),
)

RULES = (NOT_PUBLIC, MISSING, LOGGED, MFA_DELETE, LOCKED, DESIGNATED)
