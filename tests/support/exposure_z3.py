"""The question "can a stranger do anything?" put to an SMT solver, encoded from the policy text by itself.

Takes a generated policy (support.policies), hands on sat, unsat or None where the solver gives up. It shares nothing
with the engine: own reading of the JSON, own table of what strangers carry. One formula asks about every action and
every kind of stranger at once.
"""

import fnmatch
import ipaddress
import re
from collections.abc import Iterable
from typing import Any

import z3

from s3warden.detect.exposure.proof import Witness
from support.policies import ARN, OWNER, named

ON_OBJECTS = (
    "GetObject", "GetObjectVersion", "PutObject", "DeleteObject", "DeleteObjectVersion", "GetObjectAcl", "PutObjectAcl",
    "GetObjectTagging", "PutObjectTagging", "AbortMultipartUpload", "RestoreObject",
)  # fmt: skip
ON_BUCKET = (
    "ListBucket", "ListBucketVersions", "ListBucketMultipartUploads", "DeleteBucket", "GetBucketAcl", "PutBucketAcl",
    "GetBucketLocation", "PutBucketTagging",
)  # fmt: skip

_CHAR = z3.AllChar(z3.ReSort(z3.StringSort()))
_ANYTHING = z3.Star(_CHAR)
_NO_COLON = z3.Intersect(_CHAR, z3.Complement(z3.Re(":")))
_DIGIT = z3.Range("0", "9")


def _sequence(parts: list[Any]) -> Any:
    if not parts:
        return z3.Re("")
    return parts[0] if len(parts) == 1 else z3.Concat(*parts)


def _regex(text: str, *, wild: bool, char: Any = _CHAR) -> Any:
    parts: list[Any] = []
    for piece in re.split(r"([*?])", text) if wild else [text]:
        if piece == "*" and wild:
            parts.append(z3.Star(char))
        elif piece == "?" and wild:
            parts.append(char)
        elif piece:
            parts.append(z3.Re(piece))
    return _sequence(parts)


def _arn_regex(text: str) -> Any:
    if text == "*":
        return _ANYTHING
    fields = text.split(":", 5)
    parts: list[Any] = []
    for index, one in enumerate(fields):
        if index:
            parts.append(z3.Re(":"))
        parts.append(_regex(one, wild=True, char=_CHAR if index == 5 else _NO_COLON))
    return _sequence(parts)


def _fold_regex(text: str) -> Any:
    both = [z3.Union(z3.Re(c.lower()), z3.Re(c.upper())) if c.lower() != c.upper() else z3.Re(c) for c in text]
    return _sequence(both)


def _matches(value: Any, regex: Any) -> Any:
    return z3.InRe(value, regex)


class Unsupported(Exception):  # noqa: N818 - the generator's rare corner that this encoding leaves out
    """The policy has something that this encoding does not cover."""


class Encoding:
    """The symbolic request of a stranger, and statements as formulas over it."""

    def __init__(self, policy: dict[str, Any], witness: Witness | None = None) -> None:
        self.statements: list[dict[str, Any]] = policy["Statement"]
        self.modern = policy.get("Version") == "2012-10-17"
        self.present: dict[str, Any] = {}
        self.text: dict[str, Any] = {}
        self.many: dict[str, tuple[Any, Any]] = {}
        self.facts: list[Any] = []
        self.named = [OWNER, *sorted(named(policy))]
        self.needed = self.mentioned | {key.lower() for key in re.findall(r"\$\{([^}]*)\}", str(policy))}
        self.signed, self.vpc, self.via, self.social = (z3.Bool(n) for n in ("signed", "vpc", "via", "social"))
        self.kind = z3.Int("kind")  # 0 role, 1 user, 2 root, 3 federated user
        self.account, self.key = z3.String("account"), z3.String("object")
        self.on_object = z3.Bool("on_object")
        self.action = z3.Int("action")
        self.on_objects = list(ON_OBJECTS)
        on_bucket = list(ON_BUCKET)
        if witness is not None:
            (self.on_objects if "/" in witness.resource else on_bucket).append(witness.action.removeprefix("s3:"))
        self.actions = [*self.on_objects, *on_bucket]
        self.ip6, self.ip = z3.Bool("ip6"), z3.Int("ip")
        self.tls = z3.Int("tls")  # 0 plain, 10..13
        self._world()

    @property
    def mentioned(self) -> set[str]:
        """The condition keys of the policy."""
        blocks = (block for one in self.statements for block in one.get("Condition", {}).values())
        return {key.lower() for block in blocks for key in block}

    def _values(self, *keys: str) -> list[str]:
        found: list[str] = []
        for one in self.statements:
            for operator, block in one.get("Condition", {}).items():
                for key, values in block.items():
                    if key.lower() in keys and operator != "Null":
                        found += [str(v) for v in (values if isinstance(values, list) else [values])]
        return found

    def _literals(self, key: str) -> set[str]:
        found: set[str] = set()
        for one in self.statements:
            for operator, block in one.get("Condition", {}).items():
                for name, values in block.items():
                    if name.lower() != key or operator == "Null":
                        continue
                    wild = "Like" in operator or "Arn" in operator
                    for value in values if isinstance(values, list) else [values]:
                        if not (wild and re.search(r"[*?]", value)) and "${" not in value:
                            found.add(value)
        return found

    def _folded(self, key: str) -> Iterable[str]:
        for one in self.statements:
            for operator, block in one.get("Condition", {}).items():
                for name, values in block.items():
                    if name.lower() == key and "IgnoreCase" in operator:
                        yield from (v for v in (values if isinstance(values, list) else [values]) if "${" not in v)

    def _key(self, key: str, present: Any, *, shape: Any = None, fixed: bool = False) -> Any:
        """Declare a text key: when it is there, its shape, and that values spelled out are somebody else's."""
        self.present[key] = present
        self.text[key] = z3.String(key)
        if key not in self.needed:
            return self.text[key]
        if shape is not None:
            self.facts.append(_matches(self.text[key], shape))
        if fixed:
            self.facts += [self.text[key] != value for value in self._literals(key)]
            self.facts += [z3.Not(_matches(self.text[key], _fold_regex(value))) for value in self._folded(key)]
        return self.text[key]

    def _optional(self, key: str, when: Any = True) -> Any:
        return z3.And(when, z3.Bool(f"has {key}"))

    def _world(self) -> None:
        signed, vpc = self.signed, self.vpc
        self.facts += [
            z3.Implies(self.via, signed),
            z3.Implies(self.social, z3.And(signed, self.kind == 0)),
            z3.And(self.kind >= 0, self.kind <= 3),
            z3.Length(self.key) > 0,
            z3.And(self.action >= 0, self.action < len(self.actions)),
            self.on_object == (self.action < len(self.on_objects)),
            z3.Or(*(self.tls == value for value in (0, 10, 11, 12, 13))),
            *self._addresses(),
        ]
        for key in ("aws:referer", "aws:useragent", "s3:prefix", "s3:x-amz-acl", "s3:existingobjecttag/team"):
            self._key(key, self._optional(key))
        self._key("aws:principaltag/team", self._optional("aws:principaltag/team", signed))
        self._key("aws:sourcevpc", vpc, shape=_regex("vpc-?*", wild=True), fixed=True)
        self._key("aws:sourcevpce", vpc, shape=_regex("vpce-?*", wild=True), fixed=True)
        organisation = _regex("o-?*", wild=True)
        self._key("aws:principalorgid", self._optional("org", signed), shape=organisation, fixed=True)
        self._identity()
        if not self.needed.isdisjoint(("aws:principalaccount", "aws:principalarn", "aws:userid")):
            self.facts.append(_matches(self.account, _sequence([_DIGIT] * 12)))
            self.facts += [self.account != name for name in self.named]
        self.present["aws:resourceaccount"], self.text["aws:resourceaccount"] = z3.BoolVal(True), z3.StringVal(OWNER)
        self.present["s3:dataaccesspointaccount"] = self._optional("dap", signed)
        self.text["s3:dataaccesspointaccount"] = z3.String("dap account")
        if "s3:dataaccesspointaccount" in self.needed:
            self.facts.append(_matches(self.text["s3:dataaccesspointaccount"], _sequence([_DIGIT] * 12)))
            self.facts += [self.text["s3:dataaccesspointaccount"] != name for name in self.named]
        kms = "s3:x-amz-server-side-encryption-aws-kms-key-id"
        text = self._key(kms, self._optional(kms, signed), fixed=True)
        owned = _sequence([_NO_COLON_FIELDS, z3.Union(*(z3.Re(n) for n in self.named)), z3.Re(":"), _ANYTHING])
        if kms in self.needed:
            self.facts.append(z3.Not(_matches(text, owned)))
        self.many["aws:principalorgpaths"] = (self._optional("paths", signed), _regex("o-?*/r-?*/*", wild=True))
        self.many["aws:calledvia"] = (self.via, _ANYTHING)
        self.pairs = {key: (z3.String(f"{key} 1"), z3.String(f"{key} 2")) for key in self.many}
        for key, (_, shape) in self.many.items():
            if key in self.needed:
                self.facts += [_matches(one, shape) for one in self.pairs[key]]
        for one in self.pairs["aws:principalorgpaths"] if "aws:principalorgpaths" in self.needed else ():
            self.facts.append(z3.Not(z3.PrefixOf("o-acme/", one)))

    def _identity(self) -> None:
        kind, account, name = self.kind, self.account, z3.String("name")
        role_id, session = z3.String("role id"), z3.String("session")
        self.facts += [z3.Length(name) > 0, z3.Length(session) > 0]
        if "aws:userid" in self.needed:
            self.facts.append(_matches(role_id, z3.Concat(z3.Re("AROA"), z3.Plus(_NO_COLON))))
            heads = {v.partition(":")[0] for v in self._values("aws:userid")}
            self.facts += [role_id != head for head in heads if not re.search(r"[*?]", head)]
        self.present["aws:principalaccount"] = z3.Or(self.signed, z3.Bool("says anonymous"))
        self.text["aws:principalaccount"] = z3.If(self.signed, account, z3.StringVal("anonymous"))
        self.present["aws:principalarn"] = self.signed
        self.text["aws:principalarn"] = z3.If(
            kind == 2,
            z3.Concat("arn:aws:iam::", account, ":root"),
            z3.If(
                kind == 3,
                z3.Concat("arn:aws:sts::", account, ":federated-user/", name),
                z3.Concat(
                    "arn:aws:iam::", account, z3.If(kind == 0, z3.StringVal(":role/"), z3.StringVal(":user/")), name
                ),
            ),
        )
        user_id = z3.String("user id")
        if "aws:userid" in self.needed:
            self.facts.append(_matches(user_id, _regex("AIDA?*", wild=True)))
        self.facts += [user_id != value for value in self._literals("aws:userid")]
        self.facts += [z3.Not(_matches(user_id, _fold_regex(value))) for value in self._folded("aws:userid")]
        self.present["aws:userid"] = z3.Or(self.signed, z3.Bool("says anonymous id"))
        self.text["aws:userid"] = z3.If(
            z3.Not(self.signed),
            z3.StringVal("anonymous"),
            z3.If(
                kind == 0,
                z3.Concat(role_id, ":", session),
                z3.If(kind == 1, user_id, z3.If(kind == 2, account, z3.Concat(account, ":", session))),
            ),
        )
        if "aws:userid" in self.needed:
            spelled = [_fold_regex(value) for value in self._folded("aws:userid")]
            self.facts += [z3.Implies(self.signed, z3.Not(_matches(self.text["aws:userid"], one))) for one in spelled]
        self._key("aws:username", z3.And(self.signed, kind == 1))
        self.facts.append(z3.Length(self.text["aws:username"]) > 0)
        self.present["aws:principaltype"] = z3.BoolVal(True)
        kinds = z3.If(
            kind == 1, z3.StringVal("User"), z3.If(kind == 2, z3.StringVal("Account"), z3.StringVal("FederatedUser"))
        )
        self.text["aws:principaltype"] = z3.If(
            self.signed, z3.If(kind == 0, z3.StringVal("AssumedRole"), kinds), z3.StringVal("Anonymous")
        )
        for key in ("aws:sourceaccount", "aws:sourcearn"):
            self.present[key], self.text[key] = z3.BoolVal(False), z3.StringVal("")

    def _addresses(self) -> list[Any]:
        """No private address, and none of a range that is narrow enough to be a fixed value."""
        facts = [z3.If(self.ip6, z3.And(self.ip >= 0, self.ip < 2**128), z3.And(self.ip >= 0, self.ip < 2**32))]
        closed = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]
        closed += [v for v in self._values("aws:sourceip") if _narrow(v)]
        return facts + [z3.Not(self._inside(text)) for text in closed]

    def _inside(self, text: str) -> Any:
        net = ipaddress.ip_network(text, strict=False)
        low, high = int(net.network_address), int(net.broadcast_address)
        return z3.And(self.ip6 == (net.version == 6), self.ip >= low, self.ip <= high)

    def _condition(self, operator: str, key: str, values: Any) -> Any:
        listed = [
            str(v).lower() if isinstance(v, bool) else str(v)
            for v in (values if isinstance(values, list) else [values])
        ]
        key = key.lower()
        quantifier, _, rest = operator.rpartition(":")
        if_exists = rest.endswith("IfExists")
        rest = rest.removesuffix("IfExists")
        present = self._presence(key)
        if rest == "Null":
            return z3.Not(present) if listed == ["true"] else present
        negated = "Not" in rest
        base = rest.replace("Not", "")
        if key in self.many:
            each = [z3.Or(*(self._compare(base, one, v) for v in listed)) for one in self.pairs[key]]
            each = [z3.Not(e) for e in each] if negated else each
            if quantifier == "ForAnyValue":
                return z3.And(present, z3.Or(*each))
            return z3.Or(z3.Not(present), z3.And(*each))
        held = self._held(base, key, listed)
        held = z3.Not(held) if negated else held
        absent = if_exists or quantifier == "ForAllValues" or (negated and not quantifier)
        return z3.If(present, held, z3.BoolVal(absent))

    def _presence(self, key: str) -> Any:
        if key in self.many:
            return self.many[key][0]
        special = {
            "aws:sourceip": z3.Not(self.vpc),
            "aws:securetransport": z3.BoolVal(True),
            "s3:tlsversion": self.tls > 0,
            "aws:multifactorauthpresent": self._optional("mfa", self.signed),
            "aws:multifactorauthage": self._optional("mfa age", self.signed),
            "s3:max-keys": self._optional("max-keys"),
            "aws:viaawsservice": z3.Or(self.signed, z3.Bool("says not via")),
            "aws:principalisawsservice": self.signed,
        }
        return special[key] if key in special else self.present[key]

    def _held(self, base: str, key: str, listed: list[str]) -> Any:
        if key == "aws:sourceip":
            return z3.Or(*(self._inside(value) for value in listed))
        if base == "Bool":
            truth = {
                "aws:securetransport": self.tls > 0,
                "aws:multifactorauthpresent": z3.Bool("mfa is"),
                "aws:viaawsservice": self.via,
                "aws:principalisawsservice": z3.BoolVal(False),
            }[key]
            return z3.Or(*(truth == (value == "true") for value in listed))
        if base.startswith("Numeric"):
            number = z3.ToReal(self.tls) / 10 if key == "s3:tlsversion" else z3.Real(key)
            compare = {"Equals": number.__eq__, "LessThan": number.__lt__, "GreaterThanEquals": number.__ge__}
            return z3.Or(*(compare[base.removeprefix("Numeric")](z3.RealVal(value)) for value in listed))
        return z3.Or(*(self._compare(base, self.text[key], value) for value in listed))

    def _compare(self, base: str, text: Any, value: str) -> Any:
        if self.modern and "${" in value:
            return self._variable(base, text, value)
        if base == "StringEqualsIgnoreCase":
            return _matches(text, _fold_regex(value))
        if base.startswith("Arn"):
            return _matches(text, _arn_regex(value))
        if base == "StringLike":
            return _matches(text, _regex(value, wild=True))
        return text == z3.StringVal(value)

    def _variable(self, base: str, text: Any, value: str) -> Any:
        found = re.fullmatch(r"\$\{([^}]*)\}(/\*)?", value)
        if found is None or base.endswith("IgnoreCase"):
            raise Unsupported
        key = found[1].lower()
        if not found[2]:
            return z3.And(self._presence(key), text == self.text[key])
        if base != "StringLike":
            return z3.And(self._presence(key), text == z3.Concat(self.text[key], "/*"))
        return z3.And(self._presence(key), z3.PrefixOf(z3.Concat(self.text[key], "/"), text))

    def statement(self, one: dict[str, Any]) -> Any:
        """The formula that the statement matches the request."""
        parts = [self._principal(one), self._action(one), self._resource(one)]
        for operator, block in one.get("Condition", {}).items():
            parts += [self._condition(operator, key, values) for key, values in block.items()]
        return z3.And(*parts)

    def _principal(self, one: dict[str, Any]) -> Any:
        negated = "NotPrincipal" in one
        value = one["NotPrincipal" if negated else "Principal"]
        if not isinstance(value, dict):
            value = {"AWS": value}
        aws = value.get("AWS", [])
        everyone = "*" in (aws if isinstance(aws, list) else [aws])
        holds = z3.BoolVal(True) if everyone else self.social if "Federated" in value else z3.BoolVal(False)
        return z3.Not(holds) if negated else holds

    def _action(self, one: dict[str, Any]) -> Any:
        negated = "NotAction" in one
        listed = one["NotAction" if negated else "Action"]
        patterns = [p.lower() for p in (listed if isinstance(listed, list) else [listed])]
        hits = [
            i for i, n in enumerate(self.actions) if any(fnmatch.fnmatchcase(f"s3:{n}".lower(), p) for p in patterns)
        ]
        holds = z3.Or(*(self.action == i for i in hits))
        return z3.Not(holds) if negated else holds

    def _resource(self, one: dict[str, Any]) -> Any:
        negated = "NotResource" in one
        listed = one["NotResource" if negated else "Resource"]
        resource = z3.If(self.on_object, z3.Concat(f"{ARN}/", self.key), z3.StringVal(ARN))
        texts = listed if isinstance(listed, list) else [listed]
        holds = z3.Or(*(_matches(resource, _regex(text, wild=True)) for text in texts))
        return z3.Not(holds) if negated else holds

    def fixed(self, witness: Witness) -> list[Any]:
        """The facts that make the request the witness."""
        context = dict(witness.context)
        caller = witness.caller
        kinds = ("role", "user", "root", "federated-user")
        kind = next((index for index, name in enumerate(kinds) if f"({name})" in caller), 0)
        facts = [
            self.signed == ("unsigned" not in caller),
            self.social == ("social" in caller),
            self.vpc == ("VPC" in caller),
            self.via == ("service" in caller),
            self.kind == kind,
            self.action == self.actions.index(witness.action.removeprefix("s3:")),
            self.key == (witness.resource.partition("/")[2] or "unused"),
        ]
        if witness.account is not None:
            facts.append(self.account == witness.account)
        for key in self.mentioned:
            facts += self._fixed_key(key, context.get(key))
        return facts

    def _fixed_key(self, key: str, values: tuple[str, ...] | None) -> list[Any]:
        present = self._presence(key)
        if values is None:
            return [z3.Not(present)]
        if key in self.many:
            first, second = self.pairs[key]
            return [present, first == values[0], second == values[-1]]
        if key == "aws:sourceip":
            address = ipaddress.ip_address(values[0])
            return [present, self.ip6 == (address.version == 6), self.ip == int(address)]
        if key == "aws:securetransport":
            return [(self.tls > 0) == (values[0] == "true")]
        if key == "s3:tlsversion":
            return [self.tls == round(float(values[0]) * 10)]
        if key in {"s3:max-keys", "aws:multifactorauthage"}:
            return [present, z3.Real(key) == z3.RealVal(values[0])]
        if key == "aws:multifactorauthpresent":
            return [present, z3.Bool("mfa is") == (values[0] == "true")]
        return [present, self.text[key] == values[0]] if key in self.text else [present]

    def allowed(self) -> Any:
        """The formula that the request is allowed and not denied."""
        allows = [self.statement(one) for one in self.statements if one["Effect"] == "Allow"]
        denies = [self.statement(one) for one in self.statements if one["Effect"] == "Deny"]
        return z3.And(z3.Or(*allows), z3.Not(z3.Or(*denies)))


_NO_COLON_FIELDS = _sequence([z3.Star(_NO_COLON), z3.Re(":")] * 4)


def _narrow(text: str) -> bool:
    net = ipaddress.ip_network(text, strict=False)
    return net.prefixlen >= (8 if net.version == 4 else 32)


def solve(
    policy: dict[str, Any], *, unsigned: bool = False, witness: Witness | None = None, milliseconds: int = 2000
) -> bool | None:
    """Whether a stranger (or, with `unsigned`, anyone on the internet) is allowed anything; None if not decided.

    With `witness` the question is whether this one request is.
    """
    try:
        encoding = Encoding(policy, witness)
        solver = z3.Solver()
        solver.set("timeout", milliseconds)
        formula = encoding.allowed()
        solver.add(*encoding.facts, formula)
    except Unsupported:
        return None
    if unsigned:
        solver.add(z3.Not(encoding.signed), z3.Not(encoding.vpc))
    if witness is not None:
        solver.add(*encoding.fixed(witness))
    answer = solver.check()
    return None if answer == z3.unknown else bool(answer == z3.sat)
