"""Object ownership: ACLs disabled."""

from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.detect.effective import ENFORCED
from s3warden.model.action import Declined, Risk
from s3warden.model.bucket import Aspect


def _enforced(_scene: Scene) -> tuple[Edit, ...] | Declined:
    wanted = {"OwnershipControls": {"Rules": [{"ObjectOwnership": ENFORCED}]}}
    doubt = "which objects others read by ACLs of the objects' own, and who writes with ACLs"
    return (Edit(Aspect.OWNERSHIP, wanted, "Disable ACLs: the bucket owner owns every object", doubts=(doubt,)),)


DISABLE_ACLS = Remedy(
    id="disable-acls",
    title="Disable ACLs",
    rules=frozenset({"bucket-acls-disabled", "bucket-objects-writer-owned"}),
    reads=frozenset({Aspect.OWNERSHIP, Aspect.ACL}),
    risk=Risk.HIGH,
    risk_text="Who reads an object by its own ACL, or uploads with one, is refused; log delivery by ACL stops.",
    iam_actions=("s3:PutBucketOwnershipControls",),
    plan=_enforced,
)

REMEDIES = (DISABLE_ACLS,)
