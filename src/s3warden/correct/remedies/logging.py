"""Access logs into the account's log bucket, which first lets S3's log delivery in."""

from dataclasses import replace
from functools import reduce

from s3warden.correct.admitting import Admission, admitting
from s3warden.correct.effect import effect
from s3warden.correct.narrowing import delivery_grants, grant_name, narrowed
from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.detect.deliveries import LOGGING_SERVICE
from s3warden.detect.rule import UnreadableError, configured
from s3warden.model.action import Declined, Loss, LossKind, Risk
from s3warden.model.bucket import Aspect, BucketRef, BucketState
from s3warden.model.configuration import Encryption, RequestPayment
from s3warden.model.storage import ObjectLock

DELIVERY = Admission("S3WardenLogDelivery", LOGGING_SERVICE, "logs")


def _logged(scene: Scene) -> tuple[Edit, ...] | Declined:
    state = scene.state
    target = scene.beside(scene.wanted.log_bucket)
    if not isinstance(state, BucketState) or target is None or not isinstance(target.state, BucketState):
        return Declined("no_log_bucket", "Which bucket receives the logs is not set: remediation.log_bucket.")
    log_bucket = target.state.ref
    if log_bucket.name == state.ref.name:
        return Declined("log_bucket_itself", "The log bucket does not log into itself.")
    try:
        unfit = _unfit(target.state)
    except UnreadableError as error:
        return Declined("log_bucket_unreadable", f"The log bucket {log_bucket}: {error}.")
    if unfit is not None:
        return Declined("log_bucket_unfit", f"The log bucket {log_bucket} {unfit}.")
    admit = admitting(target, log_bucket, DELIVERY)
    return admit if isinstance(admit, Declined) else (*admit, _into(scene, log_bucket, state.ref.name))


def _into(scene: Scene, log_bucket: BucketRef, name: str) -> Edit:
    """Logs into the log bucket, by the form of keys that they have; grants of their own stay behind."""
    known = scene.documents.get(Aspect.LOGGING) or {}
    before = known.get("LoggingEnabled")
    before = before if isinstance(before, dict) else {}
    prefix = scene.wanted.log_prefix.replace("{bucket}", name)
    form = {key: value for key, value in before.items() if key == "TargetObjectKeyFormat"}
    enabled = {"TargetBucket": log_bucket.name, "TargetPrefix": prefix, **form}
    losses = tuple(Loss(LossKind.ACCOUNT, f"{grant_name(each)} of logs") for each in before.get("TargetGrants", ()))
    summary = f"Log requests into {log_bucket}/{prefix}"
    return Edit(Aspect.LOGGING, {"LoggingEnabled": enabled}, summary, losses=losses)


def _arriving(scene: Scene) -> tuple[Edit, ...] | Declined:
    """The delivery is let into the bucket that the logs are sent to, or else they are sent to the log bucket."""
    target = scene.look.target
    ref = None if target is None or target.state.ref == scene.state.ref else target.state.ref
    if target is not None and isinstance(ref, BucketRef):
        admit = admitting(target, ref, DELIVERY)
        if not isinstance(admit, Declined) and effect(scene, admit).mends:
            return admit
    return _logged(scene)


def _uncircled(scene: Scene) -> tuple[Edit, ...] | Declined:
    """Into the log bucket; whoever looked for the logs where they went finds no new ones."""
    found = _logged(scene)
    if isinstance(found, Declined):
        return found
    *admit, log = found
    return (*admit, replace(log, doubts=("who reads the logs where they go now",)))


def _by_policy(scene: Scene) -> tuple[Edit, ...] | Declined:
    """The log bucket itself lets the delivery in by its policy; only then the grant of its ACL goes."""
    ref = scene.state.ref
    if not isinstance(ref, BucketRef):
        return Declined("no_bucket", "Only a bucket has an ACL.")
    admit = admitting(scene.look, ref, DELIVERY)
    if isinstance(admit, Declined):
        return admit
    grants = narrowed(scene, delivery_grants(scene))
    return grants if isinstance(grants, Declined) else (*(replace(edit, bucket=None) for edit in admit), *grants)


def _not_delivered(scene: Scene) -> tuple[Edit, ...] | Declined:
    return narrowed(scene, delivery_grants(scene))


def _ungranted(scene: Scene) -> tuple[Edit, ...] | Declined:
    known = scene.documents.get(Aspect.LOGGING) or {}
    enabled = known.get("LoggingEnabled")
    if not isinstance(enabled, dict):
        return ()
    kept = {key: value for key, value in enabled.items() if key != "TargetGrants"}
    return (Edit(Aspect.LOGGING, {"LoggingEnabled": kept}, "Deliver access logs without grants of their own"),)


def _under_agreed_keys(scene: Scene) -> tuple[Edit, ...] | Declined:
    known = scene.documents.get(Aspect.LOGGING) or {}
    enabled, ref = known.get("LoggingEnabled"), scene.state.ref
    if not isinstance(enabled, dict) or not isinstance(ref, BucketRef):
        return ()
    after = dict(enabled)
    if scene.options.log_prefix is not None:
        words = {"{bucket}": ref.name, "{account}": ref.account, "{region}": ref.region}
        after["TargetPrefix"] = reduce(lambda text, word: text.replace(*word), words.items(), scene.options.log_prefix)
    form = scene.options.log_key_format
    if form is not None:
        after["TargetObjectKeyFormat"] = (
            {"SimplePrefix": {}} if form == "SimplePrefix" else {"PartitionedPrefix": {"PartitionDateSource": form}}
        )
    return (Edit(Aspect.LOGGING, {"LoggingEnabled": after}, "Deliver access logs under the agreed keys"),)


def _unfit(target: BucketState) -> str | None:
    """Why S3 delivers no logs there ("Enabling Amazon S3 server access logging" in the S3 user guide)."""
    if not target.exists:
        return "does not exist"
    lock = configured(target, Aspect.OBJECT_LOCK, ObjectLock)
    if lock is not None and lock.mode is not None:
        return "has a default retention, with which S3 delivers no logs"
    payment = configured(target, Aspect.REQUEST_PAYMENT, RequestPayment)
    if payment is not None and payment.payer == "Requester":
        return "lets the requester pay, and S3 delivers no logs there"
    encryption = configured(target, Aspect.ENCRYPTION, Encryption)
    if encryption is not None and any(rule.algorithm != "AES256" for rule in encryption.rules):
        return "is encrypted with KMS, and S3 delivers logs only where its own keys are used"
    configured(target, Aspect.POLICY, object)
    return None


LOG = Remedy(
    id="log-requests",
    title="Log requests into the account's log bucket",
    rules=frozenset({"bucket-access-logging", "bucket-log-target-self", "bucket-trail-access-logging"}),
    reads=frozenset({Aspect.LOGGING}),
    risk=Risk.LOW,
    risk_text="The logs cost storage, and grow with every request.",
    iam_actions=("s3:PutBucketLogging", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"),
    plan=_logged,
    undo_text="Logs that were delivered stay. Other buckets may log there by now: then the delivery stays let in.",
)
ARRIVING = Remedy(
    id="deliver-logs",
    title="Let the logs arrive where they are sent, or send them to the account's log bucket",
    rules=frozenset({"bucket-log-target-valid"}),
    reads=frozenset({Aspect.LOGGING, Aspect.LOG_TARGET}),
    risk=Risk.LOW,
    risk_text=LOG.risk_text,
    iam_actions=LOG.iam_actions,
    plan=_arriving,
    undo_text=LOG.undo_text,
)
UNCIRCLED = Remedy(
    id="log-out-of-the-circle",
    title="Log requests into the account's log bucket in place of one that logs back",
    rules=frozenset({"bucket-log-target-chain"}),
    reads=frozenset({Aspect.LOGGING, Aspect.LOG_TARGET}),
    risk=Risk.LOW,
    risk_text="Whatever looks for new logs in the bucket of before finds none.",
    iam_actions=LOG.iam_actions,
    plan=_uncircled,
    undo_text=LOG.undo_text,
)
BY_POLICY = Remedy(
    id="deliver-logs-by-policy",
    title="Let log delivery in by the bucket policy in place of the ACL",
    rules=frozenset({"bucket-log-target-acl-delivery"}),
    reads=frozenset({Aspect.POLICY, Aspect.ACL}),
    risk=Risk.MEDIUM,
    risk_text="Logs that other accounts' buckets deliver by the ACL stop; those of this account go on.",
    iam_actions=("s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutBucketAcl"),
    plan=_by_policy,
)
NOT_DELIVERED = Remedy(
    id="remove-log-delivery-grants",
    title="Take log delivery's grants out of the ACL",
    rules=frozenset({"bucket-acl-log-delivery-on-source"}),
    reads=frozenset({Aspect.ACL}),
    risk=Risk.LOW,
    risk_text="Access logs that arrive here unknown to s3warden stop.",
    iam_actions=("s3:PutBucketAcl",),
    plan=_not_delivered,
)
UNGRANTED = Remedy(
    id="remove-log-grants",
    title="Deliver access logs without grants of their own",
    rules=frozenset({"bucket-log-target-grants"}),
    reads=frozenset({Aspect.LOGGING}),
    risk=Risk.LOW,
    risk_text="Whoever reads new logs by such a grant is refused; logs that are there keep theirs.",
    iam_actions=("s3:PutBucketLogging",),
    plan=_ungranted,
)
AGREED_KEYS = Remedy(
    id="deliver-logs-under-agreed-keys",
    title="Deliver access logs under the agreed keys",
    rules=frozenset({"bucket-log-target-prefix"}),
    reads=frozenset({Aspect.LOGGING}),
    risk=Risk.LOW,
    risk_text="Whatever looks for new logs under the old keys finds none.",
    iam_actions=("s3:PutBucketLogging",),
    plan=_under_agreed_keys,
    undo_text="Logs that were delivered meanwhile stay under their keys.",
)
INTO_LOG_BUCKET = LOG.rules | ARRIVING.rules | UNCIRCLED.rules
"""The rules for which logs may have to go to the account's log bucket."""

REMEDIES = (LOG, ARRIVING, UNCIRCLED, BY_POLICY, NOT_DELIVERED, UNGRANTED, AGREED_KEYS)
