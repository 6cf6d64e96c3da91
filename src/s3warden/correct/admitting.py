"""A bucket that is to receive what S3 delivers: the statement of its policy that lets the delivery in.

Takes a look at the bucket and what is delivered, hands on the edit of its policy, none where the delivery gets in
already. The statement holds for all buckets of the account, so that a thousand of them do not fill the policy. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from s3warden.correct.policy_text import statements_of, texts_of, with_statement
from s3warden.correct.remedy import Edit, Look
from s3warden.model.action import Declined
from s3warden.model.bucket import Aspect, BucketRef


@dataclass(frozen=True, slots=True)
class Admission:
    """What S3 delivers: by which service of its own, named in the policy by `sid`, and in print as `what`."""

    sid: str
    service: str
    what: str


def admitting(target: Look, ref: BucketRef, admission: Admission) -> tuple[Edit, ...] | Declined:
    """What lets the delivery into `ref`; nothing where it is let in already."""
    known = target.documents.get(Aspect.POLICY)
    text = None if known is None else str(known["Policy"])
    made = _statement(ref, admission)
    try:
        if text is not None and any(_admits(statement, made) for statement in statements_of(text)):
            return ()
        policy = with_statement(text, made)
    except ValueError as error:
        return Declined("policy_not_written", f"The policy of {ref} cannot be changed: {error}.")
    return (Edit(Aspect.POLICY, {"Policy": policy}, f"Let S3 deliver {admission.what} into {ref}", bucket=ref),)


def _statement(ref: BucketRef, admission: Admission) -> Mapping[str, object]:
    return {
        "Sid": admission.sid,
        "Effect": "Allow",
        "Principal": {"Service": admission.service},
        "Action": "s3:PutObject",
        "Resource": f"{ref.arn}/*",
        "Condition": {"StringEquals": {"aws:SourceAccount": ref.account}},
    }


def _admits(statement: Mapping[str, object], made: Mapping[str, object]) -> bool:
    """Whether a statement plainly lets the delivery put every object, for this account or for all."""
    principal, wanted = statement.get("Principal"), made["Principal"]
    services = principal.get("Service") if isinstance(principal, dict) else None
    asked = wanted.get("Service") if isinstance(wanted, dict) else None
    return (
        statement.get("Effect") == "Allow"
        and asked in texts_of(services)
        and any(fnmatchcase("s3:putobject", action.lower()) for action in texts_of(statement.get("Action")))
        and made["Resource"] in texts_of(statement.get("Resource"))
        and (statement.get("Condition") or made["Condition"]) == made["Condition"]
    )
