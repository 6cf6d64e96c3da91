"""What each condition key can be in a caller's request: the table of docs/exposure.md as code.

Takes a caller, the mentions of keys in the documents and the facts about the bucket; hands on the domain of a key:
absent, fixed, a few candidates, or any text of a shape. A key that is not in the table has no domain: undecided.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType

from s3warden.detect.exposure.addresses import addresses
from s3warden.detect.exposure.callers import ANONYMOUS, FEDERATED, ROLE, ROOT, SERVICE, USER, VPC, WEB, as_principal
from s3warden.detect.exposure.domains import Choice, Domain, Text, choice
from s3warden.detect.exposure.facts import Ask
from s3warden.detect.exposure.glob import ANY, DIGIT, NO_COLON, Pattern, Token, exact, glob, tokenised
from s3warden.detect.exposure.texts import UNKNOWN_ORGANISATION, own, own_account, own_head, text

ABSENT = (None,)
_FIELD: tuple[Token, ...] = ((NO_COLON, False), (NO_COLON, True))
_REST: tuple[Token, ...] = ((ANY, False), (ANY, True))
_TWELVE: tuple[Token, ...] = ((DIGIT, False),) * 12


def _literal(text: str) -> tuple[Token, ...]:
    return tuple((char, False) for char in text)


def domain(ask: Ask) -> Domain | None:
    """What `ask.key` can be in a request of `ask.caller`; None for a key that nobody described."""
    rule = _RULES.get(ask.key)
    if rule is not None:
        return rule(ask)
    for prefix, family in _FAMILIES:
        if ask.key.startswith(prefix):
            return family(ask)
    if "." in ask.key.partition(":")[0]:
        return _claim(ask)
    return None


def _weak(ask: Ask) -> Domain:
    return text(ask, _SAMPLES.get(ask.key, "any"), optional=True)


def _signed_weak(ask: Ask) -> Domain:
    return _weak(ask) if ask.caller.signed else choice(ask.key, *ABSENT)


def _of_services(ask: Ask) -> Domain:
    """Keys that only calls of AWS services carry."""
    return _weak(ask) if ask.caller.kind == SERVICE else choice(ask.key, *ABSENT)


def _flag(ask: Ask) -> Domain:
    return choice(ask.key, None, "false", "true") if ask.caller.signed else choice(ask.key, *ABSENT)


def _number(ask: Ask) -> Domain:
    mention = ask.mention
    points = sorted({span.low for span in mention.spans}) or [1.0]
    between = [(a + b) / 2 for a, b in pairwise(points)]
    around = sorted({points[0] - 1, *points, *between, points[-1] + 1})
    return Choice(
        ask.key, {ask.key: (None, *(f"{value:.17g}" for value in around), *sorted(mention.literals))}, is_open=True
    )


def _signed_number(ask: Ask) -> Domain:
    return _number(ask) if ask.caller.signed else choice(ask.key, *ABSENT)


def _clock(ask: Ask) -> Domain:
    if ask.facts.now is not None:
        return choice(ask.key, f"{ask.facts.now:.17g}")
    found = _number(ask)
    assert isinstance(found, Choice)  # noqa: S101 - what _number hands out
    return Choice(ask.key, {ask.key: found.views[ask.key][1:]}, is_open=True)


_TRANSPORT = Choice(
    "transport",
    MappingProxyType(
        {
            "aws:securetransport": ("true", "true", "true", "true", "false"),
            "s3:tlsversion": ("1.3", "1.2", "1.1", "1.0", None),
        }
    ),
)


def _transport(_: Ask) -> Domain:
    return _TRANSPORT


def _owner(ask: Ask) -> Domain:
    return choice(ask.key, ask.facts.owner)


def _owner_organisation(ask: Ask) -> Domain:
    if ask.facts.organisation is not None and ask.key == "aws:resourceorgid":
        return choice(ask.key, ask.facts.organisation)
    return text(ask, UNKNOWN_ORGANISATION, optional=True)


def _source_ip(ask: Ask) -> Domain:
    if ask.caller.network == VPC:
        return choice(ask.key, *ABSENT)
    return addresses(ask, closed_to_strangers=True)


def _vpc_source_ip(ask: Ask) -> Domain:
    if ask.caller.network != VPC:
        return choice(ask.key, *ABSENT)
    return addresses(ask, closed_to_strangers=False)


def _vpc_text(sample: str, shape: str) -> "_Rule":
    def rule(ask: Ask) -> Domain:
        if ask.caller.network != VPC:
            return choice(ask.key, *ABSENT)
        return text(ask, sample, optional=False, shape=glob(shape), fixed=own if ask.caller.stranger else None)

    return rule


def _vpce_account(ask: Ask) -> Domain:
    return _account(ask) if ask.caller.network == VPC else choice(ask.key, *ABSENT)


def _account(ask: Ask) -> Domain:
    """An account of the caller: its own for a named one, any that no document names for a stranger."""
    if ask.caller.account is not None:
        return choice(ask.key, ask.caller.account)
    mention = ask.mention
    if not mention.wild:
        return choice(ask.key, ask.facts.stranger)

    def bar(value: str) -> Pattern | None:
        return exact(value) if value in ask.facts.named else None

    return Text(ask.key, ask.facts.stranger, False, tokenised(_TWELVE), bar)


def _principal_account(ask: Ask) -> Domain:
    if ask.caller.kind == ANONYMOUS:
        return choice(ask.key, "anonymous", None)
    arn = ask.facts.mention("aws:principalarn")
    if ask.caller.stranger and (arn.wild or ask.mention.wild) and arn.conditions:
        return _principal_arn(replace(ask, key="aws:principalarn"))
    return _account(ask)


_ARN_TAIL = {ROLE: ("iam", ":role/"), USER: ("iam", ":user/"), ROOT: ("iam", ":root"), WEB: ("iam", ":role/")}


def _principal_arn(ask: Ask) -> Domain:
    if ask.caller.kind == ANONYMOUS:
        return choice(ask.key, *ABSENT)
    if ask.caller.listed is not None:
        return choice(ask.key, as_principal(ask.caller.listed))
    service, tail = _ARN_TAIL.get(ask.caller.kind, ("sts", ":federated-user/"))
    account = _TWELVE if ask.caller.account is None else _literal(ask.caller.account)
    name = "" if ask.caller.kind == ROOT else "visitor"
    sample = f"arn:{ask.facts.partition}:{service}::{ask.caller.account or ask.facts.stranger}{tail}{name}"
    mention = ask.mention
    if not mention.wild and not (ask.caller.stranger and ask.facts.mention("aws:principalaccount").wild):
        values = [
            v
            for v in sorted(mention.literals)
            if not ask.caller.stranger and v.split(":", 5)[4:5] == [ask.caller.account]
        ]
        return choice(ask.key, sample, *(value for value in values if tail in value and value != sample))
    ending: tuple[Token, ...] = () if ask.caller.kind == ROOT else ((ANY, False), (ANY, True))
    shape = tokenised((*_literal(f"arn:{ask.facts.partition}:{service}::"), *account, *_literal(tail), *ending))
    return Text(ask.key, sample, False, shape, own_account(mention, ask.facts) if ask.caller.stranger else None)


def _userid(ask: Ask) -> Domain:
    if ask.caller.kind == ANONYMOUS:
        return choice(ask.key, "anonymous", None)
    fixed = own_head(":") if ask.caller.stranger else None
    if ask.caller.kind == ROOT:
        return _account(ask)
    if ask.caller.kind == USER:
        return text(ask, "AIDASTRANGER00000000", optional=False, shape=glob("AIDA?*"), fixed=fixed)
    if ask.caller.kind == FEDERATED:
        account = ask.caller.account or ask.facts.stranger
        return text(ask, f"{account}:visitor", optional=False, shape=glob(f"{account}:?*"), fixed=fixed)
    return text(ask, "AROASTRANGER00000000:visit", optional=False, shape=glob("AROA?*:?*"), fixed=fixed)


def _username(ask: Ask) -> Domain:
    if ask.caller.kind != USER:
        return choice(ask.key, *ABSENT)
    if ask.caller.listed is not None:
        return choice(ask.key, ask.caller.listed.rpartition("/")[2])
    return text(ask, "visitor", optional=False, shape=glob("?*"))


_TYPES = {ANONYMOUS: "Anonymous", ROLE: "AssumedRole", USER: "User", ROOT: "Account", FEDERATED: "FederatedUser"}


def _principal_type(ask: Ask) -> Domain:
    return choice(ask.key, _TYPES.get(ask.caller.kind, "AssumedRole"))


def _organisation(ask: Ask) -> Domain:
    if not ask.caller.signed:
        return choice(ask.key, *ABSENT)
    return text(ask, "o-stranger00", optional=True, shape=glob("o-?*"), fixed=own if ask.caller.stranger else None)


def _organisation_path(ask: Ask) -> Domain:
    if not ask.caller.signed:
        return choice(ask.key, *ABSENT)
    return text(
        ask,
        "o-stranger00/r-stra/ou-stra-00000000/",
        optional=True,
        shape=glob("o-?*/r-?*/*"),
        fixed=own_head("/") if ask.caller.stranger else None,
    )


def _endpoint_organisation(ask: Ask) -> Domain:
    if ask.caller.network != VPC:
        return choice(ask.key, *ABSENT)
    fixed = (own_head("/") if ask.key.endswith("paths") else own) if ask.caller.stranger else None
    return text(ask, "o-stranger00", optional=True, shape=glob("o-?*"), fixed=fixed)


def _service_caller(ask: Ask) -> Domain:
    """aws:PrincipalIsAWSService: absent for unsigned requests, and true for a service alone."""
    if ask.caller.kind == SERVICE:
        return choice(ask.key, "true")
    return choice(ask.key, "false") if ask.caller.signed else choice(ask.key, *ABSENT)


def _via_service(ask: Ask) -> Domain:
    # Editions of the documentation differ for unsigned requests: absent, or false. Both are tried.
    if not ask.caller.signed:
        return choice(ask.key, "false", None)
    return choice(ask.key, "true" if ask.caller.via_service else "false")


def _called_via(ask: Ask) -> Domain:
    if not ask.caller.via_service:
        return choice(ask.key, *ABSENT)
    return text(ask, "athena", optional=False)


def _point_key(ask: Ask) -> Domain:
    """The access point keys: of the point a request comes through, else of one that the caller made."""
    if ask.facts.point is not None:
        value = {"arn": ask.facts.point.arn, "account": ask.facts.point.account}.get(
            ask.key.rpartition("dataaccesspoint")[2]
        )
        return choice(ask.key, value or ask.facts.point.origin)
    if not ask.caller.signed:
        return choice(ask.key, *ABSENT)
    if ask.key.endswith("origin"):
        return choice(ask.key, None, "Internet", "VPC")
    if ask.key.endswith("account"):
        found = _account(ask)
        if isinstance(found, Choice):
            return choice(ask.key, None, *found.views[ask.key])
        found.optional = True
        return found
    account = ask.caller.account or ask.facts.stranger
    sample = f"arn:{ask.facts.partition}:s3:us-east-1:{account}:accesspoint/visitor"
    number = _TWELVE if ask.caller.account is None else _literal(ask.caller.account)
    shape = tokenised(
        (
            *_literal(f"arn:{ask.facts.partition}:s3:"),
            *_FIELD,
            *_literal(":"),
            *number,
            *_literal(":accesspoint/"),
            *_REST,
        )
    )
    return text(ask, sample, optional=True, shape=shape, fixed=own_account if ask.caller.stranger else None)


def _kms_key(ask: Ask) -> Domain:
    if not ask.caller.signed:
        return choice(ask.key, *ABSENT)
    head = f"arn:{ask.facts.partition}:kms:"
    sample = f"{head}us-east-1:{ask.caller.account or ask.facts.stranger}:key/own"
    arn = tokenised((*_literal(head), *_FIELD, *_literal(":"), *_TWELVE, *_literal(":"), *_REST))
    return text(
        ask, sample, optional=True, shape=(arn, tokenised(_FIELD)), fixed=own_account if ask.caller.stranger else None
    )


def _claim(ask: Ask) -> Domain:
    """A claim of a social login, such as accounts.google.com:aud: anyone can log in."""
    return _weak(ask) if ask.caller.kind == WEB else choice(ask.key, *ABSENT)


_Rule = Callable[[Ask], Domain]

_SAMPLES = {
    "aws:referer": "https://elsewhere.example/", "aws:useragent": "curl/8", "s3:prefix": "", "s3:delimiter": "/",
    "s3:x-amz-acl": "private", "aws:requestedregion": "us-east-1",
}  # fmt: skip

_RULES: Mapping[str, _Rule] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "aws:referer", "aws:useragent", "aws:requestedregion", "aws:tagkeys", "s3:prefix", "s3:delimiter",
                "s3:versionid", "s3:requestobjecttagkeys", "s3:locationconstraint", "s3:if-match", "s3:if-none-match",
                "s3:object-lock-mode", "s3:object-lock-legal-hold", "s3:destinationregion",
                "s3:inventoryaccessibleoptionalfields", "s3:createbucket", "s3:objectcreationoperation",
                "s3:isreplicationpauserequest",
            ),
            _weak,
        ),
        **dict.fromkeys(
            (
                "aws:sourceidentity", "aws:federatedprovider", "s3:authtype", "s3:signatureversion",
                "ec2:sourceinstancearn", "ec2:roledelivery", "aws:ec2instancesourcevpc",
                "aws:ec2instancesourceprivateipv4", "s3:accessgrantsinstancearn", "aws:chatbotsourcearn",
                "aws:signinsessionarn",
            ),
            _signed_weak,
        ),
        **dict.fromkeys(("aws:multifactorauthpresent", "aws:assumedroot"), _flag),
        **dict.fromkeys(("aws:multifactorauthage", "aws:tokenissuetime", "s3:signatureage"), _signed_number),
        **dict.fromkeys(
            ("s3:max-keys", "s3:object-lock-remaining-retention-days", "s3:object-lock-retain-until-date"), _number
        ),
        **dict.fromkeys(("aws:currenttime", "aws:epochtime"), _clock),
        **dict.fromkeys(("aws:securetransport", "s3:tlsversion"), _transport),
        **dict.fromkeys(("aws:resourceaccount", "s3:resourceaccount"), _owner),
        **dict.fromkeys(("aws:resourceorgid", "aws:resourceorgpaths"), _owner_organisation),
        "aws:sourceip": _source_ip,
        "aws:vpcsourceip": _vpc_source_ip,
        "aws:sourcevpc": _vpc_text("vpc-0123456789abcdef0", "vpc-?*"),
        "aws:sourcevpce": _vpc_text("vpce-0123456789abcdef0", "vpce-?*"),
        "aws:vpceaccount": _vpce_account,
        "aws:vpceorgid": _endpoint_organisation,
        "aws:vpceorgpaths": _endpoint_organisation,
        "aws:principalaccount": _principal_account,
        "aws:principalarn": _principal_arn,
        "aws:userid": _userid,
        "aws:username": _username,
        "aws:principaltype": _principal_type,
        "aws:principalorgid": _organisation,
        "aws:principalorgpaths": _organisation_path,
        "aws:principalisawsservice": _service_caller,
        "aws:viaawsservice": _via_service,
        **dict.fromkeys(("aws:calledvia", "aws:calledviafirst", "aws:calledvialast"), _called_via),
        **dict.fromkeys(
            (
                "aws:sourcearn", "aws:sourceaccount", "aws:sourceowner", "aws:sourceorgid", "aws:sourceorgpaths",
                "aws:principalservicename", "aws:principalservicenameslist",
            ),
            _of_services,
        ),
        **dict.fromkeys(
            ("s3:dataaccesspointarn", "s3:dataaccesspointaccount", "s3:accesspointnetworkorigin"), _point_key
        ),
        "s3:x-amz-server-side-encryption-aws-kms-key-id": _kms_key,
    }
)  # fmt: skip

_FAMILIES: tuple[tuple[str, _Rule], ...] = (
    ("s3:x-amz-", _weak),
    ("s3:existingobjecttag/", _weak),
    ("s3:requestobjecttag/", _weak),
    ("s3:buckettag/", _weak),
    ("s3:accesspointtag/", _weak),
    ("aws:requesttag/", _weak),
    ("aws:resourcetag/", _weak),
    ("aws:principaltag/", _signed_weak),
    ("saml:", _signed_weak),
)
