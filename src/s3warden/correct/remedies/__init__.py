"""The remedies, one module a topic, and which rule each mends."""

from s3warden.correct.remedies import exposure, public_access_block
from s3warden.correct.remedy import Remedy

REMEDIES: tuple[Remedy, ...] = (
    *exposure.REMEDIES,
    *public_access_block.REMEDIES,
)


def remedies_for(rule_id: str) -> tuple[Remedy, ...]:
    """The remedies of a rule, the smallest change first; none where a person has to do it."""
    return tuple(remedy for remedy in REMEDIES if rule_id in remedy.rules)
