"""Buckets behind CloudFront: what else can read them than the distributions that serve them goes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from s3warden.correct.effect import effect
from s3warden.correct.narrowing import Removal, allows, narrowed, policy_of, public_grants
from s3warden.correct.policy_text import also, replaced, statements_of, texts_of, without
from s3warden.correct.prediction import predicted
from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.detect.exposed import analysed, inputs_of
from s3warden.detect.exposure.glob import glob
from s3warden.detect.serving import CLOUDFRONT, let_in, serving
from s3warden.model.action import Declined, Risk
from s3warden.model.bucket import Aspect

_SOURCE = "aws:SourceArn"
_DOUBT = "whether a distribution of an account that is not guarded serves the bucket"


def _served(scene: Scene) -> tuple[Edit, ...] | Declined:
    """Other distributions go, statement by statement; then, of a bucket that is public, what opens it."""
    if not scene.look.whole:
        return Declined("unreadable", "Not everything that may serve the bucket has been read since the start.")
    text = policy_of(scene) or ""
    arns = serving(scene.state)
    try:
        own = _for_those(text, arns) if text else text
    except ValueError as error:
        return Declined("policy_not_written", f"The policy cannot be changed: {error}; a policy is never deleted.")
    edits = () if own == text else (_edit(own),)
    if effect(scene, edits).mends:
        return edits
    if set(let_in(own)) - arns:
        return Declined("not_mended", "The policy lets other distributions in by a statement that names others, too.")
    return _closed(scene, edits)


def _closed(scene: Scene, edits: tuple[Edit, ...]) -> tuple[Edit, ...] | Declined:
    """What opens the bucket beside CloudFront goes as well, as little of it as mends the rule."""
    state = predicted(scene.look, edits, scene.options)
    if not analysed(inputs_of(state, scene.options)).public:
        return Declined("not_mended", "Whether the bucket is public beside CloudFront would still not be decided.")
    documents = {**scene.documents, **{edit.aspect: edit.after for edit in edits}}
    left = replace(scene, look=replace(scene.look, state=state, documents=documents))
    found = narrowed(left, Removal(public_grants(left).grants, allows(left).statements), closed=True)
    if isinstance(found, Declined):
        return found
    of_policy = next((edit for edit in found if edit.aspect is Aspect.POLICY), None)
    if of_policy is None or not edits:
        return (*edits, *found)
    # It was made from what the earlier edit would leave.
    both = replace(of_policy, summary=f"{edits[0].summary}; {of_policy.summary}", doubts=edits[0].doubts)
    return tuple(both if edit is of_policy else edit for edit in found)


def _edit(text: str) -> Edit:
    summary = "Let CloudFront in for the distributions that serve the bucket alone"
    return Edit(Aspect.POLICY, {"Policy": text}, summary, doubts=(_DOUBT,))


def _for_those(text: str, arns: Collection[str]) -> str:
    """The policy that lets in no other distributions than these, as far as its statements speak of CloudFront alone.

    Raises ValueError where nothing of it would be left.
    """
    gone: list[int] = []
    for at, statement in enumerate(statements_of(text)):
        kept = _narrowed(statement, arns) if _of_cloudfront(statement) else statement
        if kept is None:
            gone.append(at)
        elif kept != statement:
            text = replaced(text, at, kept)
    return without(text, gone) if gone else text


def _of_cloudfront(statement: Mapping[str, object]) -> bool:
    principal = statement.get("Principal")
    if statement.get("Effect") != "Allow" or not isinstance(principal, dict) or set(principal) != {"Service"}:
        return False
    names = texts_of(principal["Service"])
    return bool(names) and all(name.startswith(CLOUDFRONT) for name in names)


def _narrowed(statement: Mapping[str, object], arns: Collection[str]) -> Mapping[str, object] | None:
    """The statement for those of its distributions that are in `arns`; None where that is none of them."""
    condition = statement.get("Condition")
    after: dict[str, object] = {}
    named = False
    for operator, keys in (condition if isinstance(condition, dict) else {}).items():
        after[operator] = dict(keys)
        for key, values in keys.items():
            if key.lower() != _SOURCE.lower() or "not" in operator.lower() or operator == "Null":
                continue
            listed = texts_of(values)
            kept = _kept(listed, arns, literal="stringequals" in operator.lower())
            if not kept:
                return None
            named = True
            after[operator] = {**dict(keys), key: values if kept == listed else kept if kept[1:] else kept[0]}
    if not named:
        return also(statement, "StringEquals", _SOURCE, sorted(arns) if len(arns) > 1 else next(iter(arns)))
    return {**statement, "Condition": after}


def _kept(listed: Sequence[str], arns: Collection[str], *, literal: bool) -> list[str]:
    """Those of `arns` that are named, in their order, and then those that a pattern takes in."""
    exact = [value for value in listed if value in arns]
    patterns = [] if literal else [glob(value) for value in listed if value not in arns]
    return exact + [arn for arn in sorted(arns) if arn not in exact and any(each.matches(arn) for each in patterns)]


SERVED = Remedy(
    id="serve-by-known-distributions-alone",
    title="Let nothing read the bucket beside the distributions that serve it",
    rules=frozenset({"bucket-origin-single-distribution"}),
    reads=frozenset({Aspect.POLICY, Aspect.ACL, Aspect.REFERRERS}),
    risk=Risk.HIGH,
    risk_text="Other distributions that read the bucket get nothing any more, nor does whoever goes around CloudFront.",
    iam_actions=("s3:PutBucketPolicy", "s3:PutBucketAcl"),
    plan=_served,
    undo_text="While BlockPublicAcls or BlockPublicPolicy is on, AWS refuses to put something public back.",
)

REMEDIES = (SERVED,)
