"""Accounts that are not trusted: no access any more, or none that changes who has access."""

from collections.abc import Iterator

from s3warden.correct.cuts import EVERYONE, Named, named_in, nobody_of
from s3warden.correct.effect import effect
from s3warden.correct.narrowing import grant_name, grants_of, narrowed, other_grants, policy_of, statements_in
from s3warden.correct.policy_text import NoPolicyError, with_statement
from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.detect.exposed import analysed, inputs_of
from s3warden.detect.questions import ADMINISTRATION
from s3warden.model.action import Declined, Risk
from s3warden.model.bucket import Aspect, BucketRef
from s3warden.model.finding import Verdict

NO_FOREIGN_ADMINISTRATION = "S3WardenNoForeignAdministration"


_ACL = "ACL"


def _excluding(scene: Scene) -> tuple[Edit, ...] | Declined:
    """As few of those named as mend the rule, taken out one by one."""
    trusted = (*scene.options.trusted_accounts, scene.state.ref.account)
    chosen = frozenset(one for one in _all_named(scene) if not any(account in one.name for account in trusted))
    edits = _edits(scene, chosen)
    if isinstance(edits, Declined):
        return edits
    if not _mends(scene, chosen):
        return Declined("not_mended", "The access does not come from who is named by the policy or the ACL alone.")
    for one in sorted(chosen):
        if _mends(scene, chosen - {one}):
            chosen -= {one}
    return _edits(scene, chosen)


def _mends(scene: Scene, chosen: frozenset[Named]) -> bool:
    edits = _edits(scene, chosen)
    return not isinstance(edits, Declined) and effect(scene, edits).verdict_after is Verdict.PASS


def _all_named(scene: Scene) -> Iterator[Named]:
    """Whom the policy lets in by name, and of the ACL, as statement -1, whom a grant does."""
    text = policy_of(scene)
    if text is not None and statements_in(scene):
        yield from (one for one in named_in(text) if one.name != EVERYONE)
    acl = scene.documents.get(Aspect.ACL)
    owner = acl["Owner"] if acl is not None else None
    for grant in grants_of(scene):
        grantee = grant.get("Grantee")
        name = grantee.get("ID") if isinstance(grantee, dict) else None
        if isinstance(name, str) and isinstance(owner, dict) and name != owner.get("ID"):
            yield Named("", -1, _ACL, name)


def _edits(scene: Scene, chosen: frozenset[Named]) -> tuple[Edit, ...] | Declined:
    try:
        return (*_acl(scene, chosen), *_policy(scene, chosen))
    except ValueError as error:
        return Declined("policy_not_written", f"The policy cannot be changed: {error}; a policy is never deleted.")


def _acl(scene: Scene, chosen: frozenset[Named]) -> Iterator[Edit]:
    names = {one.name for one in chosen if one.kind == _ACL}
    acl = scene.documents.get(Aspect.ACL)
    if acl is None or not names:
        return
    gone = [g for g in grants_of(scene) if isinstance(who := g.get("Grantee"), dict) and who.get("ID") in names]
    kept = [grant for grant in grants_of(scene) if grant not in gone]
    yield Edit(Aspect.ACL, {**acl, "Grants": kept}, f"Take {', '.join(map(grant_name, gone))} out of the ACL")


def _policy(scene: Scene, chosen: frozenset[Named]) -> Iterator[Edit]:
    text = policy_of(scene)
    of_policy = [one for one in chosen if one.kind != _ACL]
    if text is None or not of_policy:
        return
    cut = nobody_of(text, of_policy)
    if cut.left is None:
        raise NoPolicyError("a policy cannot be without statements")
    yield Edit(Aspect.POLICY, {"Policy": cut.left}, f"Take {cut.told} out of the bucket policy")


def _ungranting(scene: Scene) -> tuple[Edit, ...] | Declined:
    return narrowed(scene, other_grants(scene))


def _denying(scene: Scene) -> tuple[Edit, ...] | Declined:
    """A Deny for the accounts that are not trusted, of the actions that change who has access."""
    ref = scene.state.ref
    if not isinstance(ref, BucketRef):
        return Declined("no_bucket", "Only a bucket has a policy.")
    found = analysed(inputs_of(scene.state, scene.options)).cross_account
    accounts = [account for account in found if account not in scene.options.trusted_accounts]
    if not accounts:
        return Declined("not_named", "The accounts are not known by number, so that no statement can name them.")
    statement = {
        "Sid": NO_FOREIGN_ADMINISTRATION,
        "Effect": "Deny",
        "Principal": {"AWS": [f"arn:{ref.partition}:iam::{account}:root" for account in sorted(accounts)]},
        "Action": list(ADMINISTRATION),
        "Resource": [ref.arn, f"{ref.arn}/*"],
    }
    try:
        text = with_statement(policy_of(scene), statement)
    except ValueError as error:
        return Declined("policy_not_written", f"The statement cannot be put into the policy: {error}.")
    summary = f"Refuse administration of the bucket to {', '.join(sorted(accounts))}"
    doubt = "whether one of these accounts is meant to administer the bucket"
    return (Edit(Aspect.POLICY, {"Policy": text}, summary, doubts=(doubt,)),)


EXCLUDE = Remedy(
    id="remove-foreign-principals",
    title="Take accounts that are not trusted out of the policy and the ACL",
    rules=frozenset({"bucket-cross-account-access"}),
    reads=frozenset({Aspect.POLICY, Aspect.ACL}),
    risk=Risk.HIGH,
    risk_text="The accounts lose the access that the policy or the ACL gives them, a partner's included.",
    iam_actions=("s3:PutBucketPolicy", "s3:PutBucketAcl"),
    plan=_excluding,
)
DENY = Remedy(
    id="refuse-foreign-administration",
    title="Refuse accounts that are not trusted what changes who has access",
    rules=frozenset({"bucket-cross-account-admin-actions"}),
    reads=frozenset({Aspect.POLICY}),
    risk=Risk.MEDIUM,
    risk_text="What another account administers in the bucket, as its replication or its encryption, is refused.",
    iam_actions=("s3:PutBucketPolicy", "s3:DeleteBucketPolicy"),
    plan=_denying,
)

UNGRANT = Remedy(
    id="remove-foreign-grants",
    title="Take accounts that are not trusted out of the ACL",
    rules=frozenset({"bucket-acl-external-grantee"}),
    reads=frozenset({Aspect.ACL}),
    risk=Risk.HIGH,
    risk_text="The accounts lose what the ACL gives them, a partner's included.",
    iam_actions=("s3:PutBucketAcl",),
    plan=_ungranting,
)

REMEDIES = (EXCLUDE, UNGRANT, DENY)
