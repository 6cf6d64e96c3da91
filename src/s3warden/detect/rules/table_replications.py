"""Where the tables of table buckets are copied to: whose the destinations are; one finding an account, by name.

An ARN of a table bucket names its account, so nobody has to be asked whose a destination is. What a single table says
for itself instead of its bucket is not read.
"""

from itertools import chain

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
from s3warden.detect.samples import ACCOUNT, DENIED
from s3warden.detect.surroundings import account_with
from s3warden.model.bucket import ABSENT, AccountState, Aspect, Present, Reading, Regional, State
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.other_buckets import TableReplication, TableReplications
from s3warden.model.rule import Category, RuleInfo

_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-tables-replication-setting-up.html"


def _check(state: State, options: RuleOptions) -> Judgement:
    regions = configured(state, Aspect.TABLE_REPLICATIONS, Regional)
    known = () if regions is None else regions.known(TableReplications)
    copies = [(each.name, arn) for each in chain.from_iterable(known) for arn in _destinations(each)]
    if not copies:
        return not_applicable("No table bucket is replicated.")
    ours = {state.ref.account, *options.trusted_accounts}
    strange = [f"{name} to {arn}" for name, arn in copies if arn.split(":")[4] not in ours]
    if strange:
        facts = {"destinations": some(strange)}
        return fails(f"Tables are copied to accounts that are not trusted: {facts['destinations']}.", facts)
    return passes("Tables are copied to own or trusted accounts alone.")


def _destinations(each: TableReplication) -> tuple[str, ...]:
    return each.destinations.value if isinstance(each.destinations, Present) else ()


_PARTNER = "444455556666"
_OWN = ACCOUNT.account


def _copied(*accounts: str) -> Present[tuple[str, ...]]:
    """To a table bucket of each of these accounts."""
    return Present(tuple(f"arn:{ACCOUNT.partition}:s3tables:eu-central-1:{each}:bucket/copy" for each in accounts))


def _replicated(*readings: Reading[tuple[str, ...]]) -> AccountState:
    """The sound account with a table bucket for each of these readings."""
    arn = f"arn:{ACCOUNT.partition}:s3tables:eu-west-1:{_OWN}:bucket"
    found = tuple(TableReplication(f"t{n}", f"{arn}/t{n}", reading) for n, reading in enumerate(readings))
    return _regional(Present(TableReplications(found)))


def _regional(reading: Reading[TableReplications]) -> AccountState:
    return account_with({Aspect.TABLE_REPLICATIONS: Present(Regional((("eu-west-1", reading),)))})


EXTERNAL = Rule(
    RuleInfo(
        id="account-table-bucket-replication",
        title="A table bucket is replicated to an account that is not trusted",
        severity=Severity.MEDIUM,
        category=Category.ACCESS,
        needs=frozenset({Aspect.TABLE_REPLICATIONS}),
        why=(
            "Replication hands over every table with all that is written to it, and no policy of the source is asked "
            "again. Who looks at the policy of the table bucket does not see it."
        ),
        cli="""\
# In account {account}:
aws s3tables get-table-bucket-replication --table-bucket-arn "${ARN:?}" --region "${REGION:?}"
# Put its configuration into replication.json without the destination, set TOKEN to its versionToken, then:
aws s3tables put-table-bucket-replication --table-bucket-arn "${ARN:?}" --region "${REGION:?}" \\
  --version-token "${TOKEN:?}" --configuration file://replication.json
# If the copy is wanted: add the account to rules.trusted_accounts.""",
        terraform="# In the aws_s3tables_table_bucket_replication in account {account}: take out the destination.",
        console="""\
Open Amazon S3, Table buckets, the bucket, and its replication configuration.
Take out the destination of the other account, and save.""",
        cloudformation="# In the AWS::S3Tables::TableBucket: take the destination out of ReplicationConfiguration.",
        verify="""\
aws s3tables get-table-bucket-replication --table-bucket-arn "${ARN:?}" --region "${REGION:?}"
# Expect: NotFoundException, or destinations of own and trusted accounts alone.""",
        maps=maps({Framework.CUSTODIAN: "s3-table-bucket.replication"}),
        default=False,
        references=(_GUIDE,),
    ),
    Kind.ACCOUNT,
    _check,
    (
        Example("the own account", _replicated(_copied(_OWN)), Verdict.PASS),
        Example("another account", _replicated(_copied(_OWN, _PARTNER)), Verdict.FAIL),
        Example(
            "a trusted account",
            _replicated(_copied(_PARTNER)),
            Verdict.PASS,
            RuleOptions(trusted_accounts=(_PARTNER,)),
        ),
        Example("not replicated", _replicated(ABSENT), Verdict.NOT_APPLICABLE),
        Example("no table bucket", _regional(ABSENT), Verdict.NOT_APPLICABLE),
        Example("another account beside an unreadable one", _replicated(_copied(_PARTNER), DENIED), Verdict.FAIL),
        Example("the replication is unreadable", _replicated(_copied(_OWN), DENIED), Verdict.UNKNOWN),
        Example("a region is unreadable", _regional(DENIED), Verdict.UNKNOWN),
    ),
)

RULES = (EXTERNAL,)
