"""Closing an exposed bucket: the grants and statements that open it, those of its access points included."""

from s3warden.correct.multi_region_writes import ROW as MULTI_REGION_POLICY
from s3warden.correct.narrowing import Removal, allows, narrowed, point_allows, public_grants
from s3warden.correct.point_writes import ROW as POINT_POLICY
from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.model.action import Declined, Risk
from s3warden.model.bucket import Aspect


def _grants(scene: Scene) -> tuple[Edit, ...] | Declined:
    return narrowed(scene, public_grants(scene))


def _statements(scene: Scene) -> tuple[Edit, ...] | Declined:
    return narrowed(scene, allows(scene))


def _openings(scene: Scene) -> tuple[Edit, ...] | Declined:
    openings = Removal(public_grants(scene).grants, allows(scene).statements, point_allows(scene).points)
    return narrowed(scene, openings, closed=scene.rule.info.id in LIVE)


LIVE = frozenset(
    {
        "bucket-public-effective",
        "bucket-public-authenticated",
        "bucket-log-bucket-not-public",
        "bucket-trail-not-public",
    }
)
GRANTS = Remedy(
    id="remove-public-grants",
    title="Take the public grants out of the ACL",
    rules=frozenset(
        {
            "bucket-acl-public-read",
            "bucket-acl-public-write",
            "bucket-acl-authenticated-read",
            "bucket-acl-authenticated-write",
            "bucket-acl-latent-public",
        }
    ),
    reads=frozenset({Aspect.ACL}),
    risk=Risk.LOW,
    risk_text="Whoever lists or fills the bucket without an account of yours no longer can; other grants stay.",
    iam_actions=("s3:PutBucketAcl",),
    plan=_grants,
    undo_text="While BlockPublicAcls is on, AWS refuses to put a public grant back.",
)
STATEMENTS = Remedy(
    id="remove-public-statements",
    title="Take the public statements out of the bucket policy",
    rules=frozenset({"bucket-policy-public", "bucket-policy-latent-public"}),
    reads=frozenset({Aspect.POLICY}),
    risk=Risk.MEDIUM,
    risk_text="Whoever relies on a public statement is refused, a website's visitors included; other statements stay.",
    iam_actions=("s3:PutBucketPolicy",),
    plan=_statements,
    undo_text="While BlockPublicPolicy is on, AWS refuses to put a public statement back.",
)
OPENINGS = Remedy(
    id="remove-openings",
    title="Take out the grants and statements that open the bucket",
    rules=LIVE | {"bucket-public-latent"},
    reads=frozenset({Aspect.ACL, Aspect.POLICY, Aspect.ACCESS_POINTS, Aspect.MULTI_REGION_ACCESS_POINTS}),
    risk=Risk.MEDIUM,
    risk_text="Whoever reaches the bucket as a stranger is refused, a website's visitors included.",
    iam_actions=("s3:PutBucketAcl", "s3:PutBucketPolicy", *POINT_POLICY.iam_actions, *MULTI_REGION_POLICY.iam_actions),
    plan=_openings,
    undo_text="While BlockPublicAcls or BlockPublicPolicy is on, AWS refuses to put something public back.",
)

REMEDIES = (GRANTS, STATEMENTS, OPENINGS)
