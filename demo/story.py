"""The story: someone opens buckets in four ways; each is told within moments, one is closed at once, all at last.

Each act makes real calls through the emulator and waits for the messages that have to follow. An act whose messages
do not come, or do not say what they must, is a failure of the demo.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from rich.console import Console

from demo.front import Front
from demo.slack import Message, Slack
from demo.world import ALL_ON, DATA, SHOP, private_policy, public_policy, put_account_block, sessions
from s3warden.aws.session import Sessions

PATIENCE = 20.0
# Between two commands of one person; within one second CloudTrail's times have no order.
TYPING = 1.5
BY_ACL, BY_ACL_REGION = "data-partner-drop", "us-east-1"
BY_POLICY, BY_POLICY_REGION = "data-exports", "eu-west-1"
CLOSED, CLOSED_REGION = "data-scratch", "us-east-1"
LATENT_POLICY, LATENT_ACL = "shop-campaign-2019", "shop-legacy-assets"

Do = Callable[[Sessions], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Act:
    """One step: who does what, and the messages that must follow, each as words that it must contain (any case)."""

    title: str
    role: str
    actor: str
    commands: tuple[str, ...]
    do: Do
    messages: tuple[tuple[str, ...], ...]


async def play(front: Front, slack: Slack, console: Console) -> Sequence[str]:
    """Play the acts; returns what went wrong, one line each."""
    console.rule("[bold]1. The first sweep")
    console.print("The daemon has never seen this estate. It reads everything and says it once, in one digest;")
    console.print("what is public right now is told one by one.\n")
    if await slack.wait_for(lambda message: "digest" in message.text.lower(), after=0, seconds=90) is None:
        return ["no digest after the first sweep"]
    wrong = []
    for number, act in enumerate(ACTS, start=2):
        console.rule(f"[bold]{number}. {act.title}")
        for command in act.commands:
            console.print(f"{act.actor}$ {command}", style="dim", highlight=False, soft_wrap=True)
        console.print()
        wrong += [f"{number}. {act.title}: {failure}" for failure in await _perform(act, front, slack, console)]
    return wrong


async def _perform(act: Act, front: Front, slack: Slack, console: Console) -> list[str]:
    before = len(slack.messages)
    async with sessions(front.url, act.role, act.actor) as aws:
        await act.do(aws)
    started = time.monotonic()
    failures = []
    for words in act.messages:
        message = await slack.wait_for(lambda m, words=words: _says(m, words), after=before, seconds=PATIENCE)  # type: ignore[misc]
        if message is None:
            failures.append(f"no message within {PATIENCE:.0f} s that says {', '.join(words)}")
    if not failures:
        console.print(f"told within {time.monotonic() - started:.1f} s of the last call\n", style="dim")
    return failures


def _says(message: Message, words: tuple[str, ...]) -> bool:
    text = message.text.lower()
    return all(word.lower() in text for word in words)


async def _open_by_acl(aws: Sessions) -> None:
    s3 = await aws.client("s3", region=BY_ACL_REGION, account=DATA)
    await s3.delete_public_access_block(Bucket=BY_ACL)
    await asyncio.sleep(TYPING)
    await s3.delete_bucket_ownership_controls(Bucket=BY_ACL)
    await asyncio.sleep(TYPING)
    await s3.put_bucket_acl(Bucket=BY_ACL, ACL="public-read")


async def _open_by_policy(aws: Sessions) -> None:
    s3 = await aws.client("s3", region=BY_POLICY_REGION, account=DATA)
    await s3.delete_public_access_block(Bucket=BY_POLICY)
    await asyncio.sleep(TYPING)
    await s3.put_bucket_policy(Bucket=BY_POLICY, Policy=public_policy(BY_POLICY))


async def _open_what_is_closed(aws: Sessions) -> None:
    s3 = await aws.client("s3", region=CLOSED_REGION, account=DATA)
    await s3.delete_public_access_block(Bucket=CLOSED)
    await asyncio.sleep(TYPING)
    await s3.put_bucket_policy(Bucket=CLOSED, Policy=public_policy(CLOSED))


async def _remove_account_block(aws: Sessions) -> None:
    await put_account_block(aws, SHOP, None)


async def _fix(aws: Sessions) -> None:
    await put_account_block(aws, SHOP, ALL_ON)
    partner = await aws.client("s3", region=BY_ACL_REGION, account=DATA)
    await partner.put_bucket_acl(Bucket=BY_ACL, ACL="private")
    rules = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    await partner.put_bucket_ownership_controls(Bucket=BY_ACL, OwnershipControls=rules)
    await partner.put_public_access_block(Bucket=BY_ACL, PublicAccessBlockConfiguration=ALL_ON)
    exports = await aws.client("s3", region=BY_POLICY_REGION, account=DATA)
    await exports.put_bucket_policy(Bucket=BY_POLICY, Policy=private_policy(BY_POLICY))
    await exports.put_public_access_block(Bucket=BY_POLICY, PublicAccessBlockConfiguration=ALL_ON)


ACTS: tuple[Act, ...] = (
    Act(
        title="Someone opens a bucket by ACL",
        role="Developer",
        actor="jane.doe",
        commands=(
            f"aws s3api delete-public-access-block --bucket {BY_ACL}",
            f"aws s3api delete-bucket-ownership-controls --bucket {BY_ACL}",
            f"aws s3api put-bucket-acl --bucket {BY_ACL} --acl public-read",
        ),
        do=_open_by_acl,
        messages=(("critical", BY_ACL, "jane.doe", "PutBucketAcl", "READ for AllUsers", "s3:ListBucket", "aws s3api"),),
    ),
    Act(
        title="Someone opens a bucket by policy",
        role="Developer",
        actor="jane.doe",
        commands=(
            f"aws s3api delete-public-access-block --bucket {BY_POLICY}",
            f"aws s3api put-bucket-policy --bucket {BY_POLICY} --policy file://public-read.json",
        ),
        do=_open_by_policy,
        messages=(("critical", BY_POLICY, "jane.doe", "PutBucketPolicy", "s3:GetObject", "PublicRead", "aws s3api"),),
    ),
    Act(
        title="Someone opens a bucket that s3warden may close",
        role="Developer",
        actor="jane.doe",
        commands=(
            f"aws s3api delete-public-access-block --bucket {CLOSED}",
            f"aws s3api put-bucket-policy --bucket {CLOSED} --policy file://public-read.json",
        ),
        do=_open_what_is_closed,
        messages=(
            ("critical", CLOSED, "jane.doe", "PutBucketPolicy", "s3:GetObject"),
            ("resolved", CLOSED, "fixed", "remediation"),
        ),
    ),
    Act(
        title="Someone removes the public access block of a whole account",
        role="Administrator",
        actor="max.muster",
        commands=(f"aws s3control delete-public-access-block --account-id {SHOP}",),
        do=_remove_account_block,
        messages=(
            (SHOP, "max.muster", "DeleteAccountPublicAccessBlock", "aws s3control"),
            ("critical", LATENT_POLICY, "max.muster"),
            ("critical", LATENT_ACL, "max.muster"),
        ),
    ),
    Act(
        title="The one on call puts it right",
        role="OnCall",
        actor="sam.lee",
        commands=(
            f"aws s3control put-public-access-block --account-id {SHOP} …",
            f"aws s3api put-bucket-acl --bucket {BY_ACL} --acl private; …",
            f"aws s3api put-bucket-policy --bucket {BY_POLICY} --policy file://as-before.json; …",
        ),
        do=_fix,
        messages=(
            ("resolved", SHOP, "sam.lee"),
            ("resolved", LATENT_POLICY),
            ("resolved", LATENT_ACL),
            ("resolved", BY_ACL, "sam.lee"),
            ("resolved", BY_POLICY, "sam.lee"),
        ),
    ),
)
