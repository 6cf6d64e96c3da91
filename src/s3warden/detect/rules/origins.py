"""Buckets behind CloudFront: origins that are gone, unsigned or open to all, and who else gets in."""

from collections.abc import Iterator, Mapping

from s3warden.detect.advice import policy_resource, policy_steps, shows_policy
from s3warden.detect.exposed import HINTS, NEEDS, analysed, inputs_of
from s3warden.detect.proofs import some
from s3warden.detect.questions import document
from s3warden.detect.rule import (
    Example,
    Judgement,
    Kind,
    Rule,
    RuleOptions,
    always,
    configured,
    fails,
    not_applicable,
    passes,
    undecided,
    without,
)
from s3warden.detect.samples import ACCOUNT, DENIED, allow, bucket, by_policy, service
from s3warden.detect.serving import let_in, serving
from s3warden.detect.surroundings import account_with, destinations, named, reference, referrers
from s3warden.detect.whereabouts import Whose, told, whose
from s3warden.model.bucket import ABSENT, NOT_READ, Aspect, Present, State
from s3warden.model.configuration import Policy
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.origins import Distribution, Distributions, Origin, Signed
from s3warden.model.references import Destinations, Use
from s3warden.model.rule import Category, RuleInfo

_OAC = (
    "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html"
)
_NONE = "No distribution of the account has a bucket for its origin."


def _missing(state: State, options: RuleOptions) -> Judgement:
    distributions = configured(state, Aspect.DISTRIBUTIONS, Distributions)
    outside = configured(state, Aspect.OUTSIDE_NAMES, Destinations)
    if distributions is None or not any(origin.bucket for each in distributions for origin in each.origins):
        return not_applicable(_NONE)
    found = {each: whose(each, state.ref.account, options) for each in outside.used_as(Use.ORIGIN)} if outside else {}
    lost = {each: w for each, w in found.items() if w in {Whose.NOBODY, Whose.STRANGER}}
    if not lost:
        return passes("Every bucket that is an origin exists and belongs to an own or trusted account.")
    names = {each.name for each in lost}
    serving = [d for d in distributions if d.enabled and d.aliases and any(o.bucket in names for o in d.origins)]
    facts = {"origins": some([told(each, w) for each, w in lost.items()])}
    if serving:
        facts["aliases"] = some([alias for each in serving for alias in each.aliases])
    severity = Severity.CRITICAL if serving else None
    return fails(f"CloudFront serves from buckets that are not yours: {facts['origins']}.", facts, severity=severity)


def _unsigned(state: State, _options: RuleOptions) -> Judgement:
    distributions = configured(state, Aspect.DISTRIBUTIONS, Distributions)
    found = list(_rest_origins(distributions))
    if not found:
        return not_applicable(_NONE)
    unsigned = [f"{origin.bucket} in {each}" for each, origin in found if origin.signed is Signed.NOBODY]
    legacy = [f"{origin.bucket} in {each}" for each, origin in found if origin.signed is Signed.OAI]
    if unsigned:
        facts = {"unsigned": some(unsigned), **({"by_identity": some(legacy)} if legacy else {})}
        return fails(f"CloudFront asks for these buckets as nobody: {facts['unsigned']}.", facts)
    if legacy:
        facts = {"by_identity": some(legacy)}
        summary = f"CloudFront asks for these buckets by the older access identity: {facts['by_identity']}."
        return fails(summary, facts, severity=Severity.LOW)
    return passes("CloudFront signs its requests to every bucket by origin access control.")


def _rest_origins(distributions: Distributions | None) -> Iterator[tuple[Distribution, Origin]]:
    """The origins that can be signed for; website endpoints know no signatures."""
    for each in distributions or ():
        for origin in each.origins:
            if origin.bucket is not None and not origin.website:
                yield each, origin


def _published(state: State, _options: RuleOptions) -> Judgement:
    distributions = configured(state, Aspect.DISTRIBUTIONS, Distributions)
    signed = [(d, o) for d, o in _rest_origins(distributions) if o.signed is not Signed.NOBODY]
    if not signed:
        return not_applicable("No distribution of the account signs for a bucket.")
    open_ = [f"{o.bucket} by {d}" for d, o in signed if d.enabled and not d.restricted and not d.firewall]
    if not open_:
        return passes("Whoever asks CloudFront for a bucket's objects needs a signed URL, or meets a web ACL.")
    facts = {"published": some(open_)}
    return fails(f"Private buckets are published by CloudFront to everyone: {facts['published']}.", facts)


def _single(state: State, options: RuleOptions) -> Judgement:
    arns = serving(state)
    inputs = inputs_of(state, options)
    if not arns:
        return not_applicable("No distribution that is known has the bucket for its origin.")
    others = sorted(set(let_in(inputs.policy if isinstance(inputs.policy, str) else "")) - arns)
    found = analysed(inputs)
    if found.public:
        facts = {"around": "the public", "distributions": some(sorted(arns))}
        return fails("The bucket is public beside CloudFront, which is thereby no gate.", facts)
    if others:
        facts = {"distributions": some(others), "known": some(sorted(arns))}
        return fails(f"Distributions may read that do not serve the bucket: {facts['distributions']}.", facts)
    if found.public is None:
        return undecided(
            "Whether the bucket is public beside CloudFront is not decided.", _because(found.unknown_because)
        )
    return passes("Of CloudFront, only the distributions that serve the bucket may read it.")


def _because(reasons: tuple[str, ...]) -> dict[str, str]:
    return {"because": reasons[0] if reasons else "the exposure is not known"}


def _legacy(state: State, _options: RuleOptions) -> Judgement:
    policy = configured(state, Aspect.POLICY, Policy)
    found = [] if policy is None else list(_identities(policy.text))
    if found:
        facts = {"identities": some(found)}
        return fails(f"The policy lets in older access identities of CloudFront: {facts['identities']}.", facts)
    return passes("The policy names no origin access identity.")


def _identities(text: str) -> Iterator[str]:
    for statement in document(text).statements:
        for name in statement.principals.aws if statement.effect == "Allow" else ():
            if ":iam::cloudfront:user/" in name:
                yield name.rpartition(" ")[2]


_LIST = """\
aws cloudfront list-distributions \\
  --query 'DistributionList.Items[].{Id: Id, Origins: Origins.Items[].[DomainName, OriginAccessControlId]}'"""
_OAC_TERRAFORM = """\
# In the aws_cloudfront_distribution, for each origin that is a bucket:
origin {
  origin_id                = "content"
  domain_name              = aws_s3_bucket.content.bucket_regional_domain_name
  origin_access_control_id = aws_cloudfront_origin_access_control.this.id
}"""
_OAC_CLOUDFORMATION = """\
OriginAccessControl:
  Type: AWS::CloudFront::OriginAccessControl
  Properties:
    OriginAccessControlConfig:
      Name: content
      OriginAccessControlOriginType: s3
      SigningBehavior: always
      SigningProtocol: sigv4"""
_BUCKET, _GONE, _E1 = "example-data", "example-gone", "E1EXAMPLE"
_ARN = f"arn:{ACCOUNT.partition}:cloudfront::{ACCOUNT.account}:distribution/{_E1}"


def _distribution(*origins: Origin, aliases: tuple[str, ...] = (), **changes: object) -> Distribution:
    sound = Distribution(_E1, _ARN, "d1.example.net", enabled=True, aliases=aliases, origins=origins)
    return Distribution(**{**{name: getattr(sound, name) for name in Distribution.__slots__}, **changes})


def _origin(name: str = _BUCKET, signed: Signed = Signed.OAC, *, website: bool = False) -> Origin:
    return Origin(f"{name}.s3.example", name, website, signed, "E2EXAMPLE" if signed is not Signed.NOBODY else "")


def _serving(*found: Distribution) -> Present[Distributions]:
    return Present(Distributions(found))


_NOT_S3 = Origin("lb.example.com")
_POINTS = reference(Use.ORIGIN, _GONE, _E1)
_LIVE = ("www.example.com",)
_NOTHING = account_with()
_NO_ACCESS = account_with({Aspect.DISTRIBUTIONS: DENIED})
MISSING = Rule(
    RuleInfo(
        id="account-origin-bucket-missing",
        title="CloudFront serves from a bucket that is gone or not yours",
        severity=Severity.HIGH,
        category=Category.EXPOSURE,
        needs=frozenset({Aspect.DISTRIBUTIONS, Aspect.OUTSIDE_NAMES}),
        why=(
            "Whoever registers the name of a missing origin serves his own content under your domain and certificate. "
            "An origin that exists but belongs to a stranger may have been taken that way already."
        ),
        cli="""\
# Take the name back, in the region of the origin, if the name is still free:
aws s3api create-bucket --bucket "${BUCKET:?}" --region "${REGION:?}" \\
  --create-bucket-configuration LocationConstraint="${REGION:?}"
# or take the origin out of the distribution, in account {account}:
aws cloudfront get-distribution-config --id "${DISTRIBUTION:?}"
aws cloudfront update-distribution --id "${DISTRIBUTION:?}" --if-match "${ETAG:?}" --distribution-config file://config.json""",
        terraform="""\
# In the aws_cloudfront_distribution: point the origin at a bucket of the configuration, never at a name as text.
domain_name = aws_s3_bucket.content.bucket_regional_domain_name""",
        console="""\
Open CloudFront, Distributions, the distribution, Origins.
Choose a bucket of yours for the origin, or delete the origin with its behaviors.""",
        cloudformation="""\
# In the stack of the distribution, with !GetAtt Content.RegionalDomainName as DomainName of its origin:
Content:
  Type: AWS::S3::Bucket
  DeletionPolicy: Retain
  UpdateReplacePolicy: Retain""",
        verify=f"""\
{_LIST}
aws s3api head-bucket --bucket "${{BUCKET:?}}" --expected-bucket-owner {{account}}
# Expect: every bucket that is an origin answers for an account of yours.""",
        maps=maps(
            {
                Framework.SECURITY_HUB: "CloudFront.12",
                Framework.CONFIG: "cloudfront-s3-origin-non-existent-bucket",
                Framework.PROWLER: "cloudfront_distributions_s3_origin_non_existent_bucket",
                Framework.CUSTODIAN: "mismatch-s3-origin",
            }
        ),
        default=True,
        references=("https://docs.aws.amazon.com/securityhub/latest/userguide/cloudfront-controls.html",),
    ),
    Kind.ACCOUNT,
    _missing,
    (
        Example(
            "an own bucket", account_with({Aspect.DISTRIBUTIONS: _serving(_distribution(_origin()))}), Verdict.PASS
        ),
        Example("no distribution", _NOTHING, Verdict.NOT_APPLICABLE),
        Example(
            "an origin that is no bucket",
            account_with({Aspect.DISTRIBUTIONS: _serving(_distribution(_NOT_S3))}),
            Verdict.NOT_APPLICABLE,
        ),
        Example(
            "a bucket that is gone",
            account_with(
                {
                    Aspect.DISTRIBUTIONS: _serving(_distribution(_origin(_GONE))),
                    Aspect.OUTSIDE_NAMES: destinations((_POINTS, named(_GONE, exists=False))),
                }
            ),
            Verdict.FAIL,
        ),
        Example(
            "gone, and served under a domain of yours",
            account_with(
                {
                    Aspect.DISTRIBUTIONS: _serving(_distribution(_origin(_GONE), aliases=_LIVE)),
                    Aspect.OUTSIDE_NAMES: destinations((_POINTS, named(_GONE, exists=False))),
                }
            ),
            Verdict.FAIL,
            severity=Severity.CRITICAL,
        ),
        Example(
            "a stranger's",
            account_with(
                {
                    Aspect.DISTRIBUTIONS: _serving(_distribution(_origin(_GONE))),
                    Aspect.OUTSIDE_NAMES: destinations((_POINTS, named(_GONE, owner=None))),
                }
            ),
            Verdict.FAIL,
        ),
        Example(
            "an own one beyond the settings' scope",
            account_with(
                {
                    Aspect.DISTRIBUTIONS: _serving(_distribution(_origin(_GONE))),
                    Aspect.OUTSIDE_NAMES: destinations((_POINTS, named(_GONE))),
                }
            ),
            Verdict.PASS,
        ),
        Example("distributions are unreadable", _NO_ACCESS, Verdict.UNKNOWN),
        Example(
            "whose the bucket is, is unreadable",
            account_with(
                {
                    Aspect.DISTRIBUTIONS: _serving(_distribution(_origin(_GONE))),
                    Aspect.OUTSIDE_NAMES: destinations((_POINTS, DENIED)),
                }
            ),
            Verdict.UNKNOWN,
        ),
    ),
)
UNSIGNED = Rule(
    RuleInfo(
        id="account-origin-oac",
        title="CloudFront asks for a bucket without origin access control",
        severity=Severity.MEDIUM,
        category=Category.ACCESS,
        needs=frozenset({Aspect.DISTRIBUTIONS}),
        why=(
            "A bucket that CloudFront asks as nobody has to be public, so viewers go around CloudFront and its rules. "
            "The older access identity signs, but knows neither KMS keys nor newer regions."
        ),
        cli="""\
# In account {account}: make a control, put its id into each origin that is a bucket, and let the distribution in:
aws cloudfront create-origin-access-control --origin-access-control-config \\
  Name=content,SigningProtocol=sigv4,SigningBehavior=always,OriginAccessControlOriginType=s3
aws cloudfront update-distribution --id "${DISTRIBUTION:?}" --if-match "${ETAG:?}" --distribution-config file://config.json""",
        terraform=_OAC_TERRAFORM,
        console="""\
Open CloudFront, Distributions, the distribution, Origins, the bucket: Edit.
Choose Origin access control settings, create a control, and copy the policy to the bucket.
Save the policy of the bucket first, then the origin.""",
        cloudformation=_OAC_CLOUDFORMATION,
        verify=f"{_LIST}\n# Expect: an OriginAccessControlId for each origin that is a bucket.",
        maps=maps(
            {
                Framework.SECURITY_HUB: "CloudFront.13",
                Framework.PROWLER: "cloudfront_distributions_s3_origin_access_control",
                Framework.CLOUDSPLOIT: "publicS3Origin",
                Framework.PCI_4_0: "10.3.4",
            }
        ),
        default=False,
        references=(_OAC,),
    ),
    Kind.ACCOUNT,
    _unsigned,
    (
        Example("signed", account_with({Aspect.DISTRIBUTIONS: _serving(_distribution(_origin()))}), Verdict.PASS),
        Example(
            "as nobody",
            account_with({Aspect.DISTRIBUTIONS: _serving(_distribution(_origin(signed=Signed.NOBODY)))}),
            Verdict.FAIL,
        ),
        Example(
            "by the older identity",
            account_with({Aspect.DISTRIBUTIONS: _serving(_distribution(_origin(signed=Signed.OAI)))}),
            Verdict.FAIL,
            severity=Severity.LOW,
        ),
        Example(
            "a website endpoint, which knows no signatures",
            account_with({Aspect.DISTRIBUTIONS: _serving(_distribution(_origin(signed=Signed.NOBODY, website=True)))}),
            Verdict.NOT_APPLICABLE,
        ),
        Example("no distribution", _NOTHING, Verdict.NOT_APPLICABLE),
        Example("distributions are unreadable", _NO_ACCESS, Verdict.UNKNOWN),
    ),
)
PUBLISHED = Rule(
    RuleInfo(
        id="account-public-via-cloudfront",
        title="CloudFront publishes private buckets to everyone",
        severity=Severity.LOW,
        category=Category.EXPOSURE,
        needs=frozenset({Aspect.DISTRIBUTIONS}),
        why=(
            "A bucket that only CloudFront may read is as public as its distribution: who knows a key gets the object. "
            "Signed URLs or a web ACL say who may ask."
        ),
        cli="""\
# In account {account}: in the distribution's behaviors name a key group, or give the distribution a web ACL:
aws cloudfront get-distribution-config --id "${DISTRIBUTION:?}"
aws cloudfront update-distribution --id "${DISTRIBUTION:?}" --if-match "${ETAG:?}" --distribution-config file://config.json""",
        terraform="""\
# In each behavior of the aws_cloudfront_distribution:
trusted_key_groups = [aws_cloudfront_key_group.viewers.id]""",
        console="""\
Open CloudFront, Distributions, the distribution, Behaviors, each behavior: Edit.
Choose Restrict viewer access: Yes, with a trusted key group, and Save changes.""",
        cloudformation="""\
# With the key group in TrustedKeyGroups of each behavior of the AWS::CloudFront::Distribution:
KeyGroup:
  Type: AWS::CloudFront::KeyGroup
  Properties:
    KeyGroupConfig:
      Name: signers
      Items:
        - !Ref PublicKey""",
        verify="""\
aws cloudfront list-distributions \\
  --query 'DistributionList.Items[].[Id, WebACLId, DefaultCacheBehavior.TrustedKeyGroups]'
# Expect: a web ACL or enabled key groups, where not everyone is meant to read.""",
        maps=maps({}),
        default=False,
        references=("https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/PrivateContent.html",),
    ),
    Kind.ACCOUNT,
    _published,
    (
        Example(
            "signed URLs",
            account_with({Aspect.DISTRIBUTIONS: _serving(_distribution(_origin(), restricted=True))}),
            Verdict.PASS,
        ),
        Example(
            "a web ACL",
            account_with({Aspect.DISTRIBUTIONS: _serving(_distribution(_origin(), firewall="acl"))}),
            Verdict.PASS,
        ),
        Example(
            "switched off",
            account_with({Aspect.DISTRIBUTIONS: _serving(_distribution(_origin(), enabled=False))}),
            Verdict.PASS,
        ),
        Example("everyone", account_with({Aspect.DISTRIBUTIONS: _serving(_distribution(_origin()))}), Verdict.FAIL),
        Example("no distribution", _NOTHING, Verdict.NOT_APPLICABLE),
        Example("distributions are unreadable", _NO_ACCESS, Verdict.UNKNOWN),
    ),
)


def _reads(**condition: object) -> Mapping[str, object]:
    more = {"Condition": condition} if condition else {}
    return allow({"Service": service("cloudfront")}, **more)


_ORIGIN_OF = referrers(reference(Use.ORIGIN, _BUCKET, _E1))
_OTHER = _ARN.replace(_E1, "E9EXAMPLE")
_OAC_STATEMENT = """\
- Sid: OneDistribution
  Effect: Allow
  Principal:
    Service: !Sub "cloudfront.${AWS::URLSuffix}"
  Action: s3:GetObject
  Resource: arn:{partition}:s3:::{bucket}/*
  Condition:
    StringEquals:
      aws:SourceArn: !Sub "arn:{partition}:cloudfront::{account}:distribution/${Distribution}\""""
_EDIT = """\
aws s3api get-bucket-policy --bucket {bucket} --region {region} --query Policy --output text > {bucket}.json
# In {bucket}.json: %s; then:
aws s3api put-bucket-policy --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --policy file://{bucket}.json"""
SINGLE = Rule(
    RuleInfo(
        id="bucket-origin-single-distribution",
        title="More can read the bucket than the distribution that serves it",
        severity=Severity.MEDIUM,
        category=Category.ACCESS,
        needs=NEEDS | {Aspect.REFERRERS},
        hints=HINTS,
        why=(
            "What CloudFront asks of viewers counts only if nobody gets around it. "
            "A distribution that is not known to serve the bucket may be an old one, or another account's."
        ),
        cli=_EDIT % "name in aws:SourceArn the distribution that serves the bucket, and no other",
        terraform="""\
# In the statement for {bucket} that lets CloudFront in:
condition {
  test     = "StringEquals"
  variable = "aws:SourceArn"
  values   = [aws_cloudfront_distribution.this.arn]
}""",
        console=policy_steps("Name in aws:SourceArn the distribution that serves the bucket, and no other"),
        cloudformation=policy_resource(_OAC_STATEMENT),
        verify=shows_policy(
            "CloudFront is let in for the ARN of the distribution that serves the bucket, and no other"
        ),
        maps=maps({Framework.CLOUDSPLOIT: "bucketPolicyCloudFrontOac, bucketPolicyCloudFrontOai"}),
        default=False,
        references=(_OAC,),
    ),
    Kind.BUCKET,
    _single,
    (
        Example("no origin", bucket(), Verdict.NOT_APPLICABLE),
        Example(
            "its own distribution",
            bucket(
                {
                    Aspect.REFERRERS: _ORIGIN_OF,
                    **by_policy(_reads(StringEquals={"aws:SourceArn": _ARN}), public=False),
                }
            ),
            Verdict.PASS,
        ),
        Example(
            "another distribution too",
            bucket(
                {
                    Aspect.REFERRERS: _ORIGIN_OF,
                    **by_policy(_reads(StringEquals={"aws:SourceArn": [_ARN, _OTHER]}), public=False),
                }
            ),
            Verdict.FAIL,
        ),
        Example(
            "any distribution",
            bucket({Aspect.REFERRERS: _ORIGIN_OF, **by_policy(_reads(), public=False)}),
            Verdict.FAIL,
        ),
        Example(
            "the public",
            bucket(
                {
                    Aspect.REFERRERS: _ORIGIN_OF,
                    Aspect.PUBLIC_ACCESS_BLOCK: ABSENT,
                    Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: ABSENT,
                    **by_policy(allow()),
                }
            ),
            Verdict.FAIL,
        ),
        Example(
            "the policy is unreadable",
            bucket({Aspect.REFERRERS: _ORIGIN_OF, Aspect.POLICY: DENIED}),
            Verdict.UNKNOWN,
        ),
        Example("what points here is not known", bucket({Aspect.REFERRERS: NOT_READ}), Verdict.UNKNOWN),
    ),
    by_name=always,
    nameless=without(Aspect.REFERRERS),
)
_OAI = f"arn:{ACCOUNT.partition}:iam::cloudfront:user/CloudFront Origin Access Identity E3EXAMPLE"
LEGACY = Rule(
    RuleInfo(
        id="bucket-policy-legacy-oai",
        title="The policy lets CloudFront in by the older access identity",
        severity=Severity.LOW,
        category=Category.ACCESS,
        needs=frozenset({Aspect.POLICY}),
        why=(
            "An origin access identity serves every distribution of the account, and no object under a KMS key. "
            "Origin access control names the one distribution and signs in every region."
        ),
        cli=_EDIT % "let the service principal of CloudFront in for your distribution, in place of the identity",
        terraform=_OAC_TERRAFORM,
        console=policy_steps("Let CloudFront's service principal in for your distribution, in place of the identity"),
        cloudformation=policy_resource(_OAC_STATEMENT),
        verify=shows_policy("no principal with the words Origin Access Identity"),
        maps=maps({Framework.PROWLER: "cloudfront_distributions_s3_origin_access_control"}),
        default=False,
        references=(_OAC,),
    ),
    Kind.BUCKET,
    _legacy,
    (
        Example("no identity", bucket(), Verdict.PASS),
        Example("no policy", bucket({Aspect.POLICY: ABSENT}), Verdict.PASS),
        Example("an identity", bucket(by_policy(allow({"AWS": _OAI}), public=False)), Verdict.FAIL),
        Example("the policy is unreadable", bucket({Aspect.POLICY: DENIED}), Verdict.UNKNOWN),
    ),
)

RULES = (MISSING, SINGLE, UNSIGNED, PUBLISHED, LEGACY)
