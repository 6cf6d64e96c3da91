"""What edits would do: the state they leave behind, what the rule and the exposure engine say of it, who is cut off.

Takes a scene and edits, hands on an `Effect`. The state is predicted by the parsers that read AWS's answers, and judged
by the rule and the engine that judge the real one. Pure. What cannot be told is said; it is never taken for harmless.
"""

from collections.abc import Collection, Iterator, Sequence

from s3warden.correct.multi_region_writes import place_of
from s3warden.correct.prediction import predicted
from s3warden.correct.remedy import Edit, Scene
from s3warden.detect import proofs
from s3warden.detect.evaluate import evaluate
from s3warden.detect.exposed import analysed, inputs_of
from s3warden.detect.exposure.inputs import ENFORCED, ExposureInputs
from s3warden.detect.exposure.normal import Statement
from s3warden.detect.exposure.requirements import tls_required
from s3warden.detect.exposure.verdict import Exposure
from s3warden.detect.questions import statements
from s3warden.detect.serving import distributions
from s3warden.model.action import Effect, Loss, LossKind
from s3warden.model.bucket import (
    Aspect,
    BucketState,
    Present,
    Unreadable,
)
from s3warden.model.configuration import (
    ALL_USERS,
    AUTHENTICATED_USERS,
    LOG_DELIVERY,
    Acl,
    Encryption,
    Grant,
    GranteeKind,
    MultiRegionAccessPoints,
    PublicAccessBlock,
    RequestPayment,
    Website,
)
from s3warden.model.references import References, Use

ACCESS = frozenset(
    {
        Aspect.ACL,
        Aspect.POLICY,
        Aspect.PUBLIC_ACCESS_BLOCK,
        Aspect.OWNERSHIP,
        Aspect.REQUEST_PAYMENT,
        Aspect.ACCESS_POINTS,
        Aspect.MULTI_REGION_ACCESS_POINTS,
    }
)
"""What decides who gets into a bucket: an edit of one of these may cut somebody off."""
HARM = frozenset({Aspect.WEBSITE, Aspect.REFERRERS})
"""What tells who may be cut off, beyond what the exposure engine reads."""

# The vendors that deliver logs into buckets ("Enabling logging from AWS services" in the CloudWatch Logs user guide).
_DELIVERING = frozenset({"cloudtrail", "config", "delivery", "logdelivery", "logging", "vpc-flow-logs"})
_REPLICATES = ("s3:replicateobject", "s3:replicatedelete", "s3:replicatetags")


def effect(scene: Scene, edits: Sequence[Edit]) -> Effect:
    """What the edits would do, judged by the finding's own rule."""
    after = predicted(scene.look, edits, scene.options)
    [result] = evaluate((scene.rule,), after, options=scene.options)
    own = tuple(doubt for edit in edits for doubt in edit.doubts)
    cut = {loss for edit in edits for loss in edit.losses}
    if not isinstance(scene.state, BucketState) or not isinstance(after, BucketState):
        return Effect(None, None, (), (), result.verdict, tuple(sorted(cut)), own)
    cut |= set(_undelivered(scene.state, after))
    if not any(edit.aspect in ACCESS for edit in edits if edit.bucket is None):
        exposure = analysed(inputs_of(scene.state, scene.options))
        actions = exposure.public_actions
        doubts = (*own, *_undecided(exposure, "now"))
        return Effect(exposure.public, exposure.public, actions, actions, result.verdict, tuple(sorted(cut)), doubts)
    before, then = inputs_of(scene.state, scene.options), inputs_of(after, scene.options)
    now, later = analysed(before), analysed(then)
    return Effect(
        public_before=now.public,
        public_after=later.public,
        actions_before=now.public_actions,
        actions_after=later.public_actions,
        verdict_after=result.verdict,
        losses=tuple(sorted(cut.union(_losses(scene.state, before, then, cut)))),
        unknown=(*own, *_shared(scene.state, edits), *_doubts(scene.state, before, then)),
    )


def _shared(state: BucketState, edits: Sequence[Edit]) -> Iterator[str]:
    """The other buckets behind a multi-region access point: a look at one tells nothing of who needs the others."""
    reading = state.reading(Aspect.MULTI_REGION_ACCESS_POINTS)
    if not isinstance(reading, Present) or not isinstance(reading.value, MultiRegionAccessPoints):
        return
    changed = {edit.place for edit in edits if edit.aspect is Aspect.MULTI_REGION_ACCESS_POINTS}
    for point in reading.value.points:
        others = [each for each in point.buckets if each.name != state.ref.name]
        if others and place_of(state.ref.owner, point) in changed:
            named = ", ".join(f"{e.name} ({', '.join(filter(None, (e.region, e.account)))})" for e in others)
            yield f"who needs {named} through the multi-region access point {point.name}"


def _undelivered(state: BucketState, after: BucketState) -> Iterator[Loss]:
    """Whose access logs S3 would deliver here no longer: it does so neither under KMS nor where the requester pays."""
    pointing = state.reading(Aspect.REFERRERS)
    if _takes_logs(state) and not _takes_logs(after) and isinstance(pointing, Present):
        listed = pointing.value.used_as(Use.ACCESS_LOGS) if isinstance(pointing.value, References) else ()
        for each in listed:
            yield Loss(LossKind.LOGS, f"access logs of {each.holder}")


def _takes_logs(state: BucketState) -> bool:
    encryption, payment = state.reading(Aspect.ENCRYPTION), state.reading(Aspect.REQUEST_PAYMENT)
    by_key = (
        isinstance(encryption, Present)
        and isinstance(encryption.value, Encryption)
        and any(rule.algorithm != "AES256" for rule in encryption.value.rules)
    )
    return not by_key and not (
        isinstance(payment, Present)
        and isinstance(payment.value, RequestPayment)
        and payment.value.payer == "Requester"
    )


def _doubts(state: BucketState, before: ExposureInputs, then: ExposureInputs) -> Iterator[str]:
    yield from _undecided(analysed(before), "now")
    yield from _undecided(analysed(then), "afterwards")
    if isinstance(state.reading(Aspect.WEBSITE), Unreadable):
        yield "whether the bucket serves a website"
    if isinstance(state.reading(Aspect.REFERRERS), Unreadable):
        yield "which distributions and DNS records point at the bucket"
    if _ignores(then) and not _ignores(before):
        yield "which objects are public by ACLs of their own"


def _undecided(exposure: Exposure, when: str) -> Iterator[str]:
    if exposure.public is None:
        yield f"whether the bucket is public {when} ({proofs.doubts(exposure)['because']})"


def _ignores(inputs: ExposureInputs) -> bool:
    """Whether public ACLs of objects have no effect, by a flag or for want of ACLs."""
    return inputs.ownership == ENFORCED or any(block.ignore_public_acls for block in _blocks(inputs))


def _blocks(inputs: ExposureInputs) -> list[PublicAccessBlock]:
    scopes = (inputs.organisation_block, inputs.account_block, inputs.bucket_block)
    return [block for block in scopes if isinstance(block, PublicAccessBlock)]


def _losses(
    state: BucketState, before: ExposureInputs, then: ExposureInputs, known: Collection[Loss]
) -> Iterator[Loss]:
    now, later = analysed(before), analysed(then)
    lost = _admitted(before, now) - _admitted(then, later)
    yield from lost
    named = {loss.name for loss in lost.union(known)}
    for account in now.cross_account:
        if account not in later.cross_account and not any(account in name for name in named):
            yield Loss(LossKind.ACCOUNT, account)
    yield from _granted(state, before) - _granted(state, then)
    if now.public and later.public is not True:
        yield from _visited(state, {loss.name for loss in _admitted(then, later) if loss.kind is LossKind.CDN})
    elif not tls_required(before).holds and tls_required(then).holds and _serves(state):
        yield Loss(LossKind.WEBSITE, f"the website of {state.ref.name}, which speaks plain http")


def _visited(state: BucketState, signing: Collection[str]) -> Iterator[Loss]:
    """What shows a public bucket to strangers: its website, names that lead to it, distributions that do not sign."""
    if _serves(state):
        yield Loss(LossKind.WEBSITE, f"the website of {state.ref.name}")
    reading = state.reading(Aspect.REFERRERS)
    if isinstance(reading, Present) and isinstance(reading.value, References):
        for each in reading.value.used_as(Use.DNS):
            yield Loss(LossKind.WEBSITE, f"{each.holder} (DNS)")
        for each in reading.value.used_as(Use.ORIGIN):
            if not any(each.holder in name for name in signing):
                yield Loss(LossKind.CDN, f"distribution {each.holder}")


def _serves(state: BucketState) -> bool:
    """Whether there is a website; a bucket that only sends visitors elsewhere does so whoever may read it."""
    reading = state.reading(Aspect.WEBSITE)
    return isinstance(reading, Present) and isinstance(reading.value, Website) and reading.value.redirect_host is None


def _admitted(inputs: ExposureInputs, found: Exposure) -> frozenset[Loss]:
    """Whom the bucket policy lets in by name, as far as block public access lets them."""
    restricted = bool(found.policy_status_is_public) and any(b.restrict_public_buckets for b in _blocks(inputs))
    return frozenset(
        loss
        for statement in statements(inputs)
        if statement.effect == "Allow" and not statement.principals.negated
        for loss in _named(statement, inputs)
        if not restricted or loss.kind in (LossKind.SERVICE, LossKind.LOGS) or _is_origin_access(loss)
    )


def _is_origin_access(loss: Loss) -> bool:
    """Whether it is CloudFront as a service, whom RestrictPublicBuckets lets through as it does all services."""
    return loss.kind is LossKind.CDN and loss.name.startswith(_CLOUDFRONT)


_CLOUDFRONT = "CloudFront"
_IDENTITY = ":iam::cloudfront:user/"


def _named(statement: Statement, inputs: ExposureInputs) -> Iterator[Loss]:
    replicates = any(action in _REPLICATES for action in statement.actions)
    for name in (*statement.principals.aws, *statement.principals.federated):
        if _IDENTITY in name:
            yield Loss(LossKind.CDN, f"origin access identity {name.rpartition(' ')[2]}")
        elif replicates:
            yield Loss(LossKind.REPLICATION, name)
        elif name not in (inputs.owner, f"arn:{inputs.partition}:iam::{inputs.owner}:root"):
            yield Loss(LossKind.ACCOUNT, name)
    for name in statement.principals.canonical:
        yield Loss(LossKind.ACCOUNT, f"canonical user {name}")
    for name in statement.principals.service:
        vendor = name.partition(".")[0]
        if vendor == "cloudfront":
            yield from (Loss(LossKind.CDN, f"{_CLOUDFRONT} {named}") for named in distributions(statement))
        else:
            yield Loss(LossKind.LOGS if vendor in _DELIVERING else LossKind.SERVICE, name)


def _granted(state: BucketState, inputs: ExposureInputs) -> frozenset[Loss]:
    """Whom the ACL lets in by name, while ACLs are enabled."""
    if inputs.ownership == ENFORCED or isinstance(inputs.grants, Unreadable):
        return frozenset()
    reading = state.reading(Aspect.ACL)
    owner = reading.value.owner if isinstance(reading, Present) and isinstance(reading.value, Acl) else ""
    return frozenset(_grantee(grant) for grant in inputs.grants if grant.grantee not in (owner, *_STRANGERS))


_STRANGERS = (ALL_USERS, AUTHENTICATED_USERS)


def _grantee(grant: Grant) -> Loss:
    if grant.kind is GranteeKind.GROUP and grant.grantee.endswith(LOG_DELIVERY.rpartition("/groups")[2]):
        return Loss(LossKind.LOGS, f"S3 log delivery, {grant.permission}")
    who = "canonical user " if grant.kind is GranteeKind.CANONICAL_USER else ""
    return Loss(LossKind.ACCOUNT, f"{who}{grant.grantee}, {grant.permission}")
