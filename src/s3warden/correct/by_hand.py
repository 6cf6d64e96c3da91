"""Why some rules have no fix of s3warden's own, in words for their pages and for whoever asks for a plan."""

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
        "bucket-mrap-public-block": (
            "AWS sets the block of a multi-region access point when it is made and never again, and one that is made "
            f"anew has another alias, which every client would have to learn. {_LEAKS}"
        ),
    }
)
_NONE = "There is no automatic fix for this rule; its page says how to mend it."


def why(rule_id: str) -> str:
    """Why nothing is planned for the rule."""
    return REASONS.get(rule_id, _NONE)
