"""Lifecycle rules: that old data, old versions and unfinished uploads end some day."""

from s3warden.detect.advice import LIFECYCLE_STEPS, adds_lifecycle, bucket_resource, shows_setting
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
from s3warden.detect.samples import DENIED, bucket
from s3warden.model.bucket import ABSENT, Aspect, Present, State
from s3warden.model.configuration import Versioning
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo
from s3warden.model.storage import Lifecycle, LifecycleRule, Selection, Transition

_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
_NONE = Lifecycle(())
_NEEDS = frozenset({Aspect.LIFECYCLE})
_VERSIONED = frozenset({Aspect.LIFECYCLE, Aspect.VERSIONING})
_UNVERSIONED = not_applicable("The bucket never had versioning, so there are no old versions.")
_ABORT = '{"ID":"unfinished","Status":"Enabled","Filter":{},"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":7}}'
_NONCURRENT = '{"ID":"old","Status":"Enabled","Filter":{},"NoncurrentVersionExpiration":{"NoncurrentDays":90}}'
_MARKERS = '{"ID":"markers","Status":"Enabled","Filter":{},"Expiration":{"ExpiredObjectDeleteMarker":true}}'


def _terraform(name: str, body: str) -> str:
    return f"""\
# Together with the rules that are there: the resource owns all lifecycle rules of the bucket.
resource "aws_s3_bucket_lifecycle_configuration" "this" {{
  bucket = "{{bucket}}"
  rule {{
    id     = "{name}"
    status = "Enabled"
    filter {{}}
    {body}
  }}
}}"""


def _cloudformation(name: str, body: str) -> str:
    return bucket_resource(f"LifecycleConfiguration:\n  Rules:\n    - Id: {name}\n      Status: Enabled\n      {body}")


def _acting(state: State) -> tuple[LifecycleRule, ...]:
    return (configured(state, Aspect.LIFECYCLE, Lifecycle) or _NONE).acting


def _any(state: State, _options: RuleOptions) -> Judgement:
    found = configured(state, Aspect.LIFECYCLE, Lifecycle)
    if found is None:
        return fails("The bucket has no lifecycle rules.", {"lifecycle": "none"})
    if not found.acting:
        return fails("None of the lifecycle rules does anything.", {"lifecycle": f"{len(found.rules)} without effect"})
    return passes("Lifecycle rules are at work.")


def _noncurrent(state: State, _options: RuleOptions) -> Judgement:
    acting = _acting(state)
    if configured(state, Aspect.VERSIONING, Versioning) is None:
        return _UNVERSIONED
    if any(rule.noncurrent_days is not None or rule.noncurrent_transitions for rule in acting):
        return passes("Old versions end or move by lifecycle rules.")
    return fails("Old versions are kept and paid for without end.", {"noncurrent_versions": "no rule"})


def _unfinished(state: State, options: RuleOptions) -> Judgement:
    limit = options.abort_uploads_days
    aborting = [(rule.aborts_after, rule.selection.everything) for rule in _acting(state)]
    whole = [days for days, everything in aborting if days is not None and everything]
    if whole and min(whole) <= limit:
        return passes(f"Unfinished uploads end after {min(whole)} days.")
    parts = any(days is not None for days, _ in aborting)
    told = f"after {min(whole)} days" if whole else "of a part of the bucket" if parts else "never"
    return fails(f"Unfinished uploads do not end everywhere within {limit} days.", {"aborted": told})


def _markers(state: State, _options: RuleOptions) -> Judgement:
    acting = _acting(state)
    if configured(state, Aspect.VERSIONING, Versioning) is None:
        return _UNVERSIONED
    if not any(rule.noncurrent_days is not None for rule in acting):
        return not_applicable("No lifecycle rule ends old versions, so none leaves a delete marker alone.")
    # An expiry in days removes such markers by itself, once they are old enough.
    if any(rule.expired_delete_markers or rule.expires_after is not None for rule in acting):
        return passes("Delete markers without versions are removed.")
    return fails("Delete markers stay when the last old version has ended.", {"expired_delete_markers": "kept"})


def _with(*rules: LifecycleRule) -> Present[Lifecycle]:
    return Present(Lifecycle(rules))


_EXPIRY = LifecycleRule(enabled=True, expires_after=365)
_OLD = LifecycleRule(enabled=True, noncurrent_days=90)
_UNREADABLE = bucket({Aspect.LIFECYCLE: DENIED})
_EMPTY = bucket({Aspect.LIFECYCLE: ABSENT})

LIFECYCLE = Rule(
    RuleInfo(
        id="bucket-lifecycle",
        title="No lifecycle rule is at work",
        severity=Severity.LOW,
        category=Category.GOVERNANCE,
        needs=_NEEDS,
        why=(
            "Data that nobody needs any more is paid for and can still leak. "
            "A lifecycle rule moves or ends it when its time has come."
        ),
        cli=adds_lifecycle(_ABORT),
        terraform=_terraform("unfinished", "abort_incomplete_multipart_upload { days_after_initiation = 7 }"),
        console=LIFECYCLE_STEPS % "Tick what should happen to the objects, and after how many days",
        cloudformation=_cloudformation("unfinished", "AbortIncompleteMultipartUpload:\n        DaysAfterInitiation: 7"),
        verify=shows_setting("get-bucket-lifecycle-configuration", 'a rule with "Status": "Enabled" and an action'),
        maps=maps(
            {
                Framework.CONFORMITY: "S3-020",
                Framework.SECURITY_HUB: "S3.13",
                Framework.CONFIG: "s3-lifecycle-policy-check",
                Framework.CUSTODIAN: "configure-lifecycle",
                Framework.PROWLER: "s3_bucket_lifecycle_enabled",
                Framework.CLOUDSPLOIT: "bucketLifecycleConfiguration",
                Framework.PCI_3_2_1: "3.1, 3.2, 10.7",
                Framework.PCI_4_0: "10.5.1, 3.2.1, 3.3.1.1, 3.3.1.3, 3.3.2, 3.3.3",
                Framework.ISO_27001: "A.8.10",
                Framework.NIS2: "12.2.2.a",
            }
        ),
        default=False,
        references=(f"{_GUIDE}object-lifecycle-mgmt.html",),
    ),
    Kind.BUCKET,
    _any,
    (
        Example("an expiry", bucket({Aspect.LIFECYCLE: _with(_EXPIRY)}), Verdict.PASS),
        Example("none", _EMPTY, Verdict.FAIL),
        Example(
            "switched off",
            bucket({Aspect.LIFECYCLE: _with(LifecycleRule(enabled=False, expires_after=1))}),
            Verdict.FAIL,
        ),
        Example(
            "a rule without an action", bucket({Aspect.LIFECYCLE: _with(LifecycleRule(enabled=True))}), Verdict.FAIL
        ),
        Example("unreadable", _UNREADABLE, Verdict.UNKNOWN),
    ),
)

NONCURRENT = Rule(
    RuleInfo(
        id="bucket-lifecycle-noncurrent",
        title="Old versions are kept without end",
        severity=Severity.MEDIUM,
        category=Category.GOVERNANCE,
        needs=_VERSIONED,
        why=(
            "In a versioned bucket each change leaves a version that costs, and may hold what was to be deleted. "
            "A lifecycle rule ends or moves old versions."
        ),
        cli=adds_lifecycle(_NONCURRENT),
        terraform=_terraform("old", "noncurrent_version_expiration { noncurrent_days = 90 }"),
        console=LIFECYCLE_STEPS % "Tick Permanently delete noncurrent versions of objects, and set the days",
        cloudformation=_cloudformation("old", "NoncurrentVersionExpiration:\n        NoncurrentDays: 90"),
        verify=shows_setting("get-bucket-lifecycle-configuration", "a rule with NoncurrentVersionExpiration"),
        maps=maps(
            {
                Framework.SECURITY_HUB: "S3.10",
                Framework.CONFIG: "s3-version-lifecycle-policy-check",
                Framework.CLOUDSPLOIT: "versionedBucketsLC",
            }
        ),
        default=False,
        references=(f"{_GUIDE}lifecycle-configuration-examples.html",),
    ),
    Kind.BUCKET,
    _noncurrent,
    (
        Example("old versions end", bucket({Aspect.LIFECYCLE: _with(_OLD)}), Verdict.PASS),
        Example(
            "old versions move",
            bucket(
                {
                    Aspect.LIFECYCLE: _with(
                        LifecycleRule(enabled=True, noncurrent_transitions=(Transition("GLACIER", 30),))
                    )
                }
            ),
            Verdict.PASS,
        ),
        Example("current versions alone", bucket({Aspect.LIFECYCLE: _with(_EXPIRY)}), Verdict.FAIL),
        Example("no rules", _EMPTY, Verdict.FAIL),
        Example(
            "suspended versioning keeps versions",
            bucket({Aspect.LIFECYCLE: ABSENT, Aspect.VERSIONING: Present(Versioning("Suspended"))}),
            Verdict.FAIL,
        ),
        Example("no versions", bucket({Aspect.VERSIONING: ABSENT}), Verdict.NOT_APPLICABLE),
        Example("unreadable", _UNREADABLE, Verdict.UNKNOWN),
    ),
)

UNFINISHED_UPLOADS = Rule(
    RuleInfo(
        id="bucket-abort-incomplete-mpu",
        title="Unfinished uploads are kept without end",
        severity=Severity.LOW,
        category=Category.GOVERNANCE,
        needs=_NEEDS,
        why=(
            "The parts of an upload that broke off are in no listing, and are paid for until somebody aborts it. "
            "A rule for the whole bucket aborts such uploads after a few days."
        ),
        cli=adds_lifecycle(_ABORT),
        terraform=_terraform("unfinished", "abort_incomplete_multipart_upload { days_after_initiation = 7 }"),
        console=LIFECYCLE_STEPS
        % "Tick Delete expired object delete markers or incomplete multipart uploads, and set 7 days",
        cloudformation=_cloudformation("unfinished", "AbortIncompleteMultipartUpload:\n        DaysAfterInitiation: 7"),
        verify=shows_setting("get-bucket-lifecycle-configuration", "AbortIncompleteMultipartUpload for all objects"),
        maps=(),
        default=True,
        references=(f"{_GUIDE}mpu-abort-incomplete-mpu-lifecycle-config.html",),
    ),
    Kind.BUCKET,
    _unfinished,
    (
        Example(
            "after a week, everywhere",
            bucket({Aspect.LIFECYCLE: _with(LifecycleRule(enabled=True, aborts_after=7))}),
            Verdict.PASS,
        ),
        Example(
            "too late",
            bucket({Aspect.LIFECYCLE: _with(LifecycleRule(enabled=True, aborts_after=30))}),
            Verdict.FAIL,
        ),
        Example(
            "late, as agreed",
            bucket({Aspect.LIFECYCLE: _with(LifecycleRule(enabled=True, aborts_after=30))}),
            Verdict.PASS,
            options=RuleOptions(abort_uploads_days=30),
        ),
        Example(
            "of a part of the bucket",
            bucket({Aspect.LIFECYCLE: _with(LifecycleRule(enabled=True, selection=Selection("a/"), aborts_after=1))}),
            Verdict.FAIL,
        ),
        Example("no rules", _EMPTY, Verdict.FAIL),
        Example("unreadable", _UNREADABLE, Verdict.UNKNOWN),
    ),
)

DELETE_MARKERS = Rule(
    RuleInfo(
        id="bucket-expired-delete-markers",
        title="Delete markers stay after the last version has ended",
        severity=Severity.INFO,
        category=Category.GOVERNANCE,
        needs=_VERSIONED,
        why=(
            "Markers of objects that are long gone make listings slow and the bucket hard to empty. "
            "A lifecycle rule can remove them; one that ends current versions after days does so by itself."
        ),
        cli=adds_lifecycle(_MARKERS),
        terraform=_terraform("markers", "expiration { expired_object_delete_marker = true }"),
        console=LIFECYCLE_STEPS
        % "Tick Delete expired object delete markers or incomplete multipart uploads, then Delete expired object "
        "delete markers",
        cloudformation=_cloudformation("markers", "ExpiredObjectDeleteMarker: true"),
        verify=shows_setting("get-bucket-lifecycle-configuration", '"ExpiredObjectDeleteMarker": true'),
        maps=(),
        default=False,
        references=(f"{_GUIDE}lifecycle-configuration-examples.html",),
    ),
    Kind.BUCKET,
    _markers,
    (
        Example(
            "removed",
            bucket({Aspect.LIFECYCLE: _with(_OLD, LifecycleRule(enabled=True, expired_delete_markers=True))}),
            Verdict.PASS,
        ),
        Example("removed with what ends after days", bucket({Aspect.LIFECYCLE: _with(_OLD, _EXPIRY)}), Verdict.PASS),
        Example("left alone", bucket({Aspect.LIFECYCLE: _with(_OLD)}), Verdict.FAIL),
        Example("old versions are kept", bucket({Aspect.LIFECYCLE: _with(_EXPIRY)}), Verdict.NOT_APPLICABLE),
        Example("no versions", bucket({Aspect.VERSIONING: ABSENT}), Verdict.NOT_APPLICABLE),
        Example("unreadable", _UNREADABLE, Verdict.UNKNOWN),
    ),
)

RULES = (LIFECYCLE, NONCURRENT, UNFINISHED_UPLOADS, DELETE_MARKERS)
