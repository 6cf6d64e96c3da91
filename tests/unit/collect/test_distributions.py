"""What CloudFront and Route 53 lead to buckets, page by page, and what they do not."""

from collections.abc import Mapping
from typing import Any

import pytest

from s3warden.collect import distributions, dns_records
from s3warden.model.bucket import ABSENT, AccountRef, Cause, Present, Unreadable
from s3warden.model.origins import Distribution, DnsRecord, Origin, Signed
from support.services import REFUSED, THROTTLED, Services

ACCOUNT = AccountRef("aws", "111122223333")
OAI = "origin-access-identity/cloudfront"
TRUSTED = {"TrustedKeyGroups": {"Enabled": True}, "TrustedSigners": {"Enabled": False}}


def summary(id_: str, *origins: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """An item of ListDistributions."""
    base = {
        "Id": id_,
        "ARN": f"arn:aws:cloudfront::111122223333:distribution/{id_}",
        "DomainName": f"{id_.lower()}.cloudfront.net",
        "Enabled": True,
        "Aliases": {"Quantity": 0},
        "Origins": {"Quantity": len(origins), "Items": list(origins)},
        "DefaultCacheBehavior": {},
        "CacheBehaviors": {"Quantity": 0},
        "WebACLId": "",
    }
    return {**base, **changes}


def origin(domain: str, **changes: Any) -> dict[str, Any]:
    """One origin."""
    return {"Id": "o", "DomainName": domain, "OriginAccessControlId": "", **changes}


def pages(*found: list[dict[str, Any]]) -> Any:
    """ListDistributions with so many pages."""

    def answer(_ref: AccountRef, params: Mapping[str, Any]) -> dict[str, Any]:
        at = int(params.get("Marker", 0))
        listed: dict[str, Any] = {"IsTruncated": at + 1 < len(found), "Quantity": len(found[at]), "Items": found[at]}
        return {"DistributionList": listed | ({"NextMarker": str(at + 1)} if at + 1 < len(found) else {})}

    return answer


async def test_origins_are_told_by_what_signs_for_them() -> None:
    """Control, identity, nobody; a website endpoint; a host that is no bucket."""
    item = summary(
        "E1",
        origin("data.s3.eu-west-1.amazonaws.com", OriginAccessControlId="EOAC", S3OriginConfig={}),
        origin(
            "old.s3.amazonaws.com", S3OriginConfig={"OriginAccessIdentity": "origin-access-identity/cloudfront/EOAI"}
        ),
        origin("open.s3.amazonaws.com", S3OriginConfig={"OriginAccessIdentity": ""}),
        origin("site.s3-website-us-east-1.amazonaws.com", CustomOriginConfig={"HTTPPort": 80}),
        origin("lb.example.com", CustomOriginConfig={"HTTPPort": 80}),
        Aliases={"Quantity": 1, "Items": ["www.example.com"]},
        DefaultCacheBehavior=TRUSTED,
        WebACLId="arn:aws:wafv2:…",
    )
    aws = Services({"cloudfront ListDistributions": pages([item])})
    reading = await distributions.of_account(aws, ACCOUNT)
    assert isinstance(reading, Present)
    [found] = reading.value
    assert found == Distribution(
        "E1",
        "arn:aws:cloudfront::111122223333:distribution/E1",
        "e1.cloudfront.net",
        True,
        ("www.example.com",),
        (
            Origin("data.s3.eu-west-1.amazonaws.com", "data", False, Signed.OAC, "EOAC"),
            Origin("old.s3.amazonaws.com", "old", False, Signed.OAI, "EOAI"),
            Origin("open.s3.amazonaws.com", "open"),
            Origin("site.s3-website-us-east-1.amazonaws.com", "site", True),
            Origin("lb.example.com"),
        ),
        restricted=True,
        firewall="arn:aws:wafv2:…",
    )
    assert [asked.region for asked in aws.asked] == ["us-east-1"]


async def test_one_open_path_is_enough() -> None:
    """A distribution is restricted only if every behavior is."""
    item = summary("E1", DefaultCacheBehavior=TRUSTED, CacheBehaviors={"Quantity": 1, "Items": [{}]})
    reading = await distributions.of_account(Services({"cloudfront ListDistributions": pages([item])}), ACCOUNT)
    assert isinstance(reading, Present)
    assert [each.restricted for each in reading.value] == [False]


async def test_all_pages_are_read() -> None:
    """By id, whichever page they come on."""
    aws = Services({"cloudfront ListDistributions": pages([summary("E2")], [summary("E1")])})
    reading = await distributions.of_account(aws, ACCOUNT)
    assert isinstance(reading, Present)
    assert [each.id for each in reading.value] == ["E1", "E2"]


async def test_no_distribution_and_no_cloudfront() -> None:
    """An empty list is an answer; in a partition without CloudFront nobody is asked."""
    aws = Services({"cloudfront ListDistributions": pages([])})
    assert await distributions.of_account(aws, ACCOUNT) == ABSENT
    assert await distributions.of_account(Services(), AccountRef("aws-us-gov", "1" * 12)) == ABSENT


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (REFUSED, Cause.ROLE_PERMISSION),
        (THROTTLED, Cause.THROTTLED),
        ({}, Cause.MALFORMED),
        ({"DistributionList": {"Items": [{}], "IsTruncated": False}}, Cause.MALFORMED),
        ({"DistributionList": {"Items": [], "IsTruncated": True}}, Cause.MALFORMED),
        (lambda *_: {"DistributionList": {"Items": [], "IsTruncated": True, "NextMarker": "x"}}, Cause.MALFORMED),
    ],
)
async def test_list_that_breaks_off_is_unreadable(answer: Any, cause: Cause) -> None:
    """Never a shorter list."""
    reading = await distributions.of_account(Services({"cloudfront ListDistributions": answer}), ACCOUNT)
    assert isinstance(reading, Unreadable)
    assert reading.cause is cause


def zone(name: str, *, private: bool = False) -> dict[str, Any]:
    """An item of ListHostedZones."""
    return {"Id": f"/hostedzone/Z{name}", "Name": f"{name}.", "Config": {"PrivateZone": private}}


def alias(name: str, target: str, kind: str = "A") -> dict[str, Any]:
    """A record that is an alias."""
    return {"Name": f"{name}.", "Type": kind, "AliasTarget": {"HostedZoneId": "Z", "DNSName": f"{target}."}}


def cname(name: str, target: str) -> dict[str, Any]:
    """A record that is another name."""
    return {"Name": f"{name}.", "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": target}]}


def route53(zones: list[dict[str, Any]], *records: list[dict[str, Any]]) -> Services:
    """Route 53 with these zones, each with these pages of records."""

    def answer(_ref: AccountRef, params: Mapping[str, Any]) -> dict[str, Any]:
        at = int(params.get("StartRecordName", 0))
        more = at + 1 < len(records)
        following = {"NextRecordName": str(at + 1), "NextRecordType": "A"} if more else {}
        return {"ResourceRecordSets": records[at], "IsTruncated": more, **following}

    return Services(
        {
            "route53 ListHostedZones": {"HostedZones": zones, "IsTruncated": False},
            "route53 ListResourceRecordSets": answer,
        }
    )


WEBSITE = "s3-website-us-east-1.amazonaws.com"


async def test_cloudsploit_dns_every_kind_of_record_that_leads_to_s3() -> None:
    """Aliases of both families and CNAMEs, on any page; other records are left alone (CloudSploit sees A aliases)."""
    aws = route53(
        [zone("example.com"), zone("internal", private=True)],
        [
            alias("example.com", WEBSITE),
            alias("six.example.com", WEBSITE, "AAAA"),
            alias("cdn.example.com", "d111.cloudfront.net"),
            {"Name": "example.com.", "Type": "MX", "ResourceRecords": [{"Value": "10 mail"}]},
        ],
        [
            cname("www.example.com", "www.example.com.s3.amazonaws.com."),
            cname("\\052.example.com", f"any.{WEBSITE}"),
            {"Name": "plain.example.com.", "Type": "A", "ResourceRecords": [{"Value": "192.0.2.1"}]},
        ],
    )
    reading = await dns_records.of_account(aws, ACCOUNT)
    assert isinstance(reading, Present)
    assert reading.value.records == (
        DnsRecord("*.example.com", f"any.{WEBSITE}", "example.com"),
        DnsRecord("example.com", WEBSITE, "example.com"),
        DnsRecord("six.example.com", WEBSITE, "example.com"),
        DnsRecord("www.example.com", "www.example.com.s3.amazonaws.com", "example.com"),
    )
    assert [record.wild for record in reading.value.records] == [True, False, False, False]
    assert reading.value.unreadable == ()
    assert aws.count("route53 ListResourceRecordSets") == 2


async def test_zone_that_fails_is_unreadable_by_itself() -> None:
    """What the others lead to S3 is still known."""
    aws = route53([zone("a.example"), zone("b.example")], [alias("a.example", WEBSITE)])
    answer = aws.answers["route53 ListResourceRecordSets"]
    aws.answers["route53 ListResourceRecordSets"] = lambda ref, params: (
        REFUSED if params["HostedZoneId"] == "Zb.example" else answer(ref, params)
    )
    reading = await dns_records.of_account(aws, ACCOUNT)
    assert isinstance(reading, Present)
    assert [record.name for record in reading.value.records] == ["a.example"]
    assert [part.cause for part in reading.value.unreadable] == [Cause.ROLE_PERMISSION]


async def test_endless_zone_is_not_read_for_ever() -> None:
    """Two hundred pages; what was not read is told."""
    aws = route53([zone("example.com")], *([alias(f"n{n}.example.com", WEBSITE)] for n in range(201)))
    reading = await dns_records.of_account(aws, ACCOUNT)
    assert isinstance(reading, Present)
    [part] = reading.value.unreadable
    assert (part.cause, part.detail) == (Cause.NOT_READ, "example.com: more than 200 pages")


async def test_no_zone_is_an_answer_and_a_refusal_is_none() -> None:
    """Absent, unreadable, malformed."""
    assert await dns_records.of_account(route53([]), ACCOUNT) == ABSENT
    assert await dns_records.of_account(route53([zone("x", private=True)]), ACCOUNT) == ABSENT
    assert isinstance(await dns_records.of_account(Services(), ACCOUNT), Unreadable)
    damaged = Services({"route53 ListHostedZones": {"HostedZones": [{}], "IsTruncated": False}})
    reading = await dns_records.of_account(damaged, ACCOUNT)
    assert isinstance(reading, Unreadable)
    assert reading.cause is Cause.MALFORMED
