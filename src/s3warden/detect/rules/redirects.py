"""Websites that send their visitors elsewhere: only to domains of the operator's own."""

from s3warden.detect.advice import OWN, bucket_resource, property_steps, shows_setting
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
from s3warden.detect.samples import DENIED, bucket
from s3warden.model.bucket import ABSENT, Aspect, Present, State
from s3warden.model.configuration import Website
from s3warden.model.finding import Severity, Verdict
from s3warden.model.rule import Category, RuleInfo


def _check(state: State, options: RuleOptions) -> Judgement:
    website = configured(state, Aspect.WEBSITE, Website)
    if website is None or not website.hosts:
        return passes("The bucket sends no visitor elsewhere.")
    if not options.own_domains:
        return not_applicable("The settings name no own domains to tell others from.")
    strange = [host for host in website.hosts if not _own(host, options.own_domains)]
    if strange:
        return fails(f"Visitors are sent to a foreign host: {strange[0]}.", {"hosts": ", ".join(strange)})
    return passes("Visitors are sent to own domains only.")


def _own(host: str, domains: tuple[str, ...]) -> bool:
    # A port, or a dot at the end, makes no other host.
    name = host.partition(":")[0].rstrip(".").lower()
    return any(name == own or name.endswith(f".{own}") for own in (domain.strip(".").lower() for domain in domains))


_OWN = RuleOptions(own_domains=("example.com",))

REDIRECT = Rule(
    RuleInfo(
        id="bucket-website-redirect-external",
        title="The website sends visitors to a foreign host",
        severity=Severity.MEDIUM,
        category=Category.GOVERNANCE,
        needs=frozenset({Aspect.WEBSITE}),
        why=(
            "A redirect under a trusted name leads visitors to pages that imitate yours, and one to a host that is no "
            "longer registered waits for whoever registers it. The settings list the own domains."
        ),
        cli=f"""\
# The second call replaces the whole website. Set WEBSITE to the first answer with the redirect taken out, as JSON.
aws s3api get-bucket-website {OWN}
aws s3api put-bucket-website {OWN} \\
  --website-configuration "${{WEBSITE:?}}"
# If the host is yours: add its domain to rules.own_domains.""",
        terraform="""\
# In the aws_s3_bucket_website_configuration of {bucket}: set the host of the redirect, or take the rule out.""",
        console=property_steps("Static website hosting", "Change the host name, or the redirection rules."),
        cloudformation=bucket_resource("""\
WebsiteConfiguration:
  RedirectAllRequestsTo:
    HostName: www.example.com
    Protocol: https"""),
        verify=shows_setting("get-bucket-website", "HostName of own domains only"),
        maps=(),
        default=False,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-page-redirect.html",),
    ),
    Kind.BUCKET,
    _check,
    (
        Example("no website", bucket({Aspect.WEBSITE: ABSENT}), Verdict.PASS, options=_OWN),
        Example("pages of its own", bucket({Aspect.WEBSITE: Present(Website())}), Verdict.PASS, options=_OWN),
        Example(
            "an own subdomain",
            bucket({Aspect.WEBSITE: Present(Website("WWW.example.com."))}),
            Verdict.PASS,
            options=_OWN,
        ),
        Example(
            "a foreign host",
            bucket({Aspect.WEBSITE: Present(Website("example.com.invalid"))}),
            Verdict.FAIL,
            options=_OWN,
        ),
        Example(
            "a foreign host of a routing rule",
            bucket({Aspect.WEBSITE: Present(Website(routing_hosts=("www.example.com", "notexample.com")))}),
            Verdict.FAIL,
            options=_OWN,
        ),
        Example(
            "no own domains named", bucket({Aspect.WEBSITE: Present(Website("example.com"))}), Verdict.NOT_APPLICABLE
        ),
        Example("unreadable", bucket({Aspect.WEBSITE: DENIED}), Verdict.UNKNOWN, options=_OWN),
    ),
)

RULES = (REDIRECT,)
