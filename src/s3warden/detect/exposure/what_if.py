"""What each single change would do: the smallest one that closes the leak, and whom it would cut off.

Takes inputs, hands on one `Change` for each flag of public access block, for ownership, for the removal of each Allow
and of the public grants, and, where no single change closes the bucket, for pairs of them. Changes nothing.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from s3warden.detect.exposure.engine import analyse
from s3warden.detect.exposure.inputs import ENFORCED, Block, ExposureInputs, policy_text
from s3warden.detect.exposure.normal import NO_DOCUMENT
from s3warden.detect.exposure.parse import parse
from s3warden.detect.exposure.verdict import Exposure
from s3warden.model.bucket import Unreadable
from s3warden.model.configuration import ALL_USERS, AUTHENTICATED_USERS, NO_BLOCK

FLAGS = {
    "IgnorePublicAcls": "ignore_public_acls",
    "RestrictPublicBuckets": "restrict_public_buckets",
    "BlockPublicAcls": "block_public_acls",
    "BlockPublicPolicy": "block_public_policy",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One change and the verdict after it. `cuts_off` are the named accounts that lose all access by it."""

    steps: tuple[str, ...]
    verdict: Exposure
    closes: bool
    opens: bool
    cuts_off: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """The change for JSON."""
        return {
            "change": list(self.steps),
            "public": self.verdict.public,
            "public_actions": list(self.verdict.public_actions),
            "closes": self.closes,
            "opens": self.opens,
            "cuts_off": list(self.cuts_off),
        }


Step = tuple[str, Callable[[ExposureInputs], ExposureInputs]]


def what_if(inputs: ExposureInputs, judge: Callable[[ExposureInputs], Exposure] = analyse) -> tuple[Change, ...]:
    """Every single change that alters the verdict; pairs too while the bucket is open and no single one closes it."""
    now = judge(inputs)
    singles = [*_flag_steps(inputs), *_ownership_steps(inputs), *_grant_steps(inputs), *_statement_steps(inputs)]
    changes = [_change((step,), inputs, now, judge) for step in singles]
    if now.public is not False and not any(change.closes for change in changes):
        closing = [step for step in singles if not step[0].endswith(" off") and " Block" not in step[0]][:_MOST_PAIRED]
        changes += [_change(pair, inputs, now, judge) for pair in combinations(closing, 2)]
    return tuple(change for change in changes if _alters(change, now))


_MOST_PAIRED = 12


def smallest(changes: tuple[Change, ...]) -> Change | None:
    """The change that closes the bucket, cuts off the fewest accounts and has the fewest steps; None if none closes."""
    closing = [change for change in changes if change.closes]
    return min(closing, key=lambda change: (len(change.cuts_off), len(change.steps)), default=None)


def _change(
    steps: tuple[Step, ...], inputs: ExposureInputs, now: Exposure, judge: Callable[[ExposureInputs], Exposure]
) -> Change:
    changed = inputs
    for _, apply in steps:
        changed = apply(changed)
    after = judge(changed)
    return Change(
        tuple(name for name, _ in steps),
        after,
        closes=now.public is not False and after.public is False,
        opens=now.public is False and after.public is not False,
        cuts_off=tuple(account for account in now.cross_account if account not in after.cross_account),
    )


def _alters(change: Change, now: Exposure) -> bool:
    after = change.verdict
    return (after.public, after.public_actions, after.cross_account) != (
        now.public,
        now.public_actions,
        now.cross_account,
    )


def _flag_steps(inputs: ExposureInputs) -> Iterator[Step]:
    for scope in ("bucket_block", "account_block"):
        block: Block = getattr(inputs, scope)
        if isinstance(block, Unreadable):
            continue
        for name, attribute in FLAGS.items():
            on = not getattr(block or NO_BLOCK, attribute)
            yield f"{scope.removesuffix('_block')} {name} {'on' if on else 'off'}", _flag(scope, attribute, on)


def _flag(scope: str, attribute: str, on: bool) -> Callable[[ExposureInputs], ExposureInputs]:
    def apply(inputs: ExposureInputs) -> ExposureInputs:
        block: Block = getattr(inputs, scope)
        held = NO_BLOCK if block is None or isinstance(block, Unreadable) else block
        return _with_block(inputs, scope, replace(held, **{attribute: on}))

    return apply


def _with_block(inputs: ExposureInputs, scope: str, block: Block) -> ExposureInputs:
    return replace(inputs, bucket_block=block) if scope == "bucket_block" else replace(inputs, account_block=block)


def _ownership_steps(inputs: ExposureInputs) -> Iterator[Step]:
    if inputs.ownership == ENFORCED:
        yield "ownership ObjectWriter", lambda given: replace(given, ownership="ObjectWriter")
    else:
        yield f"ownership {ENFORCED}", lambda given: replace(given, ownership=ENFORCED)


def _grant_steps(inputs: ExposureInputs) -> Iterator[Step]:
    groups = (ALL_USERS, AUTHENTICATED_USERS)
    if isinstance(inputs.grants, Unreadable) or not any(grant.grantee in groups for grant in inputs.grants):
        return
    private = tuple(grant for grant in inputs.grants if grant.grantee not in groups)
    yield "remove the public grants", lambda given: replace(given, grants=private)


def _statement_steps(inputs: ExposureInputs) -> Iterator[Step]:
    """The removal of each Allow of the bucket policy, and of the policy of each access point."""
    document = parse(inputs.policy) if isinstance(inputs.policy, str) else NO_DOCUMENT
    if document.statements and not document.unknown:
        for statement, source in zip(document.statements, _listed(json.loads(str(inputs.policy))), strict=True):
            if statement.effect == "Allow":
                yield f"remove {statement.label}", _without(source)
    for number, point in enumerate(inputs.access_points if isinstance(inputs.access_points, tuple) else ()):
        if point.policy is not None:
            yield f"remove the policy of access point {point.name}", _without_point_policy(number)


def _without(statement: object) -> Callable[[ExposureInputs], ExposureInputs]:
    def apply(inputs: ExposureInputs) -> ExposureInputs:
        document = json.loads(str(inputs.policy))
        kept = _listed(document)
        kept.remove(statement)
        return replace(inputs, policy=policy_text({**document, "Statement": kept}))

    return apply


def _listed(document: dict[str, object]) -> list[object]:
    statements = document["Statement"]
    return list(statements) if isinstance(statements, list) else [statements]


def _without_point_policy(number: int) -> Callable[[ExposureInputs], ExposureInputs]:
    def apply(inputs: ExposureInputs) -> ExposureInputs:
        points = inputs.access_points if isinstance(inputs.access_points, tuple) else ()
        kept = tuple(replace(point, policy=None) if at == number else point for at, point in enumerate(points))
        return replace(inputs, access_points=kept)

    return apply
