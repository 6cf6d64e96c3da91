"""Questions about a bucket policy that go beyond "who gets in": what it refuses, and what would be left of a grant.

Each answer comes from the exposure engine, which is asked about a changed document, never from the shape of one
statement.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from s3warden.detect.exposed import analysed
from s3warden.detect.exposure import actions
from s3warden.detect.exposure.budget import Budget
from s3warden.detect.exposure.callers import ROOT, members
from s3warden.detect.exposure.channels import ACL, POLICY, WORK, Channel, Inquiry, groups
from s3warden.detect.exposure.compiled import Place, compile_document, granting, named_accounts
from s3warden.detect.exposure.inputs import ExposureInputs
from s3warden.detect.exposure.memo import shape
from s3warden.detect.exposure.normal import Document, Statement
from s3warden.detect.exposure.parse import MODERN, parse
from s3warden.detect.exposure.proof import Witness
from s3warden.detect.exposure.survey import document_of, facts_of

ADMINISTRATION = (
    "s3:PutBucketAcl", "s3:PutObjectAcl", "s3:PutObjectVersionAcl", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy",
    "s3:DeleteBucket", "s3:PutBucketPublicAccessBlock", "s3:PutBucketOwnershipControls",
    "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration", "s3:PutReplicationConfiguration",
    "s3:PutBucketVersioning", "s3:PutBucketLogging", "s3:PutBucketNotification",
    "s3:PutBucketObjectLockConfiguration", "s3:PutBucketWebsite", "s3:DeleteBucketWebsite",
    "s3:PutBucketCORS", "s3:BypassGovernanceRetention",
)  # fmt: skip
"""Actions that change who may do what, or what is kept: nobody outside the account needs them."""


@lru_cache(maxsize=1024)
def document(text: str) -> Document:
    """The normal form of a policy, remembered."""
    return parse(text)


def statements(inputs: ExposureInputs) -> tuple[Statement, ...]:
    """The statements of the bucket policy that were read; none where there is no policy or it is no policy."""
    return document(inputs.policy).statements if isinstance(inputs.policy, str) else ()


def understood(inputs: ExposureInputs) -> str | None:
    """What of the policy cannot be understood, None if nothing: a changed copy of it would say something else."""
    if not isinstance(inputs.policy, str):
        return None
    found = document(inputs.policy)
    notes = (*found.unknown, *(f"{s.label}: {note}" for s in found.statements for note in s.unknown))
    return next(iter(notes), None)


def raw_statements(text: str) -> list[dict[str, Any]]:
    """The statements of a policy that parses, as JSON has them, in order."""
    listed = json.loads(text)["Statement"]
    return listed if isinstance(listed, list) else [listed]


def limited(inputs: ExposureInputs, wanted: Iterable[str], *, signed: bool = False) -> ExposureInputs:
    """The bucket with everything but the actions `wanted` denied to everyone; `signed` leaves unsigned callers out.

    Only for a policy that is understood. AWS's status is that of the real policy.
    """
    own = json.loads(inputs.policy) if isinstance(inputs.policy, str) else {"Version": MODERN, "Statement": []}
    listed = own["Statement"] if isinstance(own["Statement"], list) else [own["Statement"]]
    deny = {"Effect": "Deny", "Principal": "*", "NotAction": list(wanted), "Resource": "*"}
    return replace(
        inputs,
        policy=json.dumps({**own, "Statement": [*listed, deny]}),
        policy_status=status_of(inputs),
        requester_pays=signed or inputs.requester_pays,
    )


def status_of(inputs: ExposureInputs) -> bool | None:
    """Whether the real policy counts as public: AWS's answer, else the estimate."""
    return analysed(inputs).policy_status_is_public if inputs.policy_status is None else inputs.policy_status


def alone(inputs: ExposureInputs, index: int, **changes: object) -> ExposureInputs:
    """The bucket with no Allow but the one at `index`, every Deny kept, `changes` made to it, and no ACL."""
    if not isinstance(inputs.policy, str):
        return replace(inputs, grants=())
    kept = [
        {**item, **changes} if at == index else item
        for at, item in enumerate(raw_statements(inputs.policy))
        if at == index or item.get("Effect") != "Allow"
    ]
    whole = {**json.loads(inputs.policy), "Statement": kept}
    return replace(inputs, policy=json.dumps(whole), policy_status=None, grants=())


def owner_can(inputs: ExposureInputs, action: str) -> bool | str:
    """Whether the owner's account, the root user aside, can still do `action` on the bucket itself, or why it is open.

    Every grant is taken for given, so that only the Deny statements of the bucket policy stand in the way.
    """
    return _owner_can(shape(inputs), action)


@lru_cache(maxsize=1024)
def _owner_can(inputs: ExposureInputs, action: str) -> bool | str:
    arn = f"arn:{inputs.partition}:s3:::{inputs.bucket}"
    place = Place(arn, f"{arn}/")
    wanted = actions.matching(action.lower())
    bucket = compile_document(document_of(inputs.policy, "the bucket policy"), POLICY, place)
    anything = granting(ACL, "any grant", wanted, True, place)
    facts, _ = facts_of(inputs, [bucket])
    channel = Channel(ACL, "bucket policy", ((anything,),), bucket.denies, facts, bucket.document, place)
    inquiry = Inquiry(channel, wanted, Budget(WORK))
    listed = sorted(named_accounts([bucket]).get(inputs.owner, ()))
    doubt: str | None = None
    for caller in members(inputs.owner, listed, facts.mentions.keys(), web=False):
        for granted, on_object in groups((anything, *bucket.denies), wanted) if caller.kind != ROOT else ():
            found = inquiry.witness(caller, granted, on_object)
            if isinstance(found, Witness):
                return True
            doubt = doubt or found
    return doubt or False
