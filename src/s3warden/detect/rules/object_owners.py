"""Whose the objects are: while ACLs are enabled, what another account uploads may stay that account's own."""

from s3warden.detect import proofs
from s3warden.detect.advice import NO_ACLS_RESOURCE, OWN, property_steps, shows_setting
from s3warden.detect.effective import ENFORCED, ownership
from s3warden.detect.exposed import HINTS, NEEDS, analysed, inputs_of
from s3warden.detect.questions import limited, understood
from s3warden.detect.rule import Example, Judgement, Kind, Rule, RuleOptions, fails, passes, undecided
from s3warden.detect.samples import ARN, DENIED, allow, by_policy, unguarded
from s3warden.model.bucket import ABSENT, Aspect, Present, State
from s3warden.model.configuration import Ownership
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo

_UPLOADS = ("s3:PutObject",)


def _check(state: State, options: RuleOptions) -> Judgement:
    inputs = inputs_of(state, options)
    found = ownership(state)
    if found == ENFORCED:
        return passes("The bucket owner owns every object, whoever uploads it.")
    unclear = understood(inputs)
    if unclear is not None:
        return undecided("Who may upload cannot be decided.", {"because": unclear})
    writers = analysed(limited(inputs, _UPLOADS))
    if writers.public is None:
        return undecided("Who may upload cannot be decided.", proofs.doubts(writers))
    who = ["everyone"] if writers.public else sorted(writers.cross_account)
    if not who:
        return passes("No other account can upload, so every object is the owner's.")
    facts = {"ownership": found, "writers": proofs.some(who)}
    # With "preferred" an upload that grants the bucket owner full control changes hands; others do not.
    lesser = Severity.LOW if found == "BucketOwnerPreferred" else None
    return fails(f"What {facts['writers']} uploads need not be the bucket owner's.", facts, severity=lesser)


_PARTNER = allow({"AWS": "444455556666"}, "s3:PutObject", f"{ARN}/*")

WRITER_OWNED = Rule(
    RuleInfo(
        id="bucket-objects-writer-owned",
        title="Objects that others upload are not the bucket owner's",
        severity=Severity.MEDIUM,
        category=Category.ACCESS,
        needs=NEEDS,
        hints=HINTS,
        why=(
            "The owner pays for objects that it may be unable to read, and that the writer can open to others by ACL. "
            "With ACLs disabled every object is the bucket owner's."
        ),
        cli=f"""\
# Refused while the bucket ACL grants anything to others than the owner. Uploads that set an ACL fail afterwards.
aws s3api put-bucket-ownership-controls {OWN} \\
  --ownership-controls 'Rules=[{{ObjectOwnership=BucketOwnerEnforced}}]'""",
        terraform="""\
resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = "{bucket}"
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}""",
        console=property_steps("Object Ownership", "Choose ACLs disabled (recommended).", tab="Permissions"),
        cloudformation=NO_ACLS_RESOURCE,
        verify=shows_setting("get-bucket-ownership-controls", '"ObjectOwnership": "BucketOwnerEnforced"'),
        maps=maps({Framework.CUSTODIAN: "ownership"}),
        default=False,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html",),
    ),
    Kind.BUCKET,
    _check,
    (
        Example(
            "the owner's, whoever uploads",
            unguarded(
                {**by_policy(_PARTNER, public=False), Aspect.OWNERSHIP: Present(Ownership("BucketOwnerEnforced"))}
            ),
            Verdict.PASS,
        ),
        Example("nobody else uploads", unguarded(), Verdict.PASS),
        Example("another account uploads", unguarded(by_policy(_PARTNER, public=False)), Verdict.FAIL),
        Example(
            "another account uploads, and may hand over",
            unguarded(
                {**by_policy(_PARTNER, public=False), Aspect.OWNERSHIP: Present(Ownership("BucketOwnerPreferred"))}
            ),
            Verdict.FAIL,
            severity=Severity.LOW,
        ),
        Example("everyone uploads", unguarded(by_policy(allow("*", "s3:PutObject"))), Verdict.FAIL),
        Example("unreadable", unguarded({Aspect.OWNERSHIP: DENIED, Aspect.POLICY: ABSENT}), Verdict.UNKNOWN),
    ),
)

RULES = (WRITER_OWNED,)
