"""The stage: starts and stops the emulator, its front, the stand-in Slack and the daemon, in that order."""

import asyncio
import contextlib
import json
import os
import socket
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Self

import aiohttp
from rich.console import Console

from demo.front import HOME_ACCOUNT, Front, send_to_queue
from demo.slack import Slack
from demo.story import BY_ACL, BY_POLICY, CLOSED
from demo.world import ACCOUNTS, CREDENTIALS, REGION, build, sessions

DIGEST_AND_ALERTS = (BY_ACL, BY_POLICY, CLOSED)


class Stage:
    """An asynchronous context: everything runs inside it, and is gone after it."""

    def __init__(self, console: Console, folder: Path, port: int = 0) -> None:
        self._console = console
        self._folder = folder
        self._port = port
        self._stack = contextlib.AsyncExitStack()
        self._metrics_port = free_port()
        self._inbox = ""
        self.slack = Slack(console)

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            self._emulator = await stack.enter_async_context(emulator(self._folder))
            self._http = await stack.enter_async_context(aiohttp.ClientSession())
            await self.slack.start()
            stack.push_async_callback(self.slack.stop)
            self.front = Front(self._emulator, self._publish)
            await self.front.start(self._port)
            stack.push_async_callback(self.front.stop)
            topic = await self._services()
            await build(self.front)
            config = self._configure(topic)
            self._daemon = await stack.enter_async_context(daemon(self._folder, config))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _publish(self, event: Mapping[str, object]) -> None:
        await send_to_queue(self._http, self._emulator, self._queue, REGION, json.dumps(event))

    async def _services(self) -> str:
        """The event queue with its dead-letter queue, the topic, and an inbox that is subscribed to it."""
        async with sessions(self.front.url, "Provisioner", "terraform") as aws:
            sqs, sns = await aws.client("sqs"), await aws.client("sns")
            dead = (await sqs.create_queue(QueueName="s3warden-events-dlq"))["QueueUrl"]
            arn = (await sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"]))["Attributes"]["QueueArn"]
            redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "5"})
            queue = await sqs.create_queue(QueueName="s3warden-events", Attributes={"RedrivePolicy": redrive})
            self._queue = str(queue["QueueUrl"])
            topic = str((await sns.create_topic(Name="s3warden-alerts"))["TopicArn"])
            self._inbox = str((await sqs.create_queue(QueueName="on-call-inbox"))["QueueUrl"])
            inbox_arn = f"arn:aws:sqs:{REGION}:{HOME_ACCOUNT}:on-call-inbox"
            await sns.subscribe(
                TopicArn=topic, Protocol="sqs", Endpoint=inbox_arn, Attributes={"RawMessageDelivery": "true"}
            )
            return topic

    def _configure(self, topic: str) -> Path:
        accounts = json.dumps(list(ACCOUNTS))
        config = self._folder / "config.toml"
        config.write_text(
            f"""
queues = [{{ url = "{self._queue}", region = "{REGION}" }}]
[aws]
region = "{REGION}"
endpoint_url = "{self.front.url}"
role_name = "s3warden-reader"
[accounts]
ids = {accounts}
regions = ["eu-west-1", "eu-central-1", "us-east-1"]
[events]
poll = "2s"
[refresh]
quiet = "1s"
[rules]
log_buckets = ["*-access-logs", "*-access-logs-*"]
[remediation]
role_name = "s3warden-remediation"
[[fixes]]
name = "scratch-buckets"
rules = ["bucket-public-effective"]
buckets = ["{CLOSED}"]
mode = "auto"
[store]
url = "sqlite:///{self._folder}/s3warden.db"
[http]
host = "127.0.0.1"
port = {self._metrics_port}
[[destinations]]
type = "slack"
name = "slack"
webhook_url = "{self.slack.url}"
min_severity = "high"
[[destinations]]
type = "sns"
name = "sns"
topic_arn = "{topic}"
min_severity = "high"
"""
        )
        return config

    async def check_inbox(self) -> list[str]:
        """What is missing at the far side of the topic: an alert and a resolve for each bucket of the story."""
        wanted = {(bucket, status) for bucket in DIGEST_AND_ALERTS for status in ("firing", "resolved")}
        deadline = time.monotonic() + 20
        async with sessions(self.front.url, "OnCall", "sam.lee") as aws:
            sqs = await aws.client("sqs")
            while wanted and time.monotonic() < deadline:
                answer = await sqs.receive_message(
                    QueueUrl=self._inbox, MaxNumberOfMessages=10, WaitTimeSeconds=1, MessageAttributeNames=["All"]
                )
                for message in answer.get("Messages", []):
                    status = message.get("MessageAttributes", {}).get("status", {}).get("StringValue")
                    wanted -= {(bucket, status) for bucket in DIGEST_AND_ALERTS if bucket in message["Body"]}
        return [f"no {status} message about {bucket} behind the SNS topic" for bucket, status in sorted(wanted)]

    def invite(self) -> None:
        """Say how the user can break a bucket himself."""
        say = self._console.print
        front = f"http://127.0.0.1:{self.front.port}"
        say("The daemon goes on. Its metrics:", f"http://127.0.0.1:{self._metrics_port}/metrics")
        say(f"Its log: {self._folder}/daemon.log\n")
        say("Break a bucket yourself, in another terminal (the AWS CLI is in .venv/bin):\n")
        account = f"--account-id {HOME_ACCOUNT}"
        exports = " ".join(f"{name}={value}" for name, value in CREDENTIALS.items())
        lines = (
            f"export {exports} PATH=$PWD/.venv/bin:$PATH",
            f"aws --endpoint-url {front} s3api delete-public-access-block --bucket data-raw",
            f"aws --endpoint-url {front} s3api delete-bucket-ownership-controls --bucket data-raw",
            f"aws --endpoint-url {front} s3api put-bucket-acl --bucket data-raw --acl public-read",
            f"aws --endpoint-url {front} s3api put-bucket-acl --bucket data-raw --acl private",
            # S3 Control puts the account before the host name; through the front as a proxy no name is looked up.
            f"HTTP_PROXY={front} aws --endpoint-url http://aws.test s3control delete-public-access-block {account}",
        )
        for line in lines:
            say("  " + line, style="cyan", soft_wrap=True)
        say("\nWhat s3warden mended, and how to take it back (the same variables are needed):\n")
        for command in ("remediations list", "undo ID"):
            say(f"  .venv/bin/s3warden {command} --config {self._folder}/config.toml", style="cyan", soft_wrap=True)
        say("\nCtrl-C ends the demo.")

    async def daemon_exit(self) -> int:
        """Wait for the daemon, which ends by itself only if something is wrong."""
        return await self._daemon.wait() or 1


@contextlib.asynccontextmanager
async def emulator(folder: Path) -> AsyncIterator[str]:
    """moto's server as a process of its own; yields its address."""
    port = free_port()
    command = (sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port))
    async with _process(command, folder / "emulator.log", {}) as process:
        await _listening(port, process, seconds=60)
        yield f"http://127.0.0.1:{port}"


@contextlib.asynccontextmanager
async def daemon(folder: Path, config: Path) -> AsyncIterator[Process]:
    """`s3warden run` as a process of its own, ended by SIGTERM."""
    command = (sys.executable, "-m", "s3warden", "run", "--config", str(config))
    async with _process(command, folder / "daemon.log", CREDENTIALS) as process:
        yield process


@contextlib.asynccontextmanager
async def _process(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> AsyncIterator[Process]:
    with log.open("wb") as stream:
        # A session of its own, so that Ctrl-C reaches the demo alone and the order of the end is the demo's.
        process = await asyncio.create_subprocess_exec(
            *command, stdout=stream, stderr=stream, env={**os.environ, **environment}, start_new_session=True
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 30)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _listening(port: int, process: Process, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.returncode is None:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.05)
    raise RuntimeError(f"the emulator did not listen on port {port} within {seconds:.0f} s")


def free_port() -> int:
    """A loopback port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
