"""The state that edits would leave behind, as the parsers of AWS's answers would read it.

Takes a look and edits, hands on the state after them, with what hangs on what was edited: AWS's status of a policy,
the key, the log target, the destinations. Pure.
"""

from collections.abc import Sequence
from dataclasses import replace

from s3warden.collect import objects
from s3warden.collect.aspects import ASPECTS
from s3warden.collect.derived import TARGET_ASPECTS
from s3warden.correct.remedy import Edit, Look
from s3warden.correct.service_writes import row_of
from s3warden.correct.writes import WRITES
from s3warden.detect.exposed import analysed, policy_inputs
from s3warden.detect.rule import RuleOptions
from s3warden.model.bucket import (
    ABSENT,
    ACCOUNT_ASPECTS,
    NOT_READ,
    AccountState,
    Aspect,
    BucketRef,
    BucketState,
    Cause,
    Present,
    Reading,
    State,
    Unreadable,
)
from s3warden.model.configuration import Encryption, Logging
from s3warden.model.keys import MANAGED, Key
from s3warden.model.objects import ObjectAcls
from s3warden.model.references import Destinations, LogTarget, Standing, settings
from s3warden.model.storage import Replication


def predicted(look: Look, edits: Sequence[Edit], options: RuleOptions) -> State:
    """The state as it would be read after the edits; of edits on another bucket it shows what logs meet there."""
    state, own = look.state, [edit for edit in edits if edit.bucket is None]
    changed: dict[Aspect, Reading[object]] = {}
    for edit in own:
        changed[edit.aspect] = _reading(edit, changed.get(edit.aspect, _whole(state, edit.aspect)))
    if isinstance(state, AccountState):
        return replace(state, readings={**state.readings, **changed})
    account = state.account
    if account is not None:
        of_account = {aspect: reading for aspect, reading in changed.items() if aspect in ACCOUNT_ASPECTS}
        account = replace(account, readings={**account.readings, **of_account})
    of_bucket = {aspect: reading for aspect, reading in changed.items() if aspect not in ACCOUNT_ASPECTS}
    if Aspect.REPLICATION in of_bucket:
        destinations = state.reading(Aspect.REPLICATION_DESTINATIONS)
        of_bucket[Aspect.REPLICATION_DESTINATIONS] = _still_copied_to(destinations, of_bucket[Aspect.REPLICATION])
    if Aspect.ENCRYPTION in of_bucket:
        of_bucket[Aspect.DEFAULT_KEY] = _default_key(state, of_bucket[Aspect.ENCRYPTION])
    if Aspect.LOGGING in of_bucket or len(own) < len(edits):
        logging = of_bucket.get(Aspect.LOGGING, state.reading(Aspect.LOGGING))
        of_bucket[Aspect.LOG_TARGET] = _log_target(look, logging, edits)
    after = replace(state, readings={**state.readings, **of_bucket}, account=account)
    if Aspect.POLICY not in of_bucket:
        return after
    return replace(after, readings={**after.readings, Aspect.POLICY_STATUS: _status(after, options)})


def _still_copied_to(destinations: Reading[object], replication: Reading[object]) -> Reading[object]:
    """The destinations that a rule that is switched on still names."""
    if not isinstance(destinations, Present) or not isinstance(destinations.value, Destinations):
        return destinations
    value = replication.value if isinstance(replication, Present) else None
    names = {rule.bucket for rule in value.acting} if isinstance(value, Replication) else set()
    kept = tuple(each for each in destinations.value if each.name in names)
    return Present(Destinations(kept)) if kept else ABSENT


def _default_key(state: BucketState, encryption: Reading[object]) -> Reading[object]:
    """The key that the bucket would encrypt with, taken for one that is there and can be used, as the operator says."""
    known = state.reading(Aspect.DEFAULT_KEY)
    rules = (
        encryption.value.rules if isinstance(encryption, Present) and isinstance(encryption.value, Encryption) else ()
    )
    named = next((rule.kms_key for rule in rules if rule.kms_key is not None), None)
    if named is None:
        return known if any(rule.algorithm != "AES256" for rule in rules) else ABSENT
    ref = state.ref
    arn = named if named.startswith("arn:") else f"arn:{ref.partition}:kms:{ref.region}:{ref.account}:{named}"
    if isinstance(known, Present) and isinstance(known.value, Key) and arn in (known.value.named, known.value.arn):
        return known
    return Present(Key(named, arn, MANAGED if ":alias/aws/" in arn else "CUSTOMER"))


def _log_target(look: Look, logging: Reading[object], edits: Sequence[Edit]) -> Reading[object]:
    """The bucket that the logs would go to, as it was looked at and as the edits would leave it."""
    if not isinstance(logging, Present) or not isinstance(logging.value, Logging):
        return logging
    name = logging.value.target_bucket
    for other in look.others:
        ref = other.state.ref
        if isinstance(ref, BucketRef) and isinstance(other.state, BucketState) and ref.name == name:
            changed = {edit.aspect: _reading(edit, NOT_READ) for edit in edits if edit.bucket == ref}
            readings = {aspect: other.state.reading(aspect) for aspect in TARGET_ASPECTS} | changed
            standing = Standing(name, other.state.exists, ref.account, ref.region)
            return Present(LogTarget(name, Present(standing), settings(readings)))
    return Unreadable(Cause.NOT_READ, "the bucket that the logs go to was not looked at")


def _whole(state: State, aspect: Aspect) -> Reading[object]:
    """The reading as it is kept: of all regions, where a bucket shows its own alone."""
    kept = state.account if isinstance(state, BucketState) and aspect in ACCOUNT_ASPECTS else state
    return NOT_READ if kept is None else kept.readings.get(aspect, NOT_READ)


def _reading(edit: Edit, known: Reading[object]) -> Reading[object]:
    if edit.aspect is Aspect.OBJECT_ACL:
        return _objects_left(known, edit)
    row = row_of(edit.aspect, edit.place)
    if row is not None:
        return row.left(known, edit)
    several = WRITES[edit.aspect].several
    if several is not None:
        return several.left(known, edit)
    return ABSENT if edit.after is None else ASPECTS[edit.aspect].understood(edit.after)


def _objects_left(known: Reading[object], edit: Edit) -> Reading[object]:
    if not isinstance(known, Present) or not isinstance(known.value, ObjectAcls):
        return known
    after = objects.READ.understood(edit.after or {})
    return Present(
        replace(
            known.value,
            items=tuple(
                replace(each, acl=after) if each.name.place == edit.place else each for each in known.value.items
            ),
        )
    )


def _status(state: BucketState, options: RuleOptions) -> Reading[object]:
    """AWS's status of a policy that AWS has not seen: the engine's estimate."""
    unasked = replace(state, readings={**state.readings, Aspect.POLICY_STATUS: ABSENT})
    inputs = policy_inputs(unasked, options)
    if inputs.policy is None:
        return ABSENT
    public = analysed(inputs).policy_status_is_public
    if public is None:
        return Unreadable(Cause.UNDECIDED, "whether AWS will call the policy public is not known")
    return ASPECTS[Aspect.POLICY_STATUS].understood({"PolicyStatus": {"IsPublic": public}})
