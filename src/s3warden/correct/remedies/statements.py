"""Statements of the bucket policy that let in too many: guarded by too little, or for whomever a service works."""

from collections.abc import Mapping

from s3warden.correct.effect import effect
from s3warden.correct.narrowing import allows, every_statement, narrowed
from s3warden.correct.policy_text import also, replaced, statements_of, texts_of
from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.model.action import Declined, Risk
from s3warden.model.bucket import Aspect, BucketRef

_POLICY = frozenset({Aspect.POLICY})
_OTHERS = "whether the services also work for other accounts that are meant to"


def _guarded(scene: Scene) -> tuple[Edit, ...] | Declined:
    return narrowed(scene, allows(scene))


def _forbidden(scene: Scene) -> tuple[Edit, ...] | Declined:
    return narrowed(scene, every_statement(scene))


def _bound(scene: Scene) -> tuple[Edit, ...] | Declined:
    """As few as mend the rule of the statements that name nobody but services, bound to the account."""
    known, ref = scene.documents.get(Aspect.POLICY), scene.state.ref
    if known is None or not isinstance(ref, BucketRef):
        return Declined("nothing_to_bind", "There is no policy that names a service.")
    text = str(known["Policy"])
    try:
        chosen = {at: _with_account(one, ref) for at, one in enumerate(statements_of(text)) if _of_services(one)}
        if not _mends(scene, text, chosen):
            return Declined(
                "not_mended", "To bind the services to the account would not be enough, or is not possible."
            )
        for at in sorted(chosen, reverse=True):
            fewer = {other: one for other, one in chosen.items() if other != at}
            chosen = fewer if _mends(scene, text, fewer) else chosen
        return (_edit(text, chosen),)
    except ValueError as error:
        return Declined("policy_not_written", f"The policy cannot be changed: {error}.")


def _mends(scene: Scene, text: str, chosen: Mapping[int, Mapping[str, object]]) -> bool:
    return effect(scene, (_edit(text, chosen),)).mends


def _edit(text: str, chosen: Mapping[int, Mapping[str, object]]) -> Edit:
    for at, statement in chosen.items():
        text = replaced(text, at, statement)
    names = ", ".join(f"statement {at}" for at in sorted(chosen))
    return Edit(Aspect.POLICY, {"Policy": text}, f"Bind {names} of the bucket policy to the account", doubts=(_OTHERS,))


def _of_services(statement: Mapping[str, object]) -> bool:
    """Whether it allows something to services alone: others would not meet a condition on whom a service works for."""
    principal = statement.get("Principal")
    return statement.get("Effect") == "Allow" and isinstance(principal, dict) and set(principal) == {"Service"}


def _with_account(statement: Mapping[str, object], ref: BucketRef) -> dict[str, object]:
    principal = statement["Principal"]
    services = str(principal["Service"]) if isinstance(principal, dict) else ""
    if "cloudfront" in services:
        own = f"arn:{ref.partition}:cloudfront::{ref.account}:distribution/*"
        return also(statement, "ArnLike", "aws:SourceArn", _of_account(statement, ref.account) or own)
    return also(statement, "StringEquals", "aws:SourceAccount", ref.account)


def _of_account(statement: Mapping[str, object], account: str) -> object:
    """What the statement names under the operator already, with the account where it leaves that open: no more."""
    condition = statement.get("Condition")
    keys = condition.get("ArnLike") if isinstance(condition, dict) else None
    known = next((v for k, v in (keys if isinstance(keys, dict) else {}).items() if k.lower() == "aws:sourcearn"), None)
    fields = [each.split(":", 5) for each in texts_of(known)]
    if not fields or any(len(each) != 6 for each in fields):
        return None
    fixed = [":".join(e if e[4].isdigit() else [*e[:4], account, e[5]]) for e in fields]
    return fixed if fixed[1:] else fixed[0]


UNGUARDED = Remedy(
    id="remove-weak-statements",
    title="Take out the statements that are guarded by too little",
    rules=frozenset({"bucket-policy-spoofable-condition", "bucket-policy-broad-source-ip"}),
    reads=_POLICY,
    risk=Risk.HIGH,
    risk_text="Everyone who reaches the bucket by such a statement is refused, those whom it was made for included.",
    iam_actions=("s3:PutBucketPolicy",),
    plan=_guarded,
)
BOUND = Remedy(
    id="bind-services-to-account",
    title="Let services act on the bucket for this account alone",
    rules=frozenset({"bucket-policy-service-confused-deputy", "bucket-policy-oac-wildcard-sourcearn"}),
    reads=_POLICY,
    risk=Risk.MEDIUM,
    risk_text="What the services deliver or read for other accounts, as for the trail of an organisation, stops.",
    iam_actions=("s3:PutBucketPolicy",),
    plan=_bound,
)

OUTSIDERS = Remedy(
    id="remove-foreign-organisations",
    title="Take out the statements that let members of other organisations in",
    rules=frozenset({"bucket-cross-account-outside-org"}),
    reads=_POLICY,
    risk=Risk.HIGH,
    risk_text="Whoever has access by such a statement is refused, members of the own organisation in it included.",
    iam_actions=("s3:PutBucketPolicy",),
    plan=_guarded,
)
FORBIDDEN = Remedy(
    id="remove-forbidden-statements",
    title="Take the forbidden statements out of the bucket policy",
    rules=frozenset({"bucket-policy-forbidden-statement"}),
    reads=_POLICY,
    risk=Risk.HIGH,
    risk_text="What the statements allow is refused, and what they refuse is allowed where something else allows it.",
    iam_actions=("s3:PutBucketPolicy",),
    plan=_forbidden,
)

REMEDIES = (UNGUARDED, BOUND, OUTSIDERS, FORBIDDEN)
