"""From a finding and a fresh look to a plan, or to why there is none.

Takes a finding, a look with what `aspects` names, and what the operator wants; hands on the plan whose effect is the
smallest of those that mend the rule. Pure: it never does I/O, reads no clock, and plans the same for the same look.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from s3warden.collect.derived import TARGET_ASPECTS
from s3warden.collect.shapes import Answer
from s3warden.correct.by_hand import left_to_people
from s3warden.correct.effect import HARM, effect
from s3warden.correct.refusals import changing, refused
from s3warden.correct.remedies import remedies_for
from s3warden.correct.remedies.inventories import INVENTORY
from s3warden.correct.remedies.logging import INTO_LOG_BUCKET
from s3warden.correct.remedy import DEFAULT_WANTED, Edit, Look, Remedy, Scene, Wanted, named_bucket
from s3warden.correct.steps import step, steps_by_key
from s3warden.correct.writes import WRITES
from s3warden.detect import exposed
from s3warden.detect.evaluate import evaluate
from s3warden.detect.rule import DEFAULT_OPTIONS, Rule, RuleOptions
from s3warden.model.action import Declined, Effect, Planned, RemediationPlan, Step
from s3warden.model.bucket import Aspect, BucketRef, BucketState, Subject, unreadable_parts
from s3warden.model.finding import Finding, Verdict

_BESIDE = frozenset({Aspect.POLICY, Aspect.OBJECT_LOCK, Aspect.REQUEST_PAYMENT, Aspect.ENCRYPTION})

# One edit that cuts off nobody: no other remedy can do better, and the earlier one wins where it is equal.
_LEAST_HARM = (0, 0, 1)

_Tried: TypeAlias = tuple[Remedy, tuple[Edit, ...], Effect]


def aspects(rule: Rule) -> frozenset[Aspect]:
    """What a look has to read for a plan to be made about a finding of `rule`."""
    reads = frozenset[Aspect]().union(*(remedy.reads for remedy in remedies_for(rule.info.id)))
    return rule.looks | reads | exposed.NEEDS | exposed.HINTS | HARM


def beside(rule: Rule, subject: Subject, wanted: Wanted) -> BucketRef | None:
    """The other bucket that a plan about a finding of `rule` would change too: the one that is to receive something."""
    if rule.info.id in INTO_LOG_BUCKET:
        return named_bucket(wanted.log_bucket, subject)
    return named_bucket(wanted.inventory_bucket, subject) if rule.info.id in INVENTORY.rules else None


def aspects_beside(rules: Iterable[Rule]) -> frozenset[Aspect]:
    """What a look has to read of the buckets that `beside` names, for plans about findings of these rules."""
    judged = any(Aspect.LOG_TARGET in rule.info.needs for rule in rules)
    return _BESIDE | TARGET_ASPECTS if judged else _BESIDE


def plan(
    finding: Finding,
    look: Look,
    *,
    rule: Rule,
    made_at: datetime,
    options: RuleOptions = DEFAULT_OPTIONS,
    wanted: Wanted = DEFAULT_WANTED,
) -> Planned:
    """What to do about the finding, by the look alone: the finding may be older. `made_at` is UTC."""
    if isinstance(look.state, BucketState) and not look.state.exists:
        return Declined("gone", "The bucket does not exist any more.")
    [result] = evaluate((rule,), look.state, options=options)
    if result.verdict is Verdict.UNKNOWN:
        return Declined("unknown", f"What is true now is not known: {result.evidence.summary}")
    if result.verdict is not Verdict.FAIL:
        return Declined("not_needed", f"The rule is kept by now: {result.evidence.summary}")
    remedies = remedies_for(rule.info.id)
    if not remedies:
        return Declined("no_remedy", left_to_people(rule.info.id))
    scene = Scene(finding, rule, look, options, wanted)
    chosen = _chosen(scene, remedies)
    if isinstance(chosen, Declined):
        return chosen
    remedy, edits, outcome = chosen
    return RemediationPlan(
        remedy=remedy.id,
        rule_id=rule.info.id,
        fingerprint=finding.fingerprint,
        evidence=result.evidence.digest,
        subject=finding.subject,
        steps=tuple(_steps(scene, edits)),
        risk=remedy.risk,
        risk_text=remedy.risk_text,
        effect=outcome,
        made_at=made_at,
    )


def _steps(scene: Scene, edits: Sequence[Edit]) -> Iterator[Step]:
    subject = scene.finding.subject
    for edit in edits:
        before = _before(scene, edit)
        if edit.aspect is Aspect.TAGGING and scene.wanted.tag_resource and isinstance(subject, BucketRef):
            yield from steps_by_key(edit, before, subject)
        else:
            yield step(edit, before, subject)


def _chosen(scene: Scene, remedies: Sequence[Remedy]) -> _Tried | Declined:
    """The remedy that breaks least, or why the first of them has no plan."""
    tried: list[_Tried] = []
    declined: list[Declined] = []
    for remedy in remedies:
        found = _tried(remedy, scene)
        if isinstance(found, Declined):
            declined.append(found)
            continue
        tried.append(found)
        if _harm(found) == _LEAST_HARM:
            break
    return min(tried, key=_harm) if tried else declined[0]


def _harm(tried: _Tried) -> tuple[int, int, int]:
    """How much one plan may break, so that the least comes first; the order of the table decides between equals."""
    _, edits, outcome = tried
    return len(outcome.losses), len(outcome.unknown), len(edits)


def _tried(remedy: Remedy, scene: Scene) -> _Tried | Declined:
    blind = [aspect for aspect in sorted(remedy.reads) if unreadable_parts(scene.state.reading(aspect))]
    if blind:
        names = ", ".join(blind).replace("_", " ")
        return Declined("unreadable", f"Could not be read, so it is not changed: {names}.")
    found = remedy.plan(scene)
    if isinstance(found, Declined):
        return (changing(scene.state) if Aspect.MULTI_REGION_ACCESS_POINTS in remedy.reads else None) or found
    edits = tuple(_changing(scene, found))
    if not edits:
        return Declined("nothing_to_change", "Nothing of what this fix would write differs from what is there.")
    no = refused(scene, edits)
    if no is not None:
        return no
    outcome = effect(scene, edits)
    if not outcome.mends:
        return Declined("not_mended", "The change would not be enough: the rule would not pass after it.")
    if outcome.public_before is False and outcome.public_after is not False:
        return Declined("would_open", "After the change it could not be excluded that the bucket is public.")
    return remedy, edits, outcome


def _changing(scene: Scene, edits: Sequence[Edit]) -> Iterator[Edit]:
    for edit in edits:
        if edit.after != _before(scene, edit):
            yield edit


def _before(scene: Scene, edit: Edit) -> Answer | None:
    look = scene.look if edit.bucket is None else scene.at(edit.bucket)
    document = None if look is None else look.documents.get(edit.aspect)
    if edit.place is None or document is None:
        return document
    row = WRITES.get(edit.aspect)
    if row is not None and row.several is not None:
        return row.several.one(document, edit.place)
    placed = document.get(edit.place)
    return placed if isinstance(placed, Mapping) else None
