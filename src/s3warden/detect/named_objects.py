"""How a finding names objects, so that they are known again after a restart.

Nothing else remembers which objects events named: who forgot those of an open finding would find nothing wrong. Pure.
"""

import json
from collections.abc import Iterable, Sequence
from itertools import accumulate

from s3warden.model.bucket import Aspect
from s3warden.model.finding import Finding
from s3warden.model.objects import ObjectAcls, ObjectName

RULE = "bucket-object-acl-public"
"""The rule whose findings name objects."""
FACT, MORE = "objects", "objects_beyond"
_MOST, _LONGEST = 20, 4000


def facts(names: Sequence[ObjectName], beyond: int = 0) -> dict[str, str]:
    """What evidence says of objects: as many as can be told, as a JSON list of pairs of key and version.

    `beyond` are as many others that are not to be forgotten.
    """
    told = [json.dumps([name.key, name.version]) for name in names[:_MOST]]
    # JSON in plain ASCII is exact, and holds nothing that a terminal would obey.
    fitting = [text for text, length in zip(told, accumulate(map(len, told)), strict=True) if length <= _LONGEST]
    beyond += len(names) - len(fitting)
    return {FACT: f"[{', '.join(fitting)}]", **({MORE: str(beyond)} if beyond else {})}


def recalled(findings: Iterable[Finding]) -> ObjectAcls:
    """The objects that open findings name, still to be read."""
    found = next((finding for finding in findings if finding.rule_id == RULE), None)
    if found is None:
        return ObjectAcls()
    named = found.evidence.details
    try:
        names = tuple(ObjectName(str(key), str(version)) for key, version in json.loads(named[FACT]))
    except (KeyError, TypeError, ValueError):
        # An object that could not be read has no name in the evidence; a setting that could not be is no object.
        unread = named.get("unreadable", Aspect.OBJECT_ACL.value).split(", ")
        return ObjectAcls(forgotten=Aspect.OBJECT_ACL in unread)
    return ObjectAcls(forgotten=MORE in named).naming(names)


def shown(name: ObjectName) -> str:
    """An object for people: its key in one short line, and its version."""
    key = "".join(char if char.isprintable() else "?" for char in name.key)
    short = key if len(key) <= _SHORT else f"{key[:_SHORT]}…"
    return f"{short} (version {name.version[:_SHORT]})" if name.version else short


_SHORT = 80
