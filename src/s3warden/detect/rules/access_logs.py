"""How access logs are set up where they are on: not into the bucket itself, under agreed keys, read by nobody else."""

from typing import Any

from s3warden.detect.advice import OWN, bucket_resource, property_steps, shows_setting
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
from s3warden.detect.samples import ACCOUNT, BUCKET, DENIED, bucket
from s3warden.model.bucket import ABSENT, Aspect, BucketRef, Present, State
from s3warden.model.configuration import (
    ALL_USERS,
    AUTHENTICATED_USERS,
    LOG_DELIVERY,
    Grant,
    GranteeKind,
    Logging,
)
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo

_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
_LOGGING = frozenset({Aspect.LOGGING})
_OFF = not_applicable("Access logs are off: another rule tells.")
_GROUPS = {ALL_USERS: "everyone", AUTHENTICATED_USERS: "any AWS account"}
_LOG_TO = f"""\
# Set LOG_BUCKET first: same account and region, with a policy that admits S3's log delivery.
aws s3api put-bucket-logging {OWN} \\
  --bucket-logging-status \\
  "{{\\"LoggingEnabled\\":{{\\"TargetBucket\\":\\"${{LOG_BUCKET:?}}\\",\\"TargetPrefix\\":\\"{{bucket}}/\\"}}}}\""""
_TERRAFORM = """\
resource "aws_s3_bucket_logging" "this" {
  bucket        = "{bucket}"
  target_bucket = var.log_bucket
  target_prefix = "{bucket}/"
}"""
_CLOUDFORMATION = bucket_resource("""\
LoggingConfiguration:
  DestinationBucketName: log-bucket
  LogFilePrefix: "{bucket}/\"""")


def _self(state: State, _options: RuleOptions) -> Judgement:
    logging = configured(state, Aspect.LOGGING, Logging)
    if logging is None:
        return _OFF
    if logging.target_bucket == str(state.ref):
        return fails("The bucket logs into itself: each log makes another one.", {"target": logging.target_bucket})
    return passes(f"The logs go to another bucket, {logging.target_bucket}.")


def _keys(state: State, options: RuleOptions) -> Judgement:
    if options.log_prefix is None and options.log_key_format is None:
        return not_applicable("The settings ask for no prefix and no key format of logs.")
    logging = configured(state, Aspect.LOGGING, Logging)
    if logging is None:
        return _OFF
    details: dict[str, str] = {}
    prefix = None if options.log_prefix is None else _filled(options.log_prefix, state)
    if prefix not in (None, logging.target_prefix):
        details["prefix"] = f"{logging.target_prefix or 'none'}, not {prefix}"
    if options.log_key_format not in (None, logging.key_format):
        details["key_format"] = f"{logging.key_format}, not {options.log_key_format}"
    if details:
        return fails(f"The logs are not where they are looked for: {', '.join(details.values())}.", details)
    return passes("The logs have the agreed keys.")


def _filled(template: str, state: State) -> str:
    ref = state.ref
    region = ref.region if isinstance(ref, BucketRef) else ""
    return template.replace("{bucket}", str(ref)).replace("{account}", ref.account).replace("{region}", region)


def _grants(state: State, options: RuleOptions) -> Judgement:
    logging = configured(state, Aspect.LOGGING, Logging)
    if logging is None:
        return _OFF
    meant = {LOG_DELIVERY, *options.trusted_canonical_ids}
    others = [grant for grant in logging.grants if grant.grantee not in meant]
    if not others:
        return passes("The logs are given to nobody by grant who is not trusted.")
    public = [grant for grant in others if grant.grantee in _GROUPS]
    names = ", ".join(sorted({_GROUPS.get(grant.grantee, grant.grantee) for grant in public or others}))
    facts = {"grantees": names, "permissions": ", ".join(sorted({grant.permission for grant in others}))}
    severity = Severity.HIGH if public else None
    return fails(f"Every access log is delivered with a grant to {names}.", facts, severity=severity)


def _logging(target: str = "example-logs", **more: Any) -> Present[object]:
    return Present(Logging(target, **{"target_prefix": f"{BUCKET}/", **more}))


def _given(grantee: str, kind: GranteeKind = GranteeKind.CANONICAL_USER) -> Present[object]:
    return _logging(grants=(Grant(kind, grantee, "READ"),))


_UNREADABLE = bucket({Aspect.LOGGING: DENIED})
_NOT_LOGGED = bucket({Aspect.LOGGING: ABSENT})
_PREFIX = RuleOptions(log_prefix="{account}/{region}/{bucket}/")
_BY_DAY = RuleOptions(log_key_format="EventTime")

TARGET_SELF = Rule(
    RuleInfo(
        id="bucket-log-target-self",
        title="The bucket writes its access logs into itself",
        severity=Severity.MEDIUM,
        category=Category.LOGGING,
        needs=_LOGGING,
        why=(
            "Each delivered log is a request that is logged again, so the bucket grows without end. "
            "Whoever can delete objects in the bucket can delete the traces of it too."
        ),
        cli=_LOG_TO,
        terraform=_TERRAFORM,
        console=property_steps("Server access logging", "Browse to a log bucket of the same account and region."),
        cloudformation=_CLOUDFORMATION,
        verify=shows_setting("get-bucket-logging", "a TargetBucket other than {bucket}"),
        maps=maps({Framework.CUSTODIAN: "is-log-target"}),
        default=False,
        references=(f"{_GUIDE}ServerLogs.html",),
    ),
    Kind.BUCKET,
    _self,
    (
        Example("logged to another bucket", bucket(), Verdict.PASS),
        Example("logged to itself", bucket({Aspect.LOGGING: _logging(BUCKET)}), Verdict.FAIL),
        Example("not logged", _NOT_LOGGED, Verdict.NOT_APPLICABLE),
        Example("unreadable", _UNREADABLE, Verdict.UNKNOWN),
    ),
)

TARGET_PREFIX = Rule(
    RuleInfo(
        id="bucket-log-target-prefix",
        title="Access logs have other keys than agreed",
        severity=Severity.INFO,
        category=Category.LOGGING,
        needs=_LOGGING,
        why=(
            "Whatever reads the logs finds them by their keys, so a log under another prefix is read by nobody. "
            "The settings say what the prefix and the format of the keys are."
        ),
        cli=_LOG_TO,
        terraform=_TERRAFORM,
        console=property_steps("Server access logging", "Set Destination prefix and Log object key format as agreed."),
        cloudformation=_CLOUDFORMATION,
        verify=shows_setting("get-bucket-logging", "TargetPrefix and TargetObjectKeyFormat as agreed"),
        maps=maps({Framework.CUSTODIAN: "bucket-logging", Framework.CONFIG: "s3-bucket-logging-enabled"}),
        default=False,
        references=(f"{_GUIDE}ServerLogs.html",),
    ),
    Kind.BUCKET,
    _keys,
    (
        Example(
            "the agreed prefix",
            bucket({Aspect.LOGGING: _logging(target_prefix=f"{ACCOUNT.account}/eu-west-1/{BUCKET}/")}),
            Verdict.PASS,
            options=_PREFIX,
        ),
        Example("another prefix", bucket(), Verdict.FAIL, options=_PREFIX),
        Example("no dates in the keys", bucket(), Verdict.FAIL, options=_BY_DAY),
        Example("dates", bucket({Aspect.LOGGING: _logging(key_format="EventTime")}), Verdict.PASS, options=_BY_DAY),
        Example("nothing asked for", bucket(), Verdict.NOT_APPLICABLE),
        Example("not logged", _NOT_LOGGED, Verdict.NOT_APPLICABLE, options=_BY_DAY),
        Example("unreadable", _UNREADABLE, Verdict.UNKNOWN, options=_BY_DAY),
    ),
    by_name=lambda options: options.log_prefix is not None,
)

TARGET_GRANTS = Rule(
    RuleInfo(
        id="bucket-log-target-grants",
        title="Access logs are delivered with grants to others",
        severity=Severity.MEDIUM,
        category=Category.LOGGING,
        needs=_LOGGING,
        why=(
            "Each log object carries its own ACL, so outsiders read who accessed what whatever the log bucket allows. "
            "The logs name keys, addresses and identities."
        ),
        cli=_LOG_TO,
        terraform=_TERRAFORM,
        console="""\
The console shows no grants of log delivery: set the target anew without them.
Open Amazon S3, Buckets, {bucket}, Properties, Server access logging: Edit.
Choose Disable and Save changes, then Enable with the same destination, and Save changes.""",
        cloudformation=_CLOUDFORMATION,
        verify=shows_setting("get-bucket-logging", "no TargetGrants"),
        maps=(),
        default=False,
        references=(f"{_GUIDE}enable-server-access-logging.html",),
    ),
    Kind.BUCKET,
    _grants,
    (
        Example("no grants", bucket(), Verdict.PASS),
        Example("log delivery itself", bucket({Aspect.LOGGING: _given(LOG_DELIVERY, GranteeKind.GROUP)}), Verdict.PASS),
        Example("another account", bucket({Aspect.LOGGING: _given("79a59df9")}), Verdict.FAIL),
        Example(
            "a trusted account",
            bucket({Aspect.LOGGING: _given("79a59df9")}),
            Verdict.PASS,
            options=RuleOptions(trusted_canonical_ids=("79a59df9",)),
        ),
        Example(
            "everyone",
            bucket({Aspect.LOGGING: _given(ALL_USERS, GranteeKind.GROUP)}),
            Verdict.FAIL,
            severity=Severity.HIGH,
        ),
        Example("not logged", _NOT_LOGGED, Verdict.NOT_APPLICABLE),
        Example("unreadable", _UNREADABLE, Verdict.UNKNOWN),
    ),
)

RULES = (TARGET_SELF, TARGET_PREFIX, TARGET_GRANTS)
