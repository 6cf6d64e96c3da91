"""Settings that cost or save money: transfer acceleration, who pays for requests, archives of Intelligent-Tiering."""

from collections.abc import Hashable

from s3warden.detect.advice import OWN, bucket_resource, property_steps, shows_setting
from s3warden.detect.rule import (
    Example,
    Judgement,
    Kind,
    Rule,
    RuleOptions,
    always,
    configured,
    fails,
    not_applicable,
    passes,
)
from s3warden.detect.samples import DENIED, bucket
from s3warden.detect.selectors import selected
from s3warden.model.bucket import ABSENT, Aspect, Present, State
from s3warden.model.configuration import Accelerate, RequestPayment, Tags
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo
from s3warden.model.storage import Tiering, TieringConfiguration

_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"


def _acceleration(state: State, options: RuleOptions) -> Judgement:
    found = configured(state, Aspect.ACCELERATE, Accelerate)
    if _dotted(state, options):
        return not_applicable("A bucket with a dot in its name cannot be accelerated.")
    on = found is not None and found.status == "Enabled"
    if on == (options.transfer_acceleration == "on"):
        return passes(f"Transfer acceleration is {'on' if on else 'off'}, as agreed.")
    status = "on" if on else "off"
    return fails(f"Transfer acceleration is {status}, not {options.transfer_acceleration}.", {"acceleration": status})


def _dotted(state: State, _options: RuleOptions) -> bool:
    return "." in str(state.ref)


def _told(state: State, options: RuleOptions) -> Hashable:
    """No other rule looks at the setting, so that the shape does not hold it."""
    return _dotted(state, options), state.reading(Aspect.ACCELERATE)


def _payer(state: State, options: RuleOptions) -> Judgement:
    payment = configured(state, Aspect.REQUEST_PAYMENT, RequestPayment)
    requester = payment is not None and payment.payer == "Requester"
    shared = selected(options.requester_pays_buckets, state)
    if requester and shared is None:
        return fails("Who asks has to pay, which nobody agreed to.", {"payer": "Requester"})
    if shared is not None and not requester:
        return fails(f"The owner pays for what others read ({shared}).", {"payer": "BucketOwner"})
    return passes("Who pays for requests is as agreed.")


def _tiering(state: State, _options: RuleOptions) -> Judgement:
    found = configured(state, Aspect.INTELLIGENT_TIERING, Tiering)
    if found is None:
        return fails("Objects that nobody reads never move to an archive tier.", {"tiering": "none"})
    if not found.acting:
        return fails("Every Intelligent-Tiering configuration is switched off.", {"tiering": "switched off"})
    return passes("Objects that nobody reads move to an archive tier.")


def _archive(*, enabled: bool = True) -> Present[Tiering]:
    return Present(Tiering((TieringConfiguration("all", enabled, (("ARCHIVE_ACCESS", 90),)),)))


_ON = Present(Accelerate("Enabled"))
_OFF_WANTED = RuleOptions(transfer_acceleration="off")
_REQUESTER = Present(RequestPayment("Requester"))
_SHARED = RuleOptions(requester_pays_buckets=("tag:Shared=yes",))

ACCELERATION = Rule(
    RuleInfo(
        id="bucket-transfer-acceleration",
        title="Transfer acceleration is not as agreed",
        severity=Severity.INFO,
        category=Category.GOVERNANCE,
        needs=frozenset({Aspect.ACCELERATE}),
        why=(
            "Acceleration makes uploads from far away faster and costs by the gigabyte. "
            "The settings say whether it is to be on or off."
        ),
        cli=f"""\
# Enabled or Suspended, as agreed:
aws s3api put-bucket-accelerate-configuration {OWN} \\
  --accelerate-configuration Status=Enabled""",
        terraform="""\
resource "aws_s3_bucket_accelerate_configuration" "this" {
  bucket = "{bucket}"
  status = "Enabled"
}""",
        console=property_steps("Transfer acceleration", "Choose Enable, or Disable, as agreed."),
        cloudformation=bucket_resource("AccelerateConfiguration:\n  AccelerationStatus: Enabled"),
        verify=shows_setting("get-bucket-accelerate-configuration", "the Status that was agreed"),
        maps=maps({Framework.CONFORMITY: "S3-024", Framework.CLOUDSPLOIT: "bucketTransferAcceleration"}),
        default=False,
        references=(f"{_GUIDE}transfer-acceleration.html",),
    ),
    Kind.BUCKET,
    _acceleration,
    (
        Example("on", bucket({Aspect.ACCELERATE: _ON}), Verdict.PASS),
        Example("never switched on", bucket({Aspect.ACCELERATE: ABSENT}), Verdict.FAIL),
        Example("suspended", bucket({Aspect.ACCELERATE: Present(Accelerate("Suspended"))}), Verdict.FAIL),
        Example("off, as agreed", bucket({Aspect.ACCELERATE: ABSENT}), Verdict.PASS, options=_OFF_WANTED),
        Example("on, against the agreement", bucket({Aspect.ACCELERATE: _ON}), Verdict.FAIL, options=_OFF_WANTED),
        Example("a dot in the name", bucket(name="www.example.net"), Verdict.NOT_APPLICABLE),
        Example("unreadable", bucket({Aspect.ACCELERATE: DENIED}), Verdict.UNKNOWN),
    ),
    by_name=always,
    facts=_told,
)

REQUESTER_PAYS = Rule(
    RuleInfo(
        id="bucket-requester-pays",
        title="Who pays for requests is not as agreed",
        severity=Severity.INFO,
        category=Category.GOVERNANCE,
        needs=frozenset({Aspect.REQUEST_PAYMENT}),
        hints=frozenset({Aspect.TAGGING}),
        why=(
            "Requester Pays refuses every reader that does not offer to pay, log delivery among them. "
            "A data set shared with many, on the other hand, costs its owner what others read."
        ),
        cli=f"""\
# BucketOwner or Requester, as agreed:
aws s3api put-bucket-request-payment {OWN} \\
  --request-payment-configuration Payer=BucketOwner""",
        terraform="""\
resource "aws_s3_bucket_request_payment_configuration" "this" {
  bucket = "{bucket}"
  payer  = "BucketOwner"
}""",
        console=property_steps("Requester pays", "Choose Disable, or Enable, as agreed."),
        cloudformation="# CloudFormation has no property for Requester Pays.",
        verify=shows_setting("get-bucket-request-payment", "the Payer that was agreed"),
        maps=(),
        default=False,
        references=(f"{_GUIDE}RequesterPaysBuckets.html",),
    ),
    Kind.BUCKET,
    _payer,
    (
        Example("the owner pays", bucket(), Verdict.PASS),
        Example("requester pays", bucket({Aspect.REQUEST_PAYMENT: _REQUESTER}), Verdict.FAIL),
        Example(
            "requester pays, as agreed",
            bucket({Aspect.REQUEST_PAYMENT: _REQUESTER, Aspect.TAGGING: Present(Tags((("Shared", "yes"),)))}),
            Verdict.PASS,
            options=_SHARED,
        ),
        Example(
            "the owner pays for a shared data set",
            bucket({Aspect.TAGGING: Present(Tags((("Shared", "yes"),)))}),
            Verdict.FAIL,
            options=_SHARED,
        ),
        Example("unreadable", bucket({Aspect.REQUEST_PAYMENT: DENIED}), Verdict.UNKNOWN),
    ),
    by_name=lambda options: bool(options.requester_pays_buckets),
)

TIERING = Rule(
    RuleInfo(
        id="bucket-intelligent-tiering",
        title="No archive tier for objects that nobody reads",
        severity=Severity.INFO,
        category=Category.GOVERNANCE,
        needs=frozenset({Aspect.INTELLIGENT_TIERING}),
        why=(
            "Objects of the class Intelligent-Tiering move to its archive tiers only if a configuration says so. "
            "Without one, what nobody reads stays at a multiple of the price."
        ),
        cli=f"""\
# Reading from an archive tier takes minutes to hours.
aws s3api put-bucket-intelligent-tiering-configuration {OWN} \\
  --id all --intelligent-tiering-configuration \\
  '{{"Id":"all","Status":"Enabled","Tierings":[{{"Days":90,"AccessTier":"ARCHIVE_ACCESS"}}]}}'""",
        terraform="""\
resource "aws_s3_bucket_intelligent_tiering_configuration" "all" {
  bucket = "{bucket}"
  name   = "all"
  tiering {
    access_tier = "ARCHIVE_ACCESS"
    days        = 90
  }
}""",
        console="""\
Open Amazon S3, Buckets, {bucket}, Properties, Intelligent-Tiering Archive configurations: Create configuration.
Choose This configuration applies to all objects in the bucket, tick Archive Access tier and set 90 days.
Choose Create.""",
        cloudformation=bucket_resource("""\
IntelligentTieringConfigurations:
  - Id: all
    Status: Enabled
    Tierings:
      - AccessTier: ARCHIVE_ACCESS
        Days: 90"""),
        verify=f"""\
aws s3api list-bucket-intelligent-tiering-configurations {OWN}
# Expect: one with "Status": "Enabled".""",
        maps=maps({Framework.CUSTODIAN: "intelligent-tiering"}),
        default=False,
        references=(f"{_GUIDE}using-intelligent-tiering.html",),
    ),
    Kind.BUCKET,
    _tiering,
    (
        Example("a configuration at work", bucket({Aspect.INTELLIGENT_TIERING: _archive()}), Verdict.PASS),
        Example("none", bucket({Aspect.INTELLIGENT_TIERING: ABSENT}), Verdict.FAIL),
        Example("switched off", bucket({Aspect.INTELLIGENT_TIERING: _archive(enabled=False)}), Verdict.FAIL),
        Example("unreadable", bucket({Aspect.INTELLIGENT_TIERING: DENIED}), Verdict.UNKNOWN),
    ),
)

RULES = (ACCELERATION, REQUESTER_PAYS, TIERING)
