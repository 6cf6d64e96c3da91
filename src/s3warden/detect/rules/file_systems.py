"""The file systems that S3 Files makes of buckets: whom their policies let in; one finding an account, by name.

A file system is another way to the objects of its bucket, which the bucket's own policy does not show: S3 Files reads
and writes them by a role of its own. Its policy speaks the language of bucket policies as far as principals and
conditions go. Whom the network lets through to a mount target is not judged, so that a finding says who may mount,
not who can.
"""

from collections.abc import Mapping
from itertools import chain

from s3warden.detect.outsiders import Outsiders, Resource, judged, outsiders
from s3warden.detect.rule import Example, Judgement, Kind, Rule, RuleOptions, configured, not_applicable
from s3warden.detect.samples import ACCOUNT, DENIED, allow, policy
from s3warden.detect.surroundings import OURS, account_with
from s3warden.model.bucket import ABSENT, AccountState, Aspect, Present, Reading, Regional, State
from s3warden.model.configuration import Policy
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.other_buckets import FileSystem, FileSystems
from s3warden.model.rule import Category, RuleInfo

_ACTIONS = ("s3files:ClientMount", "s3files:ClientWrite", "s3files:ClientRootAccess")
_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-files-security-iam.html"
_CLIENTS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-files-access-point-policy-examples.html"


def _check(state: State, options: RuleOptions) -> Judgement:
    regions = configured(state, Aspect.FILE_SYSTEMS, Regional)
    listed = [] if regions is None else list(chain.from_iterable(regions.known(FileSystems)))
    if not listed:
        return not_applicable("The account has no file system of S3 Files.")
    found = {f"{each.name} (bucket {each.bucket})": _outsiders(each, state, options) for each in listed}
    return judged(found, "a file system of S3 Files", "file_systems")


def _outsiders(each: FileSystem, state: State, options: RuleOptions) -> Outsiders:
    """Nobody from outside where there is no policy: then the account's own policies alone say who may mount."""
    if not isinstance(each.policy, Present):
        return Outsiders()
    resource = Resource(each.arn, state.ref.account, state.ref.partition, _ACTIONS)
    return outsiders(each.policy.value.text, resource, options)


_PARTNER = "444455556666"


def _shared(reading: Reading[Policy]) -> AccountState:
    """The sound account with one file system that has this policy."""
    name = "fs-0123456789abcdef0"
    arn = f"arn:{ACCOUNT.partition}:s3files:eu-west-1:{ACCOUNT.account}:file-system/{name}"
    return _regional(Present(FileSystems((FileSystem(name, arn, "example-data", reading),))))


def _regional(reading: Reading[FileSystems]) -> AccountState:
    return account_with({Aspect.FILE_SYSTEMS: Present(Regional((("eu-west-1", reading),)))})


def _open(principal: object, *, condition: Mapping[str, object] | None = None) -> AccountState:
    more = {"Condition": condition} if condition else {}
    return _shared(policy(allow(principal, ["s3files:ClientMount", "s3files:ClientWrite"], "*", **more)))


POLICY = Rule(
    RuleInfo(
        id="account-s3-files-policy",
        title="Others may mount a file system over a bucket",
        severity=Severity.MEDIUM,
        category=Category.ACCESS,
        needs=frozenset({Aspect.FILE_SYSTEMS}),
        why=(
            "A file system of S3 Files reads and writes its bucket by a role of its own, so whoever may mount it gets "
            "at the objects, whatever the bucket's policy says of him. He also needs a way through the network."
        ),
        cli="""\
# In account {account}:
aws s3files get-file-system-policy --file-system-id "${ID:?}" --region "${REGION:?}" --query policy --output text
# Put it into policy.json without the principal that needs no access, then:
aws s3files put-file-system-policy --file-system-id "${ID:?}" --region "${REGION:?}" --policy file://policy.json
# If the access is wanted: add the account to rules.trusted_accounts.""",
        terraform=(
            "# In the aws_s3files_file_system_policy in account {account}: take out the principal that needs no access."
        ),
        console="""\
Open Amazon S3, File systems, the file system, Permissions: Edit.
Take out the principal that needs no access, and save.""",
        cloudformation="# In the AWS::S3Files::FileSystemPolicy: take out the principal that needs no access.",
        verify="""\
aws s3files list-file-systems --region "${REGION:?}"
aws s3files get-file-system-policy --file-system-id "${ID:?}" --region "${REGION:?}"
# Expect: ResourceNotFoundException, or principals of own and trusted accounts alone.""",
        maps=maps({Framework.CUSTODIAN: "s3files-file-system.cross-account"}),
        default=False,
        references=(_GUIDE, _CLIENTS),
    ),
    Kind.ACCOUNT,
    _check,
    (
        Example("no policy", _shared(ABSENT), Verdict.PASS),
        Example("the own account", _open({"AWS": OURS}), Verdict.PASS),
        Example("another account", _open({"AWS": _PARTNER}), Verdict.FAIL),
        Example("everyone", _open("*"), Verdict.FAIL),
        Example(
            "everyone through a mount target",
            _open("*", condition={"Bool": {"s3files:AccessedViaMountTarget": "true"}}),
            Verdict.FAIL,
        ),
        Example(
            "everyone of an organisation",
            _open("*", condition={"StringEquals": {"aws:PrincipalOrgID": "o-ourownorg1"}}),
            Verdict.PASS,
        ),
        Example("a trusted account", _open({"AWS": _PARTNER}), Verdict.PASS, RuleOptions(trusted_accounts=(_PARTNER,))),
        Example("no file system", _regional(ABSENT), Verdict.NOT_APPLICABLE),
        Example("a policy that is none", _shared(Present(Policy("{"))), Verdict.UNKNOWN),
        Example("a policy is unreadable", _shared(DENIED), Verdict.UNKNOWN),
        Example("a region is unreadable", _regional(DENIED), Verdict.UNKNOWN),
    ),
)

RULES = (POLICY,)
