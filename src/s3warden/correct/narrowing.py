"""The fewest grants and statements whose removal mends a rule.

Takes a scene, hands on edits. Every public grant and every Allow is a candidate; whatever the rule passes without
removing stays. The rule itself decides, on the state that the removal would leave behind, so that what is removed is
what breaks this rule and nothing else.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from s3warden.collect.shapes import Answer
from s3warden.correct.cuts import Cut, everyone, whole
from s3warden.correct.effect import effect
from s3warden.correct.placed import of_points, statements, undeletable
from s3warden.correct.policy_text import TooLargeError, statements_of
from s3warden.correct.remedy import Edit, Scene
from s3warden.detect.effective import Flag, scopes_of
from s3warden.detect.exposed import analysed, inputs_of
from s3warden.detect.questions import alone
from s3warden.detect.rule import UnreadableError
from s3warden.model.action import Declined, canonical
from s3warden.model.bucket import Aspect

GLOBAL = ("/global/AllUsers", "/global/AuthenticatedUsers")
"""How the URIs of the two groups of strangers end; their hosts differ between partitions."""
LOG_GROUP = ("/s3/LogDelivery",)
"""The same of the group that delivers access logs."""

Cutter: TypeAlias = Callable[[str, frozenset[int]], Cut]
_EMPTY = '{"Version": "2012-10-17", "Statement": []}'


@dataclass(frozen=True, slots=True)
class Removal:
    """What is taken out: grants of the ACL, statements of the policy and of those of access points, by their place."""

    grants: frozenset[int] = frozenset()
    statements: frozenset[int] = frozenset()
    points: frozenset[tuple[str, int]] = frozenset()

    def but(self, other: "Removal") -> "Removal":
        """Without what is in `other`."""
        return Removal(self.grants - other.grants, self.statements - other.statements, self.points - other.points)

    def parts(self) -> Iterator["Removal"]:
        """One for each grant and each statement, the last first.

        Access points come after the bucket: a policy that leaves the decision to them is not the one that opens it.
        """
        for at in sorted(self.grants, reverse=True):
            yield Removal(grants=frozenset({at}))
        for at in sorted(self.statements, reverse=True):
            yield Removal(statements=frozenset({at}))
        for point in sorted(self.points, reverse=True):
            yield Removal(points=frozenset({point}))

    def of_point(self, place: str) -> frozenset[int]:
        """The statements of one access point's policy."""
        return frozenset(at for where, at in self.points if where == place)


def public_grants(scene: Scene) -> Removal:
    """The grants of the ACL to the two groups of strangers."""
    return Removal(grants=frozenset(at for at, grant in enumerate(grants_of(scene)) if granted_to(grant, GLOBAL)))


def other_grants(scene: Scene) -> Removal:
    """The grants of the ACL to single others than the owner."""
    acl = scene.documents.get(Aspect.ACL)
    owner = acl.get("Owner") if acl is not None else None
    own = owner.get("ID") if isinstance(owner, dict) else None
    named = [(at, grant.get("Grantee")) for at, grant in enumerate(grants_of(scene))]
    return Removal(
        grants=frozenset(at for at, who in named if isinstance(who, dict) and "URI" not in who and who.get("ID") != own)
    )


def delivery_grants(scene: Scene) -> Removal:
    """The grants of the ACL to S3's log delivery."""
    return Removal(grants=frozenset(at for at, grant in enumerate(grants_of(scene)) if granted_to(grant, LOG_GROUP)))


def allows(scene: Scene) -> Removal:
    """Every Allow of the policy, none where the text is no policy."""
    listed = statements_in(scene)
    return Removal(statements=frozenset(at for at, one in enumerate(listed) if one.get("Effect") == "Allow"))


def every_statement(scene: Scene) -> Removal:
    """All statements of the policy."""
    return Removal(statements=frozenset(range(len(statements_in(scene)))))


def point_allows(scene: Scene) -> Removal:
    """Every Allow of the policies of access points that could be read and are policies."""
    found = {place: statements(text) for _, place, text in of_points(scene)}
    return Removal(
        points=frozenset(
            (place, at)
            for place, listed in found.items()
            for at, one in enumerate(listed)
            if one.get("Effect") == "Allow"
        )
    )


def narrowed(scene: Scene, candidates: Removal, *, closed: bool = False) -> tuple[Edit, ...] | Declined:
    """The edits that take out as few of `candidates` as mend the rule, and leave the bucket closed if so wanted."""
    if candidates == Removal():
        return Declined("nothing_to_remove", "Neither the ACL nor the policy has anything that could be taken out.")
    if not _mends(scene, candidates, closed=closed):
        return Declined("not_mended", "To take out grants and statements would not be enough.")
    chosen = candidates
    # What plainly speaks to others by name is rarely what breaks a rule: it is spared in one go where that is so.
    for part in (_named_alone(scene, candidates), *candidates.parts()):
        smaller = chosen.but(part)
        if smaller != chosen and not _must_go(scene, part, closed=closed) and _mends(scene, smaller, closed=closed):
            chosen = smaller
    return _edits(scene, chosen, closed=closed)


def _named_alone(scene: Scene, candidates: Removal) -> Removal:
    """Those of the candidates that name accounts or services and nobody else."""
    listed = statements_in(scene)
    beside = {place: statements(text) for _, place, text in of_points(scene)}
    return Removal(
        statements=frozenset(at for at in candidates.statements if _names_alone(listed[at])),
        points=frozenset((place, at) for place, at in candidates.points if _names_alone(beside[place][at])),
    )


def _names_alone(statement: Mapping[str, object]) -> bool:
    principal = statement.get("Principal")
    return isinstance(principal, dict) and not principal.keys() & {"Federated"} and "*" not in _texts(principal)


def _texts(principal: Mapping[str, object]) -> list[object]:
    return [name for names in principal.values() for name in (names if isinstance(names, list) else [names])]


def _must_go(scene: Scene, part: Removal, *, closed: bool) -> bool:
    """Whether a part cannot stay: S3 would refuse to write it back, or it is public by itself.

    While BlockPublicAcls is on, no public grant may stay beside another. What is open through an access point alone may
    be closed there.
    """
    if closed and len(part.statements) == 1 and not part.grants and not part.points:
        [index] = part.statements
        direct = replace(inputs_of(scene.state, scene.options), access_points=())
        return analysed(alone(direct, index)).public is True
    try:
        return bool(part.grants) and bool(scopes_of(Flag.BLOCK_PUBLIC_ACLS, scene.state))
    except UnreadableError:
        return False


def _mends(scene: Scene, removal: Removal, *, closed: bool) -> bool:
    text = policy_of(scene)
    edits = list(_acl_edit(scene, removal))
    if text is not None and removal.statements:
        edits.append(Edit(Aspect.POLICY, {"Policy": _kept(text, removal.statements)}, ""))
    for kind, place, known in of_points(scene):
        if removal.of_point(place):
            edits.append(Edit(kind.aspect, kind.answer(_kept(known, removal.of_point(place))), "", place=place))
    return _good(scene, edits, closed=closed)


def _kept(text: str, gone: frozenset[int]) -> str:
    """The policy without these statements, which may be all."""
    kept = [one for at, one in enumerate(statements_of(text)) if at not in gone]
    return json.dumps({**json.loads(text), "Statement": kept}) if kept else _EMPTY


def _good(scene: Scene, edits: Sequence[Edit], *, closed: bool) -> bool:
    outcome = effect(scene, edits)
    return outcome.mends and (outcome.public_after is False or not closed)


def _edits(scene: Scene, removal: Removal, *, closed: bool) -> tuple[Edit, ...] | Declined:
    """Statements that name others beside everyone stay for those, unless what they say to those is itself the leak."""
    edits = _cut(scene, removal, everyone)
    return edits if isinstance(edits, Declined) or _good(scene, edits, closed=closed) else _cut(scene, removal, whole)


def _cut(scene: Scene, removal: Removal, cutter: Cutter) -> tuple[Edit, ...] | Declined:
    edits = list(_acl_edit(scene, removal))
    text = policy_of(scene)
    try:
        if text is not None and removal.statements:
            policy = cutter(text, removal.statements)
            if policy.left is None:
                return Declined(
                    "only_statement",
                    "Nothing of the policy would be left, and a policy is never deleted: "
                    "name who needs access, or delete it.",
                )
            edits.append(Edit(Aspect.POLICY, {"Policy": policy.left}, f"Take {policy.told} out of the bucket policy"))
        for kind, place, known in of_points(scene):
            if removal.of_point(place):
                edits.append(kind.edit(place, cutter(known, removal.of_point(place))))
                if edits[-1].after is None and not kind.deletes(place):
                    return undeletable(kind)
    except TooLargeError as error:
        return Declined("policy_too_large", f"The policy cannot be written: {error}.")
    return tuple(edits)


def _acl_edit(scene: Scene, removal: Removal) -> Iterator[Edit]:
    acl = scene.documents.get(Aspect.ACL)
    if acl is None or not removal.grants:
        return
    grants = grants_of(scene)
    kept = [grant for at, grant in enumerate(grants) if at not in removal.grants]
    gone = ", ".join(sorted({grant_name(grants[at]) for at in removal.grants}))
    yield Edit(Aspect.ACL, {**acl, "Grants": kept}, f"Take the grant {gone} out of the ACL")


def grants_of(scene: Scene) -> list[Answer]:
    """The grants of the ACL as AWS answered them."""
    acl = scene.documents.get(Aspect.ACL)
    listed = acl.get("Grants") if acl is not None else None
    return list(listed) if isinstance(listed, list) else []


def grant_name(grant: Answer) -> str:
    """A grant in a few words."""
    grantee = grant.get("Grantee")
    named = grantee if isinstance(grantee, dict) else {}
    who = named.get("URI") or named.get("ID") or named.get("EmailAddress") or canonical(named)
    return f"{str(who).rpartition('/')[2]} {grant.get('Permission')}"


def granted_to(grant: Answer, groups: tuple[str, ...]) -> bool:
    """Whether a grant is to a group whose URI ends so."""
    grantee = grant.get("Grantee")
    return isinstance(grantee, dict) and str(grantee.get("URI", "")).endswith(groups)


def policy_of(scene: Scene) -> str | None:
    """The text of the bucket policy, None without one."""
    policy = scene.documents.get(Aspect.POLICY)
    return None if policy is None else str(policy["Policy"])


def statements_in(scene: Scene) -> list[dict[str, object]]:
    """The statements of the bucket policy, none where the text is no policy."""
    text = policy_of(scene)
    try:
        return [] if text is None else statements_of(text)
    except ValueError:
        return []
