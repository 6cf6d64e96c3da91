"""What a remedy is: which rules it mends, what it reads, what it may break, and a pure function that plans.

A remedy takes a scene, freshly read, and hands on the edits that mend it, or why it makes none. It must never do I/O or
read a clock, never delete data, and never touch more than what breaks the rule.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from s3warden.collect.shapes import Answer
from s3warden.detect.rule import DEFAULT_OPTIONS, Rule, RuleOptions
from s3warden.model.action import Declined, Loss, Risk
from s3warden.model.bucket import Aspect, BucketRef, State, Subject
from s3warden.model.finding import Finding

Documents: TypeAlias = Mapping[Aspect, Answer | None]
_NONE: Documents = MappingProxyType({})
_NO_TAGS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Look:
    """One subject as AWS answered a moment ago: the state, and AWS's own answers behind that state.

    `documents` has the answer of each aspect that was read, None where it is not configured; of an aspect with several
    places one for each, by region or ARN. What could not be read is in the state as unreadable, and has no document.
    `beside` are the other buckets that a plan may change too: those that are to receive logs or inventories. `target`
    is where logs go now, if that is the account's own. `key_users` are the other buckets that the default key encrypts,
    None where nobody knows the estate; `whole` tells whether all that may point at the subject or its key is known.
    """

    state: State
    documents: Documents = field(default_factory=lambda: _NONE)
    beside: "tuple[Look, ...]" = ()
    target: "Look | None" = None
    key_users: tuple[str, ...] | None = None
    whole: bool = True

    @property
    def others(self) -> "tuple[Look, ...]":
        """All other buckets that were looked at."""
        return self.beside if self.target is None else (self.target, *self.beside)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the operator wants where a fix needs a value that nothing in AWS tells.

    `log_bucket` is the bucket for access logs, with `{account}` and `{region}` in its place, `log_prefix` with
    `{bucket}`; `inventory_bucket` is that for lists of objects, `kms_key` is a key or an alias, with the same words.
    `tags` are values of required tags. `tag_resource` chooses TagResource over PutBucketTagging, which AWS refuses for
    buckets with attribute based access control. `abort_days` is when an upload that was never finished is cleared away.
    `alarm_topic` is the ARN of the topic that alarms tell, with `{account}` and `{region}` in its place. `backup_plan`
    is the name of the backup plan that takes buckets in, `backup_role` that of the role by which it does so.
    """

    log_bucket: str | None = None
    log_prefix: str = "{bucket}/"
    inventory_bucket: str | None = None
    kms_key: str | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: _NO_TAGS)
    tag_resource: bool = False
    abort_days: int = 7
    alarm_topic: str | None = None
    backup_plan: str | None = None
    backup_role: str | None = None


DEFAULT_WANTED = Wanted()


def named_bucket(name: str | None, subject: Subject) -> BucketRef | None:
    """The bucket that the operator names for what is delivered from `subject`: in its account and region."""
    if name is None or not isinstance(subject, BucketRef):
        return None
    words = name.replace("{account}", subject.account).replace("{region}", subject.region)
    return BucketRef(subject.partition, subject.account, subject.region, words)


@dataclass(frozen=True, slots=True)
class Scene:
    """All that a plan may rest on: the finding and its rule, a fresh look, and what the operator wants."""

    finding: Finding
    rule: Rule
    look: Look
    options: RuleOptions = DEFAULT_OPTIONS
    wanted: Wanted = DEFAULT_WANTED

    @property
    def state(self) -> State:
        """The state as just read."""
        return self.look.state

    @property
    def documents(self) -> Documents:
        """AWS's own answers behind the state."""
        return self.look.documents

    def beside(self, name: str | None) -> Look | None:
        """The look at the bucket that the operator names for what is delivered from this one."""
        return self.at(named_bucket(name, self.state.ref))

    def at(self, ref: BucketRef | None) -> Look | None:
        """The look at one of the other buckets."""
        return next((each for each in self.look.others if each.state.ref == ref), None)


@dataclass(frozen=True, slots=True)
class Edit:
    """One aspect as it should be: the answer that AWS is to give afterwards, None for "not configured".

    `place` says which of several, as a region or the ARN of a trail; `bucket` names another bucket than the finding's.
    `losses` are who is cut off by it, and `doubts` what of its effect nobody can tell, beyond what the engine finds.
    """

    aspect: Aspect
    after: Answer | None
    summary: str
    place: str | None = None
    bucket: BucketRef | None = None
    losses: tuple[Loss, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Remedy:
    """One way to mend the findings of `rules`. `reads` are the aspects whose documents the edits are made from.

    `risk_text` says in one sentence what the change may break, `undo_text` what an undo cannot restore, empty where it
    restores everything. `iam_actions` are what the writing role needs, the undo included.
    """

    id: str
    title: str
    rules: frozenset[str]
    reads: frozenset[Aspect]
    risk: Risk
    risk_text: str
    iam_actions: tuple[str, ...]
    plan: Callable[[Scene], tuple[Edit, ...] | Declined]
    undo_text: str = ""
