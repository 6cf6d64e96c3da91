"""Access that the policies give to other accounts and organisations by name.

Who gets in is the exposure engine's answer, so a grant that a Deny or RestrictPublicBuckets takes back is no access.
The operator says which accounts and which organisation are trusted; what they may do is their business.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from s3warden.detect import proofs
from s3warden.detect.advice import policy_resource, policy_steps, shows_policy
from s3warden.detect.exposed import HINTS, NEEDS, analysed, inputs_of
from s3warden.detect.exposure.inputs import ExposureInputs
from s3warden.detect.exposure.proof import Witness
from s3warden.detect.exposure.verdict import Exposure
from s3warden.detect.mappings import CROSS_ACCOUNT
from s3warden.detect.questions import ADMINISTRATION, limited, raw_statements, status_of, understood
from s3warden.detect.rule import (
    Check,
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
from s3warden.detect.samples import ACCOUNT, ARN, DENIED, OWNER, allow, bucket, by_policy
from s3warden.model.bucket import Aspect, Present, Reading, State
from s3warden.model.configuration import Acl
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Control, Framework, maps
from s3warden.model.rule import Category, RuleInfo

_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-walkthroughs-managing-access-example2.html"
_EDIT = """\
aws s3api get-bucket-policy --bucket {bucket} --region {region} --query Policy --output text > {bucket}.json
# In {bucket}.json, take out the account that needs no access, then:
aws s3api put-bucket-policy --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --policy file://{bucket}.json
# If the access is wanted: add the account to rules.trusted_accounts."""
_TERRAFORM = """\
# In the policy of aws_s3_bucket_policy for {bucket}: take out the principal that needs no access."""
_MANY = 20
# An account that no policy can name, standing for any member of an organisation.
_MEMBER = "000000000000"


def _access(state: State, options: RuleOptions) -> Judgement:
    inputs, names = _numbered(state, options)
    if options.organization_id is not None:
        inputs = _outside(inputs, options.organization_id)
    found = analysed(inputs)
    accounts = _foreign(found, options)
    if not accounts:
        return _nobody(found, "No account that is not trusted has access.")
    facts = _facts(inputs_of(state, options), found, accounts, names)
    return fails(f"Other accounts have access: {facts['accounts']}, by {facts['granted_by']}.", facts)


def _administration(state: State, options: RuleOptions) -> Judgement:
    inputs, names = _numbered(state, options)
    if not _foreign(analysed(inputs), options):
        return _nobody(analysed(inputs), "No account that is not trusted has access.")
    unclear = understood(inputs)
    if unclear is not None:
        return undecided("What other accounts may do cannot be decided.", {"because": unclear})
    asked = limited(inputs, ADMINISTRATION)
    found = analysed(asked)
    accounts = _foreign(found, options)
    if not accounts:
        return _nobody(found, "Other accounts may do nothing that changes who may do what.")
    facts = _facts(inputs_of(state, options), found, accounts, names)
    return fails(f"Other accounts can administer the bucket: {facts['accounts']}, by {facts['granted_by']}.", facts)


def _organisations(state: State, options: RuleOptions) -> Judgement:
    inputs, _ = _numbered(state, options)
    own = options.organization_id
    if own is None:
        return not_applicable("No own organisation is configured to tell others from.")
    if not isinstance(inputs.policy, str) or "principalorg" not in inputs.policy.lower():
        return passes("The policy names no organisation.")
    naming = {"Effect": "Deny", "Principal": {"AWS": _MEMBER}, "Action": "s3:CreateBucket", "Resource": "*"}
    asked = _outside(_with(inputs, naming), own)
    found = analysed(asked)
    if found.public:
        return passes("The bucket is public to all organisations: another rule tells.")
    witness = next((w for w in found.witnesses if w.account == _MEMBER), None)
    if witness is None:
        return _nobody(found, "Only the own organisation has access, of those that the policy names.")
    context = dict(witness.context)
    names = context.get("aws:principalorgid", ()) + context.get("aws:principalorgpaths", ())
    facts = {
        "organisations": proofs.cut(", ".join(names), proofs.CONTEXT),
        **proofs.proof(inputs_of(state, options), witness),
    }
    facts["request"] = facts["request"].replace(_MEMBER, "any member")
    return fails(f"Members of another organisation have access, by {facts['granted_by']}.", facts)


def _foreign(found: Exposure, options: RuleOptions) -> list[str]:
    return [account for account in found.cross_account if account not in options.trusted_accounts]


def _nobody(found: Exposure, summary: str) -> Judgement:
    unclear = [text for text in found.unknown_because if found.public is None or text.startswith("account ")]
    if unclear:
        because = proofs.cut("; ".join(unclear[: proofs.LISTED]), proofs.STATEMENT)
        return undecided("It cannot be decided whether other accounts have access.", {"because": because})
    return passes(summary)


def _facts(
    inputs: ExposureInputs, found: Exposure, accounts: Sequence[str], names: Mapping[str, str]
) -> dict[str, str]:
    shown: dict[str | None, Witness] = {w.account: w for w in reversed(found.witnesses) if w.account in accounts}
    sources = list(dict.fromkeys(proofs.source(shown[account]) for account in accounts))
    facts = {
        "accounts": proofs.some([names.get(account, account) for account in accounts], _MANY),
        **proofs.proof(inputs, shown[accounts[0]]),
        "granted_by": proofs.some(sources),
    }
    for number, name in names.items():
        facts["request"] = facts["request"].replace(number, name)
    return facts


def _numbered(state: State, options: RuleOptions) -> tuple[ExposureInputs, dict[str, str]]:
    """The inputs with canonical users as accounts of made-up numbers, and who these are.

    A canonical id is one fixed account whose number the policy does not tell; the owner's own is in the ACL.
    """
    inputs = inputs_of(state, options)
    match state.reading(Aspect.ACL):
        case Present(value=Acl(owner=owner)):
            numbers = {owner: inputs.owner}
        case _:
            # Who the owner is is not known either, so that no canonical user can be told from it.
            return inputs, {}
    if not isinstance(inputs.policy, str) or '"CanonicalUser"' not in inputs.policy or understood(inputs) is not None:
        return inputs, {}
    changed = [_without_ids(statement, numbers) for statement in raw_statements(inputs.policy)]
    policy = json.dumps({**json.loads(inputs.policy), "Statement": changed})
    names = {number: f"canonical user {name}" for name, number in numbers.items() if number != inputs.owner}
    return replace(inputs, policy=policy, policy_status=status_of(inputs)), names


def _without_ids(statement: dict[str, object], numbers: dict[str, str]) -> dict[str, object]:
    for element in ("Principal", "NotPrincipal"):
        principal = statement.get(element)
        if isinstance(principal, dict) and "CanonicalUser" in principal:
            known = [
                numbers.setdefault(name, f"{len(numbers) + 1:012}") for name in _listed(principal["CanonicalUser"])
            ]
            rest = {kind: names for kind, names in principal.items() if kind != "CanonicalUser"}
            return {**statement, element: {**rest, "AWS": [*_listed(principal.get("AWS", [])), *known]}}
    return statement


def _listed(value: object) -> list[str]:
    return [value] if isinstance(value, str) else list(value) if isinstance(value, list) else []


def _outside(inputs: ExposureInputs, own: str) -> ExposureInputs:
    """The bucket with every member of the organisation `own` denied: who is left gets in without being one."""
    if not isinstance(inputs.policy, str) or "principalorg" not in inputs.policy.lower():
        return inputs
    everything = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    return _with(
        inputs,
        {**everything, "Condition": {"StringEquals": {"aws:PrincipalOrgID": own}}},
        {**everything, "Condition": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": f"{own}/*"}}},
    )


def _with(inputs: ExposureInputs, *statements: Mapping[str, object]) -> ExposureInputs:
    if not isinstance(inputs.policy, str) or understood(inputs) is not None:
        return inputs
    whole = {**json.loads(inputs.policy), "Statement": [*raw_statements(inputs.policy), *statements]}
    return replace(inputs, policy=json.dumps(whole), policy_status=status_of(inputs))


_PARTNER = "444455556666"
_PARTNERS = {"AWS": f"arn:{ACCOUNT.partition}:iam::{_PARTNER}:root"}
_TRUSTING = RuleOptions(trusted_accounts=(_PARTNER,))
_MEMBERSHIP = RuleOptions(organization_id="o-ourownorg1")


def _org(name: str) -> Mapping[str, object]:
    return {"StringEquals": {"aws:PrincipalOrgID": name}}


def _shared(principal: object = _PARTNERS, *, public: bool = False, **more: object) -> dict[Aspect, Reading[object]]:
    return by_policy(allow(principal, **more), public=public)


_NEWCOMERS = {"AWS": f"arn:{ACCOUNT.partition}:iam::777788889999:role/reader"}
_DENIED_POLICY = Example("the policy is unreadable", bucket({Aspect.POLICY: DENIED}), Verdict.UNKNOWN, _MEMBERSHIP)


def _rule(
    rule_id: str, title: str, why: str, check: Check, controls: tuple[Control, ...], examples: tuple[Example, ...]
) -> Rule:
    info = RuleInfo(
        id=rule_id,
        title=title,
        severity=Severity.HIGH,
        category=Category.ACCESS,
        needs=NEEDS,
        hints=HINTS,
        why=why,
        cli=_EDIT,
        terraform=_TERRAFORM,
        console=policy_steps("take out the account or organisation that needs no access"),
        cloudformation=policy_resource(note="With the principals alone that need access"),
        verify=shows_policy("no Allow to an account or organisation that is not yours or trusted"),
        maps=controls,
        default=True,
        references=(_GUIDE,),
    )
    return Rule(info, Kind.BUCKET, check, (*examples, _DENIED_POLICY))


ACCESS = _rule(
    "bucket-cross-account-access",
    "Another account has access that is not trusted",
    (
        "An account that nobody lists as trusted can reach the bucket; its administrators decide who in it may. "
        "Old partners and forgotten projects keep such access for years."
    ),
    _access,
    maps(
        {
            **CROSS_ACCOUNT,
            Framework.CONFORMITY: "S3-015",
            Framework.PROWLER: "s3_bucket_cross_account_access",
            Framework.CUSTODIAN: "cross-account, s3-access-point-multi.cross-account",
        }
    ),
    (
        Example("nobody is named", bucket(), Verdict.PASS),
        Example("an account is named", bucket(_shared()), Verdict.FAIL),
        Example("the account is trusted", bucket(_shared()), Verdict.PASS, _TRUSTING),
        Example(
            "one of two is trusted",
            bucket(by_policy(allow(_PARTNERS), allow(_NEWCOMERS), public=False)),
            Verdict.FAIL,
            _TRUSTING,
        ),
        Example("a canonical user is an account, too", bucket(_shared({"CanonicalUser": "f" * 64})), Verdict.FAIL),
        Example("but for the owner's", bucket(_shared({"CanonicalUser": OWNER})), Verdict.PASS),
        Example(
            "only as a member of the own organisation",
            bucket(_shared(Condition=_org("o-ourownorg1"))),
            Verdict.PASS,
            _MEMBERSHIP,
        ),
        Example(
            "a public statement beside it cuts the grant under RestrictPublicBuckets",
            bucket(by_policy(allow(_PARTNERS), allow())),
            Verdict.PASS,
        ),
    ),
)
ADMINISTRATION_RULE = _rule(
    "bucket-cross-account-admin-actions",
    "Another account may change who has access or what is kept",
    (
        "Actions such as PutBucketAcl, PutEncryptionConfiguration or DeleteBucket let another account open or lock "
        "the bucket. Sharing data takes none of them."
    ),
    _administration,
    maps(
        {
            **CROSS_ACCOUNT,
            Framework.SECURITY_HUB: "S3.6",
            Framework.CONFIG: "s3-bucket-blacklisted-actions-prohibited",
        }
    ),
    (
        Example("nobody is named", bucket(), Verdict.PASS),
        Example("reading is no administration", bucket(_shared()), Verdict.PASS),
        Example("every action", bucket(_shared(actions="s3:*", resource="*")), Verdict.FAIL),
        Example("the account is trusted", bucket(_shared(actions="s3:*", resource="*")), Verdict.PASS, _TRUSTING),
        Example("deletion of the bucket alone", bucket(_shared(actions="s3:DeleteBucket", resource=ARN)), Verdict.FAIL),
    ),
)
ORGANISATIONS = _rule(
    "bucket-cross-account-outside-org",
    "Another organisation has access",
    (
        "A condition on the organisation lets in members of one that is not yours, all of its accounts at once. "
        "A wrong digit in an organisation id looks just like a right one."
    ),
    _organisations,
    maps({Framework.CUSTODIAN: "cross-account"}),
    (
        Example("no organisation is named", bucket(), Verdict.PASS, _MEMBERSHIP),
        Example("the own one", bucket(_shared("*", Condition=_org("o-ourownorg1"))), Verdict.PASS, _MEMBERSHIP),
        Example("another one", bucket(_shared("*", Condition=_org("o-elsewhere1"))), Verdict.FAIL, _MEMBERSHIP),
        Example(
            "another one is exempt from a Deny",
            bucket(
                by_policy(
                    allow(),
                    {
                        **allow(actions="s3:*", resource=[ARN, f"{ARN}/*"]),
                        "Effect": "Deny",
                        "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": ["o-ourownorg1", "o-elsewhere1"]}},
                    },
                    public=False,
                )
            ),
            Verdict.FAIL,
            _MEMBERSHIP,
        ),
        Example(
            "a unit of the own one",
            bucket(
                _shared(
                    "*",
                    Condition={"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-ourownorg1/r-ab12/*"}},
                )
            ),
            Verdict.PASS,
            _MEMBERSHIP,
        ),
        Example(
            "whose it is is not known", bucket(_shared("*", Condition=_org("o-elsewhere1"))), Verdict.NOT_APPLICABLE
        ),
    ),
)

RULES = (ACCESS, ADMINISTRATION_RULE, ORGANISATIONS)
