"""Server access logging.

A bucket that receives access logs is usually not logged itself. One bucket's state does not tell that it is one, and a
hint that anyone may plant (an ACL grant, a tag) must not switch a rule off: the operator names such buckets.
"""

from fnmatch import fnmatchcase

from s3warden.detect.advice import bucket_resource
from s3warden.detect.mappings import LOGGING as STANDARDS
from s3warden.detect.recorded import Share
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
from s3warden.detect.rules.trails import recorded
from s3warden.detect.samples import DENIED, bucket
from s3warden.detect.service_samples import ALL_OBJECTS, here, trail, trails
from s3warden.model.bucket import ABSENT, Aspect, State
from s3warden.model.configuration import Logging
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo


def _check(state: State, options: RuleOptions) -> Judgement:
    name = str(state.ref)
    receives = next((glob for glob in options.log_buckets if fnmatchcase(name, glob)), None)
    if receives is not None:
        return not_applicable(f"The settings name the bucket as a receiver of logs ({receives}).")
    logging = configured(state, Aspect.LOGGING, Logging)
    if logging is None and options.object_events_log and _events_recorded(state):
        return passes("CloudTrail records all reads and writes of the bucket's objects.")
    if logging is None:
        return fails("Requests to the bucket are not logged.", {"logging": "off"})
    return passes(f"Requests are logged to {logging.target_bucket}.")


def _events_recorded(state: State) -> bool:
    return all(recorded(state, write=write) is Share.WHOLE for write in (True, False))


_EITHER = RuleOptions(object_events_log=True)
_OPTIONS = RuleOptions(log_buckets=("example-*-logs",))

ACCESS_LOGGING = Rule(
    RuleInfo(
        id="bucket-access-logging",
        title="Server access logging is off",
        severity=Severity.MEDIUM,
        category=Category.LOGGING,
        needs=frozenset({Aspect.LOGGING}),
        hints=frozenset({Aspect.TRAILS}),
        why=(
            "After an exposure nobody can tell from here who read what. "
            "CloudTrail's events on objects answer the same question, and count where the settings let them."
        ),
        cli="""\
# Set LOG_BUCKET first: same account and region, with a policy that admits S3's log delivery.
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
Choose Enable and browse to the log bucket, of the same account and region.
Choose Save changes; the console adds the statement for log delivery to the policy of the log bucket.""",
        cloudformation=bucket_resource("""\
LoggingConfiguration:
  DestinationBucketName: log-bucket
  LogFilePrefix: "{bucket}/\""""),
        verify="""\
aws s3api get-bucket-logging --bucket {bucket} --region {region} --expected-bucket-owner {account}
# Expect: LoggingEnabled with TargetBucket. The first logs come within hours:
aws s3api list-objects-v2 --bucket "${LOG_BUCKET:?}" --prefix {bucket}/ --region {region} --max-keys 1
# Expect: a key.""",
        maps=maps(
            {
                **STANDARDS,
                Framework.CONFORMITY: "S3-011",
                Framework.SECURITY_HUB: "S3.9",
                Framework.CONFIG: "s3-bucket-logging-enabled",
                Framework.PROWLER: "s3_bucket_server_access_logging_enabled",
                Framework.CUSTODIAN: "bucket-logging",
                Framework.CLOUDSPLOIT: "bucketLogging",
            }
        ),
        default=True,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html",),
    ),
    Kind.BUCKET,
    _check,
    (
        Example("logged", bucket(), Verdict.PASS),
        Example("off", bucket({Aspect.LOGGING: ABSENT}), Verdict.FAIL),
        Example(
            "off, with events recorded in its place",
            bucket({Aspect.LOGGING: ABSENT, Aspect.TRAILS: trails(trail(ALL_OBJECTS))}),
            Verdict.PASS,
            options=_EITHER,
        ),
        Example(
            "off, and no events recorded either",
            bucket({Aspect.LOGGING: ABSENT, Aspect.TRAILS: trails(trail())}),
            Verdict.FAIL,
            options=_EITHER,
        ),
        Example(
            "off, and nobody knows what is recorded",
            bucket({Aspect.LOGGING: ABSENT, Aspect.TRAILS: here(DENIED)}),
            Verdict.UNKNOWN,
            options=_EITHER,
        ),
        Example(
            "a receiver of logs",
            bucket({Aspect.LOGGING: ABSENT}, name="example-eu-logs"),
            Verdict.NOT_APPLICABLE,
            options=_OPTIONS,
        ),
        Example("unreadable", bucket({Aspect.LOGGING: DENIED}), Verdict.UNKNOWN),
    ),
    by_name=lambda options: bool(options.log_buckets) or options.object_events_log,
)

RULES = (ACCESS_LOGGING,)
