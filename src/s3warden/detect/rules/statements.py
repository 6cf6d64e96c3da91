"""What single statements of the bucket policy get wrong: whom they name, what they leave out, what guards them.

Where a statement matters only by its effect, the exposure engine is asked about it alone, with every Deny in force.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from s3warden.detect import proofs
from s3warden.detect.advice import NAMED_READER, policy_resource, policy_steps, shows_policy
from s3warden.detect.exposed import analysed, policy_inputs
from s3warden.detect.exposure.compiled import account_of
from s3warden.detect.exposure.inputs import ExposureInputs
from s3warden.detect.exposure.normal import Condition, Statement
from s3warden.detect.exposure.values import PRIVATE, Span, is_broad
from s3warden.detect.questions import alone, document, owner_can, statements, understood
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
from s3warden.detect.samples import ACCOUNT, ARN, DENIED, allow, bucket, by_policy, policy
from s3warden.model.bucket import Aspect, Present, State
from s3warden.model.configuration import Policy, PolicyStatus
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Control, Framework, maps
from s3warden.model.rule import Category, RuleInfo

_ELEMENTS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html"
_PUBLIC = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"
_EDIT = """\
aws s3api get-bucket-policy --bucket {bucket} --region {region} --query Policy --output text > {bucket}.json
# In {bucket}.json, %s, then:
aws s3api put-bucket-policy --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --policy file://{bucket}.json"""
_TERRAFORM = "# In the policy of aws_s3_bucket_policy for {bucket}: %s."
_POLICY = frozenset({Aspect.POLICY})
_REPAIRS = ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy")
_DELETED = re.compile(r"A[A-Z]{2}A[A-Z0-9]{8,}")


def _each(
    found: Callable[[ExposureInputs, Statement], dict[str, str] | None], clean: str, broken: str
) -> Callable[[ExposureInputs], Judgement]:
    """A judgement on the statements one by one: the facts of the first that `found` has something on."""

    def judge(inputs: ExposureInputs) -> Judgement:
        told = [(s, facts) for s in statements(inputs) if (facts := found(inputs, s)) is not None]
        if told:
            first, facts = told[0]
            names = proofs.some([s.label for s, _ in told])
            text = proofs.statement_text(inputs, first.label)
            return fails(f"{broken}: {names}.", {"statements": names, **facts, "statement": text})
        strange = next((s.unknown[0] for s in statements(inputs) if s.effect is None), None)
        return _nothing(inputs, clean, strange)

    return judge


def _open(statement: Statement) -> bool:
    """Whether an Allow speaks to everyone."""
    return statement.effect == "Allow" and statement.principals.everyone and not statement.principals.negated


def _not_principal(_: ExposureInputs, statement: Statement) -> dict[str, str] | None:
    if statement.effect != "Allow" or not statement.principals.negated:
        return None
    named = statement.principals
    return {"all_but": proofs.some([*named.aws, *named.service, *named.federated, *named.canonical])}


def _not_action(_: ExposureInputs, statement: Statement) -> dict[str, str] | None:
    if statement.effect != "Allow" or not statement.not_action:
        return None
    return {"all_but": proofs.some(statement.actions)}


def _dangling(state: State, options: RuleOptions) -> Judgement:
    configured(state, Aspect.POLICY, Policy)

    def gone(_: ExposureInputs, statement: Statement) -> dict[str, str] | None:
        named = statement.principals.aws
        deleted = [name for name in named if _DELETED.fullmatch(name)]
        closed = [name for name in named if (account_of(name) or name) in options.closed_accounts]
        facts = {"principals": deleted, "of_closed_accounts": closed}
        return {key: proofs.some(names) for key, names in facts.items() if names} or None

    judge = _each(gone, "Every principal that is named may exist.", "Principals that are no more are named")
    return judge(policy_inputs(state, options))


def _wildcard(inputs: ExposureInputs) -> Judgement:
    wild = [s for s in statements(inputs) if _open(s)]
    if not wild:
        return _nothing(inputs, "No Allow speaks to everyone.")
    found = analysed(inputs)
    if found.public is None:
        return undecided("It cannot be decided whether the policy is open to everyone.", proofs.doubts(found))
    if found.public:
        return passes("The policy is open to everyone: other rules tell.")
    names = proofs.some([s.label for s in wild])
    guards = [f"{r.source}: {r.text}" for r in found.reasons if r.layer in {"condition", "deny", "owner_only_api"}]
    if not guards:
        return passes("The statements that speak to everyone grant nothing in this bucket.")
    facts = {"statements": names, "guard": proofs.cut("; ".join(guards[: proofs.LISTED]), proofs.STATEMENT)}
    text = proofs.statement_text(inputs, wild[0].label)
    return fails(f"Everyone is named, and only a guard keeps them out: {names}.", {**facts, "statement": text})


def _spoofable(inputs: ExposureInputs) -> Judgement:
    guarded = [s for s in statements(inputs) if _open(s) and (s.conditions or s.unknown)]
    unclear = understood(inputs)
    if not guarded or unclear is not None:
        return _nothing(inputs, "No Allow to everyone relies on a condition.", unclear if guarded else None)
    answers = [(s, analysed(alone(inputs, s.index))) for s in guarded]
    for statement, found in answers:
        if found.public:
            conditions = " and ".join(condition.show() for condition in statement.conditions)
            facts = {
                "statements": statement.label,
                "conditions": proofs.cut(conditions, proofs.STATEMENT),
                "request": proofs.request(found.witnesses[0]),
            }
            return fails(f"A stranger can meet every condition of {statement.label}.", facts)
    doubtful = next((found for _, found in answers if found.public is None), None)
    if doubtful is not None:
        return undecided("Whether a stranger can meet the conditions cannot be decided.", proofs.doubts(doubtful))
    return passes("No stranger meets the conditions of what is allowed to everyone.")


def _broad(inputs: ExposureInputs, widest: Mapping[int, int]) -> Judgement:
    read = statements(inputs)
    if not any(_open(s) for s in read):
        return _nothing(inputs, "No Allow to everyone relies on addresses.")
    wide = [
        (s, c, span) for s in read for c in s.conditions if _guards(s, c) for span in c.spans if _wide(span, widest)
    ]
    if not wide:
        return _nothing(inputs, "No Allow to everyone relies on a broad range of addresses.")
    names = proofs.some(list(dict.fromkeys(s.label for s, _, _ in wide)))
    ranges = [value for _, c, _ in wide for value, span in zip(c.values, c.spans, strict=True) if _wide(span, widest)]
    text = proofs.statement_text(inputs, wide[0][0].label)
    facts = {"statements": names, "ranges": proofs.some(list(dict.fromkeys(ranges))), "statement": text}
    lesser = None if any(is_broad(span) for _, _, span in wide) else Severity.MEDIUM
    return fails(f"A broad range of addresses is the guard: {facts['ranges']} in {names}.", facts, severity=lesser)


def _guards(statement: Statement, condition: Condition) -> bool:
    """Whether the condition lets in by address: in an Allow to everyone, or as what a Deny leaves out."""
    if condition.key != "aws:sourceip" or condition.operator.base != "IpAddress":
        return False
    return _open(statement) if not condition.operator.negated else statement.effect == "Deny"


def _wide(span: Span, widest: Mapping[int, int]) -> bool:
    private = any(span.family == own.family and own.low <= span.low and span.high <= own.high for own in PRIVATE)
    return not private and span.prefix < widest[span.family]


def _lockout(inputs: ExposureInputs) -> Judgement:
    if not any(s.effect != "Allow" for s in statements(inputs)):
        return _nothing(inputs, "Nothing is denied.")
    doubt = ""
    for action in _REPAIRS:
        answer = owner_can(inputs, action)
        if answer is True:
            return passes("The account itself can still change the policy.")
        doubt = doubt or answer or ""
    if doubt:
        return undecided("Whether the account can still change the policy cannot be decided.", {"because": doubt})
    denies = proofs.some([s.label for s in statements(inputs) if s.effect == "Deny"])
    facts = {"denied": ", ".join(_REPAIRS), "statements": denies}
    return fails("Nobody but the root user can change or delete the bucket policy.", facts)


def _nothing(inputs: ExposureInputs, clean: str, unclear: str | None = None) -> Judgement:
    """A pass, unless the policy itself is not understood."""
    if isinstance(inputs.policy, str):
        unclear = unclear or next(iter(document(inputs.policy).unknown), None)
    return passes(clean) if unclear is None else undecided("The policy cannot be understood.", {"because": unclear})


def _of_policy(judge: Callable[[ExposureInputs], Judgement]) -> Check:
    def check(state: State, options: RuleOptions) -> Judgement:
        configured(state, Aspect.POLICY, Policy)
        return judge(policy_inputs(state, options))

    return check


def _networks(state: State, options: RuleOptions) -> Judgement:
    configured(state, Aspect.POLICY, Policy)
    return _broad(policy_inputs(state, options), {4: options.widest_ipv4, 6: options.widest_ipv6})


def _status(state: State, options: RuleOptions) -> Judgement:
    status = configured(state, Aspect.POLICY_STATUS, PolicyStatus)
    configured(state, Aspect.POLICY, Policy)
    inputs = policy_inputs(state, options)
    mine = analysed(inputs).policy_status_is_public
    if status is None or inputs.policy is None or mine is None or mine == status.is_public:
        return passes("AWS and the estimate do not differ about the policy.")
    words = proofs.status_words(mine, status.is_public)
    return fails(f"Whether the policy is public: {words}.", {"policy_status": words})


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
    references: Iterable[str],
    examples: tuple[Example, ...],
    controls: tuple[Control, ...] = (),
) -> Rule:
    info = RuleInfo(
        id=rule_id,
        title=words.title,
        severity=severity,
        category=Category.ACCESS,
        needs=_POLICY,
        why=words.why,
        cli=_EDIT % words.fix,
        terraform=_TERRAFORM % words.fix,
        console=policy_steps(words.fix),
        cloudformation=policy_resource(words.instead),
        verify=shows_policy(words.expect),
        maps=controls,
        default=severity is Severity.HIGH,
        references=tuple(references),
    )
    denied = Example("the policy is unreadable", bucket({Aspect.POLICY: DENIED}), Verdict.UNKNOWN)
    return Rule(info, Kind.BUCKET, check, (Example("a sound bucket", bucket(), Verdict.PASS), *examples, denied))


def _example(title: str, verdict: Verdict, *given: Mapping[str, object], severity: Severity | None = None) -> Example:
    return Example(title, bucket({Aspect.POLICY: policy(*given)}), verdict, severity=severity)


_OWN_VPC = {"StringEquals": {"aws:SourceVpc": "vpc-1a2b3c4d"}}
_DENY_ALL = {**allow(actions="s3:*", resource=[ARN, f"{ARN}/*"]), "Effect": "Deny"}
_ROLE = f"arn:{ACCOUNT.partition}:iam::{ACCOUNT.account}:role/admin"


def _from(ranges: object, **more: object) -> Mapping[str, object]:
    return allow(Condition={"IpAddress": {"aws:SourceIp": ranges}}, **more)


WILDCARD = _rule(
    "bucket-policy-wildcard-principal",
    Severity.LOW,
    _Words(
        "A statement names everyone, and only a guard keeps them out",
        (
            "A statement allows something to everyone, and a guard beside it takes that back. "
            "Whoever edits the guard opens the bucket to the world; a named principal would stay a limit."
        ),
        fix='give the statement principals in place of "*"',
        expect='no Allow with "*" as its Principal',
    ),
    check=_of_policy(_wildcard),
    controls=maps({Framework.CIS_7_0: "2.21"}),
    references=(f"{_ELEMENTS}#reference_policies_elements_principal",),
    examples=(
        _example("one VPC", Verdict.FAIL, allow(Condition=_OWN_VPC)),
        _example(
            "a Deny outside one VPC",
            Verdict.FAIL,
            allow(),
            {**_DENY_ALL, "Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-1a2b3c4d"}}},
        ),
        _example(
            "S3 itself keeps the call for the owner", Verdict.FAIL, allow(actions="s3:PutBucketPolicy", resource=ARN)
        ),
        _example("open in fact: other rules tell", Verdict.PASS, allow()),
        _example("an operator nobody knows", Verdict.UNKNOWN, allow(Condition={"Stringy": {"aws:SourceVpc": "x"}})),
    ),
)
NOT_PRINCIPAL = _rule(
    "bucket-policy-not-principal-allow",
    Severity.HIGH,
    _Words(
        "A statement allows something to everyone but those it names",
        (
            "Allow with NotPrincipal means everyone else in the world, unsigned callers included. "
            "It is nearly always meant as its opposite."
        ),
        fix="name who is allowed as Principal in place of NotPrincipal",
        expect="no Allow with NotPrincipal",
    ),
    check=_of_policy(_each(_not_principal, "No Allow uses NotPrincipal.", "Everyone but a few is allowed")),
    references=(f"{_ELEMENTS}#reference_policies_elements_notprincipal",),
    examples=(
        _example(
            "all but one role",
            Verdict.FAIL,
            {
                "Effect": "Allow",
                "NotPrincipal": {"AWS": _ROLE},
                "Action": "s3:GetObject",
                "Resource": f"{ARN}/*",
            },
        ),
        _example("a Deny may use it", Verdict.PASS, {**_DENY_ALL, "Action": "s3:Put*"}),
    ),
)
NOT_ACTION = _rule(
    "bucket-policy-not-action-allow",
    Severity.MEDIUM,
    _Words(
        "A statement allows every action but those it names",
        (
            "Allow with NotAction grants every action that it does not list, those that AWS adds later included. "
            "The list of what is needed is nearly always shorter."
        ),
        fix="list what is needed as Action in place of NotAction",
        expect="no Allow with NotAction",
    ),
    check=_of_policy(_each(_not_action, "No Allow uses NotAction.", "All actions but a few are allowed")),
    references=(f"{_ELEMENTS}#reference_policies_elements_notaction",),
    examples=(
        _example(
            "all but deleting",
            Verdict.FAIL,
            {
                "Effect": "Allow",
                "Principal": {"AWS": _ROLE},
                "NotAction": "s3:Delete*",
                "Resource": f"{ARN}/*",
            },
        ),
        _example("a plain list", Verdict.PASS, allow({"AWS": _ROLE})),
    ),
)
BROAD = _rule(
    "bucket-policy-broad-source-ip",
    Severity.HIGH,
    _Words(
        "A broad range of addresses is all that guards the bucket",
        (
            "Within a range wider than /16 anyone may rent an address from a cloud provider, and is in. "
            "From /8 on S3 itself no longer takes a range for a limit; the settings may draw the line elsewhere."
        ),
        fix="narrow the ranges to the addresses that are yours",
        expect="no aws:SourceIp wider than /16, or /48 of IPv6, but for private ranges",
        instead=f"""\
{NAMED_READER}
  Condition:
    IpAddress:
      aws:SourceIp: 203.0.113.0/24""",
    ),
    check=_networks,
    controls=maps({Framework.CONFIG: "s3-bucket-policy-grantee-check"}),
    references=(_PUBLIC,),
    examples=(
        _example("half the internet", Verdict.FAIL, _from(["0.0.0.0/1", "128.0.0.0/1"])),
        _example("a /9", Verdict.FAIL, _from("52.0.0.0/9"), severity=Severity.MEDIUM),
        _example(
            "as what a Deny leaves out",
            Verdict.FAIL,
            allow(),
            {**_DENY_ALL, "Condition": {"NotIpAddress": {"aws:SourceIp": "52.0.0.0/10"}}},
            severity=Severity.MEDIUM,
        ),
        Example(
            "wider than the settings allow",
            bucket({Aspect.POLICY: policy(_from("203.0.113.0/24"))}),
            Verdict.FAIL,
            RuleOptions(widest_ipv4=28),
            severity=Severity.MEDIUM,
        ),
        _example("a private range", Verdict.PASS, _from("10.0.0.0/8")),
        _example("an office", Verdict.PASS, _from("203.0.113.0/24")),
        _example("beside a named principal", Verdict.PASS, _from("52.0.0.0/9", principal={"AWS": _ROLE})),
    ),
)
SPOOFABLE = _rule(
    "bucket-policy-spoofable-condition",
    Severity.HIGH,
    _Words(
        "A condition guards the bucket that any caller can meet",
        (
            "Headers, prefixes, wildcards and attributes of the caller's own account are chosen by the caller. "
            "A condition on them looks like a limit and is none."
        ),
        fix="replace the condition by principals, or by a key that a caller cannot choose",
        expect="no Allow to everyone that relies on aws:Referer, aws:UserAgent, a prefix or a wildcard",
    ),
    check=_of_policy(_spoofable),
    references=(
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html",
        f"{_ELEMENTS}#reference_policies_elements_condition",
    ),
    examples=(
        _example(
            "the referer", Verdict.FAIL, allow(Condition={"StringLike": {"aws:Referer": "https://example.com/*"}})
        ),
        _example("any VPC", Verdict.FAIL, allow(Condition={"StringLike": {"aws:SourceVpc": "vpc-*"}})),
        _example(
            "a key that most requests lack",
            Verdict.FAIL,
            allow(Condition={"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1a2b3c4d"}}),
        ),
        _example("one VPC", Verdict.PASS, allow(Condition=_OWN_VPC)),
        _example("no condition at all", Verdict.PASS, allow()),
        _example("an operator nobody knows", Verdict.UNKNOWN, allow(Condition={"Stringy": {"aws:Referer": "x"}})),
    ),
)
_OF_CLOSED = bucket({Aspect.POLICY: policy(allow({"AWS": f"arn:{ACCOUNT.partition}:iam::444455556666:root"}))})
DANGLING = _rule(
    "bucket-policy-dangling-principal",
    Severity.LOW,
    _Words(
        "A statement names a principal that is no more",
        (
            "An id in place of a role or user is what AWS leaves of a deleted principal: it grants nothing to anyone. "
            "An account that was closed or suspended comes back with its trust if somebody reopens it."
        ),
        fix="take out the ids that begin with AROA or AIDA, and the accounts that were closed",
        expect="no principal that begins with AROA or AIDA, and none of a closed account",
    ),
    check=_dangling,
    references=(
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_account_state.html",
    ),
    examples=(
        _example("a deleted role", Verdict.FAIL, allow({"AWS": "AROAEXAMPLEID1234567"})),
        Example("a closed account", _OF_CLOSED, Verdict.FAIL, RuleOptions(closed_accounts=("444455556666",))),
        Example("an account that is not closed", _OF_CLOSED, Verdict.PASS),
        _example("a role", Verdict.PASS, allow({"AWS": _ROLE})),
    ),
)
LOCKOUT = _rule(
    "bucket-policy-lockout",
    Severity.HIGH,
    _Words(
        "The policy locks its own account out",
        (
            "Every identity of the account but the root user is denied to change or delete the bucket policy. "
            "Until someone with the root user's credentials deletes it, nobody can mend anything."
        ),
        fix="as the root user, exempt a role from the Deny",
        expect="an answer, with credentials of the role that is exempt",
        instead="""\
- Sid: AllButAdmin
  Effect: Deny
  Principal: "*"
  Action: s3:*
  Resource:
    - arn:{partition}:s3:::{bucket}
    - arn:{partition}:s3:::{bucket}/*
  Condition:
    ArnNotEquals:
      aws:PrincipalArn: arn:{partition}:iam::{account}:role/admin""",
    ),
    check=_of_policy(_lockout),
    references=("https://repost.aws/knowledge-center/s3-accidentally-denied-access",),
    examples=(
        _example("everyone is denied everything", Verdict.FAIL, _DENY_ALL),
        _example(
            "only the root user is exempt",
            Verdict.FAIL,
            {
                **_DENY_ALL,
                "Condition": {
                    "ArnNotEquals": {"aws:PrincipalArn": f"arn:{ACCOUNT.partition}:iam::{ACCOUNT.account}:root"}
                },
            },
        ),
        _example(
            "a role is exempt",
            Verdict.PASS,
            {**_DENY_ALL, "Condition": {"ArnNotEquals": {"aws:PrincipalArn": _ROLE}}},
        ),
        _example("objects alone are denied", Verdict.PASS, {**_DENY_ALL, "Resource": f"{ARN}/*"}),
        _example(
            "an operator nobody knows",
            Verdict.UNKNOWN,
            {**_DENY_ALL, "Condition": {"Stringy": {"aws:PrincipalArn": _ROLE}}},
        ),
    ),
)
STATUS = Rule(
    RuleInfo(
        id="bucket-policy-status-differs",
        title="AWS and s3warden differ on whether the policy is public",
        severity=Severity.LOW,
        category=Category.ACCESS,
        needs=frozenset({Aspect.POLICY, Aspect.POLICY_STATUS}),
        why=(
            "GetBucketPolicyStatus and the policy's own text give two answers to one question. "
            "Either s3warden reads the policy wrong, or AWS has not caught up with a change."
        ),
        cli="""\
aws s3api get-bucket-policy-status --bucket {bucket} --region {region} --expected-bucket-owner {account}
s3warden explain bucket {bucket}
# If both still differ after some minutes, please report the policy.""",
        terraform="# Nothing to change for {bucket}: compare AWS's answer with that of s3warden explain bucket.",
        console="""\
Open Amazon S3, Buckets, {bucket}, Permissions: Bucket policy says Publicly accessible where AWS calls it public.
Wait some minutes, reload, and compare with s3warden explain bucket {bucket}.
If both still differ, please report the policy.""",
        cloudformation="# Nothing to change for {bucket}: compare AWS's answer with that of s3warden explain bucket.",
        verify="""\
aws s3api get-bucket-policy-status --bucket {bucket} --region {region} --expected-bucket-owner {account}
# Expect: the answer that s3warden explain bucket gives.""",
        maps=(),
        default=False,
        references=(_PUBLIC, "https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicyStatus.html"),
    ),
    Kind.BUCKET,
    _status,
    (
        Example("a sound bucket", bucket(), Verdict.PASS),
        Example("both say public", bucket(by_policy(allow())), Verdict.PASS),
        Example("AWS says not public", bucket(by_policy(allow(), public=False)), Verdict.FAIL),
        Example(
            "AWS says public",
            bucket({Aspect.POLICY_STATUS: Present(PolicyStatus(is_public=True))}),
            Verdict.FAIL,
        ),
        Example("the status is unreadable", bucket({Aspect.POLICY_STATUS: DENIED}), Verdict.UNKNOWN),
    ),
)

RULES = (NOT_PRINCIPAL, SPOOFABLE, BROAD, NOT_ACTION, WILDCARD, LOCKOUT, DANGLING, STATUS)
