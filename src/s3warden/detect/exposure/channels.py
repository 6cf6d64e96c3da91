"""One channel at a time: what the bucket policy, the access control list or an access point gives to whom.

Takes compiled documents as a `Channel`, hands on an `Opening`: what unsigned callers, signed strangers and named
accounts get, each with a checked witness, what could not be decided, and for a grant that opens nothing, why.
Public access blocks do not enter here, so that a flipped flag costs nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from s3warden.detect.exposure import actions, concrete
from s3warden.detect.exposure.budget import Budget, Exhausted
from s3warden.detect.exposure.callers import INTERNET, Caller, anonymous, members, strangers
from s3warden.detect.exposure.compiled import Place, Rule, referred
from s3warden.detect.exposure.concrete import Decision
from s3warden.detect.exposure.facts import Facts
from s3warden.detect.exposure.likeness import Likeness, Likenesses
from s3warden.detect.exposure.normal import Document
from s3warden.detect.exposure.proof import Reason, Witness, context_of, request_of
from s3warden.detect.exposure.scene import Assignment, Scene
from s3warden.detect.exposure.symbolic import TOO_MUCH, decide

ACL, POLICY, ACCESS_POINT = "acl", "policy", "access_point"

WORK = 6_000
"""How much work one analysis may cost, all channels together; past it the answer is unknown."""


@dataclass(frozen=True, eq=False, slots=True)
class Channel:
    """One way in. A request needs one rule of each of `grants`, and none of `denies` may match."""

    kind: str
    name: str
    grants: tuple[tuple[Rule, ...], ...]
    denies: tuple[Rule, ...]
    facts: Facts
    bucket: Document
    place: Place
    point: Document | None = None
    point_place: Place | None = None
    unsigned: bool = True
    accounts: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def web(self) -> bool:
        """Whether some rule speaks to logins at an identity provider: a Deny too, since it may spare just them."""
        return any(
            rule.principals.social or rule.principals.providers
            for rules in (*self.grants, self.denies)
            for rule in rules
        ) or any("." in key.partition(":")[0] for key in self.facts.mentions)


@dataclass(frozen=True, slots=True)
class Opening:
    """What a channel gives, public access blocks aside. `stops` and `reasons` explain a face-value grant in vain."""

    kind: str
    name: str
    unsigned: tuple[Witness, ...] = ()
    signed: Witness | None = None
    accounts: tuple[tuple[str, Witness], ...] = ()
    doubts: tuple[str, ...] = ()
    account_doubts: tuple[tuple[str, str], ...] = ()
    face: bool = False
    stops: frozenset[str] = frozenset()
    reasons: tuple[Reason, ...] = ()

    @property
    def public(self) -> bool:
        """Whether a stranger certainly gets in."""
        return bool(self.unsigned) or self.signed is not None


@dataclass(eq=False, slots=True)
class Inquiry:
    """The questions put to one channel, with one budget for all."""

    channel: Channel
    obtainable: int
    budget: Budget
    _scenes: dict[tuple[Caller, bool], Scene] = field(default_factory=dict)
    _pinned: frozenset[str] | None = None

    def scene(self, caller: Caller, generous: bool) -> Scene:
        """One caller in one reading, with what was worked out for it before."""
        at = (caller, generous)
        if at not in self._scenes:
            pinned = frozenset[str]() if generous else self._referred()
            self._scenes[at] = Scene(caller, self.channel.facts, self.budget, generous, pinned)
        return self._scenes[at]

    def _referred(self) -> frozenset[str]:
        if self._pinned is None:
            rules = (rule for rules in (*self.channel.grants, self.channel.denies) for rule in rules)
            self._pinned = frozenset(key for rule in rules for key in referred(rule))
        return self._pinned

    def ask(
        self, caller: Caller, granted: int, on_object: bool, grants: Sequence[Sequence[Rule]], denies: Sequence[Rule]
    ) -> Assignment | str | None:
        """Whether `caller` gets the actions of `granted`, which no rule tells apart."""
        self.budget.spend((sum(map(len, grants)) + len(denies)) / 20)
        allowing = [[rule for rule in rules if rule.actions & granted] for rules in grants]
        if not all(allowing):
            return None
        denying = [rule for rule in denies if rule.actions & granted]
        return decide(lambda generous: self.scene(caller, generous), allowing, denying, on_object)

    def witness(self, caller: Caller, granted: int, on_object: bool) -> Witness | str | None:
        """As `ask`, with the proof; an answer that the concrete evaluator does not confirm is no answer."""
        channel = self.channel
        try:
            found = self.ask(caller, granted, on_object, channel.grants, channel.denies)
            return self._prove(caller, granted, found) if isinstance(found, Assignment) else found
        except Exhausted:
            return TOO_MUCH

    def _prove(self, caller: Caller, granted: int, found: Assignment) -> Witness | str:
        channel = self.channel
        self.budget.spend(20)
        scene = found.scene
        context = context_of(scene, found)
        name = actions.first(granted)
        resource, point_resource = self._resources(found)
        request = request_of(scene, context, name, resource, point_resource)
        decision = concrete.decide(request, channel.bucket, channel.point)
        if channel.kind == ACL and decision is Decision.NOT_GRANTED:
            decision = Decision.ALLOWED
        if decision is not Decision.ALLOWED:
            return f"{channel.name}: the check of a found {name} by {caller.name} answers {decision}"
        return Witness(
            channel.kind if channel.kind != ACCESS_POINT else channel.name,
            actions.CLASS[actions.INDEX[name.lower()]],
            name,
            point_resource or resource,
            caller.name,
            request.account,
            tuple(rule.label if len(found.allows) == 1 else f"{rule.channel} {rule.label}" for rule in found.allows),
            tuple(sorted(context.items())),
        )

    def _resources(self, found: Assignment) -> tuple[str, str | None]:
        """The ARN of the bucket or object, and its ARN under the access point."""

        def within(place: Place) -> str:
            return place.whole if found.object_key is None else place.objects + found.object_key

        point = self.channel.point_place
        return within(self.channel.place), None if point is None else within(point)


def groups(rules: Iterable[Rule], wanted: int) -> Iterator[tuple[int, bool]]:
    """The wanted actions in sets that no rule tells apart, each with whether it acts on objects."""
    found = [(wanted & actions.OBJECT, True), (wanted & actions.BUCKET, False)]
    for mask in {rule.actions for rule in rules}:
        found = [(part, kind) for whole, kind in found for part in (whole & mask, whole & ~mask) if part]
    return iter(sorted((item for item in found if item[0]), key=lambda item: item[0] & -item[0]))


def examine(channel: Channel, obtainable: int, budget: Budget, *, explain: bool = True) -> Opening:
    """What a channel gives. `obtainable` are the actions that somebody outside the owner's account can perform."""
    inquiry = Inquiry(channel, obtainable, budget)
    rules = [rule for rules in (*channel.grants, channel.denies) for rule in rules]
    parts = list(groups(rules, obtainable))
    unsigned, doubts = _unsigned(inquiry, parts) if channel.unsigned else ((), ())
    signed: Witness | None = None
    if not unsigned:
        signed, more = _signed(inquiry, parts)
        doubts = (*doubts, *(text for text in more if not any(one.endswith(_cause(text)) for one in doubts)))
    accounts, account_doubts = _accounts(inquiry, parts)
    face = any(_face(rule) for rule in channel.grants[0])
    found = Opening(
        channel.kind, channel.name, unsigned, signed, accounts, tuple(dict.fromkeys(doubts)), account_doubts, face
    )
    if found.public or found.doubts or not explain:
        return found
    stops, reasons = explanations(inquiry)
    return replace(found, stops=stops, reasons=reasons)


def _cause(doubt: str) -> str:
    return doubt.partition(": ")[2]


def _face(rule: Rule) -> bool:
    """Whether a rule is, at face value, a grant to the world on something in this bucket."""
    if not rule.principals.open:
        return False
    return any(rule.actions & part and rule.covers(kind) for part, kind in _KINDS)


_KINDS = ((actions.OBJECT, True), (actions.BUCKET, False))


def _unsigned(inquiry: Inquiry, parts: Sequence[tuple[int, bool]]) -> tuple[tuple[Witness, ...], tuple[str, ...]]:
    """A witness for each class of actions that the plain internet gets, and what could not be decided."""
    caller = anonymous(frozenset())[0]
    witnesses: dict[str, Witness] = {}
    doubts: dict[str, str] = {}
    for granted, on_object in parts:
        for name, mask in actions.OF_CLASS.items():
            if not granted & mask or name in witnesses:
                continue
            found = inquiry.witness(caller, granted & mask, on_object)
            if isinstance(found, Witness):
                witnesses[name] = found
            elif found is not None:
                doubts[name] = found
    left: dict[str, list[str]] = {}
    for name, text in doubts.items():
        if name not in witnesses:
            left.setdefault(text, []).append(name)
    lines = tuple(f"{inquiry.channel.name}, {', '.join(names)} by anyone: {text}" for text, names in left.items())
    return tuple(witnesses[name] for name in actions.CLASSES if name in witnesses), lines


def _signed(inquiry: Inquiry, parts: Sequence[tuple[int, bool]]) -> tuple[Witness | None, tuple[str, ...]]:
    """A witness for the first thing that a stranger who signs, or an unsigned one in a VPC, gets."""
    channel = inquiry.channel
    mentioned = channel.facts.mentions.keys()
    callers = [caller for caller in anonymous(mentioned) if channel.unsigned and caller.network != INTERNET]
    doubts: list[str] = []
    for caller in (*callers, *strangers(mentioned, web=channel.web)):
        for granted, on_object in parts:
            found = inquiry.witness(caller, granted, on_object)
            if isinstance(found, Witness):
                return found, ()
            if found is not None:
                doubts.append(f"{channel.name}, {actions.CLASS[(granted & -granted).bit_length() - 1]}: {found}")
    return None, tuple(doubts[:1])


def _accounts(
    inquiry: Inquiry, parts: Sequence[tuple[int, bool]]
) -> tuple[tuple[tuple[str, Witness], ...], tuple[tuple[str, str], ...]]:
    """A witness for each named account that gets anything, and the accounts for which that is undecided."""
    found: list[tuple[str, Witness]] = []
    doubts: list[tuple[str, str]] = []
    known: dict[object, tuple[Likeness, Witness | str | None]] = {}
    likeness = Likenesses(inquiry.channel)
    for account, listed in sorted(inquiry.channel.accounts.items()):
        mine = likeness.of(account, listed)
        if mine is not None and mine.signature in known:
            other, answer = known[mine.signature]
            answer = mine.adopt(other, answer)
        else:
            answer = _member(inquiry, parts, account, listed)
            if mine is not None:
                known[mine.signature] = (mine, answer)
        if isinstance(answer, Witness):
            found.append((account, answer))
        elif answer is not None:
            doubts.append((account, answer))
    return tuple(found), tuple(doubts)


def _member(
    inquiry: Inquiry, parts: Sequence[tuple[int, bool]], account: str, listed: frozenset[str]
) -> Witness | str | None:
    doubt: str | None = None
    mentioned = inquiry.channel.facts.mentions.keys()
    for caller in members(account, sorted(listed), mentioned, web=inquiry.channel.web):
        for granted, on_object in parts:
            found = inquiry.witness(caller, granted, on_object)
            if isinstance(found, Witness):
                return found
            doubt = doubt or found
    return doubt


def explanations(inquiry: Inquiry) -> tuple[frozenset[str], tuple[Reason, ...]]:
    """For a channel that opens nothing: the layers that stop its face-value grants, and a reason for each grant."""
    stops: set[str] = set()
    reasons: list[Reason] = []
    for rule in inquiry.channel.grants[0]:
        try:
            layer, text = _why_not(inquiry, rule)
        except Exhausted:
            layer, text = "unknown", TOO_MUCH
        reasons.append(Reason(inquiry.channel.name, rule.label, layer, text))
        if layer not in _NO_LAYER:
            stops.add(layer)
    return frozenset(stops), tuple(reasons)


_NO_LAYER = frozenset({"principal", "resource", "unknown"})


def _why_not(inquiry: Inquiry, rule: Rule) -> tuple[str, str]:
    """What stops one rule from opening the bucket to the world."""
    channel = inquiry.channel
    if not rule.principals.open:
        return "principal", "it speaks to the principals it names only"
    if not _face(rule):
        return "resource", "its actions and resources never meet in this bucket"
    reachable = sum(rule.actions & part for part, kind in _KINDS if rule.covers(kind))
    if not reachable & inquiry.obtainable:
        if reachable & actions.OF_CLASS[actions.WRITE_ACP]:
            return "ownership", "access control lists are disabled, so nobody can write one"
        return "owner_only_api", "the bucket policy calls need an identity of the owner's account"
    if not _opens(inquiry, ((rule,),), ()):
        return "condition", _blame(inquiry, rule)
    own = [deny for deny in channel.denies if deny.channel == rule.channel]
    if len(channel.grants) > 1:
        if not _opens(inquiry, ((rule,),), own):
            return "deny", _blame_denies(inquiry, ((rule,),), own)
        if not _opens(inquiry, ((rule,), *channel.grants[1:]), own):
            return "bucket_policy", "the bucket policy does not allow the same request"
    grants = ((rule,), *channel.grants[1:])
    return "deny", _blame_denies(inquiry, grants, channel.denies)


def _opens(inquiry: Inquiry, grants: Sequence[Sequence[Rule]], denies: Sequence[Rule]) -> bool:
    """Whether any stranger gets anything from `grants` under `denies`."""
    channel = inquiry.channel
    mentioned = channel.facts.mentions.keys()
    callers = (*(anonymous(mentioned) if channel.unsigned else ()), *strangers(mentioned, web=channel.web))
    inquiry.budget.spend(2 + (sum(map(len, grants)) + len(denies)) / 10)
    parts = list(groups([rule for rules in (*grants, denies) for rule in rules], inquiry.obtainable))
    for caller in callers:
        for granted, on_object in parts:
            if inquiry.ask(caller, granted, on_object, grants, denies) is not None:
                inquiry.budget.spend(0)
                return True
    return False


def _blame(inquiry: Inquiry, rule: Rule) -> str:
    for condition in rule.conditions:
        if not _opens(inquiry, ((replace(rule, conditions=(condition,)),),), ()):
            return f"no stranger meets {condition.show()}"
    return "no stranger meets all of " + " and ".join(condition.show() for condition in rule.conditions)


def _blame_denies(inquiry: Inquiry, grants: Sequence[Sequence[Rule]], denies: Sequence[Rule]) -> str:
    for deny in sorted(denies, key=lambda rule: len(rule.conditions))[:_MOST_SUSPECTS]:
        if not _opens(inquiry, grants, (deny,)):
            return f"{deny.label} denies it to every stranger"
    named = ", ".join(deny.label for deny in denies[:_MOST_SUSPECTS]) + (", …" if denies[_MOST_SUSPECTS:] else "")
    return f"together, {named} deny it to every stranger"


_MOST_SUSPECTS = 5
