"""Two policies against each other: whether one lets in a request that the other does not.

What is compared is their effect on one bucket and the objects in it: who may call what, under which conditions, every
Deny of both taken into account. Not compared are actions of other services, requests for other buckets, and what
identities may do by policies of their own. The answer comes with a request as proof.
"""

from collections.abc import Iterator
from dataclasses import replace

from s3warden.detect.exposure import actions
from s3warden.detect.exposure.budget import Budget
from s3warden.detect.exposure.callers import Caller, anonymous, members, service, strangers
from s3warden.detect.exposure.channels import POLICY, WORK, Channel, Inquiry, groups
from s3warden.detect.exposure.compiled import Place, Rule, compile_document, named_accounts
from s3warden.detect.exposure.inputs import ExposureInputs
from s3warden.detect.exposure.normal import Document, Statement
from s3warden.detect.exposure.parse import parse
from s3warden.detect.exposure.proof import Witness
from s3warden.detect.exposure.requirements import Requirement
from s3warden.detect.exposure.survey import document_of, facts_of

# A stranger is in no network, endpoint or organisation that a policy spells out. This account, which no policy can
# name, stands for whoever is.
_SOMEBODY = "000000000000"


def not_broader(inputs: ExposureInputs, limit: str) -> Requirement:
    """Whether every request that the bucket policy lets in is one that the policy `limit` lets in, too."""
    policy, control = _with_accounts(document_of(inputs.policy, "the bucket policy"), parse(limit))
    doubt = ""
    for named in (None, *_services(policy)):
        both = (policy, control) if named is None else (policy.seen_by(named), control.seen_by(named))
        found = _compared(inputs, *both, named)
        if found.loophole is not None:
            return found
        doubt = doubt or found.because
    return Requirement(None, because=doubt) if doubt else Requirement(True)


def _compared(inputs: ExposureInputs, policy: Document, control: Document, named: str | None) -> Requirement:
    """The question for all callers but services that are named, or for the one service that is `named`."""
    arn = f"arn:{inputs.partition}:s3:::{inputs.bucket}"
    place = Place(arn, f"{arn}/")
    own, other = compile_document(policy, POLICY, place), compile_document(control, "control policy", place)
    facts, _ = facts_of(inputs, [own, other])
    # What the control policy allows, taken away; and what it denies, asked for.
    taken = tuple(replace(rule, allow=False, deny=True) for rule in other.allows)
    refused = tuple(replace(each, effect="Deny") for each in control.statements if each.effect == "Allow")
    left = replace(policy, statements=(*policy.statements, *refused))
    asked = [Channel(POLICY, "bucket policy", (own.allows,), (*own.denies, *taken), facts, left, place)]
    if other.denies:
        forbidden = tuple(replace(rule, allow=True, deny=False) for rule in other.denies)
        asked.append(Channel(POLICY, "bucket policy", (own.allows, forbidden), own.denies, facts, policy, place))
    accounts = {**named_accounts([own, other])}
    accounts.setdefault(inputs.owner, set())
    doubt = ""
    for channel in asked:
        inquiry = Inquiry(channel, actions.ALL, Budget(WORK))
        rules: list[Rule] = [rule for rules in (*channel.grants, channel.denies) for rule in rules]
        parts = list(groups(rules, actions.ALL))
        for caller in _callers(channel, accounts, named):
            for granted, on_object in parts:
                found = inquiry.witness(caller, granted, on_object)
                if isinstance(found, Witness):
                    who = "somebody" if found.account == _SOMEBODY else named or found.caller
                    return Requirement(False, replace(found, caller=who))
                doubt = doubt or found or ""
    return Requirement(None, because=doubt) if doubt else Requirement(True)


def _callers(channel: Channel, accounts: dict[str, set[str]], named: str | None) -> Iterator[Caller]:
    mentioned = channel.facts.mentions.keys()
    yield from service(mentioned)
    if named is not None:
        return
    yield from anonymous(mentioned)
    yield from strangers(mentioned, web=channel.web)
    yield from members(_SOMEBODY, (), mentioned, web=False)
    for account, listed in sorted(accounts.items()):
        yield from members(account, sorted(listed), mentioned, web=channel.web)


def _services(policy: Document) -> list[str]:
    allowed = (s for s in policy.statements if s.effect == "Allow" and not s.principals.negated)
    return sorted({name for statement in allowed for name in statement.principals.service})


def _with_accounts(*documents: Document) -> tuple[Document, ...]:
    """The documents with every principal that has no account number given one, the same in all of them.

    Canonical users and origin access identities are fixed strangers; two policies agree on them if they name the same.
    """
    numbers: dict[str, str] = {}

    def numbered(statement: Statement) -> Statement:
        who = statement.principals
        strange = [*who.canonical, *(name for name in who.aws if ":iam::cloudfront:" in name)]
        known = [numbers.setdefault(name, f"{len(numbers) + 1:012}") for name in strange]
        rest = [name for name in who.aws if name not in strange]
        return replace(statement, principals=replace(who, aws=(*rest, *known), canonical=()))

    return tuple(replace(document, statements=tuple(map(numbered, document.statements))) for document in documents)
