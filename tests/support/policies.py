"""Random bucket policies of known operators and keys, and random requests that somebody could send.

Takes a random source, so that hypothesis, the short tests and the long fuzz share one generator. What a stranger's
request can carry is written down here once more, from the table of docs/exposure.md and not from the engine's code.
"""

import ipaddress
import json
from dataclasses import dataclass
from random import Random
from typing import Any

from s3warden.detect.exposure.concrete import Request

BUCKET, OWNER = "acme-data", "111111111111"
NAMED = ("222222222222", "333333333333")
STRANGER = "987654321000"
ARN = f"arn:aws:s3:::{BUCKET}"

RESOURCES = (
    ARN, f"{ARN}/*", f"{ARN}*", "*", f"{ARN}/a*", f"{ARN}/*b", f"{ARN}/a?b", f"{ARN}/*a*", f"{ARN}/ab", f"{ARN}/?",
    f"{ARN}/a*b*", f"{ARN}/*ba*", "arn:aws:s3:::acme-*", "arn:aws:s3:::other/*", f"{ARN}/b?*",
)  # fmt: skip
ACTIONS = (
    "s3:GetObject", "s3:Get*", "s3:*", "*", "s3:PutObject", "s3:ListBucket", "s3:List*", "s3:DeleteObject",
    "s3:*Object", "s3:GetBucketAcl", "s3:PutBucketAcl", "s3:GetObjec?", "s3:GetBucketPolicy", "s3:*Acl",
    "s3:DeleteBucket",
)  # fmt: skip
PRINCIPALS: tuple[Any, ...] = (
    "*", "*", "*", "*", {"AWS": "*"}, {"AWS": ["*"]}, {"AWS": NAMED[0]}, {"AWS": f"arn:aws:iam::{NAMED[0]}:root"},
    {"AWS": [f"arn:aws:iam::{NAMED[1]}:role/etl", f"arn:aws:iam::{OWNER}:root"]}, {"AWS": list(NAMED)},
    {"Service": "cloudtrail.amazonaws.com"}, {"Federated": "graph.facebook.com"}, {"CanonicalUser": "a" * 64},
    {"AWS": f"arn:aws:iam::{NAMED[1]}:user/ann"}, {"AWS": "AIDAEXAMPLEEXAMPLE00"},
)  # fmt: skip

TEXTS: dict[str, tuple[str, ...]] = {
    "aws:SourceVpc": ("vpc-1", "vpc-2", "vpc-*", "vpc-1*", "*", "vpc-?2*"),
    "aws:SourceVpce": ("vpce-1", "vpce-*", "vpce-2"),
    "aws:PrincipalOrgID": ("o-acme", "o-*", "o-a?me", "o-other", "*"),
    "aws:PrincipalAccount": (OWNER, *NAMED, "2*", "*", "33333333333?", "9*"),
    "aws:userid": ("AROAEXAMPLE:*", "AIDAEXAMPLE", OWNER, "*", "AROA*", "*:visit*"),
    "aws:username": ("ann", "a*", "*b", "${aws:username}"),
    "aws:PrincipalTag/team": ("a", "b", "a*", "*b*", "${s3:ExistingObjectTag/team}"),
    "aws:Referer": ("https://a/*", "*", "a*b", "ab"),
    "aws:UserAgent": ("a", "b*"),
    "s3:prefix": ("a*", "", "a/b", "*b", "${aws:username}/*"),
    "s3:x-amz-acl": ("public-read", "private", "p*"),
    "s3:DataAccessPointAccount": (OWNER, NAMED[0], "*"),
    "s3:ExistingObjectTag/team": ("a", "b*"),
    "s3:x-amz-server-side-encryption-aws-kms-key-id": ("arn:aws:kms:us-east-1:111111111111:key/a", "*"),
    "aws:SourceAccount": (OWNER, "*"),
    "aws:ResourceAccount": (OWNER, NAMED[0], "1*"),
    "aws:PrincipalType": ("Anonymous", "User", "Assumed*"),
}
ARNS: dict[str, tuple[str, ...]] = {
    "aws:PrincipalArn": (
        "arn:aws:iam::333333333333:role/etl", "arn:aws:iam::*:role/a*", "arn:aws:iam::222222222222:*",
        "arn:aws:iam::*:*", "arn:aws:iam::2*:user/*", "arn:aws:iam::*:root",
    ),
    "aws:SourceArn": ("arn:aws:sns:*:*:*", "arn:aws:sns:us-east-1:111111111111:t"),
}  # fmt: skip
RANGES = (
    "203.0.113.0/24", "0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8", "198.51.100.7", "64.0.0.0/2", "::/0",
    "2001:db8::/32", "2000::/3", "192.168.0.0/16", "12.0.0.0/8", "8.0.0.0/7",
)  # fmt: skip
FLAGS = (
    "aws:SecureTransport", "aws:MultiFactorAuthPresent", "aws:ViaAWSService", "aws:PrincipalIsAWSService",
)  # fmt: skip
NUMBERS = {"s3:TlsVersion": ("1.1", "1.2", "1.3"), "s3:max-keys": ("10", "100"), "aws:MultiFactorAuthAge": ("3600",)}
MANY = {"aws:PrincipalOrgPaths": ("o-acme/*", "o-acme/r-1/", "o-*"), "aws:CalledVia": ("athena*", "*")}


def _some(rng: Random, values: tuple[Any, ...], most: int = 3) -> Any:
    count = rng.randint(1, min(most, len(values)))
    return rng.choice(values) if count == 1 else rng.sample(values, count)


def condition(rng: Random) -> tuple[str, str, Any]:
    """An operator, a key and its values."""
    kind = rng.random()
    tail = "IfExists" if rng.random() < 0.15 else ""
    head = rng.choice(("ForAllValues:", "ForAnyValue:")) if rng.random() < 0.08 else ""
    if kind < 0.08:
        key = rng.choice((*TEXTS, *FLAGS, "aws:SourceIp"))
        return "Null", key, rng.choice(("true", "false"))
    if kind < 0.25:
        return rng.choice(("IpAddress", "NotIpAddress")) + tail, "aws:SourceIp", _some(rng, RANGES)
    if kind < 0.4:
        return head + "Bool" + tail, rng.choice(FLAGS), rng.choice(("true", "false", True))
    if kind < 0.48:
        key = rng.choice(tuple(NUMBERS))
        operator = rng.choice(("NumericLessThan", "NumericGreaterThanEquals", "NumericEquals", "NumericNotEquals"))
        return operator + tail, key, _some(rng, NUMBERS[key])
    if kind < 0.56:
        key = rng.choice(tuple(ARNS))
        return rng.choice(("ArnLike", "ArnNotLike", "ArnEquals", "StringLike")) + tail, key, _some(rng, ARNS[key])
    if kind < 0.62:
        key = rng.choice(tuple(MANY))
        operator = rng.choice(("StringLike", "StringNotLike", "StringEquals"))
        return rng.choice(("ForAllValues:", "ForAnyValue:")) + operator, key, _some(rng, MANY[key])
    key = rng.choice(tuple(TEXTS))
    operators = ("StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase")
    return head + rng.choice(operators) + tail, key, _some(rng, TEXTS[key])


def statement(rng: Random, effect: str | None = None) -> dict[str, Any]:
    """One random statement."""
    made: dict[str, Any] = {"Effect": effect or rng.choice(("Allow", "Allow", "Deny"))}
    made["NotPrincipal" if rng.random() < 0.08 else "Principal"] = rng.choice(PRINCIPALS)
    made["NotAction" if rng.random() < 0.08 else "Action"] = _some(rng, ACTIONS)
    made["NotResource" if rng.random() < 0.08 else "Resource"] = _some(rng, RESOURCES)
    block: dict[str, dict[str, Any]] = {}
    for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
        operator, key, values = condition(rng)
        block.setdefault(operator, {})[key] = values
    if block:
        made["Condition"] = block
    return made


def policy(rng: Random, most: int = 4) -> dict[str, Any]:
    """One random policy; the first statement is an Allow."""
    statements = [statement(rng, "Allow"), *(statement(rng) for _ in range(rng.randint(0, most - 1)))]
    return {"Version": "2008-10-17" if rng.random() < 0.1 else "2012-10-17", "Statement": statements}


def document(policy_: Any, **more: Any) -> dict[str, Any]:
    """The input document for a bucket with this policy and nothing that blocks."""
    return {"bucket": BUCKET, "bucket_owner": OWNER, "ownership": "ObjectWriter", "policy": policy_, **more}


@dataclass(frozen=True, slots=True)
class Sent:
    """A request together with who sends it: `internet` (unsigned), `stranger`, or the number of a named account."""

    who: str
    request: Request


_KEYS = ("a", "b", "ab", "aab", "a1b", "zz", "bab", "ba", "x", "abab", "c/a/b")
_WORDS = ("a", "b", "ab", "axb", "", "bb", "private", "public-read", "https://a/x", "a/b", "zz/q", "zb", "ba")
_ADDRESSES = (
    "203.0.113.9", "8.8.8.8", "129.0.0.1", "198.51.100.7", "65.1.1.1", "2001:db8::1", "2600::1", "12.0.0.1", "9.1.1.1",
    "198.51.100.8", "100::1", "250.1.1.1", "44.3.2.1", "193.9.9.9",
)  # fmt: skip
_FIXED = [ipaddress.ip_network(text) for text in RANGES]
_FIXED = [net for net in _FIXED if net.prefixlen >= (8 if net.version == 4 else 32)]


def sent(rng: Random, action: str) -> Sent:
    """A request that fits its sender: what a stranger cannot have, it does not carry."""
    who = rng.choice(("internet", "internet", "stranger", "stranger", *NAMED))
    context: dict[str, tuple[str, ...]] = {"aws:resourceaccount": (OWNER,)}
    stranger = who not in NAMED
    vpc = rng.random() < 0.3
    _network(rng, context, vpc, stranger)
    _transport(rng, context)
    for key in ("aws:referer", "aws:useragent", "s3:prefix", "s3:x-amz-acl", "s3:existingobjecttag/team"):
        if rng.random() < 0.6:
            context[key] = (rng.choice(_WORDS),)
    if rng.random() < 0.5:
        context["s3:max-keys"] = (rng.choice(("5", "10", "50", "1000")),)
    signed = who != "internet"
    account = STRANGER if who == "stranger" else who
    principals: tuple[str, ...] = ()
    if signed:
        principals = _identity(rng, context, account, stranger)
    elif rng.random() < 0.5:
        context |= {"aws:principalaccount": ("anonymous",), "aws:userid": ("anonymous",)}
    if not signed:
        context["aws:principaltype"] = ("Anonymous",)
        if rng.random() < 0.5:
            context["aws:viaawsservice"] = ("false",)
    on_object = "Object" in action and "ObjectLock" not in action
    resource = f"{ARN}/{rng.choice(_KEYS)}" if on_object else ARN
    sender = "vpc" if who == "internet" and vpc else who
    return Sent(sender, Request(action, resource, signed, account if signed else None, principals, False, context))


def _network(rng: Random, context: dict[str, tuple[str, ...]], vpc: bool, stranger: bool) -> None:
    if vpc:
        context["aws:sourcevpc"] = (rng.choice(("vpc-9", "vpc-19", "vpc-x2z") if stranger else ("vpc-1", "vpc-9")),)
        context["aws:sourcevpce"] = (rng.choice(("vpce-9",) if stranger else ("vpce-1", "vpce-9")),)
        return
    address = rng.choice(_ADDRESSES)
    while stranger and any(ipaddress.ip_address(address) in net for net in _FIXED):
        address = rng.choice(_ADDRESSES)
    context["aws:sourceip"] = (address,)


def _transport(rng: Random, context: dict[str, tuple[str, ...]]) -> None:
    if rng.random() < 0.7:
        context["aws:securetransport"] = ("true",)
        context["s3:tlsversion"] = (rng.choice(("1.0", "1.1", "1.2", "1.3")),)
    else:
        context["aws:securetransport"] = ("false",)


def _identity(rng: Random, context: dict[str, tuple[str, ...]], account: str, stranger: bool) -> tuple[str, ...]:
    """What a signed request says of its principal; returns the ARNs it answers to."""
    name = rng.choice(("ann", "etl", "bob", "a", "ab"))
    kind = rng.choice(("user", "role", "root"))
    arn = f"arn:aws:iam::{account}:root" if kind == "root" else f"arn:aws:iam::{account}:{kind}/{name}"
    unique = rng.choice(("STRANGER",) if stranger else ("STRANGER", "EXAMPLE"))
    context["aws:principalarn"] = (arn,)
    context["aws:principalaccount"] = (account,)
    context["aws:principalisawsservice"] = ("false",)
    context["aws:principaltype"] = ({"user": "User", "role": "AssumedRole", "root": "Account"}[kind],)
    userids = {"user": f"AIDA{unique}", "role": f"AROA{unique}:visitor", "root": account}
    context["aws:userid"] = (userids[kind],)
    if kind == "user":
        context["aws:username"] = (name,)
    if rng.random() < 0.6:
        organisation = rng.choice(("o-away", "o-axme") if stranger else ("o-acme", "o-other", "o-away"))
        context["aws:principalorgid"] = (organisation,)
        context["aws:principalorgpaths"] = (f"{organisation}/r-1/",)
    if rng.random() < 0.5:
        context["aws:principaltag/team"] = (rng.choice(_WORDS),)
    if rng.random() < 0.4:
        context["aws:multifactorauthpresent"] = (rng.choice(("true", "false")),)
        context["aws:multifactorauthage"] = (rng.choice(("10", "9999")),)
    if rng.random() < 0.2:
        context["aws:viaawsservice"] = ("true",)
        context["aws:calledvia"] = ("athena",)
    else:
        context["aws:viaawsservice"] = ("false",)
    if rng.random() < 0.2:
        context["s3:dataaccesspointaccount"] = (account,)
    if rng.random() < 0.2:
        key_account = STRANGER if stranger else rng.choice((account, OWNER))
        context["s3:x-amz-server-side-encryption-aws-kms-key-id"] = (f"arn:aws:kms:us-east-1:{key_account}:key/a",)
    return (arn,)


def named(policy_: dict[str, Any]) -> set[str]:
    """The accounts other than the owner's that a generated policy names as principals or in principal conditions."""
    found = set()
    for one in policy_["Statement"]:
        text = json.dumps([one.get("Principal"), one.get("NotPrincipal")])
        for block in one.get("Condition", {}).values():
            text += json.dumps([values for key, values in block.items() if key in _NAMING])
        found |= {account for account in NAMED if account in text}
    return found


_NAMING = ("aws:PrincipalAccount", "aws:PrincipalArn", "s3:DataAccessPointAccount")


def show(policy_: Any) -> str:
    """A policy as one line, for the message of a failed comparison."""
    return json.dumps(policy_)
