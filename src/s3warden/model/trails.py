"""CloudTrail as AWS's answers mean it: trails, where they deliver to, and which events they and data stores select."""

from dataclasses import dataclass
from itertools import chain

from s3warden.model.bucket import Reading, Unreadable, unreadable_parts


@dataclass(frozen=True, slots=True)
class BasicSelector:
    """A classic event selector. `reads` and `writes` are what ReadWriteType lets through.

    `objects` are the values of its data resources of type AWS::S3::Object: ARNs, or beginnings of ARNs.
    """

    reads: bool
    writes: bool
    management: bool
    objects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """One condition on a field of an event. Any of the first three selects; any of the `not_` ones deselects."""

    field: str
    equals: tuple[str, ...] = ()
    starts_with: tuple[str, ...] = ()
    ends_with: tuple[str, ...] = ()
    not_equals: tuple[str, ...] = ()
    not_starts_with: tuple[str, ...] = ()
    not_ends_with: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AdvancedSelector:
    """An advanced event selector: an event must meet the conditions on all its fields."""

    fields: tuple[FieldSelector, ...]


@dataclass(frozen=True, slots=True)
class Selectors:
    """What a trail or an event data store records: what any one of these selects."""

    basic: tuple[BasicSelector, ...] = ()
    advanced: tuple[AdvancedSelector, ...] = ()


@dataclass(frozen=True, slots=True)
class TrailStatus:
    """Whether the trail records now, and AWS's code for why it could not deliver last; empty where it could."""

    logging: bool
    delivery_error: str = ""


@dataclass(frozen=True, slots=True)
class Trail:
    """A trail that records events of the account, its own or the organisation's, in one region or in all.

    `bucket` is where it delivers to, `log_group` the ARN of the log group that gets the events too. Status and
    selectors are read apart from the rest, so each may be unreadable by itself.
    """

    arn: str
    name: str
    home_region: str
    bucket: str
    status: Reading[TrailStatus]
    selectors: Reading[Selectors]
    prefix: str = ""
    multi_region: bool = False
    organization: bool = False
    log_group: str | None = None

    @property
    def owner(self) -> str:
        """The account that the trail belongs to."""
        return self.arn.split(":")[4]

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Why parts of it are not known."""
        return (*unreadable_parts(self.status), *unreadable_parts(self.selectors))


@dataclass(frozen=True, slots=True)
class Trails:
    """The trails that record what happens in one region of an account, by ARN."""

    trails: tuple[Trail, ...]

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Why parts of them are not known."""
        return tuple(chain.from_iterable(trail.unreadable for trail in self.trails))


@dataclass(frozen=True, slots=True)
class EventDataStore:
    """An event data store of CloudTrail Lake; `ingesting` whether it records now."""

    arn: str
    name: str
    ingesting: bool
    multi_region: bool
    organization: bool
    selectors: Selectors


@dataclass(frozen=True, slots=True)
class EventDataStores:
    """The event data stores of an account whose home is one region, by ARN."""

    stores: tuple[EventDataStore, ...]
