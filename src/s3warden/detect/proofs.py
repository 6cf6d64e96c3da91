"""The engine's proofs as the decisive facts of an evidence: short, stable texts for people.

A fact stays equal as long as the same statement or grant lets the same kind of request through, so that a finding
does not change without reason; every text is bounded, since policies are not.
"""

import json
from collections.abc import Iterable, Mapping, Sequence

from s3warden.detect.exposure.inputs import ExposureInputs
from s3warden.detect.exposure.proof import Reason, Witness
from s3warden.detect.exposure.verdict import Exposure
from s3warden.detect.questions import raw_statements, statements

STATEMENT = 300
CONTEXT = 200
LISTED = 5

_LAYERS = {
    "account_bpa": "block public access of the account",
    "bucket_bpa": "block public access of the bucket",
    "access_point_bpa": "block public access of the access point",
    "ownership": "disabled ACLs (BucketOwnerEnforced)",
    "deny": "a Deny statement",
    "condition": "a condition that no stranger meets",
    "network_origin": "the VPC origin of the access point",
    "bucket_policy": "the bucket policy, which does not allow it too",
    "owner_only_api": "S3, which keeps these calls for the owner's account",
}
# Contexts that every request from the internet has: what is usual proves nothing.
_USUAL = frozenset({("aws:securetransport", ("true",))})


def cut(text: str, limit: int) -> str:
    """`text` in at most `limit` characters, with an ellipsis where something is missing."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def some(items: Sequence[str], limit: int = LISTED) -> str:
    """The first few of many, and how many more there are."""
    more = f" and {len(items) - limit} more" if len(items) > limit else ""
    return ", ".join(items[:limit]) + more


def request(witness: Witness) -> str:
    """One request that AWS would allow, in a line: who calls what on which resource, from where."""
    context = [f"{key}={'|'.join(values)}" for key, values in witness.context if (key, values) not in _USUAL]
    given = f", with {cut(', '.join(context), CONTEXT)}" if context else ""
    return f"{witness.action} on {witness.resource} by {witness.caller}{given}"


def source(witness: Witness) -> str:
    """The decisive statement or grant by name."""
    by = " and ".join(witness.granted_by)
    if witness.via == "acl":
        return f"the ACL grant {by}"
    # Of an access point the engine names both documents with their statements.
    return f"{by} of the bucket policy" if witness.via == "policy" else by


def statement_text(inputs: ExposureInputs, label: str) -> str:
    """The statement that `label` names, as compact JSON, cut short."""
    if not isinstance(inputs.policy, str):
        return ""
    index = next((s.index for s in statements(inputs) if s.label == label.removeprefix("policy ")), None)
    if index is None:
        return ""
    return cut(json.dumps(raw_statements(inputs.policy)[index], separators=(",", ":"), ensure_ascii=False), STATEMENT)


def proof(inputs: ExposureInputs, witness: Witness) -> dict[str, str]:
    """The facts of one witness: the request, what grants it, and the statement itself where there is one."""
    facts = {"request": request(witness), "granted_by": source(witness)}
    text = statement_text(inputs, witness.granted_by[-1]) if witness.via != "acl" and witness.granted_by else ""
    return facts | ({"statement": text} if text else {})


def layer_names(layers: Iterable[str]) -> list[str]:
    """The layers of `blocked_by` in words."""
    return [_LAYERS.get(layer, layer) for layer in layers]


def held_back(reasons: Iterable[Reason]) -> list[str]:
    """What would be open and is not, each with the layer that stops it."""
    stopped: dict[str, str] = {}
    for reason in reasons:
        if reason.layer in _LAYERS:
            name = reason.via if reason.source == reason.layer else f"{reason.source} of {reason.via}"
            stopped.setdefault(name, f"{name}: {_LAYERS[reason.layer]}")
    return list(stopped.values())


def status_words(mine: bool | None, aws: bool | None) -> str:
    """What AWS and the engine say of the policy document."""
    words: Mapping[bool | None, str] = {True: "public", False: "not public", None: "not known"}
    return f"AWS says {words[aws]}, the estimate is {words[mine]}"


def why_private(found: Exposure) -> str:
    """One sentence for a bucket that nobody outside can reach as a stranger."""
    if not found.blocked_by:
        return "Nothing grants access to strangers."
    return f"Not public: a grant to everyone is stopped by {' and '.join(layer_names(found.blocked_by))}."


def doubts(found: Exposure) -> dict[str, str]:
    """Why it cannot be told whether the bucket is public."""
    return {"because": cut("; ".join(found.unknown_because[:LISTED]) or "not told", STATEMENT)}
