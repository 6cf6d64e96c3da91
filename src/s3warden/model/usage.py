"""What CloudWatch counts of a bucket: what lies in it, day by day, and the requests for its objects."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class StorageCount:
    """What lay in a bucket on the day that began `at` (UTC).

    Bytes of all storage classes, and objects: old versions, delete markers and parts of unfinished uploads included.
    """

    at: datetime
    bytes: int
    objects: int


@dataclass(frozen=True, slots=True)
class StorageMetrics:
    """What S3 counted in a bucket in the last two weeks. S3 counts once a day and tells it up to two days later.

    `created` is what ListBuckets says, which may be later than the truth. `filled` is the last day on which an object
    was counted. `latest` is the last count of all; `day_before` and `week_before` are those of a day and of a week
    before that one, or from up to three days earlier where S3 left days out.
    """

    created: datetime
    filled: datetime | None = None
    latest: StorageCount | None = None
    day_before: StorageCount | None = None
    week_before: StorageCount | None = None


@dataclass(frozen=True, slots=True)
class RequestMetrics:
    """The requests that a metrics configuration of the whole bucket has counted in the last fifteen months.

    `since` is the first day with any request. `last` is the last day on which an object was written, read, deleted or
    listed: looks at settings, such as our own, are none of these.
    """

    configuration: str
    since: datetime | None = None
    last: datetime | None = None
