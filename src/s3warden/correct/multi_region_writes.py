"""The write on the policy of a multi-region access point, which AWS takes as an order and carries out in minutes.

Until then it answers the policy in force with the proposed one beside it. There is no call that takes such a policy
away. A place is the one region that answers, the account and the name, as the calls want it: ARNs have the alias. Pure:
it calls nobody.

Sources: the S3 Control API reference for the operations (MultiRegionAccessPointPolicyDocument for the two policies),
the service authorization reference for the IAM action.
"""

from collections.abc import Mapping
from dataclasses import replace

from s3warden.collect import multi_region
from s3warden.collect.shapes import Answer
from s3warden.correct.remedy import Edit
from s3warden.correct.service_row import Asked, Asking, ServiceWriting
from s3warden.correct.views import policy_view
from s3warden.model.action import ORDERED
from s3warden.model.bucket import ABSENT, AccountRef, Present, Reading
from s3warden.model.configuration import MultiRegionAccessPoint, MultiRegionAccessPoints, Policy

_PUT = "PutMultiRegionAccessPointPolicy"


def place_of(account: AccountRef, point: MultiRegionAccessPoint) -> str:
    """The place of a multi-region access point of the account."""
    return f"{multi_region.HOMES[account.partition]}:{account.account}/{point.name}"


def answer(text: str) -> Answer:
    """What AWS answers once this policy is in force everywhere."""
    return {"Policy": {"Established": {"Policy": text}, "Proposed": {"Policy": text}}}


def text(known: Answer) -> str | None:
    """The policy in force."""
    read = multi_region.POLICY.understood(known)
    established = read.value.established if isinstance(read, Present) else None
    return None if established is None else established.text


def _view(known: Answer) -> Answer | None:
    """The policy in force, and what AWS was told to make of it where that is another one."""
    read = multi_region.POLICY.understood(known)
    if not isinstance(read, Present) or read.value.established is None:
        return None
    own, proposed = policy_view({"Policy": read.value.established.text}), read.value.proposed
    ordered = own if proposed is None else policy_view({"Policy": proposed.text})
    return own if ordered == own else {**own, ORDERED: ordered}


def _named(place: str) -> tuple[str, str]:
    account, _, name = place.partition(":")[2].partition("/")
    return account, name


def _read(place: str) -> Mapping[str, object]:
    account, name = _named(place)
    return {"AccountId": account, "Name": name}


def _put(place: str, known: Answer) -> Asked:
    account, name = _named(place)
    # The token that the call takes is the SDK's to draw: a policy that is put twice is in force once.
    return _PUT, {"AccountId": account, "Details": {"Name": name, "Policy": text(known)}}


def _calls(place: str, before: Answer | None, after: Answer) -> Asking:
    if before is None:
        raise ValueError(f"{_PUT}: there is no way to take this setting away")
    return (multi_region.POLICY.operation, _read(place)), _put(place, after), _put(place, before)


def _left(reading: Reading[object], edit: Edit) -> Reading[object]:
    if not isinstance(reading, Present) or not isinstance(reading.value, MultiRegionAccessPoints):
        return reading
    _, name = _named(edit.place or "")
    policy = ABSENT if edit.after is None else Present(Policy(str(text(edit.after))))
    points = (replace(e, policy=policy, proposed=None) if e.name == name else e for e in reading.value.points)
    return Present(MultiRegionAccessPoints(tuple(points)))


ROW = ServiceWriting(
    "s3control",
    multi_region.POLICY,
    _view,
    _calls,
    _left,
    ("s3:PutMultiRegionAccessPointPolicy",),
    slow=True,
)
