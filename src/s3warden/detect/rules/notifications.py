"""Whom a bucket tells of what happens to its objects: anybody at all, EventBridge, and nobody outside."""

from s3warden.detect.advice import OWN, bucket_resource, property_steps, shows_setting
from s3warden.detect.proofs import some
from s3warden.detect.rule import (
    Example,
    Judgement,
    Kind,
    Rule,
    RuleOptions,
    configured,
    fails,
    passes,
)
from s3warden.detect.samples import ACCOUNT, DENIED, bucket
from s3warden.model.bucket import ABSENT, Aspect, Present, State
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo
from s3warden.model.storage import Notification, NotificationTarget

_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
_NOTIFICATION = frozenset({Aspect.NOTIFICATION})
_NOBODY = Notification()
# Where the account stands in an ARN.
_ACCOUNT = 4
_CLI = f"""\
# The second call replaces all notifications. Set KEPT to the parts inside the braces of the first answer, with a comma
# after them, or to nothing.
aws s3api get-bucket-notification-configuration {OWN}
aws s3api put-bucket-notification-configuration {OWN} \\
  --notification-configuration '{{'"${{KEPT?}}"'"EventBridgeConfiguration":{{}}}}'"""
_TERRAFORM = """\
# Together with the topics, queues and functions that are there: the resource owns all notifications of the bucket.
resource "aws_s3_bucket_notification" "this" {
  bucket      = "{bucket}"
  eventbridge = true
}"""
_STEPS = property_steps("Amazon EventBridge", "Choose On.")
_CLOUDFORMATION = bucket_resource("""\
NotificationConfiguration:
  EventBridgeConfiguration:
    EventBridgeEnabled: true""")


def _of(state: State) -> Notification:
    return configured(state, Aspect.NOTIFICATION, Notification) or _NOBODY


def _any(state: State, _options: RuleOptions) -> Judgement:
    found = _of(state)
    if found.event_bridge:
        return passes("EventBridge is told of every change of an object.")
    if found.targets:
        return passes(f"Changes of objects are told to {_named(found.targets)}.")
    return fails("Nobody is told when objects come, change or go.", {"notifications": "none"})


def _bridge(state: State, _options: RuleOptions) -> Judgement:
    if _of(state).event_bridge:
        return passes("EventBridge is told of every change of an object.")
    return fails("EventBridge is not told of changes of objects.", {"event_bridge": "off"})


def _confused(state: State, options: RuleOptions) -> Judgement:
    targets = _of(state).targets
    ours = {state.ref.account, *options.trusted_accounts}
    foreign = [target for target in targets if _account(target) not in ours]
    if foreign:
        events = sorted({event for target in foreign for event in target.events})
        facts = {"targets": _named(foreign), "events": some(events)}
        return fails(f"Keys of objects are told to an account that is not trusted: {facts['targets']}.", facts)
    return passes("Nobody outside is told of the objects." if targets else "The bucket tells no target.")


def _account(target: NotificationTarget) -> str:
    parts = target.arn.split(":")
    return parts[_ACCOUNT] if len(parts) > _ACCOUNT else ""


def _named(targets: tuple[NotificationTarget, ...] | list[NotificationTarget]) -> str:
    return some(sorted({target.arn for target in targets}))


def _telling(*accounts: str, event_bridge: bool = False) -> Present[Notification]:
    """A queue in each of these accounts is told."""
    arns = [f"arn:{ACCOUNT.partition}:sqs:eu-west-1:{account}:uploads" for account in accounts]
    targets = tuple(NotificationTarget(arn, ("s3:ObjectCreated:*",)) for arn in arns)
    return Present(Notification(targets, event_bridge))


_PARTNER = "444455556666"
_UNREADABLE = bucket({Aspect.NOTIFICATION: DENIED})

EVENT_NOTIFICATIONS = Rule(
    RuleInfo(
        id="bucket-event-notifications",
        title="Nobody is told when objects change",
        severity=Severity.LOW,
        category=Category.LOGGING,
        needs=_NOTIFICATION,
        why=(
            "Nothing can react to an object that appears, is deleted or gets another ACL. "
            "A topic, a queue, a function or EventBridge hears of it within seconds."
        ),
        cli=_CLI,
        terraform=_TERRAFORM,
        console=_STEPS,
        cloudformation=_CLOUDFORMATION,
        verify=shows_setting("get-bucket-notification-configuration", "an answer that is not empty"),
        maps=maps(
            {
                Framework.SECURITY_HUB: "S3.11",
                Framework.CONFIG: "s3-event-notifications-enabled",
                Framework.PROWLER: "s3_bucket_event_notifications_enabled",
                Framework.CUSTODIAN: "bucket-notification",
                Framework.PCI_4_0: "11.5.2, 11.6.1, 12.10.5, A3.3.1, A3.5.1",
            }
        ),
        default=False,
        references=(f"{_GUIDE}EventNotifications.html",),
    ),
    Kind.BUCKET,
    _any,
    (
        Example("EventBridge", bucket({Aspect.NOTIFICATION: _telling(event_bridge=True)}), Verdict.PASS),
        Example("a queue", bucket({Aspect.NOTIFICATION: _telling(ACCOUNT.account)}), Verdict.PASS),
        Example("nobody", bucket({Aspect.NOTIFICATION: ABSENT}), Verdict.FAIL),
        Example("unreadable", _UNREADABLE, Verdict.UNKNOWN),
    ),
)

EVENT_BRIDGE = Rule(
    RuleInfo(
        id="bucket-eventbridge-enabled",
        title="EventBridge is not told when objects change",
        severity=Severity.INFO,
        category=Category.LOGGING,
        needs=_NOTIFICATION,
        why=(
            "S3's own event about a changed object ACL goes to EventBridge alone, so a public object comes unnoticed. "
            "The events cost little and need no trail."
        ),
        cli=_CLI,
        terraform=_TERRAFORM,
        console=_STEPS,
        cloudformation=_CLOUDFORMATION,
        verify=shows_setting("get-bucket-notification-configuration", "EventBridgeConfiguration"),
        maps=(),
        default=False,
        references=(f"{_GUIDE}EventBridge.html",),
    ),
    Kind.BUCKET,
    _bridge,
    (
        Example("on", bucket({Aspect.NOTIFICATION: _telling(event_bridge=True)}), Verdict.PASS),
        Example("a queue alone", bucket({Aspect.NOTIFICATION: _telling(ACCOUNT.account)}), Verdict.FAIL),
        Example("nobody", bucket({Aspect.NOTIFICATION: ABSENT}), Verdict.FAIL),
        Example("unreadable", _UNREADABLE, Verdict.UNKNOWN),
    ),
)

CONFUSED_DESTINATION = Rule(
    RuleInfo(
        id="bucket-notification-confused-destination",
        title="Another account is told of every object",
        severity=Severity.MEDIUM,
        category=Category.ACCESS,
        needs=_NOTIFICATION,
        why=(
            "A topic, queue or function of another account gets key, size and actor of each object as it comes. "
            "No policy of the bucket shows it."
        ),
        cli=f"""\
# The second call replaces all notifications. Set NOTIFICATIONS to the first answer without the target.
aws s3api get-bucket-notification-configuration {OWN}
aws s3api put-bucket-notification-configuration {OWN} \\
  --notification-configuration "${{NOTIFICATIONS:?}}"
# If the target is wanted: add its account to rules.trusted_accounts.""",
        terraform="# In the aws_s3_bucket_notification of {bucket}: take out the target of the other account.",
        console="""\
Open Amazon S3, Buckets, {bucket}, Properties, Event notifications.
Tick the notification with the target of the other account and choose Delete.""",
        cloudformation=bucket_resource(
            """\
NotificationConfiguration:
  QueueConfigurations:
    - Event: s3:ObjectCreated:*
      Queue: arn:{partition}:sqs:{region}:{account}:uploads""",
            "With targets of the own account",
        ),
        verify=shows_setting("get-bucket-notification-configuration", "ARNs of the own and of trusted accounts only"),
        maps=maps({Framework.CUSTODIAN: "bucket-notification"}),
        default=False,
        references=(f"{_GUIDE}EventNotifications.html",),
    ),
    Kind.BUCKET,
    _confused,
    (
        Example("the own account", bucket({Aspect.NOTIFICATION: _telling(ACCOUNT.account)}), Verdict.PASS),
        Example("nobody", bucket({Aspect.NOTIFICATION: ABSENT}), Verdict.PASS),
        Example("another account", bucket({Aspect.NOTIFICATION: _telling(ACCOUNT.account, _PARTNER)}), Verdict.FAIL),
        Example(
            "a trusted account",
            bucket({Aspect.NOTIFICATION: _telling(_PARTNER)}),
            Verdict.PASS,
            options=RuleOptions(trusted_accounts=(_PARTNER,)),
        ),
        Example("a target without an account", bucket({Aspect.NOTIFICATION: _telling("")}), Verdict.FAIL),
        Example("unreadable", _UNREADABLE, Verdict.UNKNOWN),
    ),
)

RULES = (EVENT_NOTIFICATIONS, EVENT_BRIDGE, CONFUSED_DESTINATION)
