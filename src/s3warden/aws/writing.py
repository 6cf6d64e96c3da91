"""Makes the calls that change something, in the name of a role that reading does not use.

Takes a `Call` exactly as it is to be made, tried once: who writes looks at what is there before another try. Refuses a
call on a bucket that does not name the owner it expects. For directory buckets S3 takes no expected owner; calls on
them do not work across accounts.
"""

from s3warden.aws.calls import Calls
from s3warden.aws.errors import AwsError
from s3warden.model.action import Call
from s3warden.model.bucket import AccountRef


class Writing:
    """The writing half. `calls` must not try anything again by itself."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def make(self, account: AccountRef, call: Call) -> None:
        """Make the call in `account`. Raises AwsError and nothing else."""
        arguments = dict(call.arguments)
        directory = str(arguments.get("Bucket")).endswith("--x-s3")
        if call.service == "s3" and not directory and arguments.get("ExpectedBucketOwner") is None:
            raise AwsError("NoExpectedOwner", "a write must name the owner of the bucket", operation=call.operation)
        await self._calls.ask(account, call.service, call.operation, region=call.region, **arguments)


class NoWriting:
    """The settings name no role to write with."""

    async def make(self, _account: AccountRef, call: Call) -> None:
        """Raises AwsError."""
        raise AwsError(
            "NoWritingRole",
            "no role is set to write with: set remediation.role_name, or remediation.same_role",
            operation=call.operation,
        )
