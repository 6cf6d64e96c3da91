"""Presigned URLs: a link works for whoever has it, for up to seven days, in the name of who signed it.

Judged by meaning: the demand holds if the Deny statements refuse every request by a presigned URL that is older than
the settings allow, or every presigned URL.
"""

from functools import lru_cache

from s3warden.detect import proofs
from s3warden.detect.advice import policy_resource, policy_steps, shows_policy
from s3warden.detect.exposed import policy_inputs
from s3warden.detect.exposure.inputs import ExposureInputs
from s3warden.detect.exposure.memo import PLACEHOLDER, shape
from s3warden.detect.exposure.requirements import Requirement, presigned_until
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
    undecided,
)
from s3warden.detect.samples import ARN, DENIED, bucket, policy
from s3warden.detect.selectors import selected
from s3warden.model.bucket import ABSENT, Aspect, Present, Reading, State
from s3warden.model.configuration import Policy, Tags
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo

_AGE = "s3:signatureAge"
_STATEMENT = """\
{"Sid":"ShortLinks","Effect":"Deny","Principal":"*","Action":"s3:*",
#   "Resource":["arn:{partition}:s3:::{bucket}","arn:{partition}:s3:::{bucket}/*"],
#   "Condition":{"NumericGreaterThan":{"s3:signatureAge":"3600000"}}}"""


@lru_cache(maxsize=2048)
def _bounded(inputs: ExposureInputs, milliseconds: int) -> Requirement:
    return presigned_until(inputs, milliseconds)


def _check(state: State, options: RuleOptions) -> Judgement:
    configured(state, Aspect.POLICY, Policy)
    if not options.sensitive_buckets:
        return not_applicable("The settings call no bucket sensitive.")
    sensitive = selected(options.sensitive_buckets, state)
    if sensitive is None:
        return not_applicable("The settings do not call the bucket sensitive.")
    inputs = policy_inputs(state, options)
    minutes = options.presigned_minutes
    found = _bounded(shape(inputs), minutes * 60_000)
    if found.holds:
        return passes(f"Presigned URLs are refused after {minutes} minutes at the latest.")
    if found.loophole is None:
        because = proofs.cut(found.because.replace(PLACEHOLDER, inputs.bucket), proofs.STATEMENT)
        return undecided("What the bucket policy refuses cannot be decided.", {"because": because})
    request = proofs.request(found.loophole).replace(PLACEHOLDER, inputs.bucket)
    return fails(
        f"A presigned URL of a sensitive bucket works for more than {minutes} minutes.",
        {"not_refused": request, "sensitive": sensitive},
    )


def _deny(actions: object = "s3:*", **condition: object) -> dict[Aspect, Reading[object]]:
    return {
        Aspect.POLICY: policy(
            {
                "Sid": "ShortLinks",
                "Effect": "Deny",
                "Principal": "*",
                "Action": actions,
                "Resource": [ARN, f"{ARN}/*"],
                "Condition": condition,
            }
        )
    }


_TEN_MINUTES = {_AGE: "600000"}
_SENSITIVE = RuleOptions(sensitive_buckets=("example-*",))
_BY_TAG = RuleOptions(sensitive_buckets=("tag:Data=customer*",))
_CUSTOMERS: dict[Aspect, Reading[object]] = {Aspect.TAGGING: Present(Tags((("Data", "customer-files"),)))}

UNBOUNDED = Rule(
    RuleInfo(
        id="bucket-presign-unbounded",
        title="Presigned URLs of a sensitive bucket work for days",
        severity=Severity.MEDIUM,
        category=Category.ACCESS,
        needs=frozenset({Aspect.POLICY}),
        hints=frozenset({Aspect.TAGGING}),
        why=(
            "A link that leaks is a key for whoever finds it, and the trail shows its maker. "
            "A Deny by the age of the signature ends every link early, however long it was made for."
        ),
        cli=f"""\
aws s3api get-bucket-policy --bucket {{bucket}} --region {{region}} --query Policy --output text > {{bucket}}.json \\
  || echo '{{"Version":"2012-10-17","Statement":[]}}' > {{bucket}}.json
# In {{bucket}}.json, add the statement; the age is in milliseconds:
#   {_STATEMENT}
aws s3api put-bucket-policy --bucket {{bucket}} --region {{region}} --expected-bucket-owner {{account}} \\
  --policy file://{{bucket}}.json""",
        terraform="""\
# In an aws_iam_policy_document for aws_s3_bucket_policy of {bucket}:
statement {
  effect    = "Deny"
  actions   = ["s3:*"]
  resources = ["arn:{partition}:s3:::{bucket}", "arn:{partition}:s3:::{bucket}/*"]
  principals {
    type        = "*"
    identifiers = ["*"]
  }
  condition {
    test     = "NumericGreaterThan"
    variable = "s3:signatureAge"
    values   = ["3600000"]
  }
}""",
        console=policy_steps("add a Deny of all actions where s3:signatureAge is greater than 3600000 milliseconds"),
        cloudformation=policy_resource("""\
- Sid: ShortLinks
  Effect: Deny
  Principal: "*"
  Action: s3:*
  Resource:
    - arn:{partition}:s3:::{bucket}
    - arn:{partition}:s3:::{bucket}/*
  Condition:
    NumericGreaterThan:
      s3:signatureAge: "3600000\""""),
        verify=shows_policy("a Deny with s3:signatureAge, for everyone"),
        maps=maps({Framework.ATTACK: "T1530"}),
        default=False,
        references=(
            "https://docs.aws.amazon.com/AmazonS3/latest/API/bucket-policy-s3-sigv4-conditions.html",
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html",
        ),
    ),
    Kind.BUCKET,
    _check,
    (
        Example(
            "refused after ten minutes",
            bucket(_deny(NumericGreaterThan=_TEN_MINUTES)),
            Verdict.PASS,
            options=_SENSITIVE,
        ),
        Example(
            "every presigned URL is refused",
            bucket(_deny(StringNotEquals={"s3:authType": "REST-HEADER"})),
            Verdict.PASS,
            options=_SENSITIVE,
        ),
        Example("no policy", bucket({Aspect.POLICY: ABSENT} | _CUSTOMERS), Verdict.FAIL, options=_BY_TAG),
        Example(
            "refused for reading alone",
            bucket(_deny("s3:GetObject", NumericGreaterThan=_TEN_MINUTES)),
            Verdict.FAIL,
            options=_SENSITIVE,
        ),
        Example(
            "refused too late",
            bucket(_deny(NumericGreaterThan={_AGE: "86400000"})),
            Verdict.FAIL,
            options=_SENSITIVE,
        ),
        Example("not sensitive", bucket(), Verdict.NOT_APPLICABLE, options=_BY_TAG),
        Example("no bucket is sensitive", bucket(), Verdict.NOT_APPLICABLE),
        Example("unreadable", bucket({Aspect.POLICY: DENIED}), Verdict.UNKNOWN, options=_SENSITIVE),
    ),
    by_name=lambda options: bool(options.sensitive_buckets),
)

RULES = (UNBOUNDED,)
