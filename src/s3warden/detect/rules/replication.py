"""Replication: whether there is a copy elsewhere, and whether it is whole."""

from s3warden.detect.advice import OWN, bucket_resource, shows_setting
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
from s3warden.detect.samples import ACCOUNT, DENIED, KEY, bucket
from s3warden.model.bucket import ABSENT, Aspect, Present, Reading, State
from s3warden.model.configuration import Encryption, EncryptionRule
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo
from s3warden.model.storage import Replication, ReplicationRule, Selection

_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
_NEEDS = frozenset({Aspect.REPLICATION})
_CLI = f"""\
# The second call replaces all rules. Set REPLICA_BUCKET and REPLICATION_ROLE (an ARN) first; versioning must be on in
# both buckets. Set KEPT to the rules of the first, each with a comma after it, or to nothing.
aws s3api get-bucket-replication {OWN} \\
  --query ReplicationConfiguration.Rules || echo "no rules"
aws s3api put-bucket-replication {OWN} \\
  --replication-configuration '{{"Role":"'"${{REPLICATION_ROLE:?}}"'","Rules":['"${{KEPT?}}"'
  {{"ID":"everything","Priority":1,"Status":"Enabled","Filter":{{}},
  "DeleteMarkerReplication":{{"Status":"Enabled"}},
  "Destination":{{"Bucket":"arn:{{partition}}:s3:::'"${{REPLICA_BUCKET:?}}"'"}}}}]}}'"""
_TERRAFORM = """\
resource "aws_s3_bucket_replication_configuration" "this" {
  bucket = "{bucket}"
  role   = var.replication_role_arn
  rule {
    id     = "everything"
    status = "Enabled"
    filter {}
    delete_marker_replication {
      status = "Enabled"
    }
    destination {
      bucket = var.replica_bucket_arn
    }
  }
}"""
_STEPS = """\
Open Amazon S3, Buckets, {bucket}, Management, Replication rules: Create replication rule.
Choose Apply to all objects in the bucket, and the destination bucket.
Tick what the copies need: Delete marker replication, and Replicate objects encrypted with AWS KMS.
Choose Save."""
_CLOUDFORMATION = bucket_resource("""\
VersioningConfiguration:
  Status: Enabled
ReplicationConfiguration:
  Role: arn:{partition}:iam::{account}:role/replication
  Rules:
    - Id: everything
      Priority: 1
      Status: Enabled
      Filter:
        Prefix: ""
      DeleteMarkerReplication:
        Status: Enabled
      Destination:
        Bucket: arn:{partition}:s3:::replica""")


def _enabled(state: State, _options: RuleOptions) -> Judgement:
    found = configured(state, Aspect.REPLICATION, Replication)
    if found is None:
        return fails("There is no copy of the objects elsewhere.", {"replication": "none"})
    if not found.acting:
        return fails("Every replication rule is switched off.", {"replication": "switched off"})
    return passes(f"New objects are copied to {', '.join(sorted({rule.bucket for rule in found.acting}))}.")


def _complete(state: State, _options: RuleOptions) -> Judgement:
    found = configured(state, Aspect.REPLICATION, Replication)
    rules = found.acting if found is not None else ()
    if not rules:
        return not_applicable("Nothing is replicated: another rule tells.")
    encryption = configured(state, Aspect.ENCRYPTION, Encryption)
    kms = encryption is not None and any(rule.algorithm != "AES256" for rule in encryption.rules)
    details = {
        "objects": "" if any(rule.selection.everything for rule in rules) else "only a part of the objects is copied",
        "kms": _named("objects under KMS keys are not copied", [r for r in rules if kms and not r.kms_objects]),
        "owner": _named("copies stay the property of this account", [r for r in rules if _foreign(r, state)]),
        "delete_markers": _named("delete markers are not copied", [r for r in rules if not _marks(r)]),
    }
    lacking = {name: text for name, text in details.items() if text}
    if lacking:
        return fails(f"The copy is not whole: {'; '.join(lacking.values())}.", lacking)
    return passes("Every object is copied, with what belongs to it.")


def _foreign(rule: ReplicationRule, state: State) -> bool:
    return rule.account not in (None, state.ref.account) and not rule.owner_override


def _marks(rule: ReplicationRule) -> bool:
    # S3 copies no delete markers by rules that choose by tag.
    return rule.delete_markers or bool(rule.selection.tags)


def _named(text: str, rules: list[ReplicationRule]) -> str:
    names = ", ".join(rule.id or rule.bucket for rule in rules)
    return f"{text} ({names})" if rules else ""


def _to(
    *,
    enabled: bool = True,
    account: str | None = None,
    owner_override: bool = False,
    kms_objects: bool = True,
    delete_markers: bool = True,
    selection: Selection = Selection(),  # noqa: B008 - frozen
) -> dict[Aspect, Reading[object]]:
    rule = ReplicationRule(
        enabled=enabled,
        destination=f"arn:{ACCOUNT.partition}:s3:::example-replica",
        selection=selection,
        id="far",
        account=account,
        owner_override=owner_override,
        replica_key=KEY,
        kms_objects=kms_objects,
        delete_markers=delete_markers,
    )
    role = f"arn:{ACCOUNT.partition}:iam::{ACCOUNT.account}:role/replication"
    return {Aspect.REPLICATION: Present(Replication(role, (rule,)))}


_PARTNER = "444455556666"
_UNREADABLE = bucket({Aspect.REPLICATION: DENIED})
_NO_COPY = bucket({Aspect.REPLICATION: ABSENT})
_OWN_KEYS: dict[Aspect, Reading[object]] = {Aspect.ENCRYPTION: Present(Encryption((EncryptionRule("AES256"),)))}

ENABLED = Rule(
    RuleInfo(
        id="bucket-replication-enabled",
        title="Objects are not replicated",
        severity=Severity.LOW,
        category=Category.RESILIENCE,
        needs=_NEEDS,
        why=(
            "What is lost in this bucket, by mistake, malice or a failure of the region, is lost altogether. "
            "Replication keeps a copy in another bucket, best in another region and account."
        ),
        cli=_CLI,
        terraform=_TERRAFORM,
        console=_STEPS,
        cloudformation=_CLOUDFORMATION,
        verify=shows_setting("get-bucket-replication", 'a rule with "Status": "Enabled"'),
        maps=maps({Framework.CONFIG: "s3-bucket-replication-enabled", Framework.CUSTODIAN: "bucket-replication"}),
        default=False,
        references=(f"{_GUIDE}replication.html",),
    ),
    Kind.BUCKET,
    _enabled,
    (
        Example("a rule at work", bucket(_to()), Verdict.PASS),
        Example("none", _NO_COPY, Verdict.FAIL),
        Example("switched off", bucket(_to(enabled=False)), Verdict.FAIL),
        Example("unreadable", _UNREADABLE, Verdict.UNKNOWN),
    ),
)

COMPLETE = Rule(
    RuleInfo(
        id="bucket-replication-complete",
        title="The replicated copy is not whole",
        severity=Severity.LOW,
        category=Category.RESILIENCE,
        needs=frozenset({Aspect.REPLICATION, Aspect.ENCRYPTION}),
        why=(
            "Replication leaves out without a word what a rule does not name: objects under KMS keys, delete markers. "
            "The gap shows on the day the copy is needed."
        ),
        cli=_CLI,
        terraform=_TERRAFORM,
        console=_STEPS,
        cloudformation=_CLOUDFORMATION,
        verify=shows_setting(
            "get-bucket-replication",
            "an empty Filter, SseKmsEncryptedObjects where the default key is of KMS, DeleteMarkerReplication",
        ),
        maps=maps({Framework.CUSTODIAN: "bucket-replication"}),
        default=False,
        references=(f"{_GUIDE}replication-what-is-isnot-replicated.html",),
    ),
    Kind.BUCKET,
    _complete,
    (
        Example("whole", bucket(_to()), Verdict.PASS),
        Example("without KMS objects", bucket(_to(kms_objects=False)), Verdict.FAIL),
        Example("no KMS objects to copy", bucket(_to(kms_objects=False) | _OWN_KEYS), Verdict.PASS),
        Example("a part", bucket(_to(selection=Selection("a/"))), Verdict.FAIL),
        Example("without delete markers", bucket(_to(delete_markers=False)), Verdict.FAIL),
        Example("of another account's bucket, not its property", bucket(_to(account=_PARTNER)), Verdict.FAIL),
        Example("the other account's property", bucket(_to(account=_PARTNER, owner_override=True)), Verdict.PASS),
        Example("none", _NO_COPY, Verdict.NOT_APPLICABLE),
        Example("unreadable", _UNREADABLE, Verdict.UNKNOWN),
    ),
)

RULES = (ENABLED, COMPLETE)
