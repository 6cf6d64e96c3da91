"""What the bucket policy says, statement by statement: that there is one, what it must have, what it must not have."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from s3warden.detect import proofs
from s3warden.detect.advice import NAMED_READER, policy_resource, policy_steps, shows_policy
from s3warden.detect.exposed import analysed, policy_inputs
from s3warden.detect.exposure.inputs import ExposureInputs
from s3warden.detect.exposure.normal import Statement
from s3warden.detect.form import has_form
from s3warden.detect.questions import alone, document, raw_statements, statements, understood
from s3warden.detect.rule import (
    Check,
    Example,
    Judgement,
    Kind,
    Rule,
    RuleOptions,
    configured,
    fails,
    never,
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

_EDIT = """\
aws s3api get-bucket-policy --bucket {bucket} --region {region} --query Policy --output text > {bucket}.json \\
  || echo '{"Version":"2012-10-17","Statement":[]}' > {bucket}.json
# In {bucket}.json, %s, then:
aws s3api put-bucket-policy --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --policy file://{bucket}.json"""
_ELEMENTS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html"
_STAR = frozenset({"*", "s3:*"})


def _exists(state: State, _options: RuleOptions) -> Judgement:
    if configured(state, Aspect.POLICY, Policy) is None:
        return fails("The bucket has no policy.", {"policy": "none"})
    return passes("The bucket has a policy.")


def _required(state: State, options: RuleOptions) -> Judgement:
    configured(state, Aspect.POLICY, Policy)
    if not options.required_statements:
        return not_applicable("No statement is required.")
    inputs = policy_inputs(state, options)
    unclear = _unclear(inputs)
    if unclear is not None:
        return undecided("The policy cannot be understood.", {"because": unclear})
    listed = _raw(inputs)
    wanted = [filled(text, state.ref) for text in options.required_statements]
    missing = [text for text in wanted if not any(has_form(each, json.loads(text)) for each in listed)]
    if not missing:
        return passes("Every required statement is there.")
    facts = {"missing": proofs.cut(missing[0], proofs.STATEMENT), "count": str(len(missing))}
    return fails(f"The policy lacks a required statement: {facts['missing']}.", facts)


def _forbidden(state: State, options: RuleOptions) -> Judgement:
    configured(state, Aspect.POLICY, Policy)
    if not options.forbidden_statements:
        return not_applicable("No statement is forbidden.")
    inputs = policy_inputs(state, options)
    forms = [(text, json.loads(filled(text, state.ref))) for text in options.forbidden_statements]
    unclear = _unclear(inputs)
    listed = [] if unclear is not None else _raw(inputs)
    found = [(at, text) for at, each in enumerate(listed) for text, form in forms if has_form(each, form)]
    if found:
        at, text = found[0]
        label = statements(inputs)[at].label
        facts = {"statements": label, "form": text, "statement": proofs.statement_text(inputs, label)}
        return fails(f"The policy has a statement that is forbidden: {label}.", facts)
    if unclear is not None:
        return undecided("The policy cannot be understood.", {"because": unclear})
    return passes("No forbidden statement is there.")


def _unclear(inputs: ExposureInputs) -> str | None:
    """Why the list of statements cannot be had, None if it can; a strange statement in it is still a statement."""
    return next(iter(document(inputs.policy).unknown), None) if isinstance(inputs.policy, str) else None


def _raw(inputs: ExposureInputs) -> list[dict[str, Any]]:
    return raw_statements(inputs.policy) if isinstance(inputs.policy, str) else []


def _star(state: State, options: RuleOptions) -> Judgement:
    configured(state, Aspect.POLICY, Policy)
    inputs = policy_inputs(state, options)
    found = [(s, who) for s in statements(inputs) if (who := _given_everything(s, inputs.owner))]
    if found:
        first, who = found[0]
        names = proofs.some(list(dict.fromkeys(name for _, names in found for name in names)))
        facts = {
            "statements": proofs.some([s.label for s, _ in found]),
            "principals": names,
            "statement": proofs.statement_text(inputs, first.label),
        }
        lesser = Severity.LOW if all(_own(name, inputs.owner) for _, names in found for name in names) else None
        return fails(f"Every action is allowed to {names}.", facts, severity=lesser)
    return _unless_unclear(inputs, "No Allow gives every action to others than the account itself.")


def _given_everything(statement: Statement, owner: str) -> list[str]:
    """To whom, but for the owner's account as a whole, an Allow gives every action."""
    if statement.effect != "Allow" or statement.not_action or not _STAR & set(statement.actions):
        return []
    if any(_delegates(condition.key, condition.values, owner) for condition in statement.conditions):
        return []
    who = statement.principals
    if who.everyone or who.negated:
        return ["everyone" if who.everyone else "everyone but those it names"]
    named = (*who.aws, *who.service, *who.federated, *who.canonical)
    return [name for name in named if name != owner and not (_own(name, owner) and name.endswith(":root"))]


def _delegates(key: str, values: tuple[str, ...], owner: str) -> bool:
    """Whether the statement hands the decision to access points of the account, as AWS advises."""
    return key == "s3:dataaccesspointaccount" and set(values) == {owner}


def _own(name: str, owner: str) -> bool:
    return name.split(":", 5)[4:5] == [owner]


def _login(state: State, options: RuleOptions) -> Judgement:
    configured(state, Aspect.POLICY, Policy)
    inputs = policy_inputs(state, options)
    found = [s for s in statements(inputs) if s.effect == "Allow" and s.principals.federated]
    if not found:
        return _unless_unclear(inputs, "No Allow names an identity provider.")
    providers = proofs.some(list(dict.fromkeys(name for s in found for name in s.principals.federated)))
    facts = {
        "statements": proofs.some([s.label for s in found]),
        "providers": providers,
        "statement": proofs.statement_text(inputs, found[0].label),
    }
    answers = [] if understood(inputs) else [analysed(alone(inputs, s.index)) for s in found]
    anyone = next((found for found in answers if found.public), None)
    if anyone is not None:
        facts["request"] = proofs.request(anyone.witnesses[0])
        return fails(f"Anyone with a login of {providers} gets in.", facts, severity=Severity.HIGH)
    return fails(f"Identity providers are named in the policy: {providers}.", facts)


def _unless_unclear(inputs: ExposureInputs, clean: str) -> Judgement:
    unclear = _unclear(inputs) or next((s.unknown[0] for s in statements(inputs) if s.effect is None), None)
    return passes(clean) if unclear is None else undecided("The policy cannot be understood.", {"because": unclear})


@dataclass(frozen=True, slots=True)
class _Words:
    """What people read: `fix` is an instruction, `expect` what the policy shows afterwards, `instead` YAML for it."""

    title: str
    why: str
    fix: str
    expect: str
    instead: str = NAMED_READER


def _rule(
    rule_id: str,
    severity: Severity,
    words: _Words,
    *,
    check: Check,
    examples: Iterable[Example],
    controls: tuple[Control, ...] = (),
    by_name: Callable[[RuleOptions], bool] = never,
) -> Rule:
    info = RuleInfo(
        id=rule_id,
        title=words.title,
        severity=severity,
        category=Category.ACCESS,
        needs=frozenset({Aspect.POLICY}),
        why=words.why,
        cli=_EDIT % words.fix,
        terraform=f"# In the policy of aws_s3_bucket_policy for {{bucket}}: {words.fix}.",
        console=policy_steps(words.fix),
        cloudformation=policy_resource(words.instead),
        verify=shows_policy(words.expect),
        maps=controls,
        default=False,
        references=(_ELEMENTS,),
    )
    return Rule(info, Kind.BUCKET, check, tuple(examples), by_name=by_name)


_TLS_DENY = """\
- Sid: TlsOnly
  Effect: Deny
  Principal: "*"
  Action: s3:*
  Resource:
    - arn:{partition}:s3:::{bucket}
    - arn:{partition}:s3:::{bucket}/*
  Condition:
    Bool:
      aws:SecureTransport: "false\""""
_ROLE = f"arn:{ACCOUNT.partition}:iam::{ACCOUNT.account}:role/admin"
_NO_POLICY = bucket({Aspect.POLICY: ABSENT})
_NO_JSON = bucket({Aspect.POLICY: policy(version="2030-01-01")})
_TLS_FORM = """\
{"Sid": "Tls*", "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": ["S3:*"],
 "Condition": {"Bool": {"AWS:SecureTransport": false}}}"""
_MUST = RuleOptions(required_statements=(_TLS_FORM,))
_MUST_NOT = RuleOptions(forbidden_statements=('{"Effect": "Allow", "Principal": "*"}', '{"Sid": "Temporary*"}'))


def _of(title: str, verdict: Verdict, *given: Mapping[str, object], **more: Any) -> Example:
    return Example(title, bucket({Aspect.POLICY: policy(*given)}), verdict, **more)


def _unread(options: RuleOptions | None = None) -> Example:
    return Example(
        "the policy is unreadable", bucket({Aspect.POLICY: DENIED}), Verdict.UNKNOWN, options or RuleOptions()
    )


EXISTS = _rule(
    "bucket-policy-exists",
    Severity.INFO,
    _Words(
        "The bucket has no policy",
        (
            "Without a policy nothing refuses plain http, and access rests on identities and ACLs alone. "
            "Some audits want to see a policy on every bucket."
        ),
        fix="write down what every request has to meet, such as TLS",
        expect="a policy",
        instead=_TLS_DENY,
    ),
    check=_exists,
    examples=(
        Example("a policy", bucket(), Verdict.PASS),
        Example("none", _NO_POLICY, Verdict.FAIL),
        _unread(),
    ),
)
REQUIRED = _rule(
    "bucket-policy-required-statements",
    Severity.MEDIUM,
    _Words(
        "The policy lacks a statement that every policy has to have",
        (
            "The settings name statements that every bucket policy has to have, and this one lacks one of them. "
            "What the statement guards against is open here."
        ),
        fix="add the statements that rules.required_statements describes",
        expect="a statement for each of rules.required_statements",
        instead=_TLS_DENY,
    ),
    check=_required,
    controls=maps({Framework.CUSTODIAN: "missing-policy-statement, has-statement"}),
    by_name=lambda options: bool(options.required_statements),
    examples=(
        Example("it is there, in another spelling", bucket(), Verdict.PASS, _MUST),
        _of(
            "more conditions than asked for",
            Verdict.PASS,
            {**TLS_ONLY, "Condition": {"Bool": {"aws:SecureTransport": "false"}, "Null": {"aws:UserAgent": "false"}}},
            options=_MUST,
        ),
        _of("for other actions", Verdict.FAIL, {**TLS_ONLY, "Action": "s3:Get*"}, options=_MUST),
        _of("under another name", Verdict.FAIL, {**TLS_ONLY, "Sid": "HttpsOnly"}, options=_MUST),
        Example("no policy", _NO_POLICY, Verdict.FAIL, _MUST),
        Example("nothing is required", bucket(), Verdict.NOT_APPLICABLE),
        Example("a policy of a version nobody knows", _NO_JSON, Verdict.UNKNOWN, _MUST),
        _unread(_MUST),
    ),
)
FORBIDDEN = _rule(
    "bucket-policy-forbidden-statement",
    Severity.MEDIUM,
    _Words(
        "The policy has a statement that no policy may have",
        (
            "The settings name statements that no bucket policy may have, and this one has one of them. "
            "Somebody decided against it once, for all buckets."
        ),
        fix="take out the statement that rules.forbidden_statements describes",
        expect="no statement that rules.forbidden_statements describes",
    ),
    check=_forbidden,
    controls=maps({Framework.CUSTODIAN: "has-statement"}),
    by_name=lambda options: bool(options.forbidden_statements),
    examples=(
        Example("a sound bucket", bucket(), Verdict.PASS, _MUST_NOT),
        Example("no policy", _NO_POLICY, Verdict.PASS, _MUST_NOT),
        _of("an Allow to everyone", Verdict.FAIL, TLS_ONLY, allow({"AWS": ["*"]}), options=_MUST_NOT),
        _of("one by name", Verdict.FAIL, {**allow({"AWS": _ROLE}), "Sid": "TemporaryAccess"}, options=_MUST_NOT),
        Example("nothing is forbidden", bucket(), Verdict.NOT_APPLICABLE),
        Example("a policy of a version nobody knows", _NO_JSON, Verdict.UNKNOWN, _MUST_NOT),
        _unread(_MUST_NOT),
    ),
)
STAR = _rule(
    "bucket-policy-allows-star-action",
    Severity.MEDIUM,
    _Words(
        "A statement allows every action",
        (
            "s3:* holds deleting, changing the policy and whatever AWS adds later; hardly anyone needs it all. "
            "A list of the actions in use is short."
        ),
        fix="list what is needed as Action in place of s3:*",
        expect="no Allow with the action * or s3:*, but for the account itself",
    ),
    check=_star,
    examples=(
        Example("a sound bucket", bucket(), Verdict.PASS),
        Example("no policy", _NO_POLICY, Verdict.PASS),
        _of("a list of actions", Verdict.PASS, allow({"AWS": _ROLE}, ["s3:GetObject", "s3:PutObject"])),
        _of("the account itself", Verdict.PASS, allow({"AWS": ACCOUNT.account}, "s3:*")),
        _of(
            "all to the account's access points",
            Verdict.PASS,
            allow(actions="*", Condition={"StringEquals": {"s3:DataAccessPointAccount": ACCOUNT.account}}),
        ),
        _of("another account", Verdict.FAIL, allow({"AWS": "444455556666"}, "s3:*", [ARN, f"{ARN}/*"])),
        _of("a role of the own account", Verdict.FAIL, allow({"AWS": _ROLE}, "s3:*"), severity=Severity.LOW),
        _of("a service", Verdict.FAIL, allow({"Service": service("logging.s3")}, "*")),
        _of("an effect nobody knows", Verdict.UNKNOWN, {**allow(), "Effect": "Perhaps"}),
        _unread(),
    ),
)
LOGIN = _rule(
    "bucket-policy-web-identity",
    Severity.MEDIUM,
    _Words(
        "The policy admits logins of an identity provider",
        (
            "A bucket policy that names a login provider trusts everyone whom the provider lets log in. "
            "With a provider such as Facebook or Google that is anyone; a role with a trust policy is the safer way."
        ),
        fix="name a role as Principal that the logins may assume",
        expect='no Allow with "Federated" in its Principal',
    ),
    check=_login,
    examples=(
        Example("a sound bucket", bucket(), Verdict.PASS),
        _of("a role", Verdict.PASS, allow({"AWS": _ROLE})),
        _of("a Deny may name one", Verdict.PASS, {**allow({"Federated": "graph.facebook.com"}), "Effect": "Deny"}),
        _of("anyone on Facebook", Verdict.FAIL, allow({"Federated": "graph.facebook.com"}), severity=Severity.HIGH),
        _of(
            "the account's own provider",
            Verdict.FAIL,
            allow({"Federated": f"arn:{ACCOUNT.partition}:iam::{ACCOUNT.account}:saml-provider/office"}),
        ),
        _of("an effect nobody knows", Verdict.UNKNOWN, {**allow(), "Effect": "Perhaps"}),
        _unread(),
    ),
)

RULES = (STAR, LOGIN, REQUIRED, FORBIDDEN, EXISTS)
