"""Names that something still relies on and that anybody can register, or already has.

A finding about a bucket that is gone has no bucket to belong to: it belongs to the account whose configuration goes on
naming it. Names that end in the account's own suffix (`-an`) are never anybody else's, and are left out by whoever
finds that they exist no more.
"""

import re
from collections.abc import Iterable

from s3warden.detect.proofs import some
from s3warden.detect.rule import Example, Judgement, Kind, Rule, RuleOptions, configured, fails, not_applicable, passes
from s3warden.detect.samples import DENIED
from s3warden.detect.surroundings import account_with, destinations, named, reference
from s3warden.detect.whereabouts import Whose, pointing, told, whose
from s3warden.model.bucket import ABSENT, Aspect, Present, Reading, State
from s3warden.model.configuration import MultiRegionAccessPoints
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.origins import Distributions, DnsRecord, DnsRecords, DnsZone
from s3warden.model.references import Destination, Destinations, Reference, Standing, Use
from s3warden.model.rule import Category, RuleInfo

_OWN_NAMESPACE = re.compile(r"-[0-9]{12}-[a-z0-9-]+-an$")
_TAKEOVER = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html"


def _outside(state: State, options: RuleOptions, *uses: Use) -> dict[Destination, Whose]:
    found = configured(state, Aspect.OUTSIDE_NAMES, Destinations)
    listed = () if found is None else found.used_as(*uses) if uses else found.items
    return {each: whose(each, state.ref.account, options) for each in listed}


def _dns(state: State, options: RuleOptions) -> Judgement:
    records = configured(state, Aspect.DNS_RECORDS, DnsRecords)
    found = _outside(state, options, Use.DNS)
    if records is None or not records.records:
        return not_applicable("No public record of the account leads to S3.")
    lost = {each: w for each, w in found.items() if w in {Whose.NOBODY, Whose.STRANGER}}
    wild = [record.name for record in records.records if record.wild]
    facts: dict[str, str] = {}
    if lost:
        facts["records"] = some([told(each, w) for each, w in lost.items()])
    if wild:
        facts["wildcards"] = some(wild)
    if lost:
        return fails(f"DNS leads to buckets that are not yours: {facts['records']}.", facts)
    if wild:
        summary = f"DNS leads any name below a domain to S3, where anybody may take it: {facts['wildcards']}."
        return fails(summary, facts, severity=Severity.HIGH)
    return passes("Every record that leads to S3 has a bucket of its name in an own or trusted account.")


def _released(state: State, options: RuleOptions) -> Judgement:
    # All that may hold a reference must have been read; of buckets, what is read of them is looked at.
    configured(state, Aspect.DISTRIBUTIONS, Distributions)
    configured(state, Aspect.DNS_RECORDS, DnsRecords)
    configured(state, Aspect.MULTI_REGION_ACCESS_POINTS, MultiRegionAccessPoints)
    free = [each for each, w in _outside(state, options).items() if w is Whose.NOBODY and not _reserved(each.name)]
    if not free:
        return passes("Nothing in the account relies on a bucket name that is free to take.")
    facts = {
        "names": some([each.name for each in free]),
        "used_by": some([pointing(each.references) for each in free]),
    }
    return fails(f"Bucket names that anybody may register are still relied on: {facts['names']}.", facts)


def _reserved(name: str) -> bool:
    """Whether a name lies in the account's own namespace, which nobody else can register in."""
    return _OWN_NAMESPACE.search(name) is not None


_WEB = "s3-website.example"
_NAME = "www.example.com"


def _records(*names: str) -> Reading[DnsRecords]:
    records = tuple(DnsRecord(name, _WEB, "example.com") for name in names)
    return Present(DnsRecords((DnsZone("example.com", Present(records)),)))


def _leading(standing: Reading[Standing] | None, *names: str) -> dict[Aspect, Reading[object]]:
    uses: Iterable[tuple[Reference, Reading[Standing]]] = (
        [] if standing is None else [(reference(Use.DNS, _NAME, _NAME, detail=_WEB), standing)]
    )
    outside = destinations(*uses) if standing is not None else ABSENT
    return {Aspect.DNS_RECORDS: _records(*(names or (_NAME,))), Aspect.OUTSIDE_NAMES: outside}


_ZONE_DENIED = Present(DnsRecords((DnsZone("example.com", DENIED), DnsZone("b.example", Present(())))))
DNS = Rule(
    RuleInfo(
        id="account-dns-bucket-missing",
        title="A DNS record leads to a bucket that is gone or not yours",
        severity=Severity.CRITICAL,
        category=Category.EXPOSURE,
        needs=frozenset({Aspect.DNS_RECORDS, Aspect.OUTSIDE_NAMES}),
        why=(
            "S3 answers for a record with the bucket of its name: whoever registers that serves the world under your "
            "domain. Cookies, logins and trust in the name are his from then on."
        ),
        cli="""\
# Delete the record first, in account {account}; then the name is of no use to anybody:
aws route53 change-resource-record-sets --hosted-zone-id "${ZONE:?}" --change-batch file://delete.json
# or take the name, if it is still free:
aws s3api create-bucket --bucket "${RECORD:?}" --region "${REGION:?}" \\
  --create-bucket-configuration LocationConstraint="${REGION:?}\"""",
        terraform="# Take the aws_route53_record out of the configuration before the aws_s3_bucket it leads to.",
        console="""\
Open Route 53, Hosted zones, the zone, the record: Delete record.
Or open Amazon S3 and create a bucket with exactly the name of the record.""",
        cloudformation="# Take the AWS::Route53::RecordSet out of the template before the AWS::S3::Bucket it leads to.",
        verify="""\
aws s3api head-bucket --bucket "${RECORD:?}" --expected-bucket-owner {account}
# Expect: an answer for each record that leads to S3, or no such record:
aws route53 list-resource-record-sets --hosted-zone-id "${ZONE:?}\"""",
        maps=maps({Framework.CONFORMITY: "Route53-011", Framework.CLOUDSPLOIT: "danglingDnsRecords"}),
        default=True,
        references=(_TAKEOVER,),
    ),
    Kind.ACCOUNT,
    _dns,
    (
        Example("an own bucket", account_with(_leading(None)), Verdict.PASS),
        Example("an own bucket beyond the settings' scope", account_with(_leading(named(_NAME))), Verdict.PASS),
        Example("no record", account_with(), Verdict.NOT_APPLICABLE),
        Example("nobody's bucket", account_with(_leading(named(_NAME, exists=False))), Verdict.FAIL),
        Example("a stranger's bucket", account_with(_leading(named(_NAME, owner=None))), Verdict.FAIL),
        Example(
            "any name below the domain",
            account_with(_leading(None, "*.example.com")),
            Verdict.FAIL,
            severity=Severity.HIGH,
        ),
        Example("zones are unreadable", account_with({Aspect.DNS_RECORDS: DENIED}), Verdict.UNKNOWN),
        Example("one zone is unreadable", account_with({Aspect.DNS_RECORDS: _ZONE_DENIED}), Verdict.UNKNOWN),
        Example("whose the name is, is unreadable", account_with(_leading(DENIED)), Verdict.UNKNOWN),
    ),
)
_FREE = "example-released"


def _relied(*held: Reference, exists: bool = False) -> dict[Aspect, Reading[object]]:
    standing = named(_FREE, exists=exists)
    found = Present(Destinations((Destination(held[0].target, held, standing),)))
    return {Aspect.OUTSIDE_NAMES: found}


RELEASED = Rule(
    RuleInfo(
        id="account-bucket-name-released",
        title="A bucket was deleted and its name is still relied on",
        severity=Severity.HIGH,
        category=Category.EXPOSURE,
        needs=frozenset(
            {
                Aspect.OUTSIDE_NAMES,
                Aspect.DISTRIBUTIONS,
                Aspect.DNS_RECORDS,
                Aspect.MULTI_REGION_ACCESS_POINTS,
            }
        ),
        why=(
            "Anybody can register a name that is free, and then serves, or is sent, what was meant for the bucket. "
            "Right after the deletion it can still be taken back."
        ),
        cli="""\
# Take out what relies on the name, or take the name back, in account {account}, while it is free:
aws s3api create-bucket --bucket "${NAME:?}" --region "${REGION:?}" \\
  --create-bucket-configuration LocationConstraint="${REGION:?}"
aws s3control put-public-access-block --account-id {account} --public-access-block-configuration \\
  BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true""",
        terraform="# Keep the aws_s3_bucket in the configuration until nothing refers to it any more.",
        console="""\
Open Amazon S3 and create a bucket with exactly the released name, blocked to the public.
Then take out what relies on it: the origin, the record, the replication rule, the log target.""",
        cloudformation="""\
# Until nothing relies on the name:
Bucket:
  Type: AWS::S3::Bucket
  DeletionPolicy: Retain
  UpdateReplacePolicy: Retain""",
        verify="""\
aws s3api head-bucket --bucket "${NAME:?}" --expected-bucket-owner {account}
# Expect: an answer, or nothing left that relies on the name.""",
        maps=maps({}),
        default=True,
        references=(
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-bucket.html",
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html",
        ),
    ),
    Kind.ACCOUNT,
    _released,
    (
        Example("nothing relies on a free name", account_with(), Verdict.PASS),
        Example("it exists", account_with(_relied(reference(Use.REPLICATION, _FREE), exists=True)), Verdict.PASS),
        Example("an origin", account_with(_relied(reference(Use.ORIGIN, _FREE, "E1EXAMPLE"))), Verdict.FAIL),
        Example(
            "logs and copies",
            account_with(_relied(reference(Use.ACCESS_LOGS, _FREE), reference(Use.REPLICATION, _FREE))),
            Verdict.FAIL,
        ),
        Example(
            "a name that only this account can have",
            account_with(_relied(reference(Use.ACCESS_LOGS, "logs-111122223333-eu-west-1-an"))),
            Verdict.PASS,
        ),
        Example("distributions are unreadable", account_with({Aspect.DISTRIBUTIONS: DENIED}), Verdict.UNKNOWN),
        Example("names are unreadable", account_with({Aspect.OUTSIDE_NAMES: DENIED}), Verdict.UNKNOWN),
    ),
)

RULES = (DNS, RELEASED)
