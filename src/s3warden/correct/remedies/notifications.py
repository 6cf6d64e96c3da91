"""Notifications: EventBridge is told of changes of objects, beside whoever is told already."""

from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.model.action import Declined, Risk
from s3warden.model.bucket import Aspect


def _bridged(scene: Scene) -> tuple[Edit, ...] | Declined:
    known = scene.documents.get(Aspect.NOTIFICATION) or {}
    after = {**known, "EventBridgeConfiguration": {}}
    return (Edit(Aspect.NOTIFICATION, after, "Tell EventBridge of changes of objects"),)


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

REMEDIES = (BRIDGE,)
