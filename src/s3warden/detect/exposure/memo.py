"""Remembered analyses, by the shape of the policies: a fleet of buckets from one template costs one analysis.

The shape is the inputs with the bucket's own name replaced in its policies, and without what public access blocks say.
Two buckets share a shape only if no wildcard in the texts can tell their names apart; else each has its own.
"""

import re
from collections import OrderedDict
from dataclasses import replace

from s3warden.detect.exposure.channels import Opening
from s3warden.detect.exposure.inputs import AccessPoint, ExposureInputs, PolicyText
from s3warden.detect.exposure.layers import lay
from s3warden.detect.exposure.proof import Reason, Witness
from s3warden.detect.exposure.survey import Findings, find
from s3warden.detect.exposure.verdict import Exposure

PLACEHOLDER = "\uf8ff"
"""Stands for the bucket's name: a private use character that no bucket name has."""

_PLACE = f":s3:::{PLACEHOLDER}"
_ENDS = ('"', "/", "*", "?")
_STRINGS = re.compile(r'"([^"]*[*?$][^"]*)"')
_CLOCKS = ("currenttime", "epochtime")


class Memo:
    """A bounded memory of analyses; the least recently used one goes first."""

    def __init__(self, size: int = 4096) -> None:
        self._size = size
        self._found: OrderedDict[ExposureInputs, Findings] = OrderedDict()
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._found)

    def analyse(self, inputs: ExposureInputs) -> Exposure:
        """The same verdict as `engine.analyse`."""
        return lay(inputs, self.find(inputs))

    def find(self, inputs: ExposureInputs) -> Findings:
        """The part of the verdict that no public access block changes."""
        asked = shape(inputs)
        found = self._found.get(asked)
        if found is None:
            self.misses += 1
            found = self._found[asked] = find(asked)
            if len(self._found) > self._size:
                self._found.popitem(last=False)
        else:
            self.hits += 1
            self._found.move_to_end(asked)
        return found if asked.bucket == inputs.bucket else _named(found, inputs.bucket)


def shape(inputs: ExposureInputs) -> ExposureInputs:
    """The inputs as far as `find` looks at them, the bucket's name replaced where that changes nothing."""
    points = inputs.access_points
    if isinstance(points, tuple):
        points = tuple(replace(point, block=None) for point in points)
    texts = [text for text in (inputs.policy, *_point_policies(points)) if isinstance(text, str)]
    bare = replace(
        inputs,
        organisation_block=None,
        account_block=None,
        bucket_block=None,
        policy_status=None,
        website=False,
        access_points=points,
        now=inputs.now if any(map(speaks_of_time, texts)) else None,
    )
    own = f":s3:::{inputs.bucket}"
    if any("\\" in text or PLACEHOLDER in text for text in texts) or not inputs.bucket:
        return bare
    policy = replaced(inputs.policy, own)
    if isinstance(policy, str) and not tells_no_names(policy, inputs.partition):
        return bare
    if isinstance(points, tuple):
        points = tuple(replace(point, policy=replaced(point.policy, own)) for point in points)
    return replace(bare, bucket=PLACEHOLDER, policy=policy, access_points=points)


def _point_policies(points: object) -> list[PolicyText]:
    return [point.policy for point in points if isinstance(point, AccessPoint)] if isinstance(points, tuple) else []


def speaks_of_time(text: str) -> bool:
    """Whether the verdict on a policy hangs on when it is asked for."""
    lowered = text.lower()
    return any(clock in lowered for clock in _CLOCKS)


def replaced(text: PolicyText, own: str) -> PolicyText:
    """The text with the bucket's name replaced wherever the name ends there."""
    if not isinstance(text, str):
        return text
    first, *others = text.split(own)
    return first + "".join([(_PLACE if part.startswith(_ENDS) else own) + part for part in others])


def tells_no_names(text: str, partition: str) -> bool:
    """Whether no wildcard in a replaced text can match some bucket names and not others."""
    head = f"arn:{partition}:s3:::"
    return not any(tells_names_apart(found[1], head) for found in _STRINGS.finditer(text))


def tells_names_apart(pattern: str, head: str) -> bool:
    """Whether a pattern may match some buckets' ARNs and not others by a wildcard in what follows `head`."""
    literal = re.split(r"[*?$]", pattern, maxsplit=1)[0]
    if literal == pattern or not (head.startswith(literal) or literal.startswith(head)):
        return False
    return pattern not in {"*", f"{head}*", f"{head}*/*"} and not literal.startswith(head + PLACEHOLDER)


def _named(found: Findings, bucket: str) -> Findings:
    return replace(found, openings=tuple(_named_opening(opening, bucket) for opening in found.openings))


def _named_opening(opening: Opening, bucket: str) -> Opening:
    return replace(
        opening,
        unsigned=tuple(_named_witness(witness, bucket) for witness in opening.unsigned),
        signed=None if opening.signed is None else _named_witness(opening.signed, bucket),
        accounts=tuple((account, _named_witness(witness, bucket)) for account, witness in opening.accounts),
        doubts=tuple(text.replace(PLACEHOLDER, bucket) for text in opening.doubts),
        account_doubts=tuple((name, text.replace(PLACEHOLDER, bucket)) for name, text in opening.account_doubts),
        reasons=tuple(_named_reason(reason, bucket) for reason in opening.reasons),
    )


def _named_reason(reason: Reason, bucket: str) -> Reason:
    return replace(reason, text=reason.text.replace(PLACEHOLDER, bucket)) if PLACEHOLDER in reason.text else reason


def _named_witness(witness: Witness, bucket: str) -> Witness:
    context = witness.context
    if any(PLACEHOLDER in value for _, values in context for value in values):
        context = tuple((key, tuple(value.replace(PLACEHOLDER, bucket) for value in values)) for key, values in context)
    return replace(witness, resource=witness.resource.replace(PLACEHOLDER, bucket), context=context)
