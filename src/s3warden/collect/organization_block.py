"""Reads what the organisation's S3 policies say of public access in an account.

Takes an account, hands on one reading. Every account may ask what is in effect for itself. The SDK's own list of policy
types may be older than S3's; it does not check what it sends.

Sources: DescribeEffectivePolicy in the Organizations API reference; "Amazon S3 policy syntax" of its user guide.
"""

import json

from s3warden.aws.errors import AwsError
from s3warden.collect.aspects import AspectRead
from s3warden.collect.services import ServiceReader
from s3warden.collect.shapes import Answer, ShapeError, mapping, one_of, text
from s3warden.model.bucket import AccountRef, Present, Reading
from s3warden.model.services import OrganizationBlock

_SERVICE = "organizations"
_TYPE = "S3_POLICY"
_NO_POLICY = "EffectivePolicyNotFoundException"


def _block(answer: Answer) -> OrganizationBlock:
    content = text(mapping(answer.get("EffectivePolicy"), "EffectivePolicy").get("PolicyContent"), "PolicyContent")
    try:
        document = mapping(json.loads(content), "PolicyContent")
    except (ValueError, RecursionError) as error:
        raise ShapeError("PolicyContent is no JSON") from error
    attributes = mapping(document.get("s3_attributes", {}), "s3_attributes")
    mode = attributes.get("public_access_block_configuration", "")
    # In effect the operators are resolved; a policy that was only attached still has them.
    if isinstance(mode, dict):
        mode = mode.get("@@assign", "")
    return OrganizationBlock(one_of(mode, "public_access_block_configuration", "all", "none", ""))


READ = AspectRead(
    "DescribeEffectivePolicy",
    "organizations:DescribeEffectivePolicy",
    _block,
    absent_codes=frozenset({"AWSOrganizationsNotInUseException"}),
)


class OrganizationBlockReads:
    """Reads policies in effect through `reader`."""

    def __init__(self, reader: ServiceReader) -> None:
        self._reader = reader

    async def of_account(self, ref: AccountRef) -> Reading[OrganizationBlock]:
        """What is in effect for the account; Absent if it is in no organisation."""
        asked = self._reader.service(ref, _SERVICE, READ.operation, PolicyType=_TYPE)
        try:
            return READ.understood(await asked)
        except AwsError as error:
            return Present(OrganizationBlock("")) if error.code == _NO_POLICY else READ.failed(error)
