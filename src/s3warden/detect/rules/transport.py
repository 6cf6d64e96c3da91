"""What the bucket policy demands of every request: TLS, its version, encryption of uploads.

Judged by meaning: a demand holds if the Deny statements refuse every request that breaks it, whoever makes it and
however they are written. A loophole is told as the request that slips through.
"""

from collections.abc import Mapping
from functools import lru_cache

from s3warden.detect import proofs
from s3warden.detect.advice import policy_resource, policy_steps, shows_policy
from s3warden.detect.exposed import policy_inputs
from s3warden.detect.exposure.inputs import ExposureInputs
from s3warden.detect.exposure.memo import PLACEHOLDER, shape
from s3warden.detect.exposure.requirements import Requirement, tls_at_least, tls_required, uploads_encrypted
from s3warden.detect.mappings import TRANSPORT
from s3warden.detect.rule import (
    DEFAULT_OPTIONS,
    Example,
    Judgement,
    Kind,
    Rule,
    RuleOptions,
    fails,
    not_applicable,
    passes,
    undecided,
)
from s3warden.detect.samples import ARN, DENIED, TLS_ONLY, allow, bucket, policy
from s3warden.model.bucket import ABSENT, Aspect, State
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo

_EDIT = """\
aws s3api get-bucket-policy --bucket {bucket} --region {region} --query Policy --output text > {bucket}.json \\
  || echo '{"Version":"2012-10-17","Statement":[]}' > {bucket}.json
# In {bucket}.json, add the statement:
#   %s
aws s3api put-bucket-policy --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --policy file://{bucket}.json"""
_BOTH = '"Resource":["arn:{partition}:s3:::{bucket}","arn:{partition}:s3:::{bucket}/*"]'
_HEAD = '"Effect":"Deny","Principal":"*","Action":"s3:*",'
_TLS = f'{{"Sid":"TlsOnly",{_HEAD}\n#   {_BOTH},\n#   "Condition":{{"Bool":{{"aws:SecureTransport":"false"}}}}}}'
_VERSION = (
    f'{{"Sid":"ModernTls",{_HEAD}\n#   {_BOTH},\n#   "Condition":{{"NumericLessThan":{{"s3:TlsVersion":"1.2"}}}}}}'
)
_SSE = "s3:x-amz-server-side-encryption"
_UPLOADS = (
    '{"Sid":"EncryptedUploads","Effect":"Deny","Principal":"*","Action":"s3:PutObject",\n'
    '#   "Resource":"arn:{partition}:s3:::{bucket}/*","Condition":{"StringNotEquals":\n'
    f'#   {{"{_SSE}":"aws:kms"}}}}}}'
)
_TERRAFORM = """\
# In an aws_iam_policy_document for aws_s3_bucket_policy of {bucket}:
statement {
  effect    = "Deny"
  actions   = ["%s"]
  resources = ["arn:{partition}:s3:::{bucket}", "arn:{partition}:s3:::{bucket}/*"]
  principals {
    type        = "*"
    identifiers = ["*"]
  }
  condition {
    test     = "%s"
    variable = "%s"
    values   = ["%s"]
  }
}"""
_REFUSAL = """\
- Effect: Deny
  Principal: "*"
  Action: %s
  Resource:
    - arn:{partition}:s3:::{bucket}
    - arn:{partition}:s3:::{bucket}/*
  Condition:
    %s"""
_REFUSE_HTTP = _REFUSAL % ("s3:*", 'Bool:\n      aws:SecureTransport: "false"')
_REFUSE_OLD_TLS = _REFUSAL % ("s3:*", 'NumericLessThan:\n      s3:TlsVersion: "1.2"')
_REFUSE_OTHER_KEYS = _REFUSAL % ("s3:PutObject", f"StringNotEquals:\n      {_SSE}: aws:kms")


@lru_cache(maxsize=2048)
def _tls(inputs: ExposureInputs) -> Requirement:
    return tls_required(inputs)


@lru_cache(maxsize=2048)
def _version(inputs: ExposureInputs, version: str) -> Requirement:
    return tls_at_least(inputs, version)


@lru_cache(maxsize=2048)
def _uploads(inputs: ExposureInputs, algorithms: tuple[str, ...]) -> Requirement:
    return uploads_encrypted(inputs, algorithms)


def _judged(inputs: ExposureInputs, found: Requirement, holds: str, broken: str) -> Judgement:
    if found.holds:
        return passes(holds)
    if found.loophole is None:
        because = proofs.cut(found.because.replace(PLACEHOLDER, inputs.bucket), proofs.STATEMENT)
        return undecided("What the bucket policy refuses cannot be decided.", {"because": because})
    request = proofs.request(found.loophole).replace(PLACEHOLDER, inputs.bucket)
    facts = {"not_refused": request, "policy": "none" if inputs.policy is None else "no Deny covers it"}
    return fails(f"{broken}: {found.loophole.action} by {found.loophole.caller} is not refused.", facts)


def _check_tls(state: State, options: RuleOptions) -> Judgement:
    inputs = policy_inputs(state, options)
    found = _tls(shape(inputs))
    return _judged(inputs, found, "Every plain http request is refused.", "The bucket answers plain http")


def _check_version(state: State, options: RuleOptions) -> Judgement:
    inputs = policy_inputs(state, options)
    version = options.minimum_tls
    if version is None:
        return not_applicable("No TLS version is asked for; AWS itself accepts 1.2 and later.")
    found = _version(shape(inputs), version)
    return _judged(inputs, found, f"TLS below {version} is refused.", f"The bucket answers TLS below {version}")


def _check_uploads(state: State, options: RuleOptions) -> Judgement:
    inputs = policy_inputs(state, options)
    wanted = options.upload_encryption
    if not wanted:
        return not_applicable("No header is asked of uploads; S3 encrypts every object since 2023.")
    found = _uploads(shape(inputs), wanted)
    names = " or ".join(wanted)
    return _judged(inputs, found, f"Uploads must ask for {names}.", f"Uploads need not ask for {names}")


def _deny(**condition: object) -> dict[str, object]:
    return {**TLS_ONLY, "Condition": condition}


_HTTP = {"aws:SecureTransport": "false"}
_MODERN = _deny(NumericLessThan={"s3:TlsVersion": "1.2"})
_ENCRYPTED = {**_deny(StringNotEquals={_SSE: "aws:kms"}), "Action": "s3:PutObject", "Resource": f"{ARN}/*"}
_ASK_VERSION = RuleOptions(minimum_tls="1.2")
_ASK_KMS = RuleOptions(upload_encryption=("aws:kms",))
_UNREADABLE = bucket({Aspect.POLICY: DENIED})


def _with(
    *statements: Mapping[str, object],
    title: str,
    verdict: Verdict,
    options: RuleOptions = DEFAULT_OPTIONS,
) -> Example:
    return Example(title, bucket({Aspect.POLICY: policy(*statements)}), verdict, options)


TLS_REQUIRED = Rule(
    RuleInfo(
        id="bucket-tls-required",
        title="The bucket answers plain http",
        severity=Severity.MEDIUM,
        category=Category.ENCRYPTION,
        needs=frozenset({Aspect.POLICY}),
        why=(
            "Objects and signed URLs that travel in the clear can be read and changed on the way. "
            "Only the bucket policy can refuse them, for the bucket and for all of its objects."
        ),
        cli=_EDIT % _TLS,
        terraform=_TERRAFORM % ("s3:*", "Bool", "aws:SecureTransport", "false"),
        console=policy_steps("add the statement that denies every request with aws:SecureTransport false"),
        cloudformation=policy_resource(_REFUSE_HTTP),
        verify="""\
aws s3api head-bucket --bucket {bucket} --region {region} --endpoint-url "${HTTP_ENDPOINT:?S3 in the region, by http}"
# Expect: 403 Forbidden, for an identity that may do it by https.""",
        maps=maps(
            {
                **TRANSPORT,
                Framework.CONFORMITY: "S3-017",
                Framework.SECURITY_HUB: "S3.5",
                Framework.CONFIG: "s3-bucket-ssl-requests-only",
                Framework.PROWLER: "s3_bucket_secure_transport_policy",
                Framework.CLOUDSPLOIT: "bucketSecureTransportEnabled, bucketEncryptionInTransit",
            }
        ),
        default=True,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",),
    ),
    Kind.BUCKET,
    _check_tls,
    (
        Example("everyone, everything", bucket(), Verdict.PASS),
        Example("no policy", bucket({Aspect.POLICY: ABSENT}), Verdict.FAIL),
        _with(
            {**_deny(Bool=_HTTP), "Resource": ARN},
            {**_deny(Bool=_HTTP), "Resource": f"{ARN}/*"},
            title="in two statements",
            verdict=Verdict.PASS,
        ),
        _with(_deny(Null={"s3:TlsVersion": "true"}), title="by the version that http lacks", verdict=Verdict.PASS),
        _with({**_deny(Bool=_HTTP), "Resource": f"{ARN}/*"}, title="objects alone", verdict=Verdict.FAIL),
        _with({**_deny(Bool=_HTTP), "Action": "s3:Get*"}, title="reading alone", verdict=Verdict.FAIL),
        _with(_MODERN, title="old TLS is refused, http is not", verdict=Verdict.FAIL),
        _with(_deny(Booly=_HTTP), title="an operator nobody knows", verdict=Verdict.UNKNOWN),
        Example("unreadable", _UNREADABLE, Verdict.UNKNOWN),
    ),
)
MINIMUM_VERSION = Rule(
    RuleInfo(
        id="bucket-tls-min-version",
        title="The bucket answers old versions of TLS",
        severity=Severity.LOW,
        category=Category.ENCRYPTION,
        needs=frozenset({Aspect.POLICY}),
        why=(
            "Old versions of TLS have known weaknesses, and some audits ask for proof that they are refused. "
            "The version to ask for is rules.minimum_tls; plain http is another rule's matter."
        ),
        cli=_EDIT % _VERSION,
        terraform=_TERRAFORM % ("s3:*", "NumericLessThan", "s3:TlsVersion", "1.2"),
        console=policy_steps("add the statement that denies every request with s3:TlsVersion below 1.2"),
        cloudformation=policy_resource(_REFUSE_OLD_TLS),
        verify=shows_policy("a Deny to everyone for bucket and objects, with NumericLessThan on s3:TlsVersion"),
        maps=(),
        default=False,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html",),
    ),
    Kind.BUCKET,
    _check_version,
    (
        _with(_MODERN, title="refused below 1.2", verdict=Verdict.PASS, options=_ASK_VERSION),
        _with(_deny(Bool=_HTTP), title="only http is refused", verdict=Verdict.FAIL, options=_ASK_VERSION),
        _with(_MODERN, title="1.3 is asked for", verdict=Verdict.FAIL, options=RuleOptions(minimum_tls="1.3")),
        Example("nothing is asked for", bucket(), Verdict.NOT_APPLICABLE),
        Example("unreadable", _UNREADABLE, Verdict.UNKNOWN, _ASK_VERSION),
    ),
)
UPLOAD_ENCRYPTION = Rule(
    RuleInfo(
        id="bucket-upload-encryption-enforced",
        title="Uploads need not ask for the encryption that is wanted",
        severity=Severity.LOW,
        category=Category.ENCRYPTION,
        needs=frozenset({Aspect.POLICY}),
        why=(
            "An upload that names another encryption than wanted gets it, whatever the bucket's default is. "
            "What is wanted is rules.upload_encryption; uploads without the header fail from then on."
        ),
        cli=_EDIT % _UPLOADS,
        terraform=_TERRAFORM % ("s3:PutObject", "StringNotEquals", _SSE, "aws:kms"),
        console=policy_steps("add the statement that denies s3:PutObject without the encryption header that is wanted"),
        cloudformation=policy_resource(_REFUSE_OTHER_KEYS),
        verify=shows_policy("a Deny to everyone of s3:PutObject, with StringNotEquals on the header"),
        maps=maps(
            {
                Framework.CONFORMITY: "S3-016",
                Framework.CUSTODIAN: "no-encryption-statement",
                Framework.CLOUDSPLOIT: "bucketEnforceEncryption, s3Encryption",
            }
        ),
        default=False,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",),
    ),
    Kind.BUCKET,
    _check_uploads,
    (
        _with(_ENCRYPTED, title="anything else is refused", verdict=Verdict.PASS, options=_ASK_KMS),
        _with(
            _ENCRYPTED,
            title="another one is asked for",
            verdict=Verdict.FAIL,
            options=RuleOptions(upload_encryption=("AES256",)),
        ),
        _with(
            {**_ENCRYPTED, "Condition": {"Null": {_SSE: "true"}}},
            title="any header will do",
            verdict=Verdict.FAIL,
            options=_ASK_KMS,
        ),
        _with(allow(), title="nothing is refused", verdict=Verdict.FAIL, options=_ASK_KMS),
        Example("nothing is asked for", bucket(), Verdict.NOT_APPLICABLE),
        Example("unreadable", _UNREADABLE, Verdict.UNKNOWN, _ASK_KMS),
    ),
)

RULES = (TLS_REQUIRED, MINIMUM_VERSION, UPLOAD_ENCRYPTION)
