"""The key that a bucket encrypts with: rotated by AWS."""

from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.correct.service_row import region_of
from s3warden.correct.service_writes import actions_on
from s3warden.detect.rule import configured
from s3warden.model.action import Declined, Risk
from s3warden.model.bucket import Aspect
from s3warden.model.keys import Key

# "Key states of AWS KMS keys" in the KMS developer guide: from these CancelKeyDeletion leads back, to Disabled.
_DYING = frozenset({"PendingDeletion", "PendingReplicaDeletion"})


def _rotated(scene: Scene) -> tuple[Edit, ...] | Declined:
    key = configured(scene.state, Aspect.DEFAULT_KEY, Key)
    if key is None or key.arn is None:
        return Declined("no_key", "The bucket has no key that could be rotated.")
    if key.account != scene.state.ref.account:
        return Declined("foreign_key", "The key belongs to another account, whose business its rotation is.")
    if key.state != "Enabled":
        return Declined("key_unusable", f"The key is {key.state}, and AWS rotates keys in use alone.")
    known = scene.documents.get(Aspect.KEY_ROTATION) or {}
    answer = known.get(key.arn)
    after = {**(answer if isinstance(answer, dict) else {}), "KeyRotationEnabled": True}
    return (Edit(Aspect.KEY_ROTATION, after, f"Let AWS rotate the key {key.arn}", place=key.arn),)


def _enabled(scene: Scene) -> tuple[Edit, ...] | Declined:
    key = configured(scene.state, Aspect.DEFAULT_KEY, Key)
    if key is None or key.arn is None:
        return Declined("no_key", "The key does not exist.")
    if key.account != scene.state.ref.account:
        return Declined("foreign_key", "The key belongs to another account, which alone can enable it.")
    if key.state in _DYING:
        return Declined("key_dying", _cancelling(key, key.arn))
    if key.state != "Disabled":
        return Declined("key_unusable", f"The key is {key.state}, which no call that can be taken back ends.")
    doubt = "whether the key was disabled on purpose"
    after = {"KeyMetadata": {"KeyState": "Enabled"}}
    return (Edit(Aspect.DEFAULT_KEY, after, f"Enable the key {key.arn}", place=key.arn, doubts=(doubt,)),)


def _cancelling(key: Key, arn: str) -> str:
    """Why the deletion is not cancelled, and how a person does it: the inverse would be to schedule it again."""
    day = f" on {key.ends}" if key.ends else ""
    which = f"--key-id {arn} --region {region_of(arn)}"
    return (
        f"The key is to be deleted{day}. No fix cancels that, since to take it back would be to delete the key; a "
        f"person does it: `aws kms cancel-key-deletion {which}`, then `aws kms enable-key {which}`."
    )


ROTATE = Remedy(
    id="rotate-key",
    title="Let AWS rotate the bucket's key",
    rules=frozenset({"bucket-kms-key-rotation"}),
    reads=frozenset({Aspect.DEFAULT_KEY, Aspect.KEY_ROTATION}),
    risk=Risk.LOW,
    risk_text="Nothing breaks: the key keeps its name, and what it encrypted stays readable; each rotation costs.",
    iam_actions=actions_on(Aspect.KEY_ROTATION),
    plan=_rotated,
)

ENABLE = Remedy(
    id="enable-key",
    title="Enable the bucket's key",
    rules=frozenset({"bucket-kms-key-usable"}),
    reads=frozenset({Aspect.DEFAULT_KEY}),
    risk=Risk.MEDIUM,
    risk_text="Who disabled the key to stop its use sees it used again.",
    iam_actions=actions_on(Aspect.DEFAULT_KEY),
    plan=_enabled,
)

REMEDIES = (ROTATE, ENABLE)
