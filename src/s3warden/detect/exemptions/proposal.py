"""What would have to be approved for a bucket to stay as it is: who outside may do what, as the engine proves it. Pure.

Takes a state, asks the engine for requests that get in, takes those away, and asks again, until nobody gets in. The
result is what an exemption's `approved` would have to say; whether it should is for a person to decide.
"""

from collections import defaultdict

from s3warden.detect.exemptions.binding import without
from s3warden.detect.exposed import analysed, inputs_of, without_layers
from s3warden.detect.exposure import actions
from s3warden.detect.questions import understood
from s3warden.detect.rule import RuleOptions
from s3warden.model.bucket import Aspect, BucketState, Present
from s3warden.model.configuration import Acl, GranteeKind
from s3warden.model.exemption import Allowance, Approved

_ROUNDS = 100
_UNSIGNED = "anyone, unsigned"


def proposed(state: BucketState, options: RuleOptions) -> Approved | None:
    """What is open, or would be if block public access and ownership were off; None where that cannot be told."""
    if understood(inputs_of(state, options)) is not None:
        return None
    found: defaultdict[str, set[str]] = defaultdict(set, _by_acl(state))
    for _ in range(_ROUNDS):
        more = _open(state, options, _approved(found))
        if all(names <= found[who] for who, names in more.items()):
            return _approved(found)
        for who, names in more.items():
            found[who] |= names
    return None


def _open(state: BucketState, options: RuleOptions, approved: Approved) -> dict[str, set[str]]:
    """The actions of the requests that still get in, by who sends them: an account; strangers are "" or "signed"."""
    rest = inputs_of(without(approved, state, options), options)
    verdict = analysed(rest)
    witnesses = verdict.witnesses if verdict.public else (*verdict.witnesses, *analysed(without_layers(rest)).witnesses)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for witness in witnesses:
        who = "" if witness.caller == _UNSIGNED else "signed"
        if witness.account is not None and witness.account in verdict.cross_account:
            who = witness.account
        if who not in options.trusted_accounts:
            found[who].add(witness.action)
    return found


def _by_acl(state: BucketState) -> dict[str, set[str]]:
    """The actions that the ACL grants to other accounts, by their canonical ids."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    match state.reading(Aspect.ACL):
        case Present(value=Acl(owner=owner, grants=grants)):
            for grant in grants:
                if grant.kind is GranteeKind.CANONICAL_USER and grant.grantee != owner:
                    lower = actions.ACL_ACTIONS.get(grant.permission.upper(), ())
                    found[grant.grantee] |= {actions.NAMES[actions.INDEX[name]] for name in lower}
    return found


def _approved(found: dict[str, set[str]]) -> Approved:
    accounts = {who: names for who, names in found.items() if who not in ("", "signed")}
    return Approved(
        public=_allowances(found.get("", set())),
        authenticated=_allowances(found.get("signed", set())),
        accounts=tuple((who, _allowances(names)) for who, names in sorted(accounts.items())),
    )


def _allowances(names: set[str]) -> tuple[Allowance, ...]:
    return tuple(Allowance(name) for name in sorted(names))
