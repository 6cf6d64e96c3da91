"""Notifications: EventBridge is told of changes of objects, beside whoever is told already."""

from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.model.action import Declined, Loss, LossKind, Risk
from s3warden.model.bucket import Aspect


def _bridged(scene: Scene) -> tuple[Edit, ...] | Declined:
    known = scene.documents.get(Aspect.NOTIFICATION) or {}
    after = {**known, "EventBridgeConfiguration": {}}
    return (Edit(Aspect.NOTIFICATION, after, "Tell EventBridge of changes of objects"),)


def _untold(scene: Scene) -> tuple[Edit, ...] | Declined:
    """Every target of an account that is not trusted goes; the others stay as they are."""
    ours = {scene.state.ref.account, *scene.options.trusted_accounts}
    known = scene.documents.get(Aspect.NOTIFICATION) or {}
    after: dict[str, object] = dict(known)
    gone: list[str] = []
    for kind, name in _TARGETS.items():
        listed = known.get(kind)
        targets = list(listed) if isinstance(listed, list) else []
        foreign = [target for target in targets if _account(str(target.get(name))) not in ours]
        gone += [str(target.get(name)) for target in foreign]
        kept = [target for target in targets if target not in foreign]
        after |= {kind: kept} if kept else {}
        if not kept:
            after.pop(kind, None)
    losses = tuple(Loss(LossKind.ACCOUNT, arn) for arn in sorted(set(gone)))
    summary = f"Tell {', '.join(sorted(set(gone)))} no longer"
    return (Edit(Aspect.NOTIFICATION, after or None, summary, losses=losses),)


def _account(arn: str) -> str:
    parts = arn.split(":")
    return parts[4] if len(parts) > 4 else ""


_TARGETS = {
    "QueueConfigurations": "QueueArn",
    "TopicConfigurations": "TopicArn",
    "LambdaFunctionConfigurations": "LambdaFunctionArn",
}
BRIDGE = Remedy(
    id="tell-eventbridge",
    title="Tell EventBridge of changes of objects",
    rules=frozenset({"bucket-eventbridge-enabled", "bucket-event-notifications"}),
    reads=frozenset({Aspect.NOTIFICATION}),
    risk=Risk.LOW,
    risk_text="Rules of the account's event bus that match such events begin to act on them.",
    iam_actions=("s3:PutBucketNotification",),
    plan=_bridged,
)

UNTELL = Remedy(
    id="remove-foreign-notifications",
    title="Tell accounts that are not trusted of no object any more",
    rules=frozenset({"bucket-notification-confused-destination"}),
    reads=frozenset({Aspect.NOTIFICATION}),
    risk=Risk.HIGH,
    risk_text="What the other account does on a change of an object, it does no longer.",
    iam_actions=("s3:PutBucketNotification",),
    plan=_untold,
)

REMEDIES = (BRIDGE, UNTELL)
