"""AWS's answers in a form that is equal for equal settings, and that AWS takes back.

AWS adds defaults to what it was given, leaves empty values out, gives sets back in another order, and tells ornaments
that it does not take. Pure.
"""

import json
from collections.abc import Mapping
from typing import Any

from s3warden.collect.shapes import Answer
from s3warden.model.action import canonical


def nameless(acl: Answer) -> dict[str, object]:
    """An ACL without display names, which AWS no longer tells and never took for more than an ornament."""
    named = json.loads(canonical(acl))
    named["Owner"].pop("DisplayName", None)
    for grant in named["Grants"]:
        grant["Grantee"].pop("DisplayName", None)
    return dict(named)


def acl_view(answer: Answer) -> Answer:
    """An ACL without ornaments; grants have no order."""
    acl = nameless(answer)
    grants = acl["Grants"]
    return {"Owner": acl["Owner"], "Grants": sorted(grants, key=canonical) if isinstance(grants, list) else grants}


def policy_view(answer: Answer) -> Answer:
    """The policy by meaning: AWS gives a text back with other spaces, and a list of one as its one item."""
    try:
        return {"Policy": _settled(json.loads(str(answer["Policy"])))}
    except ValueError:
        return answer


def _settled(value: object) -> object:
    if isinstance(value, dict):
        return {
            key: [_settled(item) for item in part] if key == "Statement" and isinstance(part, list) else _settled(part)
            for key, part in value.items()
        }
    if isinstance(value, list):
        items = sorted((_settled(item) for item in value), key=canonical)
        return items[0] if len(items) == 1 else items
    return value


def encryption_view(answer: Answer) -> Answer:
    """Bucket keys are off where nothing is said of them."""
    plain = json.loads(canonical(answer))
    for rule in plain["ServerSideEncryptionConfiguration"]["Rules"]:
        rule.setdefault("BucketKeyEnabled", False)
    return dict(plain)


def lifecycle_view(answer: Answer) -> Answer:
    """AWS adds the smallest size that is moved, where none was chosen."""
    return {"TransitionDefaultMinimumObjectSize": "all_storage_classes_128K", **valued(answer)}


def inventory_view(answer: Answer) -> Answer:
    """Columns have no order."""
    inventory = json.loads(canonical(answer["InventoryConfiguration"]))
    return {"InventoryConfiguration": {**inventory, "OptionalFields": sorted(inventory.get("OptionalFields") or [])}}


def tags_view(answer: Answer) -> Answer:
    """Tags have no order."""
    return {"TagSet": sorted(valued(answer["TagSet"]), key=canonical)}


def valued(value: Any) -> Any:
    """The same with the empty values of tags, which AWS leaves out of its answers and asks for in calls."""
    if isinstance(value, list):
        return [valued(item) for item in value]
    if isinstance(value, Mapping):
        found = {key: valued(part) for key, part in value.items()}
        return {**found, "Value": ""} if found.keys() == {"Key"} else found
    return value
