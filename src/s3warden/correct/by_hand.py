"""What no fix of s3warden's own mends, and why, in words for the pages of rules and for whoever asks for a plan.

A rule that has a remedy may stand here, too, for what that remedy leaves to people.
"""

from collections.abc import Mapping
from types import MappingProxyType

_LEAKS = "A leak through it is closed by the fix of bucket-public-effective."
REASONS: Mapping[str, str] = MappingProxyType(
    {
        "account-guardduty-s3": (
            "No fix makes a detector where GuardDuty was never set up: AWS switches on every protection that the call "
            "does not name, those to come among them, and each costs. Nor is anything changed where another account "
            "decides what GuardDuty does; it is done there."
        ),
        "bucket-access-analyzer-finding": (
            "The finding goes when the access does, which the fixes of other rules take away: bucket-public-effective, "
            "bucket-policy-public, bucket-cross-account-access. To archive it is none: the access would stay, and "
            "nobody would be told of it any more."
        ),
        "bucket-access-point-public-block": (
            "AWS sets the block of an access point when it is made and never again, and to delete the access point and "
            "make it anew would cut off whoever uses it meanwhile. Nothing that is taken out of its policy turns a "
            f"flag on. {_LEAKS}"
        ),
        "bucket-config-changed": (
            "Whether a change was meant people decide. What it opens is closed by the fixes of the rules about that."
        ),
        "bucket-empty-or-idle": (
            "No fix deletes a bucket: that frees its name, and whoever takes it gets what is still sent there. A "
            "person first sees that nothing speaks of the name any more."
        ),
        "bucket-intelligent-tiering": (
            "What lies in an archive tier has to be restored before it can be read, which takes minutes to hours and "
            "breaks whatever reads it at once; and AWS takes no configuration without such a tier."
        ),
        "bucket-kms-key-usable": (
            "No fix cancels the deletion of a key: the inverse would be to schedule it again, which ends all that is "
            "under the key. A person does it, by `aws kms cancel-key-deletion` and then `aws kms enable-key`."
        ),
        "bucket-lifecycle": "Lifecycle rules end objects, and no fix deletes data: what ends, and when, people decide.",
        "bucket-lifecycle-noncurrent": (
            "To end old versions is to delete them, and no fix deletes data: after how many days, people decide."
        ),
        "bucket-macie-covered": (
            "A job of Macie costs by what it reads, each time, and can be cancelled but never deleted; where a policy "
            "or a key keeps Macie out it does not help. The fix of account-macie-auto-discovery takes in all buckets."
        ),
        "bucket-mrap-public-block": (
            "AWS sets the block of a multi-region access point when it is made and never again, and one that is made "
            f"anew has another alias, which every client would have to learn. {_LEAKS}"
        ),
        "account-vector-bucket-encryption": (
            "AWS sets the encryption of a vector bucket when it is made and never again: a person has to make another "
            "one and move the vectors."
        ),
    }
)
_NONE = "A person has to do it: s3warden has no fix of its own for this rule."


def left_to_people(rule_id: str, *, mended: bool = False) -> str:
    """What of the rule no fix mends, and why; empty where its remedies say all. `mended`: it has some."""
    return " ".join(part for part in ("" if mended else _NONE, REASONS.get(rule_id, "")) if part)
