"""A daily list of all objects of a bucket, into the bucket that the settings name, beside the lists that there are.

Sources: "Configuring Amazon S3 Inventory" in the S3 user guide; PutBucketInventoryConfiguration in the API reference.
"""

from s3warden.correct.admitting import Admission, admitting
from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.correct.writes import WRITES
from s3warden.detect.deliveries import INVENTORY_SERVICE, Delivery, decided
from s3warden.detect.exposure.concrete import Decision
from s3warden.detect.rule import UnreadableError, configured
from s3warden.detect.rules.inventories import FIELDS
from s3warden.model.action import Declined, Risk
from s3warden.model.bucket import Aspect, BucketRef, BucketState, Present
from s3warden.model.configuration import Encryption, Policy

LIST = "s3warden"
"""The id of the inventory that a fix makes."""
DELIVERY = Admission("S3WardenInventory", INVENTORY_SERVICE, "inventories")


def _listed(scene: Scene) -> tuple[Edit, ...] | Declined:
    state = scene.state
    target = scene.beside(scene.wanted.inventory_bucket)
    if not isinstance(state, BucketState) or target is None or not isinstance(target.state, BucketState):
        return Declined(
            "no_inventory_bucket", "Which bucket receives the lists is not set: remediation.inventory_bucket."
        )
    ref = target.state.ref
    if ref == state.ref:
        return Declined("inventory_bucket_unfit", f"The bucket {ref} would list its own lists.")
    if not target.state.exists:
        return Declined("inventory_bucket_unfit", f"The bucket for inventories {ref} does not exist.")
    try:
        policy = configured(target.state, Aspect.POLICY, Policy)
        by_key = _by_key(target.state)
    except UnreadableError as error:
        return Declined("inventory_bucket_unreadable", f"The bucket for inventories {ref}: {error}.")
    admit = admitting(target, ref, DELIVERY)
    if isinstance(admit, Declined):
        return admit
    texts = [str(edit.after["Policy"]) for edit in admit if edit.after is not None]
    if _refuses(texts[0] if texts else policy.text if policy is not None else "", state.ref, ref):
        return Declined("inventory_bucket_unfit", f"The policy of {ref} refuses what S3's inventory writes.")
    doubts = (f"whether S3's inventory may use the key of {ref}",) if by_key else ()
    made = {"InventoryConfiguration": _inventory(ref, by_key=by_key)}
    edit = Edit(Aspect.INVENTORY, made, f"List all objects daily into {ref}", place=LIST, doubts=doubts)
    return (*admit, edit)


def _by_key(target: BucketState) -> bool:
    """Whether the lists would be encrypted by a KMS key, by the default of the bucket that receives them."""
    found = configured(target, Aspect.ENCRYPTION, Encryption)
    return found is not None and any(rule.algorithm != "AES256" for rule in found.rules)


def _refuses(policy: str, source: BucketRef, target: BucketRef) -> bool:
    """Whether a Deny of the policy keeps the lists out."""
    key = f"{source.name}/{LIST}/2000-01-01T00-00Z/manifest.json"
    delivery = Delivery(INVENTORY_SERVICE, target.arn, key, source.account, source.arn)
    return decided(Present(Policy(policy)), delivery) is Decision.DENIED


def _inventory(target: BucketRef, *, by_key: bool) -> dict[str, object]:
    # Under a key of KMS the default of the bucket holds, since the list names none of its own.
    encryption: dict[str, object] = {} if by_key else {"Encryption": {"SSES3": {}}}
    where = {"AccountId": target.account, "Bucket": target.arn, "Format": "Parquet", **encryption}
    return {
        "Id": LIST,
        "IsEnabled": True,
        "IncludedObjectVersions": "All",
        "Schedule": {"Frequency": "Daily"},
        "OptionalFields": sorted(FIELDS),
        "Destination": {"S3BucketDestination": where},
    }


INVENTORY = Remedy(
    id="list-objects-daily",
    title="Have a list of all objects made each day",
    rules=frozenset({"bucket-inventory"}),
    reads=frozenset({Aspect.INVENTORY}),
    risk=Risk.LOW,
    risk_text="Lists cost by the number of objects, each day, and storage in the bucket that receives them.",
    iam_actions=(*WRITES[Aspect.INVENTORY].iam_actions, *WRITES[Aspect.POLICY].iam_actions),
    plan=_listed,
    undo_text="Lists that were delivered stay. Other buckets may list there by now: then the delivery stays let in.",
)

REMEDIES = (INVENTORY,)
