"""Accounts that are not trusted, let in by a policy beside the bucket's own: taken out of it, and nobody else."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from s3warden.correct import points
from s3warden.correct.cuts import EVERYONE, Cut, Named, labels, named_in, nobody_of
from s3warden.correct.effect import effect
from s3warden.correct.policy_text import TooLargeError, statements_of
from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.correct.service_writes import actions_on
from s3warden.model.action import Declined, Loss, LossKind, Risk
from s3warden.model.bucket import Aspect

Editing: TypeAlias = Callable[[str, Cut], Edit]
"""From a place and what is left of its policy to the edit."""


def excluding(scene: Scene, texts: Mapping[str, str], editing: Editing) -> tuple[Edit, ...] | Declined:
    """As few of those whom the policies let in as mend the rule, taken out one by one."""
    friends = (*scene.options.trusted_accounts, scene.state.ref.account)
    listed = (one for place, text in texts.items() for one in named_in(text, place))
    chosen = frozenset(one for one in listed if not any(account in one.name for account in friends))
    if not chosen:
        return Declined("nothing_to_remove", "No policy lets in anybody who could be taken out of it.")
    try:
        if not _mends(scene, texts, chosen, editing):
            return Declined("not_mended", "The access does not come from whom these policies let in alone.")
        for part in _parts(chosen):
            if chosen & part and _mends(scene, texts, chosen - part, editing):
                chosen -= part
        return tuple(_edits(texts, chosen, editing))
    except TooLargeError as error:
        return Declined("policy_too_large", f"The policy cannot be written: {error}.")


def _parts(chosen: Collection[Named]) -> Iterator[frozenset[Named]]:
    """All that is chosen of one policy, so that a sound one is spared in one go; then each by itself."""
    for place in sorted({one.place for one in chosen}):
        yield frozenset(one for one in chosen if one.place == place)
    for one in sorted(chosen):
        yield frozenset({one})


def _mends(scene: Scene, texts: Mapping[str, str], chosen: Collection[Named], editing: Editing) -> bool:
    return effect(scene, tuple(_edits(texts, chosen, editing))).mends


def _edits(texts: Mapping[str, str], chosen: Collection[Named], editing: Editing) -> Iterator[Edit]:
    for place, text in texts.items():
        here = [one for one in chosen if one.place == place]
        if here:
            named = sorted({one.name for one in here if one.name != EVERYONE})
            losses = tuple(Loss(LossKind.ACCOUNT, name) for name in named)
            yield replace(editing(place, nobody_of(text, here)), losses=losses, doubts=_doubts(text, here))


def _doubts(text: str, chosen: Collection[Named]) -> tuple[str, ...]:
    """Everyone is the leak itself; everyone of a network or an organisation may be somebody who is meant."""
    listed = statements_of(text)
    guarded = {one.statement for one in chosen if one.name == EVERYONE and listed[one.statement].get("Condition")}
    return (f"whom the conditions of {labels(listed, guarded)} let in",) if guarded else ()


def _points(scene: Scene) -> tuple[Edit, ...] | Declined:
    return excluding(scene, points.policies(scene), points.edit)


POINTS = Remedy(
    id="remove-foreign-principals-of-access-points",
    title="Take accounts that are not trusted out of the policies of access points",
    rules=frozenset({"bucket-access-point-cross-account"}),
    reads=frozenset({Aspect.ACCESS_POINTS}),
    risk=Risk.HIGH,
    risk_text="The accounts lose the access that they have through the access point, a partner's included.",
    iam_actions=actions_on(Aspect.ACCESS_POINTS),
    plan=_points,
    undo_text="While BlockPublicPolicy is on, AWS refuses to put back what lets in everyone.",
)

REMEDIES = (POINTS,)
