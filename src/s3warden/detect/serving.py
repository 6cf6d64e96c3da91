"""Buckets behind CloudFront: which distributions serve one, and which its policy lets in. Pure."""

from collections.abc import Iterator

from s3warden.detect.exposure.normal import Statement
from s3warden.detect.questions import document
from s3warden.detect.rule import configured
from s3warden.model.bucket import Aspect, State
from s3warden.model.references import References, Use

ANY = "any distribution"
"""What stands for all distributions, where a policy names none."""
CLOUDFRONT = "cloudfront."
"""How the service principal of CloudFront begins."""


def serving(state: State) -> frozenset[str]:
    """The ARNs of the distributions that are known to have the bucket for an origin. Raises UnreadableError."""
    pointing = configured(state, Aspect.REFERRERS, References)
    known = () if pointing is None else pointing.used_as(Use.ORIGIN)
    partition = state.ref.partition
    return frozenset(f"arn:{partition}:cloudfront::{each.account}:distribution/{each.holder}" for each in known)


def let_in(policy: str) -> Iterator[str]:
    """The distributions that the policy lets in by their ARN, as it names them; `ANY` where it names none."""
    for statement in document(policy).statements if policy else ():
        if statement.effect != "Allow" or not any(n.startswith(CLOUDFRONT) for n in statement.principals.service):
            continue
        yield from distributions(statement)


def distributions(statement: Statement) -> tuple[str, ...]:
    """The distributions for which a statement lets CloudFront in, as its conditions name them; `ANY` without any."""
    named = (each for each in statement.conditions if each.key == "aws:sourcearn" and each.operator.base != "Null")
    return tuple(value for each in named if not each.operator.negated for value in each.values) or (ANY,)
