"""What serves a bucket to browsers: the website switched off, and scripts of every origin refused."""

from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.model.action import Declined, Loss, LossKind, Risk
from s3warden.model.bucket import Aspect

_ANY = "*"


def _no_website(scene: Scene) -> tuple[Edit, ...] | Declined:
    lost = Loss(LossKind.WEBSITE, f"the website of {scene.state.ref}")
    return (Edit(Aspect.WEBSITE, None, "Switch the website off", losses=(lost,)),)


def _named_origins(scene: Scene) -> tuple[Edit, ...] | Declined:
    """Each rule for the origins that it names beside the star; one that names no other goes."""
    known = scene.documents.get(Aspect.CORS) or {}
    listed = known.get("CORSRules")
    kept: list[dict[str, object]] = []
    for rule in listed if isinstance(listed, list) else []:
        origins = [origin for origin in rule.get("AllowedOrigins", []) if origin != _ANY]
        if origins:
            kept.append({**rule, "AllowedOrigins": origins})
    after = {"CORSRules": kept} if kept else None
    lost = Loss(LossKind.WEBSITE, "scripts of origins that no rule names")
    return (Edit(Aspect.CORS, after, "Let scripts of named origins alone call the bucket", losses=(lost,)),)


NO_WEBSITE = Remedy(
    id="switch-website-off",
    title="Switch the website off",
    rules=frozenset({"bucket-website-enabled"}),
    reads=frozenset({Aspect.WEBSITE}),
    risk=Risk.HIGH,
    risk_text="Whoever visits the website, or is sent elsewhere by it, gets an error.",
    iam_actions=("s3:DeleteBucketWebsite", "s3:PutBucketWebsite"),
    plan=_no_website,
)
NAMED_ORIGINS = Remedy(
    id="name-cors-origins",
    title="Let scripts of named origins alone call the bucket",
    rules=frozenset({"bucket-cors-wildcard"}),
    reads=frozenset({Aspect.CORS}),
    risk=Risk.HIGH,
    risk_text="Web applications whose origin no rule names can no longer use the bucket from a browser.",
    iam_actions=("s3:PutBucketCORS",),
    plan=_named_origins,
)

REMEDIES = (NO_WEBSITE, NAMED_ORIGINS)
