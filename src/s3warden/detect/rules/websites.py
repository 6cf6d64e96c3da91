"""What browsers may do with a bucket: pages served from it, and scripts of other origins that may call it.

A website endpoint speaks HTTP alone and serves only what strangers may read, so that it is nothing to have by accident.
Cross-origin rules let nobody in by themselves: they let pages use what the visitor, or everyone, may read already.
"""

from s3warden.detect import powers
from s3warden.detect.advice import OWN, bucket_resource, property_steps, shows_setting
from s3warden.detect.exposed import HINTS, NEEDS, analysed, inputs_of
from s3warden.detect.rule import Example, Judgement, Kind, Rule, RuleOptions, configured, fails, passes
from s3warden.detect.samples import DENIED, allow, bucket, by_policy, unguarded
from s3warden.model.bucket import ABSENT, Aspect, Present, State
from s3warden.model.configuration import Website
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo
from s3warden.model.storage import Cors, CorsRule

_WRITING = frozenset({"PUT", "POST", "DELETE"})
_NO_WEBSITE = passes("No website is served from the bucket.")
_NO_CORS = passes("Pages of other origins may not call the bucket.")


def _website(state: State, options: RuleOptions) -> Judgement:
    website = configured(state, Aspect.WEBSITE, Website)
    if website is None:
        return _NO_WEBSITE
    if website.redirect_host is not None:
        summary = f"The bucket is a website that sends every visitor to {website.redirect_host}."
        return fails(summary, {"website": "redirects all requests"})
    inputs = inputs_of(state, options)
    found = analysed(inputs)
    readable = found.public is True and any(power.name == "read" for power in powers.unsigned(inputs))
    facts = {"website": "serves pages", "readable_by_everyone": "yes" if readable else "not known to be"}
    if readable:
        return fails("Pages are served from the bucket to everyone, over plain HTTP.", facts, severity=Severity.HIGH)
    return fails("The bucket is set up as a website.", facts)


def _cors(state: State, _options: RuleOptions) -> Judgement:
    cors = configured(state, Aspect.CORS, Cors)
    if cors is None:
        return _NO_CORS
    open_rules = [rule for rule in cors.rules if "*" in rule.origins]
    if not open_rules:
        return passes("Only named origins may call the bucket.")
    methods = sorted({method for rule in open_rules for method in rule.methods})
    writing = _WRITING.intersection(methods)
    facts = {"origins": "*", "methods": ", ".join(methods)}
    if any("*" in rule.headers for rule in open_rules):
        facts["headers"] = "*"
    what = "write to the bucket" if writing else "read from the bucket"
    severity = Severity.HIGH if writing else None
    return fails(f"Scripts of every website may {what} with a visitor's browser.", facts, severity=severity)


WEBSITE = Rule(
    RuleInfo(
        id="bucket-website-enabled",
        title="A website is served from the bucket",
        severity=Severity.LOW,
        category=Category.EXPOSURE,
        needs=frozenset({Aspect.WEBSITE}),
        hints=NEEDS | HINTS,
        why=(
            "A website endpoint speaks plain HTTP and shows only what everyone may read. Behind a CloudFront "
            "distribution with origin access control the bucket can stay private."
        ),
        cli=f"""\
# The site goes dark at its S3 address. Serve it by a distribution first, if it is one that people use.
aws s3api delete-bucket-website {OWN}""",
        terraform="""\
# Remove the aws_s3_bucket_website_configuration of {bucket}; serve the site by a distribution:
resource "aws_cloudfront_origin_access_control" "this" {
  name                              = "{bucket}"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}""",
        console=property_steps("Static website hosting", "Choose Disable."),
        cloudformation=bucket_resource(
            "OwnershipControls:\n  Rules:\n    - ObjectOwnership: BucketOwnerEnforced", "Without WebsiteConfiguration"
        ),
        verify=shows_setting("get-bucket-website", "NoSuchWebsiteConfiguration"),
        maps=maps({Framework.CONFORMITY: "S3-019", Framework.CLOUDSPLOIT: "bucketWebsiteEnabled"}),
        default=False,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteHosting.html",),
    ),
    Kind.BUCKET,
    _website,
    (
        Example("no website", bucket({Aspect.WEBSITE: ABSENT}), Verdict.PASS),
        Example("a website nobody can read", bucket({Aspect.WEBSITE: Present(Website())}), Verdict.FAIL),
        Example(
            "a website open to everyone",
            unguarded({Aspect.WEBSITE: Present(Website()), **by_policy(allow())}),
            Verdict.FAIL,
            severity=Severity.HIGH,
        ),
        Example(
            "a bucket that only redirects", bucket({Aspect.WEBSITE: Present(Website("example.com"))}), Verdict.FAIL
        ),
        Example("unreadable", bucket({Aspect.WEBSITE: DENIED}), Verdict.UNKNOWN),
    ),
)


def _rule(*origins: str, methods: tuple[str, ...] = ("GET",), headers: tuple[str, ...] = ()) -> Present[Cors]:
    return Present(Cors((CorsRule(origins, methods, headers),)))


CORS = Rule(
    RuleInfo(
        id="bucket-cors-wildcard",
        title="Scripts of every website may call the bucket",
        severity=Severity.MEDIUM,
        category=Category.ACCESS,
        needs=frozenset({Aspect.CORS}),
        why=(
            "Any page can use what a visitor's browser may reach, presigned links and private networks included. "
            "Name the origins that need it."
        ),
        cli=f"""\
# The second call replaces all rules. Set CORS to the first answer with your origins in place of *, as JSON.
aws s3api get-bucket-cors {OWN}
aws s3api put-bucket-cors {OWN} \\
  --cors-configuration "${{CORS:?}}\"""",
        terraform="""\
# In the aws_s3_bucket_cors_configuration of {bucket}:
cors_rule {
  allowed_methods = ["GET"]
  allowed_origins = ["https://app.example.com"]
}""",
        console="""\
Open Amazon S3, Buckets, {bucket}, Permissions, Cross-origin resource sharing (CORS): Edit.
Put the origins that need it in place of * under AllowedOrigins.
Choose Save changes.""",
        cloudformation=bucket_resource("""\
CorsConfiguration:
  CorsRules:
    - AllowedMethods: [GET]
      AllowedOrigins: ["https://app.example.com"]"""),
        verify=shows_setting("get-bucket-cors", "no * under AllowedOrigins, or NoSuchCORSConfiguration"),
        maps=(),
        default=False,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html",),
    ),
    Kind.BUCKET,
    _cors,
    (
        Example("no rules", bucket({Aspect.CORS: ABSENT}), Verdict.PASS),
        Example("one origin", bucket({Aspect.CORS: _rule("https://app.example.com")}), Verdict.PASS),
        Example("a wildcard within a domain", bucket({Aspect.CORS: _rule("https://*.example.com")}), Verdict.PASS),
        Example("every origin reads", bucket({Aspect.CORS: _rule("*", headers=("*",))}), Verdict.FAIL),
        Example(
            "every origin writes",
            bucket({Aspect.CORS: _rule("*", methods=("PUT", "GET"))}),
            Verdict.FAIL,
            severity=Severity.HIGH,
        ),
        Example("unreadable", bucket({Aspect.CORS: DENIED}), Verdict.UNKNOWN),
    ),
)

RULES = (WEBSITE, CORS)
