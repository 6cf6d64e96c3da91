"""AWS services that act for somebody: whose request they carry, the policy has to say.

A service that the policy lets in for everyone is a deputy that any customer of AWS can send. The proof is one request
of such a service on behalf of a stranger, accepted by the concrete evaluator.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from s3warden.detect import proofs
from s3warden.detect.advice import policy_resource, policy_steps, shows_policy
from s3warden.detect.exposed import policy_inputs
from s3warden.detect.exposure import actions
from s3warden.detect.exposure.concrete import Decision, Request, decide
from s3warden.detect.exposure.inputs import ExposureInputs
from s3warden.detect.exposure.normal import Condition, Document, Statement
from s3warden.detect.questions import document, statements
from s3warden.detect.rule import (
    Check,
    Example,
    Judgement,
    Kind,
    Rule,
    RuleOptions,
    configured,
    fails,
    passes,
    undecided,
)
from s3warden.detect.samples import ACCOUNT, ARN, DENIED, allow, bucket, policy, service
from s3warden.model.bucket import Aspect, State
from s3warden.model.configuration import Policy
from s3warden.model.finding import Severity, Verdict
from s3warden.model.rule import Category, RuleInfo

_GUIDE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"
_EDIT = """\
aws s3api get-bucket-policy --bucket {bucket} --region {region} --query Policy --output text > {bucket}.json
# In {bucket}.json, add to the statement: %s
# then:
aws s3api put-bucket-policy --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --policy file://{bucket}.json"""
_OWNERS = frozenset({"aws:sourceaccount", "aws:sourceowner", "aws:sourceorgid", "aws:sourceorgpaths"})
_POSITIVE = frozenset({"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnLike"})
_CLOUDFRONT = "cloudfront"
_STRANGER = "999999999900"


def _is_cloudfront(name: str) -> bool:
    return name.partition(".")[0] == _CLOUDFRONT


def _names_whom(condition: Condition) -> bool:
    """Whether a condition ties the service to fixed accounts, organisations or resources."""
    operator = condition.operator
    if operator.negated or operator.if_exists or operator.quantifier == "all" or operator.base not in _POSITIVE:
        return False
    if condition.key == "aws:sourcearn":
        return all(map(_fixed_arn, condition.values))
    if condition.key == "aws:sourceorgpaths":
        return not any("*" in value.partition("/")[0] for value in condition.values)
    return condition.key in _OWNERS and not any(sign in value for value in condition.values for sign in "*?$")


def _fixed_arn(arn: str) -> bool:
    """Whether an ARN pattern names the account, or the whole of a resource whose ARN has none, such as a bucket."""
    fields = arn.split(":", 5)
    if len(fields) < 6:
        return False
    if fields[4]:
        return len(fields[4]) == 12 and fields[4].isdigit()
    return not any(sign in fields[5] for sign in "*?$")


@dataclass(frozen=True, slots=True)
class _Deputy:
    """A service that a statement lets in for anyone, and a request that shows it, where one was found."""

    statement: Statement
    service: str
    action: str
    resource: str


def _deputies(inputs: ExposureInputs, concerns: Callable[[str], bool]) -> Iterator[_Deputy]:
    if not isinstance(inputs.policy, str):
        return
    whole = document(inputs.policy)
    for statement in whole.statements:
        named = () if statement.effect != "Allow" or statement.principals.negated else statement.principals.service
        if any(map(_names_whom, statement.conditions)):
            continue
        for name in filter(concerns, named):
            found = _sent(inputs, whole, statement, name)
            if found is not None:
                yield found


def _sent(inputs: ExposureInputs, whole: Document, statement: Statement, name: str) -> _Deputy | None:
    """A request of the service for a stranger that is let in; None if a Deny refuses all that were tried."""
    seen = whole.seen_by(name)
    arn = f"arn:{inputs.partition}:s3:::{inputs.bucket}"
    refused = False
    granted = 0
    for pattern in statement.actions:
        granted |= actions.matching(pattern)
    for action in actions.names(actions.ALL & ~granted if statement.not_action else granted):
        for key in _keys(statement, arn) if actions.INDEX[action.lower()] in _OBJECT_INDEXES else ("",):
            resource = f"{arn}/{key}" if key else arn
            request = Request(action, resource, True, None, (), False, _context(inputs, statement, name))
            decision = decide(request, seen)
            if decision is Decision.ALLOWED:
                return _Deputy(statement, name, action, resource)
            refused = refused or decision is Decision.DENIED
    # Nothing tried got in, and nothing was refused: another condition stands in the way, which is no limit by itself.
    return None if refused else _Deputy(statement, name, "", "")


_OBJECT_INDEXES = frozenset(actions.INDEX[name.lower()] for name in actions.names(actions.OBJECT))


def _keys(statement: Statement, arn: str) -> Iterator[str]:
    """An object key for each resource of the statement that lies in the bucket."""
    yield "any-object"
    for resource in statement.resources:
        head, slash, key = resource.partition("/")
        if slash and head == arn:
            yield key.replace("*", "x").replace("?", "x") or "any-object"


def _context(inputs: ExposureInputs, statement: Statement, name: str) -> dict[str, tuple[str, ...]]:
    vendor = name.partition(".")[0]
    context: dict[str, tuple[str, ...]] = {
        "aws:securetransport": ("true",),
        "s3:tlsversion": ("1.3",),
        "aws:principalisawsservice": ("true",),
        "aws:principalservicename": (name,),
        "aws:sourceaccount": (_STRANGER,),
        "aws:sourceowner": (_STRANGER,),
        "aws:sourceorgid": ("o-stranger00",),
        "aws:sourcearn": (f"arn:{inputs.partition}:{vendor}::{_STRANGER}:distribution/any",),
    }
    for condition in statement.conditions:
        if not condition.operator.negated and condition.key not in context:
            context[condition.key] = (condition.values[0].replace("*", "x").replace("?", "x"),)
        elif condition.key == "aws:sourcearn" and not condition.operator.negated:
            context[condition.key] = (_strangers(condition.values[0]),)
    return context


def _strangers(pattern: str) -> str:
    """An ARN of a stranger's that the pattern admits."""
    fields = pattern.split(":", 5)
    if len(fields) == 6 and "*" in fields[4]:
        fields[4] = _STRANGER
    return ":".join(fields).replace("*", "x").replace("?", "x")


def _check(concerns: Callable[[str], bool], clean: str, broken: str, *, live: bool) -> Check:
    def check(state: State, options: RuleOptions) -> Judgement:
        configured(state, Aspect.POLICY, Policy)
        inputs = policy_inputs(state, options)
        found = list(_deputies(inputs, concerns))
        if found:
            return _told(inputs, found, broken, live=live)
        unclear = document(inputs.policy).unknown if isinstance(inputs.policy, str) else ()
        strange = [*unclear, *(s.unknown[0] for s in statements(inputs) if s.effect is None)]
        return undecided("The policy cannot be understood.", {"because": strange[0]}) if strange else passes(clean)

    return check


def _told(inputs: ExposureInputs, found: list[_Deputy], broken: str, *, live: bool) -> Judgement:
    first = next((deputy for deputy in found if deputy.action), found[0])
    services = list(dict.fromkeys(deputy.service for deputy in found))
    facts = {
        "services": proofs.some(services),
        "statements": proofs.some(list(dict.fromkeys(deputy.statement.label for deputy in found))),
        "statement": proofs.statement_text(inputs, first.statement.label),
    }
    if first.action:
        facts["request"] = f"{first.action} on {first.resource} by {first.service} for account {_STRANGER}"
    if live:
        facts["exposure"] = "any_account"
    return fails(f"{broken}: {facts['services']} in {facts['statements']}.", facts, live=live)


def _rule(info: RuleInfo, check: Check, examples: tuple[Example, ...]) -> Rule:
    denied = Example("the policy is unreadable", bucket({Aspect.POLICY: DENIED}), Verdict.UNKNOWN)
    return Rule(info, Kind.BUCKET, check, (Example("a sound bucket", bucket(), Verdict.PASS), *examples, denied))


def _to(
    name: str, verdict: Verdict, title: str, *more: Mapping[str, object], live: bool = False, **condition: object
) -> Example:
    element = {"Condition": condition} if condition else {}
    statement = allow({"Service": service(name)}, "s3:GetObject" if name == _CLOUDFRONT else "s3:PutObject", **element)
    return Example(title, bucket({Aspect.POLICY: policy(statement, *more)}), verdict, live=live)


_DISTRIBUTION = f"arn:{ACCOUNT.partition}:cloudfront::{ACCOUNT.account}:distribution/E2EXAMPLE"
DEPUTY = _rule(
    RuleInfo(
        id="bucket-policy-service-confused-deputy",
        title="An AWS service may act on the bucket for any customer of AWS",
        severity=Severity.MEDIUM,
        category=Category.ACCESS,
        needs=frozenset({Aspect.POLICY}),
        why=(
            "The statement trusts a service that serves everyone: a stranger can have it write here, or read. "
            "A condition on the account or resource it acts for ends that."
        ),
        cli=_EDIT % '"Condition": {"StringEquals": {"aws:SourceAccount": "{account}"}}',
        terraform="""\
# In the statement for {bucket}, beside the principal of type "Service":
condition {
  test     = "StringEquals"
  variable = "aws:SourceAccount"
  values   = ["{account}"]
}""",
        console=policy_steps("add a condition on aws:SourceAccount or aws:SourceArn to the service's statement"),
        cloudformation=policy_resource(
            f"""\
- Sid: LogDelivery
  Effect: Allow
  Principal:
    Service: {service("logging.s3")}
  Action: s3:PutObject
  Resource: arn:{{partition}}:s3:::{{bucket}}/*
  Condition:
    StringEquals:
      aws:SourceAccount: "{{account}}\""""
        ),
        verify=shows_policy("beside each Principal of type Service a condition on whom it acts for"),
        maps=(),
        default=False,
        references=(_GUIDE,),
    ),
    _check(
        lambda name: not _is_cloudfront(name),
        "Every service that is let in acts for accounts that are named.",
        "A service is let in, whomever it acts for",
        live=False,
    ),
    (
        _to("logging.s3", Verdict.FAIL, "log delivery for anyone"),
        _to(
            "logging.s3",
            Verdict.PASS,
            "log delivery for this account",
            StringEquals={"aws:SourceAccount": ACCOUNT.account},
        ),
        _to("logging.s3", Verdict.PASS, "of one bucket", ArnLike={"aws:SourceArn": f"{ARN}-other"}),
        _to("logging.s3", Verdict.FAIL, "of any bucket", ArnLike={"aws:SourceArn": f"arn:{ACCOUNT.partition}:s3:::*"}),
        _to(
            "cloudtrail",
            Verdict.PASS,
            "a Deny names the account",
            {
                **allow(actions="s3:*", resource="*"),
                "Effect": "Deny",
                "Condition": {"StringNotEquals": {"aws:SourceAccount": ACCOUNT.account}},
            },
        ),
        _to(_CLOUDFRONT, Verdict.PASS, "CloudFront: another rule tells"),
    ),
)
ORIGIN = _rule(
    RuleInfo(
        id="bucket-policy-oac-wildcard-sourcearn",
        title="Any CloudFront distribution of any account can read the bucket",
        severity=Severity.HIGH,
        category=Category.EXPOSURE,
        needs=frozenset({Aspect.POLICY}),
        why=(
            "Origin access control signs as CloudFront for every customer; without a distribution named, all get in. "
            "Anyone can put a distribution before this bucket and publish what it holds."
        ),
        cli=_EDIT % '"Condition": {"StringEquals": {"aws:SourceArn": "arn of your distribution"}}',
        terraform="""\
# In the statement for {bucket}, beside the CloudFront principal:
condition {
  test     = "StringEquals"
  variable = "aws:SourceArn"
  values   = [aws_cloudfront_distribution.this.arn]
}""",
        console=policy_steps("add a condition on aws:SourceArn with the ARN of your distribution"),
        cloudformation=policy_resource(
            f"""\
- Sid: OneDistribution
  Effect: Allow
  Principal:
    Service: {service(_CLOUDFRONT)}
  Action: s3:GetObject
  Resource: arn:{{partition}}:s3:::{{bucket}}/*
  Condition:
    StringEquals:
      aws:SourceArn: arn:{{partition}}:cloudfront::{{account}}:distribution/E1EXAMPLE"""
        ),
        verify=shows_policy("aws:SourceArn with the whole ARN of one distribution beside CloudFront"),
        maps=(),
        default=True,
        references=(
            "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html",
            _GUIDE,
        ),
    ),
    _check(
        _is_cloudfront,
        "CloudFront is let in for distributions that are named, or not at all.",
        "CloudFront is let in for any distribution",
        live=True,
    ),
    (
        _to(_CLOUDFRONT, Verdict.FAIL, "no condition", live=True),
        _to(
            _CLOUDFRONT,
            Verdict.FAIL,
            "any distribution",
            live=True,
            StringLike={"aws:SourceArn": f"arn:{ACCOUNT.partition}:cloudfront::*:distribution/*"},
        ),
        _to(_CLOUDFRONT, Verdict.PASS, "one distribution", StringEquals={"aws:SourceArn": _DISTRIBUTION}),
        _to(
            _CLOUDFRONT,
            Verdict.PASS,
            "the account's own distributions",
            ArnLike={"aws:SourceArn": f"arn:{ACCOUNT.partition}:cloudfront::{ACCOUNT.account}:distribution/*"},
        ),
        _to("logging.s3", Verdict.PASS, "another service: another rule tells"),
    ),
)

RULES = (ORIGIN, DEPUTY)
