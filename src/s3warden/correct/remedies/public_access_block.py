"""Block public access: the flags that close an open bucket, and all four where a rule asks for them."""

from collections.abc import Iterable
from dataclasses import replace

from s3warden.correct.effect import effect
from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.detect.effective import Flag
from s3warden.model.action import Declined, Risk
from s3warden.model.bucket import Aspect

_NAME = "PublicAccessBlockConfiguration"
_BLOCKS_WITH = {
    Flag.IGNORE_PUBLIC_ACLS: Flag.BLOCK_PUBLIC_ACLS,
    Flag.RESTRICT_PUBLIC_BUCKETS: Flag.BLOCK_PUBLIC_POLICY,
}


def _bucket(scene: Scene) -> tuple[Edit, ...] | Declined:
    return (_with(scene, Aspect.PUBLIC_ACCESS_BLOCK, Flag),)


def _account(scene: Scene) -> tuple[Edit, ...] | Declined:
    doubt = "which buckets of the account are meant to be public, or share by a policy that is public, too"
    return (replace(_with(scene, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK, Flag), doubts=(doubt,)),)


def _closing(scene: Scene) -> tuple[Edit, ...] | Declined:
    """One of the two flags that close if it is enough, else both; the two that refuse what is new along with them.

    Those come along where nobody with a name loses by the change: who has to restore access must be able to.
    """
    choices = [(flag,) for flag in _BLOCKS_WITH], [tuple(_BLOCKS_WITH)]
    for flags in (each for group in choices for each in group):
        edit = _with(scene, Aspect.PUBLIC_ACCESS_BLOCK, flags)
        outcome = effect(scene, (edit,))
        if outcome.mends and outcome.public_after is False:
            wider = (*flags, *(_BLOCKS_WITH[flag] for flag in flags)) if not outcome.losses else flags
            return (_with(scene, Aspect.PUBLIC_ACCESS_BLOCK, wider),)
    return Declined("not_mended", "Block public access of the bucket would not close it.")


def _with(scene: Scene, aspect: Aspect, flags: Iterable[Flag]) -> Edit:
    known = scene.documents.get(aspect)
    block = known[_NAME] if known is not None else {}
    held = dict(block) if isinstance(block, dict) else {}
    wanted = {flag.value: bool(held.get(flag.value)) or flag in set(flags) for flag in Flag}
    new = [name for name, on in wanted.items() if on and not held.get(name)]
    of = "of the account" if aspect is Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK else "of the bucket"
    return Edit(aspect, {_NAME: {**held, **wanted}}, f"Turn on {', '.join(new)} {of}")


CLOSE = Remedy(
    id="block-public-access-that-closes",
    title="Turn on the flags of block public access that close the bucket",
    rules=frozenset(
        {
            "bucket-public-effective",
            "bucket-public-authenticated",
            "bucket-log-bucket-not-public",
            "bucket-trail-not-public",
            "bucket-policy-public",
            "bucket-objects-may-be-public",
        }
    ),
    reads=frozenset({Aspect.PUBLIC_ACCESS_BLOCK}),
    risk=Risk.MEDIUM,
    risk_text=(
        "Strangers are refused, and RestrictPublicBuckets also refuses the accounts that the same policy names."
    ),
    iam_actions=("s3:PutBucketPublicAccessBlock",),
    plan=_closing,
)
BUCKET = Remedy(
    id="block-public-access",
    title="Turn on all four flags of block public access of the bucket",
    rules=frozenset({"bucket-public-access-block"}),
    reads=frozenset({Aspect.PUBLIC_ACCESS_BLOCK}),
    risk=Risk.MEDIUM,
    risk_text="A public website or download stops, and so does what a public policy grants to other accounts.",
    iam_actions=("s3:PutBucketPublicAccessBlock",),
    plan=_bucket,
)
ACCOUNT = Remedy(
    id="block-public-access-of-account",
    title="Turn on all four flags of block public access of the account",
    rules=frozenset({"account-public-access-block"}),
    reads=frozenset({Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK}),
    risk=Risk.HIGH,
    risk_text="Every public bucket and access point of the account closes at once.",
    iam_actions=("s3:PutAccountPublicAccessBlock",),
    plan=_account,
)

REMEDIES = (CLOSE, BUCKET, ACCOUNT)
