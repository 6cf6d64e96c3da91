"""What S3's answers about browsers mean: the website of a bucket, and its cross-origin rules. Pure.

Sources: GetBucketWebsite and GetBucketCors in the S3 API reference.
"""

from s3warden.collect.shapes import (
    Answer,
    ShapeError,
    mapping,
    optional_number,
    optional_text,
    sequence,
    text,
    texts,
)
from s3warden.model.configuration import Website
from s3warden.model.storage import Cors, CorsRule


def website(answer: Answer) -> Website:
    """Static website hosting: pages, or a redirect of everything."""
    if "RedirectAllRequestsTo" in answer:
        target = mapping(answer["RedirectAllRequestsTo"], "RedirectAllRequestsTo")
        return Website(text(target.get("HostName"), "HostName"))
    mapping(answer.get("IndexDocument"), "IndexDocument")
    rules = [mapping(rule, "RoutingRule") for rule in sequence(answer.get("RoutingRules", ()), "RoutingRules")]
    redirects = [mapping(rule.get("Redirect"), "Redirect") for rule in rules]
    hosts = [optional_text(redirect.get("HostName"), "HostName") for redirect in redirects]
    return Website(routing_hosts=tuple(host for host in hosts if host))


def cors(answer: Answer) -> Cors:
    """The cross-origin rules of a bucket, at least one."""
    rules = tuple(_cors_rule(mapping(rule, "CORSRule")) for rule in sequence(answer.get("CORSRules"), "CORSRules"))
    if not rules:
        raise ShapeError("CORSRules is empty")
    return Cors(rules)


def _cors_rule(rule: Answer) -> CorsRule:
    return CorsRule(
        origins=texts(rule.get("AllowedOrigins"), "AllowedOrigins"),
        methods=texts(rule.get("AllowedMethods"), "AllowedMethods"),
        headers=texts(rule.get("AllowedHeaders", ()), "AllowedHeaders"),
        exposed=texts(rule.get("ExposeHeaders", ()), "ExposeHeaders"),
        max_age=optional_number(rule.get("MaxAgeSeconds"), "MaxAgeSeconds"),
    )
