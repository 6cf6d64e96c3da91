"""The newer kinds of buckets, which are no general purpose buckets, and what newer services make of buckets."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from s3warden.model.bucket import Reading, Unreadable, unreadable_parts
from s3warden.model.configuration import Policy


class BucketKind(StrEnum):
    """What kind of bucket. The value is the word for people."""

    DIRECTORY = "directory bucket"
    TABLE = "table bucket"
    VECTOR = "vector bucket"


@dataclass(frozen=True, slots=True)
class OtherBucket:
    """One of them. `encryption` is the algorithm of its default encryption, `AES256` or `aws:kms`.

    `lifecycle` is whether a rule is switched on that expires objects or ends uploads; Absent for kinds without any.
    """

    kind: BucketKind
    name: str
    arn: str
    policy: Reading[Policy]
    encryption: Reading[str]
    lifecycle: Reading[bool]

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Why parts of it are not known."""
        return tuple(part for each in (self.policy, self.encryption, self.lifecycle) for part in unreadable_parts(each))


@dataclass(frozen=True, slots=True)
class OtherBuckets:
    """The buckets of one kind in one region, by name."""

    items: tuple[OtherBucket, ...]

    def __iter__(self) -> Iterator[OtherBucket]:
        return iter(self.items)

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Why parts of them are not known."""
        return tuple(part for each in self.items for part in each.unreadable)


@dataclass(frozen=True, slots=True)
class TableReplication:
    """Where a table bucket is replicated to: ARNs of table buckets; Absent where it says nothing of the kind."""

    name: str
    arn: str
    destinations: Reading[tuple[str, ...]]

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Why the destinations are not known."""
        return unreadable_parts(self.destinations)


@dataclass(frozen=True, slots=True)
class TableReplications:
    """The replication of the table buckets of one region, by name."""

    items: tuple[TableReplication, ...]

    def __iter__(self) -> Iterator[TableReplication]:
        return iter(self.items)

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Why parts of them are not known."""
        return tuple(part for each in self.items for part in each.unreadable)


@dataclass(frozen=True, slots=True)
class FileSystem:
    """A file system of S3 Files: another way to the objects of `bucket`, by name. Absent: it has no policy."""

    name: str
    arn: str
    bucket: str
    policy: Reading[Policy]

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Why its policy is not known."""
        return unreadable_parts(self.policy)


@dataclass(frozen=True, slots=True)
class FileSystems:
    """The file systems of one region, by id."""

    items: tuple[FileSystem, ...]

    def __iter__(self) -> Iterator[FileSystem]:
        return iter(self.items)

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Why parts of them are not known."""
        return tuple(part for each in self.items for part in each.unreadable)


@dataclass(frozen=True, slots=True)
class ObjectLambdaPoint:
    """An Object Lambda access point, which answers what a function makes of objects. Absent: it has no policy."""

    name: str
    arn: str
    policy: Reading[Policy]

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Why its policy is not known."""
        return unreadable_parts(self.policy)


@dataclass(frozen=True, slots=True)
class ObjectLambdaPoints:
    """The Object Lambda access points of one region, by name."""

    items: tuple[ObjectLambdaPoint, ...]

    def __iter__(self) -> Iterator[ObjectLambdaPoint]:
        return iter(self.items)

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Why parts of them are not known."""
        return tuple(part for each in self.items for part in each.unreadable)


@dataclass(frozen=True, slots=True, order=True)
class LakeLocation:
    """A place in S3 that Lake Formation gives access to: `path` is an ARN of a bucket, or of a prefix in it."""

    path: str
    role: str = ""

    @property
    def bucket(self) -> str:
        """The name of the bucket."""
        return self.path.split(":", 5)[5].partition("/")[0]
