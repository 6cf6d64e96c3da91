"""Objects that their own ACL makes public, of those whose ACL an event told of.

Which objects there are nobody lists: an object is looked at because an event named it. The evidence names the objects
exactly, since a restart takes up from there; see `detect.named_objects`.
"""

from s3warden.detect.advice import NO_ACLS_RESOURCE
from s3warden.detect.effective import LAYERS_OF_ACL, acl_neutralised_by, ownership
from s3warden.detect.named_objects import RULE, facts, shown
from s3warden.detect.rule import Example, Judgement, Kind, Rule, RuleOptions, always, configured, fails, passes, without
from s3warden.detect.samples import DENIED, bucket, flags, granting, unguarded
from s3warden.model.bucket import Aspect, Present, Reading, State
from s3warden.model.configuration import ALL_USERS, AUTHENTICATED_USERS, Acl
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.objects import ObjectAcl, ObjectAcls, ObjectName
from s3warden.model.rule import Category, RuleInfo

_CHANGING = frozenset({"WRITE_ACP", "FULL_CONTROL"})
_GROUPS = {"AllUsers": "anyone on the internet", "AuthenticatedUsers": "anyone with an AWS account"}
# So many are named in the one sentence.
_TOLD = 3


def _public(state: State, _options: RuleOptions) -> Judgement:
    layers = acl_neutralised_by(state)
    if layers:
        return passes(f"No object is public by an ACL of its own: {' and '.join(layers)}.")
    known = configured(state, Aspect.OBJECT_ACL, ObjectAcls) or ObjectAcls()
    found = sorted((each for each in known.items if each.to_strangers), key=lambda each: each.name)
    if not found:
        return passes("No object of which an event told is public by an ACL of its own.")
    grants = sorted(
        {(grant.grantee.rpartition("/")[2], grant.permission) for each in found for grant in each.to_strangers}
    )
    groups = sorted({group for group, _ in grants})
    names = [each.name for each in found]
    others = [each.name for each in known.items if each.matters and not each.to_strangers]
    details = {
        **facts(names, beyond=len(others) + known.forgotten),
        "grantee": ", ".join(groups),
        "grant": ", ".join(map(" ".join, grants)),
        "ownership": ownership(state),
        "IgnorePublicAcls": "off (account), off (bucket)",
    }
    grave = any(permission in _CHANGING for _, permission in grants)
    who = " and ".join(_GROUPS[group] for group in groups)
    summary = f"Public by ACLs of their own, to {who}: {_told(names)}."
    return fails(summary, details, severity=Severity.CRITICAL if grave else None, live=True)


def _told(names: list[ObjectName]) -> str:
    told = ", ".join(map(shown, names[:_TOLD]))
    return told if len(names) <= _TOLD else f"{told} and {len(names) - _TOLD} more"


def _acls(*acls: Reading[Acl], forgotten: bool = False) -> dict[Aspect, Reading[object]]:
    items = tuple(ObjectAcl(ObjectName(f"reports/{at}.csv"), acl) for at, acl in enumerate(acls))
    return {Aspect.OBJECT_ACL: Present(ObjectAcls(items, forgotten))}


_OWN = granting()
_READ = granting((ALL_USERS, "READ"))
OBJECT_ACL = Rule(
    RuleInfo(
        id=RULE,
        title="An object is public by its own ACL",
        severity=Severity.HIGH,
        category=Category.EXPOSURE,
        needs=LAYERS_OF_ACL | {Aspect.OBJECT_ACL},
        why=(
            "Whoever knows or guesses the key can read the object, whatever the bucket's policy and ACL say. "
            "With WRITE_ACP or FULL_CONTROL they can also change who else may."
        ),
        cli="""\
# Once for each object of the evidence, by its key; --version-id names a version. This drops other grants, too;
# s3warden plan {bucket} --object KEY --format cli prints the call that keeps them.
aws s3api put-object-acl --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --key "${KEY:?}" --acl private""",
        terraform="""\
# In place of a public `acl` of the object:
resource "aws_s3_object" "this" {
  bucket = "{bucket}"
  key    = var.key
  acl    = "private"
}""",
        console="""\
Open Amazon S3, Buckets, {bucket}, the object, Permissions, Access control list (ACL): Edit.
In the rows Everyone (public access) and Authenticated users group (anyone with an AWS account), clear every box.
Choose Save changes.""",
        cloudformation=NO_ACLS_RESOURCE,
        verify="""\
aws s3api get-object-acl --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --key "${KEY:?}" --query "Grants[?contains(not_null(Grantee.URI, ''), '/global/')]"
# Expect: an empty list.""",
        maps=maps({Framework.PROWLER: "s3_bucket_object_public"}),
        default=True,
        references=(
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html",
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html",
        ),
    ),
    Kind.BUCKET,
    _public,
    (
        Example("a sound bucket", bucket(), Verdict.PASS),
        Example("no event told of an object", unguarded(), Verdict.PASS),
        Example("the owner alone", unguarded(_acls(_OWN)), Verdict.PASS),
        Example("one of two is public", unguarded(_acls(_OWN, _READ)), Verdict.FAIL, live=True),
        Example(
            "to anyone with an AWS account",
            unguarded(_acls(granting((AUTHENTICATED_USERS, "READ_ACP")))),
            Verdict.FAIL,
            live=True,
        ),
        Example(
            "strangers may change the ACL",
            unguarded(_acls(granting((ALL_USERS, "WRITE_ACP")))),
            Verdict.FAIL,
            severity=Severity.CRITICAL,
            live=True,
        ),
        Example(
            "the account ignores public ACLs",
            unguarded({**_acls(_READ), Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: flags(ignore=True)}),
            Verdict.PASS,
        ),
        Example("ACLs are disabled", bucket({**_acls(_READ), Aspect.PUBLIC_ACCESS_BLOCK: flags()}), Verdict.PASS),
        Example("an ACL is unreadable", unguarded(_acls(_OWN, DENIED)), Verdict.UNKNOWN),
        Example("one is unreadable, another public", unguarded(_acls(DENIED, _READ)), Verdict.FAIL, live=True),
        Example("which others were public is not known", unguarded(_acls(_OWN, forgotten=True)), Verdict.UNKNOWN),
        Example(
            "the bucket's block is unreadable",
            unguarded({**_acls(_READ), Aspect.PUBLIC_ACCESS_BLOCK: DENIED}),
            Verdict.UNKNOWN,
        ),
    ),
    # A key may hold the bucket's name, and the evidence writes keys down exactly.
    by_name=always,
    nameless=without(Aspect.OBJECT_ACL),
)

RULES = (OBJECT_ACL,)
