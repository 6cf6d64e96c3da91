"""Where access logs go: whether they arrive there, and whether logging logs itself.

A setting of the target decides about the logs of its sources, so these rules judge a source by its target's readings.
What S3 asks of a target is in "Enabling Amazon S3 server access logging" of the S3 user guide.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from s3warden.detect.deliveries import LOGGING_SERVICE, Delivery, by_acl, decided, takes_all_alike
from s3warden.detect.exposure.concrete import Decision
from s3warden.detect.rule import (
    Example,
    Judgement,
    Kind,
    Rule,
    RuleOptions,
    UnreadableError,
    always,
    configured,
    fails,
    not_applicable,
    passes,
    undecided,
)
from s3warden.detect.samples import ACCOUNT, DENIED, OWNER, bucket, policy
from s3warden.detect.surroundings import log_target, named
from s3warden.model.bucket import (
    ABSENT,
    NOT_READ,
    Absent,
    Aspect,
    BucketRef,
    BucketState,
    Present,
    Reading,
    State,
    Unreadable,
)
from s3warden.model.configuration import (
    LOG_DELIVERY,
    Acl,
    Encryption,
    EncryptionRule,
    Grant,
    GranteeKind,
    Logging,
    Ownership,
    Policy,
    RequestPayment,
)
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.references import LogTarget
from s3warden.model.rule import Category, RuleInfo
from s3warden.model.storage import ObjectLock

T = TypeVar("T")
_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html"
_NO_LOGS = "Requests to the bucket are not logged: another rule tells."


class _Trouble(NamedTuple):
    """What keeps logs from arriving, in words, and the decisive fact."""

    summary: str
    fact: tuple[str, str]
    severity: Severity | None = None


def _valid(state: State, _options: RuleOptions) -> Judgement:
    logging = configured(state, Aspect.LOGGING, Logging)
    target = configured(state, Aspect.LOG_TARGET, LogTarget)
    if logging is None or target is None:
        return not_applicable(_NO_LOGS)
    known = dict(target.settings.items)
    troubles = list(_of_name(state, target)) or list(_of_settings(known))
    delivered = Decision.ALLOWED if troubles else _arrives(state, logging, known)
    if delivered is Decision.DENIED:
        troubles = [_Trouble("a Deny in its policy refuses log delivery", ("policy", "denies log delivery"))]
    elif delivered is Decision.NOT_GRANTED:
        troubles = [_Trouble("nothing lets log delivery write there", ("policy", "grants nothing to log delivery"))]
    if troubles:
        facts = {"target": target.name, **dict(trouble.fact for trouble in troubles)}
        told = "; ".join(trouble.summary for trouble in troubles)
        severity = max((t.severity for t in troubles if t.severity), key=lambda s: s.rank, default=None)
        return fails(f"Access logs do not arrive in {target.name}: {told}.", facts, severity=severity)
    if delivered is Decision.UNDECIDED:
        return undecided("Whether log delivery may write there cannot be decided.", {"target": target.name})
    return passes(f"Access logs can be delivered to {target.name}.")


def _of_name(state: State, target: LogTarget) -> Iterator[_Trouble]:
    if isinstance(target.standing, Unreadable):
        raise UnreadableError(Aspect.LOG_TARGET, target.standing)
    found = target.standing.value if isinstance(target.standing, Present) else None
    region = state.ref.region if isinstance(state.ref, BucketRef) else ""
    if found is None or not found.exists:
        yield _Trouble("no such bucket exists, and anybody may register the name", ("exists", "no"))
    elif found.owner != state.ref.account:
        owner = f"account {found.owner}" if found.owner else "another account"
        yield _Trouble(f"it belongs to {owner}", ("owner", owner))
    elif found.region not in (None, region):
        yield _Trouble(f"it is in {found.region}, the bucket in {region}", ("region", str(found.region)))


def _of_settings(known: Mapping[Aspect, Reading[object]]) -> Iterator[_Trouble]:
    lock = _value(known, Aspect.OBJECT_LOCK, ObjectLock)
    if lock is not None and lock.mode is not None:
        yield _Trouble("Object Lock locks what is written there by default", ("default_retention", lock.mode))
    payer = _value(known, Aspect.REQUEST_PAYMENT, RequestPayment)
    if payer is not None and payer.payer == "Requester":
        yield _Trouble("requesters pay there", ("payer", payer.payer))
    encryption = _value(known, Aspect.ENCRYPTION, Encryption)
    algorithms = [] if encryption is None else [rule.algorithm for rule in encryption.rules]
    if any(name.startswith("aws:kms") for name in algorithms):
        yield _Trouble("its default encryption is not SSE-S3", ("encryption", ", ".join(algorithms)))


def _arrives(state: State, logging: Logging, known: Mapping[Aspect, Reading[object]]) -> Decision:
    """Whether the policy lets log delivery in, or else the old grant of the ACL."""
    partition, account = state.ref.partition, state.ref.account
    source = state.ref.arn if isinstance(state.ref, BucketRef) else ""
    arn = f"arn:{partition}:s3:::{logging.target_bucket}"
    delivery = Delivery(LOGGING_SERVICE, arn, f"{logging.target_prefix}2026-01-01-00-00-00-EXAMPLE", account, source)
    found = decided(_reading(known, Aspect.POLICY, Policy), delivery)
    if found is not Decision.NOT_GRANTED:
        return found
    granted = by_acl(_reading(known, Aspect.ACL, Acl), _reading(known, Aspect.OWNERSHIP, Ownership))
    return Decision.UNDECIDED if granted is None else Decision.ALLOWED if granted else Decision.NOT_GRANTED


def _value(known: Mapping[Aspect, Reading[object]], aspect: Aspect, kind: type[T]) -> T | None:
    reading = _reading(known, aspect, kind)
    return reading.value if isinstance(reading, Present) else None


def _reading(known: Mapping[Aspect, Reading[object]], aspect: Aspect, kind: type[T]) -> Reading[T]:
    """A reading of the target; what failed is told by the evaluation, since the aspect is partly unreadable then."""
    match known.get(aspect, NOT_READ):
        case Present(value=value) if isinstance(value, kind):
            return Present(value)
        case Present(value=value):
            raise TypeError(f"{aspect} is a {type(value).__name__}, not a {kind.__name__}")
        case other:
            return other


def _takes_all_alike(state: State, _options: RuleOptions) -> bool:
    """Whether the target looks neither at the bucket nor at the prefix, which mostly is the bucket's name."""
    match state.reading(Aspect.LOGGING), state.reading(Aspect.LOG_TARGET):
        case Absent(), _:
            return True
        case Present(value=Logging(target_bucket=name)), Present(value=LogTarget(settings=settings)):
            return takes_all_alike(dict(settings.items).get(Aspect.POLICY, NOT_READ), name)
    return False


def _chain(state: State, _options: RuleOptions) -> Judgement:
    logging = configured(state, Aspect.LOGGING, Logging)
    target = configured(state, Aspect.LOG_TARGET, LogTarget)
    if logging is None or target is None:
        return not_applicable(_NO_LOGS)
    onward = _value(dict(target.settings.items), Aspect.LOGGING, Logging)
    own = state.ref.name if isinstance(state.ref, BucketRef) else ""
    if target.name == own:
        return not_applicable("The bucket logs to itself: another rule tells.")
    if onward is not None and onward.target_bucket in {own, target.name}:
        facts = {"chain": f"{own} -> {target.name} -> {onward.target_bucket}"}
        return fails("Access logs are logged themselves, round and round.", facts)
    return passes(f"What is delivered to {target.name} is not logged in a circle.")


_TARGET_POLICY = """\
#   {{
#     "Sid": "AccessLogs", "Effect": "Allow",
#     "Principal": {{"Service": "{service}"}},
#     "Action": "s3:PutObject", "Resource": "arn:{{partition}}:s3:::LOG_BUCKET/*",
#     "Condition": {{"StringEquals": {{"aws:SourceAccount": "{{account}}"}}}}
#   }}"""
_CLI = f"""\
# Of the target named in LoggingEnabled: merge this statement into its policy, with its name for LOG_BUCKET:
{_TARGET_POLICY.format(service=LOGGING_SERVICE)}
# and give it SSE-S3, no default retention, and no Requester Pays. Or log to another bucket:
aws s3api put-bucket-logging --bucket {{bucket}} --region {{region}} --expected-bucket-owner {{account}} \\
  --bucket-logging-status \\
  "{{\\"LoggingEnabled\\":{{\\"TargetBucket\\":\\"${{LOG_BUCKET:?}}\\",\\"TargetPrefix\\":\\"{{bucket}}/\\"}}}}\""""
_VERIFY = """\
aws s3api get-bucket-logging --bucket {bucket} --region {region} --expected-bucket-owner {account}
aws s3api get-bucket-policy --bucket "${LOG_BUCKET:?}" --region {region} --expected-bucket-owner {account}
# Expect: a target in the same account and region whose policy lets log delivery put objects; logs within hours."""
_TERRAFORM = """\
# {bucket} logs to aws_s3_bucket.logs, which has no default retention and SSE-S3:
data "aws_iam_policy_document" "logs" {
  statement {
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.logs.arn}/*"]
    principals {
      type        = "Service"
      identifiers = ["logging.s3.${data.aws_partition.current.dns_suffix}"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = ["{account}"]
    }
  }
}"""
_CLOUDFORMATION = """\
# The target of the access logs of {bucket}:
LogBucketPolicy:
  Type: AWS::S3::BucketPolicy
  Properties:
    Bucket: !Ref LogBucket
    PolicyDocument:
      Version: "2012-10-17"
      Statement:
        - Sid: AccessLogs
          Effect: Allow
          Principal:
            Service: !Sub "logging.s3.${AWS::URLSuffix}"
          Action: s3:PutObject
          Resource: !Sub "${LogBucket.Arn}/*"
          Condition:
            StringEquals:
              aws:SourceAccount: "{account}\""""


def _on(changes: Mapping[Aspect, Reading[object]] | None = None, **more: Any) -> BucketState:
    """A bucket that logs to a target that differs so from a sound one."""
    return bucket({Aspect.LOG_TARGET: log_target(changes, **more)})


def _open(
    statement: Mapping[str, object] | None, *, grants: tuple[str, ...] = (), enforced: bool = True
) -> Mapping[Aspect, Reading[object]]:
    """A target with this statement as its policy, and these permissions for the log delivery group."""
    given = tuple(Grant(GranteeKind.GROUP, LOG_DELIVERY, permission) for permission in grants)
    return {
        Aspect.POLICY: ABSENT if statement is None else policy(statement),
        Aspect.ACL: Present(Acl(OWNER, given)),
        Aspect.OWNERSHIP: Present(Ownership("BucketOwnerEnforced" if enforced else "ObjectWriter")),
    }


def _deliver(effect: str = "Allow", principal: object = None, **condition: object) -> Mapping[str, object]:
    return {
        "Effect": effect,
        "Principal": {"Service": LOGGING_SERVICE} if principal is None else principal,
        "Action": "s3:PutObject",
        "Resource": f"arn:{ACCOUNT.partition}:s3:::example-logs/*",
        **({"Condition": condition} if condition else {}),
    }


_SOURCE = f"arn:{ACCOUNT.partition}:s3:::example-data"
_TO_ITSELF = bucket(
    {Aspect.LOGGING: Present(Logging("example-data")), Aspect.LOG_TARGET: log_target(name="example-data")}
)
_NO_LOGGING = bucket({Aspect.LOGGING: ABSENT, Aspect.LOG_TARGET: ABSENT})
VALID = Rule(
    RuleInfo(
        id="bucket-log-target-valid",
        title="Access logs do not arrive where they are sent",
        severity=Severity.HIGH,
        category=Category.LOGGING,
        needs=frozenset({Aspect.LOGGING, Aspect.LOG_TARGET}),
        why=(
            "Logging looks switched on, and nothing is written: S3 drops logs that it cannot deliver and tells nobody. "
            "A target that is gone can be registered by anybody, who then is sent who reads what."
        ),
        cli=_CLI,
        terraform=_TERRAFORM,
        console="""\
Open Amazon S3, Buckets, {bucket}, Properties, Server access logging: Edit.
Choose a target in the same account and region; the console adds the permission to its policy.
Of the target, see that default encryption is SSE-S3, and that Object Lock has no default retention.""",
        cloudformation=_CLOUDFORMATION,
        verify=_VERIFY,
        maps=maps({Framework.CONFIG: "s3-bucket-logging-enabled", Framework.CUSTODIAN: "bucket-logging"}),
        default=True,
        references=(_GUIDE,),
    ),
    Kind.BUCKET,
    _valid,
    (
        Example("a sound target", bucket(), Verdict.PASS),
        Example("not logged", _NO_LOGGING, Verdict.NOT_APPLICABLE),
        Example("a target that is gone", _on(standing=named("example-logs", exists=False), ours=False), Verdict.FAIL),
        Example("a stranger's", _on(standing=named("example-logs", owner=None), ours=False), Verdict.FAIL),
        Example("elsewhere", _on(standing=named("example-logs", region="us-east-1")), Verdict.FAIL),
        Example("locked by default", _on({Aspect.OBJECT_LOCK: Present(ObjectLock("GOVERNANCE", 30))}), Verdict.FAIL),
        Example("lockable but not by default", _on({Aspect.OBJECT_LOCK: Present(ObjectLock())}), Verdict.PASS),
        Example("requesters pay", _on({Aspect.REQUEST_PAYMENT: Present(RequestPayment("Requester"))}), Verdict.FAIL),
        Example("a KMS key", _on({Aspect.ENCRYPTION: Present(Encryption((EncryptionRule("aws:kms"),)))}), Verdict.FAIL),
        Example("no policy", _on(_open(None)), Verdict.FAIL),
        Example("the old grant", _on(_open(None, grants=("WRITE", "READ_ACP"), enforced=False)), Verdict.PASS),
        Example("the old grant without ACLs", _on(_open(None, grants=("WRITE", "READ_ACP"))), Verdict.FAIL),
        Example("for this bucket", _on(_open(_deliver(ArnLike={"aws:SourceArn": _SOURCE}))), Verdict.PASS),
        Example("for another bucket", _on(_open(_deliver(ArnLike={"aws:SourceArn": _SOURCE + "-2"}))), Verdict.FAIL),
        Example(
            "a Deny of all but an organisation",
            _on(
                {
                    Aspect.POLICY: policy(
                        _deliver(), _deliver("Deny", "*", StringNotEquals={"aws:PrincipalOrgID": "o-ourownorg1"})
                    )
                }
            ),
            Verdict.FAIL,
        ),
        Example(
            "a Deny that spares services",
            _on(
                {
                    Aspect.POLICY: policy(
                        _deliver(),
                        _deliver(
                            "Deny",
                            "*",
                            StringNotEquals={"aws:PrincipalOrgID": "o-ourownorg1"},
                            Bool={"aws:PrincipalIsAWSService": "false"},
                        ),
                    )
                }
            ),
            Verdict.PASS,
        ),
        Example("a policy that is none", _on({Aspect.POLICY: Present(Policy("{"))}), Verdict.UNKNOWN),
        Example("the target's policy is unreadable", _on({Aspect.POLICY: DENIED}), Verdict.UNKNOWN),
        Example("whose the target is, is unreadable", _on(standing=DENIED, ours=False), Verdict.UNKNOWN),
    ),
    by_name=always,
    nameless=_takes_all_alike,
)
CHAIN = Rule(
    RuleInfo(
        id="bucket-log-target-chain",
        title="Access logs are logged themselves in a circle",
        severity=Severity.LOW,
        category=Category.LOGGING,
        needs=frozenset({Aspect.LOGGING, Aspect.LOG_TARGET}),
        why=(
            "Each delivered log is a request that is logged again: the circle feeds itself and grows for ever. "
            "What somebody did drowns in what the logs did."
        ),
        cli="""\
# Of the target of {bucket}, and only if it logs back to it or to itself:
aws s3api put-bucket-logging --bucket "${LOG_BUCKET:?}" --region {region} --expected-bucket-owner {account} \\
  --bucket-logging-status '{}'""",
        terraform="# Of the target of {bucket}: take out its own aws_s3_bucket_logging, or log to a third bucket.",
        console="""\
Open Amazon S3, Buckets, the target of {bucket}, Properties, Server access logging: Edit.
Choose Disable, then Save changes.""",
        cloudformation="# Of the target of {bucket}: take LoggingConfiguration out of the AWS::S3::Bucket.",
        verify="""\
aws s3api get-bucket-logging --bucket "${LOG_BUCKET:?}" --region {region} --expected-bucket-owner {account}
# Expect: no TargetBucket that is {bucket} or the bucket itself.""",
        maps=maps({}),
        default=False,
        references=(_GUIDE,),
    ),
    Kind.BUCKET,
    _chain,
    (
        Example("a target that is not logged", bucket(), Verdict.PASS),
        Example("a target logged elsewhere", _on({Aspect.LOGGING: Present(Logging("audit"))}), Verdict.PASS),
        Example("a target that logs back", _on({Aspect.LOGGING: Present(Logging("example-data"))}), Verdict.FAIL),
        Example("a target that logs itself", _on({Aspect.LOGGING: Present(Logging("example-logs"))}), Verdict.FAIL),
        Example("itself", _TO_ITSELF, Verdict.NOT_APPLICABLE),
        Example("not logged", _NO_LOGGING, Verdict.NOT_APPLICABLE),
        Example("the target is unreadable", bucket({Aspect.LOG_TARGET: DENIED}), Verdict.UNKNOWN),
        Example("its logging is unreadable", _on({Aspect.LOGGING: DENIED}), Verdict.UNKNOWN),
    ),
)

RULES = (VALID, CHAIN)
