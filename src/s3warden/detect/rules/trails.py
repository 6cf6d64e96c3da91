"""CloudTrail: whether it records what happens to buckets and their objects, and whether its own buckets are fit for it.

A trail counts while it records. The bucket that a trail delivers to is not asked to have its objects' events recorded:
each delivery would be an event that is delivered, which costs money without end.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase

from s3warden.detect.mappings import OBJECT_READS, OBJECT_WRITES
from s3warden.detect.recorded import Share, objects_seen, settings_seen, tells_names_apart
from s3warden.detect.regional import every_region
from s3warden.detect.rule import (
    Example,
    Judgement,
    Kind,
    Rule,
    RuleOptions,
    UnreadableError,
    always,
    configured,
    fails,
    not_applicable,
    passes,
)
from s3warden.detect.samples import DENIED, account_with, bucket
from s3warden.detect.service_samples import ALL_OBJECTS, S3, feeds, here, trail, trails
from s3warden.model.bucket import ABSENT, Aspect, BucketRef, Present, Reading, Regional, State, Unreadable
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import maps
from s3warden.model.references import References, Use
from s3warden.model.rule import Category, RuleInfo
from s3warden.model.trails import (
    AdvancedSelector,
    BasicSelector,
    EventDataStore,
    EventDataStores,
    FieldSelector,
    Selectors,
    Trail,
    Trails,
)

_GUIDE = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html"
_EVENTS_NEEDS = frozenset({Aspect.TRAILS, Aspect.REFERRERS})


def receives_trail(state: State) -> bool:
    """Whether a trail of a guarded account delivers to the bucket. Raises UnreadableError where that is not known."""
    found = configured(state, Aspect.REFERRERS, References)
    return bool(found is not None and found.used_as(Use.TRAIL))


def recorded(state: State, *, write: bool) -> Share:
    """How much of the writes to the bucket's objects, or of the reads of them, trails and data stores record.

    Raises UnreadableError where what could not be read might record more.
    """
    arn = state.ref.arn if isinstance(state.ref, BucketRef) else ""
    found = configured(state, Aspect.TRAILS, Trails)
    best, doubt = _by_trails(found.trails if found is not None else (), arn, write=write)
    if best is not Share.WHOLE and doubt is not None:
        raise UnreadableError(Aspect.TRAILS, doubt)
    return best


def _by_trails(found: Iterable[Trail], arn: str, *, write: bool) -> tuple[Share, Unreadable | None]:
    """What trails record for sure, and why one of them may record more."""
    best, doubt = Share.NONE, None
    for each in found:
        if isinstance(each.status, Present) and not each.status.value.logging:
            continue
        unknown = next((part for part in (each.status, each.selectors) if isinstance(part, Unreadable)), None)
        if unknown is not None:
            doubt = unknown
        elif isinstance(each.selectors, Present):
            best = max(best, objects_seen(each.selectors.value, arn, write=write))
    return best, doubt


def _by_stores(state: State, arn: str, *, write: bool) -> Share:
    """What data stores record: those of the bucket's region, and those of all regions. Raises UnreadableError."""
    region = state.ref.region if isinstance(state.ref, BucketRef) else ""
    shares = [
        objects_seen(store.selectors, arn, write=write)
        for home, store in _stores(state)
        if store.ingesting and (store.multi_region or home == region)
    ]
    return max(shares, default=Share.NONE)


def _stores(state: State) -> Iterator[tuple[str, EventDataStore]]:
    account = getattr(state, "account", None)
    for region, reading in (configured(account, Aspect.EVENT_DATA_STORES, Regional) or ()) if account else ():
        if isinstance(reading, Unreadable):
            raise UnreadableError(Aspect.EVENT_DATA_STORES, reading)
        if isinstance(reading, Present) and isinstance(reading.value, EventDataStores):
            yield from ((region, store) for store in reading.value.stores)


def _events(state: State, options: RuleOptions, *, write: bool) -> Judgement:
    name, what = str(state.ref), "Writes to" if write else "Reads of"
    receives = next((glob for glob in options.log_buckets if fnmatchcase(name, glob)), None)
    if receives is not None:
        return not_applicable(f"The settings name the bucket as a receiver of logs ({receives}).", proven=True)
    if receives_trail(state):
        return not_applicable("A trail delivers to the bucket: its own deliveries would be recorded.", proven=True)
    arn = state.ref.arn if isinstance(state.ref, BucketRef) else ""
    found = configured(state, Aspect.TRAILS, Trails)
    by_trails, doubt = _by_trails(found.trails if found is not None else (), arn, write=write)
    if by_trails is Share.WHOLE:
        return passes(f"{what} the bucket's objects are recorded by a trail.", proven=True)
    by_stores = _by_stores(state, arn, write=write)
    if by_stores is Share.WHOLE:
        return passes(f"{what} the bucket's objects are recorded by an event data store.", proven=True)
    if doubt is not None:
        raise UnreadableError(Aspect.TRAILS, doubt)
    seen = max(by_trails, by_stores)
    stopped = [each.name for each in (found.trails if found else ()) if _stopped(each)]
    details = {"recorded": "in part" if seen is Share.PART else "not at all"}
    if stopped:
        details["stopped_trails"] = ", ".join(stopped)
    share = "only in part" if seen is Share.PART else "by no trail and no event data store"
    return fails(f"{what} the bucket's objects are recorded {share}.", details)


def _recorded_alike(state: State, options: RuleOptions) -> bool:
    """Whether no glob and no selector tells buckets apart by their names."""
    found = state.reading(Aspect.TRAILS)
    trails_here = found.value.trails if isinstance(found, Present) and isinstance(found.value, Trails) else ()
    selectors = [each.selectors.value for each in trails_here if isinstance(each.selectors, Present)]
    try:
        selectors += [store.selectors for _, store in _stores(state)]
    except UnreadableError:
        return False
    return not options.log_buckets and not any(tells_names_apart(each, state.ref.partition) for each in selectors)


def _stopped(each: Trail) -> bool:
    return isinstance(each.status, Present) and not each.status.value.logging


def _writes(state: State, options: RuleOptions) -> Judgement:
    return _events(state, options, write=True)


def _reads(state: State, options: RuleOptions) -> Judgement:
    return _events(state, options, write=False)


_CLI = """\
# Read the selectors first: put-event-selectors replaces them all. Set TRAIL to the trail's name.
aws cloudtrail get-event-selectors --trail-name "${TRAIL:?}" --region {region}
aws cloudtrail get-event-selectors --trail-name "${TRAIL:?}" --region {region} \\
  --query AdvancedEventSelectors > selectors.json
# Add to the list in selectors.json; null means basic selectors, of which a list of advanced ones has to be made first:
#   {"Name": "{bucket}", "FieldSelectors": [
#     {"Field": "eventCategory", "Equals": ["Data"]},
#     {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
#     {"Field": "resources.ARN", "StartsWith": ["arn:{partition}:s3:::{bucket}/"]}]}
aws cloudtrail put-event-selectors --trail-name "${TRAIL:?}" --region {region} \\
  --advanced-event-selectors file://selectors.json"""
_TERRAFORM = """\
# In aws_cloudtrail, beside the selectors that are there:
advanced_event_selector {
  name = "{bucket}"
  field_selector {
    field  = "eventCategory"
    equals = ["Data"]
  }
  field_selector {
    field  = "resources.type"
    equals = ["AWS::S3::Object"]
  }
  field_selector {
    field       = "resources.ARN"
    starts_with = ["arn:{partition}:s3:::{bucket}/"]
  }
}"""
_CLOUDFORMATION = """\
# The last selector, beside those that are there:
Trail:
  Type: AWS::CloudTrail::Trail
  Properties:
    S3BucketName: trail-bucket
    IsLogging: true
    AdvancedEventSelectors:
      - Name: management
        FieldSelectors:
          - {Field: eventCategory, Equals: [Management]}
      - Name: "{bucket}"
        FieldSelectors:
          - {Field: eventCategory, Equals: [Data]}
          - {Field: resources.type, Equals: ["AWS::S3::Object"]}
          - {Field: resources.ARN, StartsWith: ["arn:{partition}:s3:::{bucket}/"]}"""
_CONSOLE = """\
Open CloudTrail, Trails, the trail that records the region of {bucket}, Data events: Edit.
Choose S3 as the resource type and a custom selector with resources.ARN that starts with arn:{partition}:s3:::{bucket}/.
Choose Save changes."""
_VERIFY = """\
aws cloudtrail get-event-selectors --trail-name "${TRAIL:?}" --region {region}
# Expect: a selector for AWS::S3::Object whose ARNs begin with arn:{partition}:s3:::{bucket}/ or less.
aws cloudtrail get-trail-status --name "${TRAIL:?}" --region {region} --query IsLogging
# Expect: true."""


def selecting(*operators: FieldSelector) -> Selectors:
    """An advanced selector for objects, with these conditions more."""
    category = FieldSelector("eventCategory", equals=("Data",))
    kind = FieldSelector("resources.type", equals=("AWS::S3::Object",))
    return Selectors(advanced=(AdvancedSelector((category, kind, *operators)),))


def _object_rule(*, write: bool) -> Rule:
    verb, check = ("write", _writes) if write else ("read", _reads)
    only = Selectors((BasicSelector(reads=not write, writes=write, management=False, objects=(f"{S3}:::",)),))
    other = Selectors((BasicSelector(reads=write, writes=not write, management=False, objects=(f"{S3}:::",)),))
    part = selecting(FieldSelector("resources.ARN", starts_with=(f"{S3}:::example-data/in/",)))
    store = EventDataStore("arn", "lake", ingesting=True, multi_region=True, organization=False, selectors=only)
    there = {
        Aspect.TRAILS: trails(),
        Aspect.EVENT_DATA_STORES: here(EventDataStores((store,)), "us-east-1"),
    }
    both = Present(Regional((("us-east-1", Present(EventDataStores((store,)))), ("eu-west-1", ABSENT))))
    return Rule(
        RuleInfo(
            id=f"bucket-object-events-{verb}",
            title=f"CloudTrail does not record who {verb}s the bucket's objects",
            severity=Severity.MEDIUM if write else Severity.LOW,
            category=Category.LOGGING,
            needs=_EVENTS_NEEDS,
            hints=frozenset({Aspect.EVENT_DATA_STORES}),
            why=(
                f"After an incident nobody can tell who {'changed or deleted' if write else 'took'} which object. "
                "CloudTrail records calls on objects only where a trail or an event data store selects them."
            ),
            cli=_CLI,
            terraform=_TERRAFORM,
            console=_CONSOLE,
            cloudformation=_CLOUDFORMATION,
            verify=_VERIFY,
            maps=maps(OBJECT_WRITES if write else OBJECT_READS),
            default=False,
            references=(_GUIDE,),
        ),
        Kind.BUCKET,
        check,
        (
            Example("all objects of all buckets", bucket({Aspect.TRAILS: trails(trail(ALL_OBJECTS))}), Verdict.PASS),
            Example(f"only {verb}s", bucket({Aspect.TRAILS: trails(trail(only))}), Verdict.PASS),
            Example("an advanced selector", bucket({Aspect.TRAILS: trails(trail(selecting()))}), Verdict.PASS),
            Example("an event data store", bucket({**there, Aspect.EVENT_DATA_STORES: both}), Verdict.PASS),
            Example(
                "one trail is enough, whatever another one does",
                bucket({Aspect.TRAILS: trails(trail(ALL_OBJECTS), trail(DENIED))}),
                Verdict.PASS,
            ),
            Example("no trail", bucket({Aspect.TRAILS: trails()}), Verdict.FAIL),
            Example("the other direction", bucket({Aspect.TRAILS: trails(trail(other))}), Verdict.FAIL),
            Example("one prefix", bucket({Aspect.TRAILS: trails(trail(part))}), Verdict.FAIL),
            Example("stopped", bucket({Aspect.TRAILS: trails(trail(ALL_OBJECTS, logging=False))}), Verdict.FAIL),
            Example("it receives a trail", bucket({Aspect.REFERRERS: feeds("example-data")}), Verdict.NOT_APPLICABLE),
            Example(
                "it receives logs",
                bucket(),
                Verdict.NOT_APPLICABLE,
                options=RuleOptions(log_buckets=("example-*",)),
            ),
            Example("the selectors are unreadable", bucket({Aspect.TRAILS: trails(trail(DENIED))}), Verdict.UNKNOWN),
            Example("the trails are unreadable", bucket({Aspect.TRAILS: here(DENIED)}), Verdict.UNKNOWN),
            Example(
                "the data stores are unreadable",
                bucket({Aspect.TRAILS: trails(), Aspect.EVENT_DATA_STORES: here(DENIED)}),
                Verdict.UNKNOWN,
            ),
        ),
        by_name=always,
        nameless=_recorded_alike,
    )


def _unrecorded(found: Trails | None) -> str | None:
    logging = [each for each in (found.trails if found else ()) if not _stopped(each)]
    if any(each.unreadable for each in logging):
        # Whether it records them is told as unreadable.
        return None
    seen = (each.selectors.value for each in logging if isinstance(each.selectors, Present))
    return None if any(settings_seen(selectors) for selectors in seen) else "no trail records changes"


def _management(state: State, _options: RuleOptions) -> Judgement:
    judgement = every_region(
        state,
        Aspect.TRAILS,
        Trails,
        _unrecorded,
        good="Changes of buckets are recorded in every region with buckets.",
        bad="No trail records changes of buckets in {}.",
    )
    regions = configured(state, Aspect.TRAILS, Regional) or ()
    return replace(judgement, proven=all(_surely_recorded(reading) for _, reading in regions))


def _surely_recorded(reading: Reading[object]) -> bool:
    """Whether one trail does, whatever the others do that could not be read."""
    found = reading.value.trails if isinstance(reading, Present) and isinstance(reading.value, Trails) else ()
    return any(
        isinstance(each.status, Present)
        and each.status.value.logging
        and isinstance(each.selectors, Present)
        and settings_seen(each.selectors.value)
        for each in found
    )


MANAGEMENT_EVENTS = Rule(
    RuleInfo(
        id="account-management-events",
        title="No trail records changes of buckets, so none is heard of",
        severity=Severity.HIGH,
        category=Category.LOGGING,
        needs=frozenset({Aspect.TRAILS}),
        why=(
            "EventBridge tells of changes only where a trail that records management events is logging. "
            "Without one nobody can tell who changed a bucket, and s3warden sees changes no sooner than its next sweep."
        ),
        cli="""\
# If there is a trail that was stopped (set TRAIL to its name):
aws cloudtrail start-logging --name "${TRAIL:?}"
# If there is none (account {account}; TRAIL_BUCKET needs a policy that admits CloudTrail):
aws cloudtrail create-trail --name management --s3-bucket-name "${TRAIL_BUCKET:?}" --is-multi-region-trail
aws cloudtrail start-logging --name management""",
        terraform="""\
resource "aws_cloudtrail" "management" {
  name                  = "management"
  s3_bucket_name        = var.trail_bucket
  is_multi_region_trail = true
  enable_logging        = true
}""",
        console="""\
Open CloudTrail, Trails in account {account}: if a trail is off, open it and choose Start logging.
If there is none, choose Create trail, all regions, with management events for Read and Write.""",
        cloudformation="""\
Trail:
  Type: AWS::CloudTrail::Trail
  Properties:
    S3BucketName: trail-bucket
    IsLogging: true
    IsMultiRegionTrail: true""",
        verify="""\
aws cloudtrail describe-trails --query "trailList[].TrailARN"
# Expect: at least one ARN; for one of them:
aws cloudtrail get-trail-status --name "${TRAIL:?}" --query IsLogging
# Expect: true.""",
        maps=maps({}),
        default=True,
        references=(
            "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html",
            "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html",
        ),
    ),
    Kind.ACCOUNT,
    _management,
    (
        Example("a trail of all regions", account_with({Aspect.TRAILS: trails(trail())}), Verdict.PASS),
        Example(
            "one trail is enough, whatever another one does",
            account_with({Aspect.TRAILS: trails(trail(), trail(DENIED))}),
            Verdict.PASS,
        ),
        Example("no trail", account_with({Aspect.TRAILS: trails()}), Verdict.FAIL),
        Example("stopped", account_with({Aspect.TRAILS: trails(trail(logging=False))}), Verdict.FAIL),
        Example("only objects", account_with({Aspect.TRAILS: trails(trail(selecting()))}), Verdict.FAIL),
        Example(
            "one region without, another one unreadable",
            account_with(
                {Aspect.TRAILS: Present(Regional((("eu-west-1", Present(Trails(()))), ("us-east-1", DENIED))))}
            ),
            Verdict.FAIL,
        ),
        Example("no buckets", account_with({Aspect.TRAILS: Present(Regional(()))}), Verdict.NOT_APPLICABLE),
        Example("the selectors are unreadable", account_with({Aspect.TRAILS: trails(trail(DENIED))}), Verdict.UNKNOWN),
        Example("unreadable", account_with({Aspect.TRAILS: here(DENIED)}), Verdict.UNKNOWN),
    ),
)

RULES = (MANAGEMENT_EVENTS, _object_rule(write=True), _object_rule(write=False))
