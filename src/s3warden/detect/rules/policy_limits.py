"""The bucket policy against what the operator allows at most: a list of grantees, or a whole policy.

Judged by effect: whoever the policy still lets in, once everyone on the list is taken away, is not on the list; and a
policy is broader than another if it lets in a request that the other does not. The proof is that request.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from s3warden.detect import proofs
from s3warden.detect.advice import policy_resource, policy_steps, shows_policy
from s3warden.detect.exposed import policy_inputs
from s3warden.detect.exposure.comparison import not_broader
from s3warden.detect.exposure.inputs import ExposureInputs
from s3warden.detect.exposure.parse import MODERN
from s3warden.detect.exposure.requirements import Requirement
from s3warden.detect.questions import statements
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
from s3warden.detect.samples import ACCOUNT, ARN, DENIED, TLS_ONLY, allow, bucket, policy, service
from s3warden.model.bucket import ABSENT, Aspect, State
from s3warden.model.configuration import Policy
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Control, Framework, maps
from s3warden.model.rule import Category, RuleInfo, filled

_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html"
_EDIT = """\
aws s3api get-bucket-policy --bucket {bucket} --region {region} --query Policy --output text > {bucket}.json
# In {bucket}.json, %s, then:
aws s3api put-bucket-policy --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --policy file://{bucket}.json"""
_ACCOUNT_ID = re.compile(r"[0-9]{12}")
_ROOT = re.compile(r"arn:[^:]*:iam::([0-9]{12}):root")
_NETWORK = re.compile(r"[0-9a-fA-F.:]+/[0-9]{1,3}")
_ORIGIN_IDENTITY = ":iam::cloudfront:"


@dataclass(frozen=True, slots=True)
class _Way:
    """How an entry of the list shows in a request: the entries of this form, under which operator and key."""

    form: re.Pattern[str]
    operator: str
    key: str


_WAYS = (
    _Way(_ACCOUNT_ID, "StringEquals", "aws:PrincipalAccount"),
    _Way(re.compile(r"arn:.*"), "ArnLike", "aws:PrincipalArn"),
    _Way(_NETWORK, "IpAddress", "aws:SourceIp"),
    _Way(re.compile(r"vpc-.*"), "StringEquals", "aws:SourceVpc"),
    _Way(re.compile(r"vpce-.*"), "StringEquals", "aws:SourceVpce"),
    _Way(re.compile(r"o-[^/]*"), "StringEquals", "aws:PrincipalOrgID"),
    _Way(re.compile(r"o-[^/]*/.*"), "ForAnyValue:StringLike", "aws:PrincipalOrgPaths"),
)


def _grantees(inputs: ExposureInputs, allowed: tuple[str, ...]) -> Judgement:
    named = _by_name(inputs)
    names = dict.fromkeys(name for listed in named.values() for name in listed)
    strange = [name for name in names if not any(fnmatchcase(name, entry) for entry in allowed)]
    if strange:
        some = proofs.some(strange)
        return fails(f"The policy names who is not on the list: {some}.", {"grantees": some})
    found = _compared(inputs, _whole(inputs.owner, allowed, named))
    return _told(
        inputs,
        found,
        "Everyone whom the policy admits is on the list.",
        "The policy admits who is not on the list",
        "Whether everyone whom the policy admits is on the list cannot be decided.",
    )


def _by_name(inputs: ExposureInputs) -> dict[str, list[str]]:
    """Principals that only their name tells apart: services, identity providers, canonical users, origin identities."""
    found: dict[str, list[str]] = {"Service": [], "Federated": [], "CanonicalUser": [], "AWS": []}
    for statement in statements(inputs):
        who = statement.principals
        if statement.effect == "Allow" and not who.negated:
            found["Service"] += who.service
            found["Federated"] += who.federated
            found["CanonicalUser"] += who.canonical
            found["AWS"] += (name for name in who.aws if _ORIGIN_IDENTITY in name)
    return found


def _whole(owner: str, allowed: tuple[str, ...], named: dict[str, list[str]]) -> str:
    """The policy that admits everyone on the list, and nobody else, to everything."""
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    listed = [_ROOT.sub(r"\1", entry) for entry in allowed]
    admitted: list[dict[str, object]] = [
        {**everything, "Principal": "*", "Condition": {way.operator: {way.key: entries}}}
        for way in _WAYS
        if (entries := [entry for entry in listed if way.form.fullmatch(entry)])
    ]
    principals = {kind: names for kind, names in {**named, "AWS": [*named["AWS"], owner]}.items() if names}
    return json.dumps({"Version": MODERN, "Statement": [{**everything, "Principal": principals}, *admitted]})


@lru_cache(maxsize=1024)
def _compared(inputs: ExposureInputs, limit: str) -> Requirement:
    return not_broader(inputs, limit)


def _broader(inputs: ExposureInputs, limit: str) -> Judgement:
    return _told(
        inputs,
        _compared(inputs, limit),
        "The policy lets in no request that the control policy does not.",
        "The policy lets in what the control policy does not",
        "Whether the policy is broader than the control policy cannot be decided.",
    )


def _told(inputs: ExposureInputs, found: Requirement, holds: str, broken: str, doubtful: str) -> Judgement:
    if found.holds:
        return passes(holds)
    if found.loophole is None:
        return undecided(doubtful, {"because": proofs.cut(found.because, proofs.STATEMENT)})
    facts = proofs.proof(inputs, found.loophole)
    return fails(f"{broken}: {found.loophole.action} by {found.loophole.caller}.", facts)


def _check_grantees(state: State, options: RuleOptions) -> Judgement:
    configured(state, Aspect.POLICY, Policy)
    if not options.allowed_grantees:
        return not_applicable("No list of grantees is configured.")
    return _grantees(policy_inputs(state, options), options.allowed_grantees)


def _check_broader(state: State, options: RuleOptions) -> Judgement:
    configured(state, Aspect.POLICY, Policy)
    if options.control_policy is None:
        return not_applicable("No control policy is configured.")
    return _broader(policy_inputs(state, options), filled(options.control_policy, state.ref))


def _info(rule_id: str, title: str, why: str, *, fix: str, expect: str, controls: tuple[Control, ...]) -> RuleInfo:
    return RuleInfo(
        id=rule_id,
        title=title,
        severity=Severity.MEDIUM,
        category=Category.ACCESS,
        needs=frozenset({Aspect.POLICY}),
        why=why,
        cli=_EDIT % fix,
        terraform=f"# In the policy of aws_s3_bucket_policy for {{bucket}}: {fix}.",
        console=policy_steps(fix),
        cloudformation=policy_resource(),
        verify=shows_policy(expect),
        maps=controls,
        default=False,
        references=(_GUIDE,),
    )


_PARTNER = "444455556666"
_ROLE = f"arn:{ACCOUNT.partition}:iam::{_PARTNER}:role/reader"
_LIST = RuleOptions(allowed_grantees=(_PARTNER, "203.0.113.0/24", "vpce-1a2b3c4d", service("logging.s3")))
_CONTROL = RuleOptions(
    control_policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": _PARTNER},
                    "Action": "s3:Get*",
                    "Resource": "arn:{partition}:s3:::{bucket}/*",
                },
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": "arn:{partition}:s3:::{bucket}/secret/*",
                },
            ],
        }
    )
)


def _example(title: str, verdict: Verdict, options: RuleOptions, *given: Mapping[str, object]) -> Example:
    return Example(title, bucket({Aspect.POLICY: policy(*given)}), verdict, options)


def _when(operator: str, key: str, value: object) -> Mapping[str, object]:
    return allow(Condition={operator: {key: value}})


def _always(options: RuleOptions) -> tuple[Example, ...]:
    return (
        Example("nothing is configured", bucket(), Verdict.NOT_APPLICABLE),
        Example("no policy", bucket({Aspect.POLICY: ABSENT}), Verdict.PASS, options),
        _example("an operator nobody knows", Verdict.UNKNOWN, options, _when("Stringy", "aws:SourceVpce", "x")),
        Example("the policy is unreadable", bucket({Aspect.POLICY: DENIED}), Verdict.UNKNOWN, options),
    )


GRANTEES = Rule(
    _info(
        "bucket-policy-grantees-allowlist",
        "The policy admits someone who is not on the list",
        (
            "The settings list everyone whom bucket policies may admit, and this policy admits others. "
            "The owner's own account need not be on the list."
        ),
        fix="take out who is not in rules.allowed_grantees",
        expect="no Allow to a principal, network or service that rules.allowed_grantees does not name",
        controls=maps({Framework.CONFIG: "s3-bucket-policy-grantee-check"}),
    ),
    Kind.BUCKET,
    _check_grantees,
    (
        _example("an account that is listed", Verdict.PASS, _LIST, allow({"AWS": _PARTNER})),
        _example("a role of that account", Verdict.PASS, _LIST, allow({"AWS": _ROLE})),
        _example(
            "everyone, from a network that is listed",
            Verdict.PASS,
            _LIST,
            _when("IpAddress", "aws:SourceIp", "203.0.113.8/29"),
        ),
        _example(
            "everyone, through an endpoint that is listed",
            Verdict.PASS,
            _LIST,
            _when("StringEquals", "aws:SourceVpce", "vpce-1a2b3c4d"),
        ),
        _example(
            "a service that is listed", Verdict.PASS, _LIST, allow({"Service": service("logging.s3")}, "s3:PutObject")
        ),
        _example("what a Deny takes back", Verdict.PASS, _LIST, allow(), {**allow(actions="s3:*"), "Effect": "Deny"}),
        _example("everyone", Verdict.FAIL, _LIST, allow()),
        _example("another account", Verdict.FAIL, _LIST, allow({"AWS": "777788889999"})),
        _example("a wider network", Verdict.FAIL, _LIST, _when("IpAddress", "aws:SourceIp", "203.0.112.0/23")),
        _example("another service", Verdict.FAIL, _LIST, allow({"Service": service("cloudtrail")}, "s3:PutObject")),
        _example("a canonical user", Verdict.FAIL, _LIST, allow({"CanonicalUser": "c" * 64})),
        *_always(_LIST),
    ),
    by_name=lambda options: bool(options.allowed_grantees),
)
NOT_BROADER = Rule(
    _info(
        "bucket-policy-not-broader-than",
        "The policy allows more than the control policy",
        (
            "A policy that every bucket has to stay within is configured, and this one lets in a request that it "
            "does not. Who, what, where and under which conditions are compared by effect, with every Deny of both."
        ),
        fix="take back what rules.control_policy does not allow",
        expect="no Allow that goes beyond rules.control_policy",
        controls=maps({Framework.CONFIG: "s3-bucket-policy-not-more-permissive"}),
    ),
    Kind.BUCKET,
    _check_broader,
    (
        _example(
            "less than is allowed",
            Verdict.PASS,
            _CONTROL,
            allow({"AWS": _ROLE}, resource=f"{ARN}/public/*"),
        ),
        _example("only what is denied", Verdict.PASS, _CONTROL, TLS_ONLY),
        _example("another action", Verdict.FAIL, _CONTROL, allow({"AWS": _PARTNER}, "s3:PutObject")),
        _example("another account", Verdict.FAIL, _CONTROL, allow({"AWS": "777788889999"})),
        _example("what the control policy denies", Verdict.FAIL, _CONTROL, allow({"AWS": _PARTNER})),
        _example(
            "that, and denied here too",
            Verdict.PASS,
            _CONTROL,
            allow({"AWS": _PARTNER}),
            {**allow(actions="s3:*", resource=f"{ARN}/secret*"), "Effect": "Deny"},
        ),
        _example(
            "a service that is not allowed",
            Verdict.FAIL,
            _CONTROL,
            allow({"Service": service("cloudtrail")}, Condition={"StringEquals": {"aws:SourceAccount": _PARTNER}}),
        ),
        *_always(_CONTROL),
    ),
    by_name=lambda options: options.control_policy is not None,
)

RULES = (GRANTEES, NOT_BROADER)
