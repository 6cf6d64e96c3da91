"""S3 Inventory: whether somebody keeps a list of what is in the bucket, and of how each object is protected."""

from s3warden.detect.advice import OWN, bucket_resource
from s3warden.detect.rule import (
    Example,
    Judgement,
    Kind,
    Rule,
    RuleOptions,
    configured,
    fails,
    passes,
)
from s3warden.detect.samples import ACCOUNT, BUCKET, DENIED, bucket
from s3warden.model.bucket import ABSENT, Aspect, Present, State
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo
from s3warden.model.storage import Inventory, InventoryConfiguration

# The columns that show how an object is protected.
FIELDS = ("EncryptionStatus", "ObjectAccessControlList", "ObjectLockMode")


def _check(state: State, options: RuleOptions) -> Judgement:
    found = configured(state, Aspect.INVENTORY, Inventory)
    acting = found.acting if found is not None else ()
    if not acting:
        switched_off = "switched off" if found is not None else "none"
        return fails("Nobody keeps a list of the objects.", {"inventory": switched_off})
    ours = {state.ref.account, *options.trusted_accounts}
    foreign = [each for each in acting if each.account not in (None, *ours)]
    if foreign:
        facts = {"inventory": foreign[0].id, "account": str(foreign[0].account), "destination": foreign[0].bucket}
        return fails("The list of objects goes to an account that is not trusted.", facts, severity=Severity.MEDIUM)
    whole = [each for each in acting if not each.prefix and each.frequency == "Daily"]
    if not whole:
        return fails("No daily list has all objects.", {"inventory": ", ".join(each.id for each in acting)})
    lacking = min((_lacking(each) for each in whole), key=len)
    if lacking:
        names = ", ".join(lacking)
        facts = {"inventory": whole[0].id, "missing": names}
        return fails(f"The list does not show how objects are protected: {names}.", facts, severity=Severity.INFO)
    return passes("A daily list has all objects and how they are protected.")


def _lacking(inventory: InventoryConfiguration) -> tuple[str, ...]:
    return tuple(name for name in FIELDS if name not in inventory.fields)


def _listed(
    *,
    enabled: bool = True,
    frequency: str = "Daily",
    account: str | None = None,
    prefix: str = "",
    fields: tuple[str, ...] = FIELDS,
) -> Present[Inventory]:
    destination = f"arn:{ACCOUNT.partition}:s3:::example-lists"
    one = InventoryConfiguration(
        "all", enabled, destination, frequency, account, "SSE-S3", all_versions=True, fields=fields, prefix=prefix
    )
    return Present(Inventory((one,)))


INVENTORY = Rule(
    RuleInfo(
        id="bucket-inventory",
        title="No daily inventory of all objects",
        severity=Severity.LOW,
        category=Category.LOGGING,
        needs=frozenset({Aspect.INVENTORY}),
        why=(
            "After an incident nobody can say which objects there were, or which of them were unencrypted or public. "
            "An inventory is that list, made each day."
        ),
        cli=f"""\
# Set LOG_BUCKET first: same region, with a policy that admits S3's inventory.
aws s3api put-bucket-inventory-configuration {OWN} --id all \\
  --inventory-configuration '{{"Id":"all","IsEnabled":true,"IncludedObjectVersions":"All",
  "Schedule":{{"Frequency":"Daily"}},
  "OptionalFields":["EncryptionStatus","ObjectAccessControlList","ObjectLockMode"],
  "Destination":{{"S3BucketDestination":{{"Format":"Parquet","AccountId":"{{account}}","Prefix":"{{bucket}}",
  "Encryption":{{"SSES3":{{}}}},"Bucket":"arn:{{partition}}:s3:::'"${{LOG_BUCKET:?}}"'"}}}}}}'""",
        terraform="""\
resource "aws_s3_bucket_inventory" "all" {
  bucket                   = "{bucket}"
  name                     = "all"
  included_object_versions = "All"
  optional_fields          = ["EncryptionStatus", "ObjectAccessControlList", "ObjectLockMode"]
  schedule {
    frequency = "Daily"
  }
  destination {
    bucket {
      format     = "Parquet"
      bucket_arn = var.log_bucket_arn
      account_id = "{account}"
      encryption {
        sse_s3 {}
      }
    }
  }
}""",
        console="""\
Open Amazon S3, Buckets, {bucket}, Management, Inventory configurations: Create inventory configuration.
Include all versions, choose This account, browse to the log bucket, and choose Daily.
Under Additional metadata fields tick Encryption, Object Lock and Access control list.
Choose Create.""",
        cloudformation=bucket_resource("""\
InventoryConfigurations:
  - Id: all
    Enabled: true
    IncludedObjectVersions: All
    ScheduleFrequency: Daily
    OptionalFields: [EncryptionStatus, ObjectAccessControlList, ObjectLockMode]
    Destination:
      BucketArn: arn:{partition}:s3:::log-bucket
      BucketAccountId: "{account}"
      Format: Parquet"""),
        verify=f"""\
aws s3api list-bucket-inventory-configurations {OWN}
# Expect: one with "IsEnabled": true, "Frequency": "Daily" and no Filter.""",
        maps=maps({Framework.CUSTODIAN: "inventory"}),
        default=False,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory.html",),
    ),
    Kind.BUCKET,
    _check,
    (
        Example("daily, of everything", bucket({Aspect.INVENTORY: _listed()}), Verdict.PASS),
        Example("none", bucket({Aspect.INVENTORY: ABSENT}), Verdict.FAIL),
        Example("switched off", bucket({Aspect.INVENTORY: _listed(enabled=False)}), Verdict.FAIL),
        Example("of a part", bucket({Aspect.INVENTORY: _listed(prefix="a/")}), Verdict.FAIL),
        Example("each week", bucket({Aspect.INVENTORY: _listed(frequency="Weekly")}), Verdict.FAIL),
        Example("names alone", bucket({Aspect.INVENTORY: _listed(fields=())}), Verdict.FAIL, severity=Severity.INFO),
        Example(
            "into another account",
            bucket({Aspect.INVENTORY: _listed(account="444455556666")}),
            Verdict.FAIL,
            severity=Severity.MEDIUM,
        ),
        Example(
            "into a trusted account",
            bucket({Aspect.INVENTORY: _listed(account="444455556666")}, name=BUCKET),
            Verdict.PASS,
            options=RuleOptions(trusted_accounts=("444455556666",)),
        ),
        Example("unreadable", bucket({Aspect.INVENTORY: DENIED}), Verdict.UNKNOWN),
    ),
)

RULES = (INVENTORY,)
