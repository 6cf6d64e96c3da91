"""Accounts that are not trusted, let in by a policy beside the bucket's own: taken out of it, and nobody else."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from s3warden.correct.cuts import EVERYONE, Named, labels, named_in, nobody_of
from s3warden.correct.effect import effect
from s3warden.correct.multi_region_writes import ROW as MULTI_REGION_POLICY
from s3warden.correct.other_bucket_writes import DIRECTORY_POLICY, TABLE_POLICY, VECTOR_POLICY
from s3warden.correct.placed import (
    DIRECTORIES,
    FILE_SYSTEMS,
    MULTI_REGION,
    OBJECT_LAMBDA_POINTS,
    POINTS,
    TABLES,
    VECTORS,
    Policies,
    undeletable,
)
from s3warden.correct.point_writes import ROW as POINT_POLICY
from s3warden.correct.policy_text import TooLargeError, statements_of
from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.correct.service_row import ServiceWriting
from s3warden.correct.way_writes import FILE_SYSTEM
from s3warden.correct.way_writes import POINT as OBJECT_LAMBDA_POINT
from s3warden.model.action import Declined, Loss, LossKind, Risk

_Texts: TypeAlias = Mapping[str, tuple[Policies, str]]


def _excluding(*kinds: Policies) -> Callable[[Scene], tuple[Edit, ...] | Declined]:
    """As few of those whom the policies let in as mend the rule, taken out one by one."""

    def plan(scene: Scene) -> tuple[Edit, ...] | Declined:
        friends = (*scene.options.trusted_accounts, scene.state.ref.account)
        texts = {place: (kind, text) for kind in kinds for place, text in kind.of(scene).items()}
        listed = (one for place, (_, text) in texts.items() for one in named_in(text, place))
        chosen = frozenset(one for one in listed if not any(account in one.name for account in friends))
        if not chosen:
            return Declined("nothing_to_remove", "No policy lets in anybody who could be taken out of it.")
        try:
            if not _mends(scene, texts, chosen):
                return Declined("not_mended", "The access does not come from whom these policies let in alone.")
            for part in _parts(chosen):
                if chosen & part and _mends(scene, texts, chosen - part):
                    chosen -= part
            edits = tuple(_edits(texts, chosen))
        except TooLargeError as error:
            return Declined("policy_too_large", f"The policy cannot be written: {error}.")
        return next((undeletable(kind) for kind in kinds for edit in edits if _impossible(kind, edit)), edits)

    return plan


def _impossible(kind: Policies, edit: Edit) -> bool:
    return edit.aspect is kind.aspect and edit.after is None and not kind.deletes(edit.place or "")


def _parts(chosen: Collection[Named]) -> Iterator[frozenset[Named]]:
    """All that is chosen of one policy, so that a sound one is spared in one go; then each by itself."""
    for place in sorted({one.place for one in chosen}):
        yield frozenset(one for one in chosen if one.place == place)
    for one in sorted(chosen):
        yield frozenset({one})


def _mends(scene: Scene, texts: _Texts, chosen: Collection[Named]) -> bool:
    return effect(scene, tuple(_edits(texts, chosen))).mends


def _edits(texts: _Texts, chosen: Collection[Named]) -> Iterator[Edit]:
    for place, (kind, text) in texts.items():
        here = [one for one in chosen if one.place == place]
        if here:
            named = sorted({one.name for one in here if one.name != EVERYONE})
            losses = tuple(Loss(LossKind.ACCOUNT, name) for name in named)
            yield replace(kind.edit(place, nobody_of(text, here)), losses=losses, doubts=_doubts(text, here))


def _doubts(text: str, chosen: Collection[Named]) -> tuple[str, ...]:
    """Everyone is the leak itself; everyone of a network or an organisation may be somebody who is meant."""
    listed = statements_of(text)
    guarded = {one.statement for one in chosen if one.name == EVERYONE and listed[one.statement].get("Condition")}
    return (f"whom the conditions of {labels(listed, guarded)} let in",) if guarded else ()


POINT = Remedy(
    id="remove-foreign-principals-of-access-points",
    title="Take accounts that are not trusted out of the policies of access points",
    rules=frozenset({"bucket-access-point-cross-account"}),
    reads=frozenset({POINTS.aspect, MULTI_REGION.aspect}),
    risk=Risk.HIGH,
    risk_text=(
        "The accounts lose the access that they have through the access point, a partner's included; through a "
        "multi-region one to all buckets behind it."
    ),
    iam_actions=(*POINT_POLICY.iam_actions, *MULTI_REGION_POLICY.iam_actions),
    plan=_excluding(POINTS, MULTI_REGION),
    undo_text="While BlockPublicPolicy is on, AWS refuses to put back what lets in everyone.",
)


def _of(kind: Policies, row: ServiceWriting, rule: str) -> Remedy:
    return Remedy(
        id=f"remove-foreign-principals-of-{kind.word.lower().replace(' ', '-')}s",
        title=f"Take whoever is not trusted out of the policies of {kind.word}s",
        rules=frozenset({rule}),
        reads=frozenset({kind.aspect}),
        risk=Risk.HIGH,
        risk_text=f"They lose the access that the policy of the {kind.word} gives them, a partner's included.",
        iam_actions=row.iam_actions,
        plan=_excluding(kind),
    )


REMEDIES = (
    POINT,
    _of(DIRECTORIES, DIRECTORY_POLICY, "account-directory-bucket-external"),
    _of(TABLES, TABLE_POLICY, "account-table-bucket-external"),
    _of(VECTORS, VECTOR_POLICY, "account-vector-bucket-external"),
    _of(FILE_SYSTEMS, FILE_SYSTEM, "account-s3-files-policy"),
    _of(OBJECT_LAMBDA_POINTS, OBJECT_LAMBDA_POINT, "account-object-lambda-exposed"),
)
