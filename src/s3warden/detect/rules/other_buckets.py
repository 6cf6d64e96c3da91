"""Directory, table and vector buckets: who may reach them, and how they encrypt; one finding an account, by name.

Their policies speak the language of bucket policies as far as principals and conditions go, so single requests of
strangers are put to them. Block public access does not exist for these kinds: AWS takes no public policy for them, but
any account by name. Where table buckets are replicated to is told by `table_replications`.
"""

from collections.abc import Callable, Mapping
from itertools import chain

from s3warden.detect.outsiders import Outsiders, Resource, judged, outsiders
from s3warden.detect.proofs import some
from s3warden.detect.rule import (
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
from s3warden.detect.samples import ACCOUNT, DENIED, allow, policy
from s3warden.detect.surroundings import OURS, account_with
from s3warden.model.bucket import ABSENT, AccountState, Aspect, Present, Reading, Regional, State
from s3warden.model.configuration import Policy
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.other_buckets import BucketKind, OtherBucket, OtherBuckets
from s3warden.model.rule import Category, RuleInfo

Check = Callable[[State, RuleOptions], Judgement]
_ASPECTS = {
    BucketKind.DIRECTORY: Aspect.DIRECTORY_BUCKETS,
    BucketKind.TABLE: Aspect.TABLE_BUCKETS,
    BucketKind.VECTOR: Aspect.VECTOR_BUCKETS,
}
_ACTIONS = {
    BucketKind.DIRECTORY: ("s3express:CreateSession", "s3express:PutBucketPolicy", "s3express:DeleteBucket"),
    BucketKind.TABLE: (
        "s3tables:GetTableData",
        "s3tables:PutTableData",
        "s3tables:ListTables",
        "s3tables:GetTable",
        "s3tables:DeleteTable",
        "s3tables:PutTableBucketPolicy",
    ),
    BucketKind.VECTOR: (
        "s3vectors:GetVectors",
        "s3vectors:QueryVectors",
        "s3vectors:ListVectors",
        "s3vectors:PutVectors",
        "s3vectors:DeleteVectors",
        "s3vectors:PutVectorBucketPolicy",
    ),
}
_GUIDES = {
    BucketKind.DIRECTORY: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-security-iam.html",
    BucketKind.TABLE: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-tables-resource-based-policies.html",
    BucketKind.VECTOR: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-access-management.html",
}
_LISTS = {
    BucketKind.DIRECTORY: "aws s3api list-directory-buckets --region {r}",
    BucketKind.TABLE: "aws s3tables list-table-buckets --region {r}",
    BucketKind.VECTOR: "aws s3vectors list-vector-buckets --region {r}",
}
_SHOWS = {
    BucketKind.DIRECTORY: 'aws s3api get-bucket-policy --bucket "${NAME:?}" --region "${REGION:?}"',
    BucketKind.TABLE: 'aws s3tables get-table-bucket-policy --table-bucket-arn "${ARN:?}" --region "${REGION:?}"',
    BucketKind.VECTOR: 'aws s3vectors get-vector-bucket-policy --vector-bucket-arn "${ARN:?}" --region "${REGION:?}"',
}
_PUTS = {
    BucketKind.DIRECTORY: (
        'aws s3api put-bucket-policy --bucket "${NAME:?}" --region "${REGION:?}" \\\n  --policy file://policy.json'
    ),
    BucketKind.TABLE: (
        'aws s3tables put-table-bucket-policy --table-bucket-arn "${ARN:?}" --region "${REGION:?}" \\\n'
        "  --resource-policy file://policy.json"
    ),
    BucketKind.VECTOR: (
        'aws s3vectors put-vector-bucket-policy --vector-bucket-arn "${ARN:?}" --region "${REGION:?}" \\\n'
        "  --policy file://policy.json"
    ),
}
_TYPES = {
    BucketKind.DIRECTORY: ("aws_s3_bucket_policy", "AWS::S3Express::BucketPolicy"),
    BucketKind.TABLE: ("aws_s3tables_table_bucket_policy", "AWS::S3Tables::TableBucketPolicy"),
    BucketKind.VECTOR: ("aws_s3vectors_vector_bucket_policy", "AWS::S3Vectors::VectorBucketPolicy"),
}


def _buckets(state: State, kind: BucketKind) -> list[OtherBucket]:
    """All that could be listed; what could not is told by the evaluation, the aspect being partly unreadable then."""
    regions = configured(state, _ASPECTS[kind], Regional)
    return [] if regions is None else list(chain.from_iterable(regions.known(OtherBuckets)))


def _external(kind: BucketKind) -> Check:
    def check(state: State, options: RuleOptions) -> Judgement:
        listed = _buckets(state, kind)
        if not listed:
            return not_applicable(f"The account has no {kind}.")
        found = {each.name: _outsiders(each, kind, state, options) for each in listed}
        return judged(found, f"a {kind}", "buckets")

    return check


def _outsiders(each: OtherBucket, kind: BucketKind, state: State, options: RuleOptions) -> Outsiders:
    if not isinstance(each.policy, Present):
        return Outsiders()
    resource = Resource(each.arn, state.ref.account, state.ref.partition, _ACTIONS[kind])
    return outsiders(each.policy.value.text, resource, options)


def _encryption(kind: BucketKind) -> Check:
    def check(state: State, _options: RuleOptions) -> Judgement:
        listed = _buckets(state, kind)
        if not listed:
            return not_applicable(f"The account has no {kind}.")
        plain = [each.name for each in listed if not _by_kms(each)]
        if not plain:
            return passes(f"Every {kind} is encrypted with a KMS key.")
        return fails(f"A {kind} is not encrypted with a KMS key: {some(plain)}.", {"buckets": some(plain)})

    return check


def _by_kms(each: OtherBucket) -> bool:
    """Whether it encrypts with KMS, or that could not be read, which the evaluation tells."""
    match each.encryption:
        case Present(value=algorithm):
            return algorithm.startswith("aws:kms")
        case reading:
            return reading != ABSENT


def _lifecycle(state: State, _options: RuleOptions) -> Judgement:
    listed = _buckets(state, BucketKind.DIRECTORY)
    if not listed:
        return not_applicable(f"The account has no {BucketKind.DIRECTORY}.")
    endless = [each.name for each in listed if each.lifecycle in (ABSENT, Present(value=False))]
    if not endless:
        return passes(f"Every {BucketKind.DIRECTORY} has a lifecycle rule that is switched on.")
    facts = {"buckets": some(endless)}
    return fails(f"A {BucketKind.DIRECTORY} keeps everything for ever: {facts['buckets']}.", facts)


_PARTNER = "444455556666"
_ROLES = f"arn:{ACCOUNT.partition}:iam::{_PARTNER}:role/*"


def _bucket(
    kind: BucketKind,
    *statements: Mapping[str, object],
    encryption: Reading[str] | None = None,
    own: Reading[Policy] | None = None,
    lifecycle: Reading[bool] | None = None,
) -> AccountState:
    """The sound account with one bucket of the kind, encrypted by KMS and with a lifecycle unless told otherwise."""
    service = {BucketKind.DIRECTORY: "s3express", BucketKind.TABLE: "s3tables", BucketKind.VECTOR: "s3vectors"}[kind]
    arn = f"arn:{ACCOUNT.partition}:{service}:eu-west-1:{ACCOUNT.account}:bucket/example"
    given = policy(*statements) if statements else ABSENT
    found = OtherBucket(
        kind,
        "example",
        arn,
        given if own is None else own,
        Present("aws:kms") if encryption is None else encryption,
        Present(value=True) if lifecycle is None else lifecycle,
    )
    return _regional(kind, Present(OtherBuckets((found,))))


def _regional(kind: BucketKind, reading: Reading[OtherBuckets]) -> AccountState:
    return account_with({_ASPECTS[kind]: Present(Regional((("eu-west-1", reading),)))})


def _open(kind: BucketKind, principal: object, **condition: object) -> Mapping[str, object]:
    more = {"Condition": condition} if condition else {}
    return allow(principal, f"{_ACTIONS[kind][0].partition(':')[0]}:*", "*", **more)


def _rule(kind: BucketKind) -> Rule:
    terraform, cloudformation = _TYPES[kind]
    word = kind.partition(" ")[0]
    return Rule(
        RuleInfo(
            id=f"account-{word}-bucket-external",
            title=f"Others are let into a {kind}",
            severity=Severity.HIGH,
            category=Category.ACCESS,
            needs=frozenset({_ASPECTS[kind]}),
            why=(
                f"A {kind} holds data like any bucket, and its policy is looked at by fewer people and tools. "
                "Block public access does not exist for it, so nothing takes a wide grant back."
            ),
            cli=(
                f"# In account {{account}}:\n{_SHOWS[kind]}\n"
                f"# In policy.json, take out the principal that needs no access, then:\n{_PUTS[kind]}"
            ),
            terraform=f"# In the {terraform} in account {{account}}: take out the principal that needs no access.",
            console=(
                f"Open Amazon S3, {word.capitalize()} buckets, the bucket, Permissions, policy: Edit.\n"
                "Take out the principal that needs no access, and save."
            ),
            cloudformation=f"# In the {cloudformation}: take out the principal that needs no access.",
            verify=(
                f"{_LISTS[kind].format(r=_REGION)}\n{_SHOWS[kind]}\n"
                "# Expect: no policy, or principals of own and trusted accounts alone."
            ),
            maps=maps({Framework.CUSTODIAN: _CUSTODIAN[kind]}) if kind in _CUSTODIAN else (),
            default=True,
            references=(_GUIDES[kind],),
        ),
        Kind.ACCOUNT,
        _external(kind),
        (
            Example("no policy", _bucket(kind), Verdict.PASS),
            Example("the own account", _bucket(kind, _open(kind, {"AWS": OURS})), Verdict.PASS),
            Example("another account", _bucket(kind, _open(kind, {"AWS": _PARTNER})), Verdict.FAIL),
            Example("everyone", _bucket(kind, _open(kind, "*")), Verdict.FAIL),
            Example(
                "another account by a condition",
                _bucket(kind, _open(kind, "*", StringEquals={"aws:PrincipalAccount": _PARTNER})),
                Verdict.FAIL,
            ),
            Example(
                "a role of another account by a condition",
                _bucket(kind, _open(kind, "*", ArnLike={"aws:PrincipalArn": _ROLES})),
                Verdict.FAIL,
            ),
            Example(
                "everyone of an organisation",
                _bucket(kind, _open(kind, "*", StringEquals={"aws:PrincipalOrgID": "o-ourownorg1"})),
                Verdict.PASS,
            ),
            Example(
                "a trusted account",
                _bucket(kind, _open(kind, {"AWS": _PARTNER})),
                Verdict.PASS,
                RuleOptions(trusted_accounts=(_PARTNER,)),
            ),
            Example("none", _regional(kind, ABSENT), Verdict.NOT_APPLICABLE),
            Example("a policy that is none", _bucket(kind, own=Present(Policy("{"))), Verdict.UNKNOWN),
            Example("a policy is unreadable", _bucket(kind, own=DENIED), Verdict.UNKNOWN),
            Example("a region is unreadable", _regional(kind, DENIED), Verdict.UNKNOWN),
        ),
    )


_REGION = '"${REGION:?}"'
_CUSTODIAN = {BucketKind.TABLE: "s3-table-bucket.cross-account"}
_TABLE_KEY = """\
# In account {account}, for tables made from now on:
aws s3tables put-table-bucket-encryption --table-bucket-arn "${ARN:?}" --region "${REGION:?}" \\
  --encryption-configuration sseAlgorithm=aws:kms,kmsKeyArn="${KEY_ARN:?}\""""
_VECTOR_KEY = """\
# The encryption of a vector bucket is set when it is made, in account {account}, and never again:
aws s3vectors create-vector-bucket --vector-bucket-name "${NEW_NAME:?}" --region "${REGION:?}" \\
  --encryption-configuration sseType=aws:kms,kmsKeyArn="${KEY_ARN:?}\""""
_ENCRYPTS = {
    BucketKind.TABLE: (
        _TABLE_KEY,
        'aws s3tables get-table-bucket-encryption --table-bucket-arn "${ARN:?}" --region "${REGION:?}"',
        "aws_s3tables_table_bucket",
        "AWS::S3Tables::TableBucket",
    ),
    BucketKind.VECTOR: (
        _VECTOR_KEY,
        'aws s3vectors get-vector-bucket --vector-bucket-arn "${ARN:?}" --region "${REGION:?}"',
        "aws_s3vectors_vector_bucket",
        "AWS::S3Vectors::VectorBucket",
    ),
}


def _encrypted(kind: BucketKind) -> Rule:
    cli, shows, terraform, cloudformation = _ENCRYPTS[kind]
    word = kind.partition(" ")[0]
    return Rule(
        RuleInfo(
            id=f"account-{word}-bucket-encryption",
            title=f"A {kind} is not encrypted with a KMS key",
            severity=Severity.LOW,
            category=Category.ENCRYPTION,
            needs=frozenset({_ASPECTS[kind]}),
            why=(
                "With S3's own keys, who may read the data may decrypt it, and no key can be switched off. "
                "A key of your own has a policy of its own and a log of its uses."
            ),
            cli=cli,
            terraform=f"# In the {terraform}: encryption_configuration with aws:kms and the ARN of the key.",
            console=(
                f"Open Amazon S3, {word.capitalize()} buckets, and look at the bucket's default encryption.\n"
                "Choose SSE-KMS with a key of yours, in a new bucket where the old one cannot be changed."
            ),
            cloudformation=f"# In the {cloudformation}: EncryptionConfiguration with aws:kms and the ARN of the key.",
            verify=f"{shows}\n# Expect: aws:kms.",
            maps=(),
            default=False,
            references=(_GUIDES[kind],),
        ),
        Kind.ACCOUNT,
        _encryption(kind),
        (
            Example("a KMS key", _bucket(kind), Verdict.PASS),
            Example("S3's own keys", _bucket(kind, encryption=Present("AES256")), Verdict.FAIL),
            Example("not configured", _bucket(kind, encryption=ABSENT), Verdict.FAIL),
            Example("none", _regional(kind, ABSENT), Verdict.NOT_APPLICABLE),
            Example("the encryption is unreadable", _bucket(kind, encryption=DENIED), Verdict.UNKNOWN),
            Example("a region is unreadable", _regional(kind, DENIED), Verdict.UNKNOWN),
        ),
    )


_DIRECTORY = BucketKind.DIRECTORY
LIFECYCLE = Rule(
    RuleInfo(
        id="account-directory-bucket-lifecycle",
        title="A directory bucket has no lifecycle rule",
        severity=Severity.LOW,
        category=Category.RESILIENCE,
        needs=frozenset({Aspect.DIRECTORY_BUCKETS}),
        why=(
            "Directory buckets are the dearest storage and meant for data at work, not at rest. "
            "Without a rule, what nobody needs any more stays and is paid for."
        ),
        cli="""\
# In account {account}; this deletes objects after 30 days, so look at the prefix first:
aws s3api put-bucket-lifecycle-configuration --bucket "${NAME:?}" --region "${REGION:?}" \\
  --lifecycle-configuration file://lifecycle.json""",
        terraform="""\
resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_directory_bucket.this.bucket
  rule {
    id     = "expire"
    status = "Enabled"
    filter {}
    expiration {
      days = 30
    }
  }
}""",
        console="""\
Open Amazon S3, Directory buckets, the bucket, Management, Lifecycle rules: Create lifecycle rule.
Choose the objects and the days after which they expire, and Create rule.""",
        cloudformation="""\
DirectoryBucket:
  Type: AWS::S3Express::DirectoryBucket
  Properties:
    DataRedundancy: SingleAvailabilityZone
    LocationName: euw1-az1
    LifecycleConfiguration:
      Rules:
        - Status: Enabled
          ExpirationInDays: 30""",
        verify="""\
aws s3api get-bucket-lifecycle-configuration --bucket "${NAME:?}" --region "${REGION:?}"
# Expect: a rule with the status Enabled.""",
        maps=maps({Framework.SECURITY_HUB: "S3.25"}),
        default=False,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/directory-bucket-create-lc.html",),
    ),
    Kind.ACCOUNT,
    _lifecycle,
    (
        Example("a rule that is on", _bucket(_DIRECTORY), Verdict.PASS),
        Example("no rule", _bucket(_DIRECTORY, lifecycle=ABSENT), Verdict.FAIL),
        Example("a rule that is off", _bucket(_DIRECTORY, lifecycle=Present(value=False)), Verdict.FAIL),
        Example("none", _regional(_DIRECTORY, ABSENT), Verdict.NOT_APPLICABLE),
        Example("the rules are unreadable", _bucket(_DIRECTORY, lifecycle=DENIED), Verdict.UNKNOWN),
        Example("a region is unreadable", _regional(_DIRECTORY, DENIED), Verdict.UNKNOWN),
    ),
)

RULES = (*map(_rule, BucketKind), *map(_encrypted, _ENCRYPTS), LIFECYCLE)
