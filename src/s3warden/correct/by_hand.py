"""What no fix of s3warden's own mends, and why, in words for the pages of rules and for whoever asks for a plan.

A rule that has a remedy may stand here, too, for what that remedy leaves to people.
"""

from collections.abc import Mapping
from types import MappingProxyType

_LEAKS = "A leak through it is closed by the fix of bucket-public-effective."
REASONS: Mapping[str, str] = MappingProxyType(
    {
        "bucket-access-point-public-block": (
            "AWS sets the block of an access point when it is made and never again, and to delete the access point and "
            "make it anew would cut off whoever uses it meanwhile. Nothing that is taken out of its policy turns a "
            f"flag on. {_LEAKS}"
        ),
        "bucket-kms-key-usable": (
            "No fix cancels the deletion of a key: the inverse would be to schedule it again, which ends all that is "
            "under the key. A person does it, by `aws kms cancel-key-deletion` and then `aws kms enable-key`."
        ),
        "bucket-lifecycle": "Lifecycle rules end objects, and no fix deletes data: what ends, and when, people decide.",
        "bucket-lifecycle-noncurrent": (
            "To end old versions is to delete them, and no fix deletes data: after how many days, people decide."
        ),
        "bucket-mrap-public-block": (
            "AWS sets the block of a multi-region access point when it is made and never again, and one that is made "
            f"anew has another alias, which every client would have to learn. {_LEAKS}"
        ),
    }
)
_NONE = "A person has to do it: s3warden has no fix of its own for this rule."


def left_to_people(rule_id: str, *, mended: bool = False) -> str:
    """What of the rule no fix mends, and why; empty where its remedies say all. `mended`: it has some."""
    return " ".join(part for part in ("" if mended else _NONE, REASONS.get(rule_id, "")) if part)
