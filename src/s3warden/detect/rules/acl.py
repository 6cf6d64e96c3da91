"""Bucket ACL grants to everyone, and to everyone with an AWS account.

The ten grants (two groups, five permissions) fold into one rule for each group and for reading and changing: one cause,
one alert. FULL_CONTROL, which reads too, counts as changing alone. The evidence names every grant. An explicit deny in
the bucket policy is not looked at: they may report a grant that the policy takes back, never the other way round.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from s3warden.detect.effective import ENFORCED, LAYERS_OF_ACL, acl_neutralised_by, ownership
from s3warden.detect.rule import (
    Check,
    Example,
    Judgement,
    Kind,
    Rule,
    RuleOptions,
    configured,
    fails,
    not_applicable,
    passes,
)
from s3warden.detect.samples import DENIED, OWNER, OWNER_GRANT, bucket, flags, unguarded
from s3warden.model.bucket import Aspect, Present, State
from s3warden.model.configuration import ALL_USERS, AUTHENTICATED_USERS, Acl, Grant, GranteeKind, Ownership
from s3warden.model.finding import Severity, Verdict
from s3warden.model.rule import Category, RuleInfo

_NEEDS = LAYERS_OF_ACL | {Aspect.ACL}
# Told by the end of the group's URI: its host differs between partitions.
_WHO = {"AllUsers": "Anyone on the internet", "AuthenticatedUsers": "Anyone with any AWS account"}
_READING = ("READ", "READ_ACP")
_CHANGING = ("WRITE", "WRITE_ACP", "FULL_CONTROL")
_CAN = {
    "READ": "list the bucket",
    "READ_ACP": "read the bucket's ACL",
    "WRITE": "put objects into the bucket",
    "WRITE_ACP": "rewrite the bucket's ACL and so take it over",
    "FULL_CONTROL": "list the bucket, put objects into it and take it over by its ACL",
}
_CONFORMITY = {
    f"{group} {permission}": f"S3-{number:03}"
    for number, (group, permission) in enumerate(
        (
            (group, permission)
            for group in _WHO
            for permission in ("READ", "READ_ACP", "WRITE", "WRITE_ACP", "FULL_CONTROL")
        ),
        start=1,
    )
}
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


@dataclass(frozen=True, slots=True)
class _PublicGrant:
    group: str
    permission: str

    def __str__(self) -> str:
        return f"{self.group} {self.permission}"


def _public_grants(state: State) -> tuple[_PublicGrant, ...]:
    acl = configured(state, Aspect.ACL, Acl)
    found = {
        _PublicGrant(group, grant.permission)
        for grant in (acl.grants if acl is not None else ())
        for group in _WHO
        if grant.kind is GranteeKind.GROUP and grant.grantee.endswith(f"/global/{group}")
    }
    return tuple(sorted(found, key=str))


def _facts(grants: Sequence[_PublicGrant]) -> dict[str, str]:
    names = [str(grant) for grant in grants]
    return {
        "grantee": ", ".join(sorted({grant.group for grant in grants})),
        "permission": ", ".join(sorted({grant.permission for grant in grants})),
        "grant": ", ".join(names),
        "conformity": ", ".join(_CONFORMITY[name] for name in names if name in _CONFORMITY),
    }


def _live(group: str, permissions: Sequence[str]) -> Check:
    clean = passes(f"The ACL grants {group} none of {', '.join(permissions)}.")

    def check(state: State, _options: RuleOptions) -> Judgement:
        grants = [grant for grant in _public_grants(state) if grant.group == group and grant.permission in permissions]
        if not grants:
            return clean
        names = ", ".join(map(str, grants))
        layers = acl_neutralised_by(state)
        if layers:
            return passes(f"The ACL grants {names}, without effect: {', '.join(layers)}.")
        can = ", ".join(_CAN[grant.permission] for grant in grants)
        details = _facts(grants) | {"IgnorePublicAcls": "off (account), off (bucket)", "ownership": ownership(state)}
        # Who reads the ACL alone learns who may do what, but neither lists nor changes anything.
        lesser = Severity.HIGH if all(grant.permission == "READ_ACP" for grant in grants) else None
        return fails(f"{_WHO[group]} can {can}: the ACL grants {names}.", details, severity=lesser, live=True)

    return check


def _latent(state: State, _options: RuleOptions) -> Judgement:
    grants = _public_grants(state)
    layers = acl_neutralised_by(state)
    if not layers:
        return passes("No public ACL grant lies dormant: ACLs show and do what they grant.")
    by = " and ".join(layers)
    if not grants:
        return not_applicable(f"S3 shows only what an ACL grants in effect, and {by} leaves nothing public to see.")
    names = ", ".join(map(str, grants))
    return fails(
        f"The ACL grants {names}, without effect only because of {by}.",
        _facts(grants) | {"neutralised_by": ", ".join(layers)},
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


def _examples(uri: str, permission: str, other: str) -> tuple[Example, ...]:
    granted = _acl((uri, permission))
    return (
        Example("the owner alone", unguarded(), Verdict.PASS),
        Example(f"{permission} to the group", unguarded({Aspect.ACL: granted}), Verdict.FAIL, live=True),
        Example(f"{other} is another rule's matter", unguarded({Aspect.ACL: _acl((uri, other))}), Verdict.PASS),
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


def _read_rule(rule_id: str, group: str, uri: str, title: str, references: tuple[str, ...]) -> Rule:
    chosen = f"ends_with(not_null(Grantee.URI, ''), '/{group}') && contains('{' '.join(_READING)}', Permission)"
    acl_only = Example(
        "READ_ACP alone is less bad",
        unguarded({Aspect.ACL: _acl((uri, "READ_ACP"))}),
        Verdict.FAIL,
        severity=Severity.HIGH,
        live=True,
    )
    return Rule(
        RuleInfo(
            id=rule_id,
            title=title,
            severity=Severity.CRITICAL,
            category=Category.EXPOSURE,
            needs=_NEEDS,
            why=(
                f"{_WHO[group]} can list every object name and version, or read who holds which grant. "
                "The listing is what scanners look for first: it leads to every object that is readable."
            ),
            cli=_without(chosen),
            terraform=_TERRAFORM,
            references=(*references, *_GUIDES),
        ),
        Kind.BUCKET,
        _live(group, _READING),
        (*_examples(uri, "READ", "WRITE"), acl_only),
    )


def _write_rule(rule_id: str, group: str, uri: str, title: str, references: tuple[str, ...]) -> Rule:
    chosen = f"ends_with(not_null(Grantee.URI, ''), '/{group}') && contains('{' '.join(_CHANGING)}', Permission)"
    return Rule(
        RuleInfo(
            id=rule_id,
            title=title,
            severity=Severity.CRITICAL,
            category=Category.EXPOSURE,
            needs=_NEEDS,
            why=(
                f"{_WHO[group]} can put objects into the bucket at your cost and in your name. "
                "WRITE_ACP and FULL_CONTROL also let them grant themselves everything else that an ACL can grant."
            ),
            cli=_without(chosen),
            terraform=_TERRAFORM,
            references=(*references, *_GUIDES),
        ),
        Kind.BUCKET,
        _live(group, _CHANGING),
        (
            *_examples(uri, "WRITE", "READ_ACP"),
            *(
                Example(permission, unguarded({Aspect.ACL: _acl((uri, permission))}), Verdict.FAIL, live=True)
                for permission in ("WRITE_ACP", "FULL_CONTROL")
            ),
        ),
    )


PUBLIC_READ = _read_rule(
    "bucket-acl-public-read",
    "AllUsers",
    ALL_USERS,
    "The ACL lets anyone on the internet list the bucket or read its ACL",
    (
        "Conformity S3-001, S3-002",
        "Security Hub S3.2",
        "Prowler s3_bucket_public_list_acl",
        "Config s3-bucket-public-read-prohibited",
    ),
)
PUBLIC_WRITE = _write_rule(
    "bucket-acl-public-write",
    "AllUsers",
    ALL_USERS,
    "The ACL lets anyone on the internet write to the bucket or take it over",
    (
        "Conformity S3-003, S3-004, S3-005",
        "Security Hub S3.3",
        "Prowler s3_bucket_public_write_acl",
        "Config s3-bucket-public-write-prohibited",
    ),
)
AUTHENTICATED_READ = _read_rule(
    "bucket-acl-authenticated-read",
    "AuthenticatedUsers",
    AUTHENTICATED_USERS,
    "The ACL lets anyone with an AWS account list the bucket or read its ACL",
    ("Conformity S3-006, S3-007", "Checkov CKV2_AWS_43"),
)
AUTHENTICATED_WRITE = _write_rule(
    "bucket-acl-authenticated-write",
    "AuthenticatedUsers",
    AUTHENTICATED_USERS,
    "The ACL lets anyone with an AWS account write to the bucket or take it over",
    ("Conformity S3-008, S3-009, S3-010",),
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
        references=("Conformity S3-001 to S3-010, where they have no effect", *_GUIDES),
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
