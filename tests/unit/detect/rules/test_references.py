"""What other tools got wrong about references between buckets: each a test named after its report."""

import pytest

from s3warden.collect.hosts import s3_host
from s3warden.detect.evaluate import evaluate
from s3warden.detect.rule import RuleOptions
from s3warden.detect.rules import find
from s3warden.detect.samples import ACCOUNT
from s3warden.detect.surroundings import account_with, destinations, named, reference
from s3warden.model.bucket import ABSENT, Aspect, Present, Reading
from s3warden.model.finding import RuleResult, Verdict
from s3warden.model.origins import Distribution, Distributions, DnsRecord, DnsRecords, DnsZone, Origin, Signed
from s3warden.model.references import Standing, Use

PARTNER = "444455556666"


def origin(domain: str) -> Origin:
    """An origin as it is read."""
    host = s3_host(domain)
    return Origin(domain, host.bucket if host else None, bool(host and host.website), Signed.OAC, "E")


def serving(domain: str, standing: Reading[Standing] | None = None, options: RuleOptions | None = None) -> RuleResult:
    """The verdict on missing origins for a distribution with one origin, whose name stands so."""
    at = origin(domain)
    found = Distributions((Distribution("E1", "arn", "d1.example.net", enabled=True, origins=(at,)),))
    outside: Reading[object] = ABSENT
    if standing is not None and at.bucket is not None:
        outside = destinations((reference(Use.ORIGIN, at.bucket, "E1", detail=domain), standing))
    state = account_with({Aspect.DISTRIBUTIONS: Present(found), Aspect.OUTSIDE_NAMES: outside})
    [result] = evaluate((find("account-origin-bucket-missing"),), state, options=options or RuleOptions())
    return result


@pytest.mark.parametrize(
    "domain",
    [
        "lb-1.eu-west-1.elb.amazonaws.com",
        "www.example.com",
        "x-s3alias.s3.eu-west-1.amazonaws.com",
        "media.example.net",
    ],
)
def test_prowler_5543_origin_that_is_no_bucket_is_never_missing(domain: str) -> None:
    """It fired on load balancers and other hosts."""
    assert serving(domain).verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(
    "domain",
    [
        "data.s3.amazonaws.com",
        "data.s3.eu-west-1.amazonaws.com",
        "data.s3-eu-west-1.amazonaws.com",
        "data.s3-website-us-east-1.amazonaws.com",
        "my.data.s3.eu-west-1.amazonaws.com",
    ],
)
def test_steampipe_753_existing_bucket_is_no_missing_origin(domain: str) -> None:
    """By whatever host it is named; neither in an own account nor in a trusted one."""
    name = origin(domain).bucket or ""
    trusting = RuleOptions(trusted_accounts=(PARTNER,))
    assert serving(domain).verdict is Verdict.PASS
    assert serving(domain, named(name)).verdict is Verdict.PASS
    assert serving(domain, named(name, owner=PARTNER), trusting).verdict is Verdict.PASS


def test_prowler_missing_origin_name_that_a_stranger_took_is_not_healthy() -> None:
    """A 403 says that the name exists: an already hijacked one does, too."""
    result = serving("data.s3.amazonaws.com", named("data", owner=None))
    assert result.verdict is Verdict.FAIL
    assert "a stranger's" in result.evidence.summary
    assert serving("data.s3.amazonaws.com", named("data", exists=False)).verdict is Verdict.FAIL


def test_prowler_11190_a_reference_is_one_finding_of_the_account_and_none_of_each_bucket() -> None:
    """A check of names that emitted a result for every bucket is noise."""
    assert serving("data.s3.amazonaws.com").rule_id.startswith("account-")
    assert find("account-dns-bucket-missing").kind == "account"


def leading(record: DnsRecord, standing: Reading[Standing] | None) -> Verdict:
    """The verdict on a zone with this record, whose name stands so."""
    outside: Reading[object] = ABSENT
    if standing is not None:
        outside = destinations((reference(Use.DNS, record.name, record.name), standing))
    zones = Present(DnsRecords((DnsZone("example.com", Present((record,))),)))
    state = account_with({Aspect.DNS_RECORDS: zones, Aspect.OUTSIDE_NAMES: outside})
    [result] = evaluate((find("account-dns-bucket-missing"),), state)
    return result.verdict


@pytest.mark.parametrize("target", ["s3-website-us-east-1.example", "www.example.com.s3.example", "other.s3.example"])
def test_domain_protect_244_takeover_is_told_by_the_name_and_not_by_a_page(target: str) -> None:
    """AWS changed the words of its error pages and detection went blind: whose the name is, S3's API says."""
    record = DnsRecord("www.example.com", target, "example.com")
    assert leading(record, named("www.example.com", exists=False)) is Verdict.FAIL
    assert leading(record, named("www.example.com", owner=None)) is Verdict.FAIL
    assert leading(record, named("www.example.com")) is Verdict.PASS
    assert leading(record, None) is Verdict.PASS


def test_cloudsploit_dns_wildcard_record_leads_every_name_to_whoever_takes_it() -> None:
    """No bucket can be called like it, so none can close it."""
    assert leading(DnsRecord("*.example.com", "s3-website.example", "example.com"), None) is Verdict.FAIL


def test_name_in_the_own_namespace_cannot_be_taken_by_others() -> None:
    """Account-regional names end in the account's number, the region and `-an`; `-an` alone is nothing special."""

    def released(name: str) -> Verdict:
        outside = destinations((reference(Use.ACCESS_LOGS, name), named(name, exists=False)))
        [result] = evaluate((find("account-bucket-name-released"),), account_with({Aspect.OUTSIDE_NAMES: outside}))
        return result.verdict

    assert released(f"logs-{ACCOUNT.account}-eu-west-1-an") is Verdict.PASS
    assert released("logs-titan-an") is Verdict.FAIL
