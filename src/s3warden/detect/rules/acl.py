"""Bucket ACL grants to everyone, and to everyone with an AWS account.

The ten grants (two groups, five permissions) fold into one rule for each group and for reading and changing: one cause,
one alert. FULL_CONTROL, which reads too, counts as changing alone. The evidence names every grant. An explicit deny in
the bucket policy is not looked at, so a grant may be reported that the policy takes back, never the other way round.
"""

from dataclasses import dataclass

from s3warden.detect import mappings
from s3warden.detect.advice import NO_ACLS_RESOURCE
from s3warden.detect.effective import ENFORCED, LAYERS_OF_ACL, acl_neutralised_by, ownership
from s3warden.detect.grants import WHO, facts, public_grants
from s3warden.detect.rule import Check, Example, Judgement, Kind, Rule, RuleOptions, fails, not_applicable, passes
from s3warden.detect.samples import DENIED, OWNER, OWNER_GRANT, bucket, flags, unguarded
from s3warden.model.bucket import Aspect, Present, State
from s3warden.model.configuration import ALL_USERS, AUTHENTICATED_USERS, Acl, Grant, GranteeKind, Ownership
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Control, Framework, maps
from s3warden.model.rule import Category, RuleInfo

_NEEDS = LAYERS_OF_ACL | {Aspect.ACL}
_GUIDES = (
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
)
_TERRAFORM = """\
# In place of a public `acl` or `grant`:
resource "aws_s3_bucket_acl" "this" {
  bucket = "{bucket}"
  acl    = "private"
}"""
# How the console calls the groups.
_ROWS = {
    ALL_USERS: "Everyone (public access)",
    AUTHENTICATED_USERS: "Authenticated users group (anyone with an AWS account)",
}


@dataclass(frozen=True, slots=True)
class _Level:
    """What a rule is about: these permissions, and not `other`. `why` follows upon the name of the group.

    `boxes` are what the console's table of grants calls the permissions.
    """

    permissions: tuple[str, ...]
    other: str
    boxes: str
    why: str


_READING = _Level(
    permissions=("READ", "READ_ACP"),
    other="WRITE",
    boxes="Objects List and Bucket ACL Read",
    why=(
        "can list every object name and version, or read who holds which grant. "
        "The listing is what scanners look for first: it leads to every object that is readable."
    ),
)
_CHANGING = _Level(
    permissions=("WRITE", "WRITE_ACP", "FULL_CONTROL"),
    other="READ_ACP",
    boxes="Objects Write and Bucket ACL Write, and for full control every box",
    why=(
        "can put objects into the bucket at your cost and in your name. "
        "WRITE_ACP and FULL_CONTROL also let them grant themselves everything else that an ACL can grant."
    ),
)


def _live(group: str, permissions: tuple[str, ...]) -> Check:
    clean = passes(f"The ACL grants {group} none of {', '.join(permissions)}.")

    def check(state: State, _options: RuleOptions) -> Judgement:
        grants = [grant for grant in public_grants(state) if grant.group == group and grant.permission in permissions]
        if not grants:
            return clean
        names = ", ".join(map(str, grants))
        layers = acl_neutralised_by(state)
        if layers:
            return passes(f"The ACL grants {names}, without effect: {', '.join(layers)}.")
        can = ", ".join(grant.can for grant in grants)
        details = facts(grants) | {"IgnorePublicAcls": "off (account), off (bucket)", "ownership": ownership(state)}
        # Who reads the ACL alone learns who may do what, but neither lists nor changes anything.
        lesser = Severity.HIGH if all(grant.permission == "READ_ACP" for grant in grants) else None
        return fails(f"{WHO[group]} can {can}: the ACL grants {names}.", details, severity=lesser, live=True)

    return check


def _latent(state: State, _options: RuleOptions) -> Judgement:
    grants = public_grants(state)
    layers = acl_neutralised_by(state)
    if not layers:
        return passes("No public ACL grant lies dormant: ACLs show and do what they grant.")
    by = " and ".join(layers)
    if not grants:
        return not_applicable(f"S3 shows only what an ACL grants in effect, and {by} leaves nothing public to see.")
    names = ", ".join(map(str, grants))
    return fails(
        f"The ACL grants {names}, without effect only because of {by}.",
        facts(grants) | {"neutralised_by": ", ".join(layers)},
    )


def _without(chosen: str) -> str:
    """The AWS CLI command that writes the ACL back without the grants that the JMESPath term `chosen` picks."""
    # Backslashes before the backticks: the query stands within double quotes of the shell.
    return (
        "aws s3api put-bucket-acl --bucket {bucket} --region {region} --expected-bucket-owner {account} \\\n"
        '  --access-control-policy "$(aws s3api get-bucket-acl --bucket {bucket} --region {region} \\\n'
        '    --output json --query "{Owner: Owner, Grants: Grants[?(\n'
        f'      {chosen}) == \\`false\\`]}}")"'
    )


def _acl(*grants: tuple[str, str]) -> Present[Acl]:
    given = (Grant(GranteeKind.GROUP, uri, permission) for uri, permission in grants)
    return Present(Acl(OWNER, (OWNER_GRANT, *given)))


def _granted(uri: str, permission: str) -> Example:
    lesser = Severity.HIGH if permission == "READ_ACP" else None
    state = unguarded({Aspect.ACL: _acl((uri, permission))})
    return Example(f"{permission} to the group", state, Verdict.FAIL, severity=lesser, live=True)


def _examples(uri: str, level: _Level) -> tuple[Example, ...]:
    granted = _acl((uri, level.permissions[0]))
    return (
        Example("the owner alone", unguarded(), Verdict.PASS),
        *(_granted(uri, permission) for permission in level.permissions),
        Example(
            f"{level.other} is another rule's matter", unguarded({Aspect.ACL: _acl((uri, level.other))}), Verdict.PASS
        ),
        Example(
            "the account ignores public ACLs",
            unguarded({Aspect.ACL: granted, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: flags(ignore=True)}),
            Verdict.PASS,
        ),
        Example(
            "blocking new ACLs does not close an old one",
            unguarded({Aspect.ACL: granted, Aspect.PUBLIC_ACCESS_BLOCK: flags(acls=True, policy=True, restrict=True)}),
            Verdict.FAIL,
            live=True,
        ),
        Example(
            "ownership switches ACLs off",
            unguarded({Aspect.ACL: granted, Aspect.OWNERSHIP: Present(Ownership(ENFORCED))}),
            Verdict.PASS,
        ),
        Example(
            "the account's block is unreadable",
            unguarded({Aspect.ACL: granted, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: DENIED}),
            Verdict.UNKNOWN,
        ),
        Example("the ACL is unreadable", unguarded({Aspect.ACL: DENIED}), Verdict.UNKNOWN),
    )


def _steps(rows: str, boxes: str) -> str:
    return (
        "Open Amazon S3, Buckets, {bucket}, Permissions, Access control list (ACL): Edit.\n"
        f"In the row {rows}, clear {boxes}.\nChoose Save changes."
    )


def _shows(group: str, permissions: tuple[str, ...]) -> str:
    return (
        "aws s3api get-bucket-acl --bucket {bucket} --region {region} --expected-bucket-owner {account} \\\n"
        f"  --query \"Grants[?ends_with(not_null(Grantee.URI, ''), '/{group}')].Permission\"\n"
        f"# Expect: none of {', '.join(permissions)}."
    )


def _rule(rule_id: str, uri: str, level: _Level, title: str, controls: tuple[Control, ...]) -> Rule:
    group = uri.rpartition("/")[2]
    info = RuleInfo(
        id=rule_id,
        title=title,
        severity=Severity.CRITICAL,
        category=Category.EXPOSURE,
        needs=_NEEDS,
        why=f"{WHO[group]} {level.why}",
        cli=_without(
            f"ends_with(not_null(Grantee.URI, ''), '/{group}') && contains('{' '.join(level.permissions)}', Permission)"
        ),
        terraform=_TERRAFORM,
        console=_steps(_ROWS[uri], level.boxes),
        cloudformation=NO_ACLS_RESOURCE,
        verify=_shows(group, level.permissions),
        maps=controls,
        default=True,
        references=_GUIDES,
    )
    return Rule(info, Kind.BUCKET, _live(group, level.permissions), _examples(uri, level))


PUBLIC_READ = _rule(
    "bucket-acl-public-read",
    ALL_USERS,
    _READING,
    "The ACL lets anyone on the internet list the bucket or read its ACL",
    maps(
        {
            **mappings.PUBLIC,
            Framework.CONFORMITY: "S3-001, S3-002",
            Framework.SECURITY_HUB: "S3.2",
            Framework.PROWLER: "s3_bucket_public_list_acl",
            Framework.CONFIG: "s3-bucket-public-read-prohibited",
            Framework.CUSTODIAN: "global-grants",
            Framework.CLOUDSPLOIT: "bucketAllUsersAcl",
        }
    ),
)
PUBLIC_WRITE = _rule(
    "bucket-acl-public-write",
    ALL_USERS,
    _CHANGING,
    "The ACL lets anyone on the internet write to the bucket or take it over",
    maps(
        {
            **mappings.PUBLIC_WRITE,
            Framework.CONFORMITY: "S3-003, S3-004, S3-005",
            Framework.SECURITY_HUB: "S3.3",
            Framework.PROWLER: "s3_bucket_public_write_acl",
            Framework.CONFIG: "s3-bucket-public-write-prohibited",
            Framework.CUSTODIAN: "global-grants",
            Framework.CLOUDSPLOIT: "bucketAllUsersAcl",
        }
    ),
)
AUTHENTICATED_READ = _rule(
    "bucket-acl-authenticated-read",
    AUTHENTICATED_USERS,
    _READING,
    "The ACL lets anyone with an AWS account list the bucket or read its ACL",
    maps({Framework.CONFORMITY: "S3-006, S3-007", Framework.CUSTODIAN: "global-grants"}),
)
AUTHENTICATED_WRITE = _rule(
    "bucket-acl-authenticated-write",
    AUTHENTICATED_USERS,
    _CHANGING,
    "The ACL lets anyone with an AWS account write to the bucket or take it over",
    maps({Framework.CONFORMITY: "S3-008, S3-009, S3-010", Framework.CUSTODIAN: "global-grants"}),
)
LATENT_PUBLIC = Rule(
    RuleInfo(
        id="bucket-acl-latent-public",
        title="The ACL has public grants that take effect when one setting changes",
        severity=Severity.MEDIUM,
        category=Category.EXPOSURE,
        needs=_NEEDS,
        why=(
            "Public grants lie dormant in the ACL, and one flipped flag or ownership setting opens the bucket. "
            "Removing them has no effect on anyone today."
        ),
        cli=_without("contains(not_null(Grantee.URI, ''), '/global/')"),
        terraform=_TERRAFORM,
        console=_steps(" and ".join(_ROWS.values()), "every box"),
        cloudformation=NO_ACLS_RESOURCE,
        verify="""\
aws s3api get-bucket-acl --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --query "Grants[?contains(not_null(Grantee.URI, ''), '/global/')]"
# Expect: an empty list.""",
        maps=(),
        default=True,
        references=_GUIDES,
    ),
    Kind.BUCKET,
    _latent,
    (
        Example("nothing hides, nothing granted", unguarded(), Verdict.PASS),
        Example(
            "the grants are live: other rules tell", unguarded({Aspect.ACL: _acl((ALL_USERS, "READ"))}), Verdict.PASS
        ),
        Example("ignored, and none to be seen", bucket(), Verdict.NOT_APPLICABLE),
        Example("ignored, and still there", bucket({Aspect.ACL: _acl((ALL_USERS, "WRITE"))}), Verdict.FAIL),
        Example(
            "the bucket's flag proves it, whatever the account says",
            unguarded(
                {
                    Aspect.ACL: _acl((AUTHENTICATED_USERS, "READ")),
                    Aspect.PUBLIC_ACCESS_BLOCK: flags(ignore=True),
                    Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: DENIED,
                }
            ),
            Verdict.FAIL,
        ),
        Example(
            "live or dormant is not known",
            unguarded({Aspect.ACL: _acl((ALL_USERS, "READ")), Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: DENIED}),
            Verdict.UNKNOWN,
        ),
    ),
)

RULES = (PUBLIC_READ, PUBLIC_WRITE, AUTHENTICATED_READ, AUTHENTICATED_WRITE, LATENT_PUBLIC)
