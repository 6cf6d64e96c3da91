"""Which hosts are S3's, and the bucket behind each."""

import pytest

from s3warden.collect.hosts import could_be_bucket, s3_host


@pytest.mark.parametrize(
    ("domain", "bucket", "website"),
    [
        ("data.s3.amazonaws.com", "data", False),
        ("data.s3.eu-west-1.amazonaws.com", "data", False),
        ("data.s3-eu-west-1.amazonaws.com.", "data", False),
        ("DATA.S3.dualstack.us-gov-west-1.amazonaws.com", "data", False),
        ("www.example.com.s3.amazonaws.com", "www.example.com", False),
        ("data.s3-website-us-east-1.amazonaws.com", "data", True),
        ("data.s3-website.eu-central-1.amazonaws.com", "data", True),
        ("data.s3.cn-north-1.amazonaws.com.cn", "data", False),
        ("my.s3.bucket.s3.eu-west-1.amazonaws.com", "my.s3.bucket", False),
        ("s3-website.eu-west-1.amazonaws.com", None, True),
        ("s3-website-us-west-2.amazonaws.com.", None, True),
        ("s3.amazonaws.com", None, False),
        ("points-1a2b3c-s3alias.s3.eu-west-1.amazonaws.com", None, False),
        ("lambda-1a2b3c--ol-s3.s3.eu-west-1.amazonaws.com", None, False),
    ],
)
def test_host_of_s3(domain: str, bucket: str | None, website: bool) -> None:
    """By every way that AWS writes it; aliases of access points are nobody's to register."""
    assert s3_host(domain) == (bucket, website)


@pytest.mark.parametrize(
    "domain",
    [
        "example.com",
        "s3.example.com",
        "data.s3.amazonaws.com.example.com",
        "lb-1.eu-west-1.elb.amazonaws.com",
        "m.accesspoint.s3-global.amazonaws.com",
        "abc.execute-api.eu-west-1.amazonaws.com",
        "not-s3.eu-west-1.amazonaws.com",
        "d111.cloudfront.net",
        "",
    ],
)
def test_other_hosts_are_not(domain: str) -> None:
    """prowler PR#5543: an origin that is no bucket must never be called a missing one."""
    assert s3_host(domain) is None


@pytest.mark.parametrize(
    ("name", "could"),
    [
        ("www.example.com", True),
        ("abc", True),
        ("a" * 63, True),
        ("a" * 64, False),
        ("ab", False),
        ("_dmarc.example.com", False),
        ("a..b", False),
        ("*.example.com", False),
    ],
)
def test_names_that_a_bucket_may_have(name: str, could: bool) -> None:
    """A record whose name no bucket can have is nothing to take over."""
    assert could_be_bucket(name) is could
