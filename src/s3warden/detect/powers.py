"""What strangers can do with a public bucket: the kinds of access, each with its proof, the worst first."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from s3warden.detect.exposed import analysed
from s3warden.detect.exposure import actions
from s3warden.detect.exposure.inputs import ExposureInputs
from s3warden.detect.exposure.proof import Witness
from s3warden.detect.questions import ADMINISTRATION, limited, understood

ADMIN = "administration"
CAN = {
    ADMIN: "change its settings",
    actions.WRITE_ACP: "rewrite ACLs",
    actions.WRITE: "put objects",
    actions.DELETE: "delete",
    actions.READ: "read objects",
    actions.LIST: "list the bucket",
    actions.READ_ACP: "read ACLs",
    actions.OTHER: "make other calls",
}
"""The kinds of access in words, the worst first."""
_LESSER = frozenset({actions.READ_ACP, actions.OTHER})
# Settings: what administration has beyond ACLs, deleting and the policy, which have names of their own.
_SETTINGS = tuple(name for name in ADMINISTRATION if actions.matching(name.lower()) & actions.OF_CLASS[actions.OTHER])
_OTHERS = actions.OF_CLASS[actions.OTHER] & ~sum(actions.matching(name.lower()) for name in _SETTINGS)
_WANTED = {
    **{name: tuple(actions.names(actions.OF_CLASS[name])) for name in CAN if name != ADMIN},
    ADMIN: _SETTINGS,
    actions.OTHER: tuple(actions.names(_OTHERS)),
}


@dataclass(frozen=True, slots=True)
class Power:
    """One kind of access, and a request that shows it."""

    name: str
    witness: Witness


def grave(powers: Iterable[Power]) -> bool:
    """Whether strangers get more than a look at who holds which grant, or at settings."""
    return any(power.name not in _LESSER for power in powers)


def words(powers: Iterable[Power]) -> str:
    """`read objects and list it`, the worst first."""
    *most, last = [CAN[power.name] for power in powers]
    return f"{', '.join(most)} and {last}" if most else last


@lru_cache(maxsize=256)
def unsigned(inputs: ExposureInputs) -> tuple[Power, ...]:
    """What anyone on the internet can do without a signature."""
    found: dict[str, Witness] = {}
    for witness in _of_everyone(inputs):
        if witness.caller == _UNSIGNED:
            found.setdefault(witness.action_class, witness)
    if actions.OTHER in found and understood(inputs) is None:
        settings = [w for w in _of_everyone(limited(inputs, _SETTINGS)) if w.caller == _UNSIGNED]
        found |= {ADMIN: settings[0]} if settings else {}
    return tuple(Power(name, found[name]) for name in CAN if name in found)


@lru_cache(maxsize=256)
def signed(inputs: ExposureInputs) -> tuple[Power, ...]:
    """What anyone can do who signs with some account, or calls from some VPC or with some social login."""
    if understood(inputs) is not None:
        return _first(inputs)
    found = ((name, _of_everyone(limited(inputs, wanted, signed=True))) for name, wanted in _WANTED.items())
    return tuple(Power(name, witnesses[0]) for name, witnesses in found if witnesses)


def _first(inputs: ExposureInputs) -> tuple[Power, ...]:
    return tuple(Power(witness.action_class, witness) for witness in _of_everyone(inputs)[:1])


_UNSIGNED = "anyone, unsigned"


def _of_everyone(inputs: ExposureInputs) -> list[Witness]:
    """The requests of strangers, those of named accounts left out."""
    found = analysed(inputs)
    return [w for w in found.witnesses if found.public and w.account not in found.cross_account]
