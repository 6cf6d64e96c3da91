"""Where a bucket's objects, and the lists of them, are sent: whose those buckets are."""

from collections.abc import Callable

from s3warden.detect.advice import bucket_resource
from s3warden.detect.proofs import some
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
from s3warden.detect.samples import ACCOUNT, DENIED, bucket
from s3warden.detect.surroundings import destinations, named, reference
from s3warden.detect.whereabouts import Whose, said_owner, told, whose
from s3warden.model.bucket import ABSENT, Aspect, BucketState, Present, Reading, State
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import maps
from s3warden.model.references import Destination, Destinations, Standing, Use
from s3warden.model.rule import Category, RuleInfo

_REPLICATION = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-walkthrough-2.html"
_INVENTORY = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/configure-inventory.html"
_ANALYTICS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/configure-analytics-storage-class.html"
_OWNERSHIP = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html"


def _outside(state: State, options: RuleOptions) -> Judgement:
    """Destinations whose owner is known, or named, and is not trusted."""
    found = configured(state, Aspect.REPLICATION_DESTINATIONS, Destinations)
    if found is None:
        return not_applicable("The bucket is not replicated.")
    friends = {state.ref.account, *options.trusted_accounts}
    owners = {each.name: _owner(each) for each in found}
    strangers = {name: owner for name, owner in owners.items() if owner is not None and owner not in friends}
    if strangers:
        facts = {"destinations": some([f"{name} (account {owner})" for name, owner in strangers.items()])}
        return fails(f"Objects are copied to accounts that are not trusted: {facts['destinations']}.", facts)
    open_ = [each.name for each in found if owners[each.name] is None and _exists(each)]
    if open_:
        return undecided("Whose the copies are is not known.", {"destinations": some(open_)})
    return passes("Objects are copied to own or trusted accounts alone.")


def _owner(destination: Destination) -> str | None:
    standing = destination.standing
    proven = standing.value.owner if isinstance(standing, Present) else None
    return proven or said_owner(destination)


def _exists(destination: Destination) -> bool:
    return not isinstance(destination.standing, Present) or destination.standing.value.exists


def _claimable(
    aspects: tuple[Aspect, ...], nothing: str, fine: str, broken: str
) -> Callable[[State, RuleOptions], Judgement]:
    def check(state: State, options: RuleOptions) -> Judgement:
        read = [configured(state, aspect, Destinations) for aspect in aspects]
        found = [each for listed in read if listed is not None for each in listed]
        if not found:
            return not_applicable(nothing)
        standings = {each: whose(each, state.ref.account, options) for each in found}
        lost = {each: w for each, w in standings.items() if w is Whose.NOBODY or (w is Whose.STRANGER and _taken(each))}
        if lost:
            facts = {"destinations": some([told(each, w) for each, w in lost.items()])}
            return fails(f"{broken}: {facts['destinations']}.", facts)
        open_ = [told(each, w) for each, w in standings.items() if w is Whose.UNPROVEN]
        if open_:
            return undecided("AWS does not confirm whose the destination is.", {"destinations": some(open_)})
        return passes(fine)

    return check


def _taken(destination: Destination) -> bool:
    """Whether the name is another's than was said, or nobody said whose it is to be, and it is none of ours."""
    standing = destination.standing
    owner = standing.value.owner if isinstance(standing, Present) else None
    said = said_owner(destination)
    return owner is None or said != owner


_DETAIL = "everything"
_REPLICA = reference(Use.REPLICATION, "example-replica", detail=_DETAIL)
_PARTNER = "444455556666"
_SAID = reference(Use.REPLICATION, "example-replica", owner=_PARTNER, detail=_DETAIL)
_TRUSTING = RuleOptions(trusted_accounts=(_PARTNER,))
_LIST = reference(Use.INVENTORY, "example-lists", owner=ACCOUNT.account, detail="all")
_ANALYSIS = reference(Use.ANALYTICS, "example-analyses", owner=ACCOUNT.account, detail="all")


def _copied(standing: Reading[Standing], *, said: bool = False) -> BucketState:
    found = destinations((_SAID if said else _REPLICA, standing))
    return bucket({Aspect.REPLICATION_DESTINATIONS: found})


def _listed(standing: Reading[Standing]) -> BucketState:
    return bucket({Aspect.INVENTORY_DESTINATIONS: destinations((_LIST, standing))})


def _analysed(standing: Reading[Standing]) -> BucketState:
    return bucket({Aspect.ANALYTICS_DESTINATIONS: destinations((_ANALYSIS, standing))})


_UNREADABLE = bucket({Aspect.REPLICATION_DESTINATIONS: DENIED, Aspect.INVENTORY_DESTINATIONS: DENIED})
_NOWHERE = bucket({Aspect.REPLICATION_DESTINATIONS: ABSENT, Aspect.INVENTORY_DESTINATIONS: ABSENT})
_GONE = named("example-replica", exists=False)
_FOREIGN = named("example-replica", owner=None)
_THEIRS = named("example-replica", owner=_PARTNER)
_STEPS = """\
Open Amazon S3, Buckets, {bucket}, Management, Replication rules.
Edit the rule, or delete it; choose a destination of an account of yours.
Where the destination is another account's, name that account in the rule."""
_VERIFY = """\
aws s3api get-bucket-replication --bucket {bucket} --region {region} --expected-bucket-owner {account}
aws s3api head-bucket --bucket "${DESTINATION:?}" --expected-bucket-owner "${OWNER:?}"
# Expect: each destination answers for the account that you mean, and no other."""
_CLI = """\
aws s3api get-bucket-replication --bucket {bucket} --region {region} --query ReplicationConfiguration > replication.json
# In replication.json, take out the rule or correct its Destination, with its Account, then:
aws s3api put-bucket-replication --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --replication-configuration file://replication.json"""
_TERRAFORM = """\
# In the aws_s3_bucket_replication_configuration of {bucket}:
destination {
  bucket  = aws_s3_bucket.replica.arn
  account = data.aws_caller_identity.replica.account_id
}"""
_CLOUDFORMATION = bucket_resource(
    """\
VersioningConfiguration:
  Status: Enabled
ReplicationConfiguration:
  Role: arn:{partition}:iam::{account}:role/replication
  Rules:
    - Status: Enabled
      Destination:
        Bucket: arn:{partition}:s3:::own-replica
        Account: "{account}\"""",
    "With a destination that names its account",
)
EXTERNAL = Rule(
    RuleInfo(
        id="bucket-replication-external",
        title="Objects are replicated to an account that is not trusted",
        severity=Severity.HIGH,
        category=Category.ACCESS,
        needs=frozenset({Aspect.REPLICATION_DESTINATIONS}),
        why=(
            "Replication hands every new object over, as it is written, and no policy of the source is asked again. "
            "It is the quietest way to carry a bucket's contents out."
        ),
        cli=_CLI,
        terraform=_TERRAFORM,
        console=_STEPS,
        cloudformation=_CLOUDFORMATION,
        verify=_VERIFY,
        maps=maps({}),
        default=True,
        references=(_REPLICATION,),
    ),
    Kind.BUCKET,
    _outside,
    (
        Example("within the account", bucket(), Verdict.PASS),
        Example("not replicated", _NOWHERE, Verdict.NOT_APPLICABLE),
        Example("to another account by the rule", _copied(_FOREIGN, said=True), Verdict.FAIL),
        Example("to another account by its owner", _copied(_THEIRS), Verdict.FAIL),
        Example("to a trusted account", _copied(_THEIRS), Verdict.PASS, _TRUSTING),
        Example("to a bucket that is gone", _copied(_GONE), Verdict.PASS),
        Example("to somebody unknown", _copied(_FOREIGN), Verdict.UNKNOWN),
        Example("unreadable", _UNREADABLE, Verdict.UNKNOWN),
    ),
)
HIJACKABLE = Rule(
    RuleInfo(
        id="bucket-replication-destination-hijackable",
        title="Objects are replicated to a name that anybody can take, or took",
        severity=Severity.HIGH,
        category=Category.ACCESS,
        needs=frozenset({Aspect.REPLICATION_DESTINATIONS}),
        why=(
            "Whoever registers the name of a destination that is gone is sent every new object. "
            "That a bucket of the name exists says nothing about whose it is."
        ),
        cli=_CLI,
        terraform=_TERRAFORM,
        console=_STEPS,
        cloudformation=_CLOUDFORMATION,
        verify=_VERIFY,
        maps=maps({}),
        default=True,
        references=(_REPLICATION, _OWNERSHIP),
    ),
    Kind.BUCKET,
    _claimable(
        (Aspect.REPLICATION_DESTINATIONS,),
        "The bucket is not replicated.",
        "Every destination is an own or a named account's.",
        "Objects are copied to a name that is not yours",
    ),
    (
        Example("within the account", bucket(), Verdict.PASS),
        Example("not replicated", _NOWHERE, Verdict.NOT_APPLICABLE),
        Example("a bucket that is gone", _copied(_GONE), Verdict.FAIL),
        Example("a name that a stranger took", _copied(_FOREIGN), Verdict.FAIL),
        Example("another account's than the rule names", _copied(named("example-replica"), said=True), Verdict.FAIL),
        Example("the named account's", _copied(_THEIRS, said=True), Verdict.PASS, _TRUSTING),
        Example("said to be a trusted account's", _copied(_FOREIGN, said=True), Verdict.UNKNOWN, _TRUSTING),
        Example("unreadable", _UNREADABLE, Verdict.UNKNOWN),
    ),
)
DELIVERY = Rule(
    RuleInfo(
        id="bucket-delivery-destination-ownership",
        title="Inventories or analyses are delivered to a bucket that is gone or a stranger's",
        severity=Severity.MEDIUM,
        category=Category.ACCESS,
        needs=frozenset({Aspect.INVENTORY_DESTINATIONS, Aspect.ANALYTICS_DESTINATIONS}),
        why=(
            "An inventory lists every key, its size and its encryption, an analysis how they are used: a map of the "
            "bucket. Where the destination is gone, anybody may register its name and receive it."
        ),
        cli="""\
# Either of the two, as the finding says:
aws s3api delete-bucket-inventory-configuration --bucket {bucket} --region {region} \\
  --expected-bucket-owner {account} --id "${INVENTORY_ID:?}"
aws s3api delete-bucket-analytics-configuration --bucket {bucket} --region {region} \\
  --expected-bucket-owner {account} --id "${ANALYTICS_ID:?}\"""",
        terraform="""\
# In the aws_s3_bucket_inventory of {bucket}; the same in the export of an aws_s3_bucket_analytics_configuration:
destination {
  bucket {
    format     = "Parquet"
    bucket_arn = aws_s3_bucket.inventory.arn
    account_id = "{account}"
  }
}""",
        console="""\
Open Amazon S3, Buckets, {bucket}: Management, Inventory configurations, or Metrics, Storage Class Analysis.
Edit the configuration and choose a destination in this account, or delete it.""",
        cloudformation=bucket_resource("""\
InventoryConfigurations:
  - Id: all
    Enabled: true
    IncludedObjectVersions: All
    ScheduleFrequency: Daily
    Destination:
      BucketArn: arn:{partition}:s3:::own-inventories
      BucketAccountId: "{account}"
      Format: Parquet"""),
        verify="""\
aws s3api list-bucket-inventory-configurations --bucket {bucket} --region {region} --expected-bucket-owner {account}
aws s3api list-bucket-analytics-configurations --bucket {bucket} --region {region} --expected-bucket-owner {account}
aws s3api head-bucket --bucket "${DESTINATION:?}" --expected-bucket-owner {account}
# Expect: every destination answers for this account.""",
        maps=maps({}),
        default=False,
        references=(_INVENTORY, _ANALYTICS, _OWNERSHIP),
    ),
    Kind.BUCKET,
    _claimable(
        (Aspect.INVENTORY_DESTINATIONS, Aspect.ANALYTICS_DESTINATIONS),
        "The bucket has no inventory, and no analysis is exported.",
        "Every inventory and every analysis goes to an own or a named account.",
        "Inventories or analyses go to a name that is not yours",
    ),
    (
        Example("within the account", bucket(), Verdict.PASS),
        Example("no inventory", _NOWHERE, Verdict.NOT_APPLICABLE),
        Example("a bucket that is gone", _listed(named("example-lists", exists=False)), Verdict.FAIL),
        Example("a stranger's", _listed(named("example-lists", owner=_PARTNER)), Verdict.FAIL),
        Example("analyses within the account", _analysed(named("example-analyses")), Verdict.PASS),
        Example("analyses to a bucket that is gone", _analysed(named("example-analyses", exists=False)), Verdict.FAIL),
        Example("analyses to a stranger", _analysed(named("example-analyses", owner=_PARTNER)), Verdict.FAIL),
        Example("not confirmed", _listed(named("example-lists", owner=None)), Verdict.UNKNOWN),
        Example("analyses not confirmed", _analysed(named("example-analyses", owner=None)), Verdict.UNKNOWN),
        Example("inventories are unreadable", _UNREADABLE, Verdict.UNKNOWN),
        Example("analyses are unreadable", bucket({Aspect.ANALYTICS_DESTINATIONS: DENIED}), Verdict.UNKNOWN),
    ),
)

RULES = (EXTERNAL, HIJACKABLE, DELIVERY)
