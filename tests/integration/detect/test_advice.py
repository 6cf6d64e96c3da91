"""What the rules advise is understood by the tools that it is for: the AWS CLI and CloudFormation."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import indent

import pytest

from s3warden.aws.session import ADDITIONS, MODELS
from s3warden.detect.rule import Kind, Rule
from s3warden.detect.rules import RULES
from s3warden.model.bucket import AccountRef, BucketRef
from support.moto import CREDENTIALS

BUCKET = BucketRef("aws", "111122223333", "eu-west-1", "example-data")
# Stands in for the AWS CLI: notes its arguments and answers with an empty object.
RECORDER = """\
#!{python}
import json, sys
with open({notes!r}, "a") as notes:
    notes.write(json.dumps(sys.argv[1:]) + "\\n")
print("{{}}")
"""
# What the advice leaves to the reader to fill in, where not any word will do.
BLANKS = {
    "ACCESS_POINT": "data",
    "BUCKET_KEY": "true",
    "CORS": '{"CORSRules":[]}',
    "DEFAULT": '{"SSEAlgorithm":"AES256"}',
    "ENVIRONMENT": "test",
    "FROM_DAY": "2026-01-01",
    "HTTP_ENDPOINT": "http://localhost",
    "LOG_BUCKET": "log-bucket",
    "KEPT": "",
    "KEPT_RULES": '[{"Status":"Enabled","Filter":{}}]',
    "KMS_KEY": "alias/storage",
    "MFA": "arn:aws:iam::111122223333:mfa/root 123456",
    "NEW_BUCKET": "new-bucket",
    "NEW_REGION": "eu-central-1",
    "NOTIFICATIONS": "{}",
    "OWNER": "blue",
    "REPLICATION_ROLE": "arn:aws:iam::111122223333:role/replication",
    "REPLICA_BUCKET": "replica-bucket",
    "ROLE": "storage",
    "STRANGER": "stranger",
    "TO_DAY": "2026-01-10",
    "WEBSITE": '{"IndexDocument":{"Suffix":"index.html"}}',
}
# A snippet may refer to resources of the reader's own template.
IGNORED = ("--ignore-checks", "E1010", "E1019", "E1020")
each_rule = pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.info.id) for rule in RULES])


def filled(rule: Rule, template: str) -> str:
    """The advice with the names of a bucket, or of its account."""
    subject = BUCKET if rule.kind is Kind.BUCKET else AccountRef("aws", "111122223333")
    return replace(rule.info, cli=template).fix(subject).cli


# The AWS CLI brings a botocore of its own, which no other test may meet: it has a process to itself.
CHECKER = """\
import contextlib, io, json, sys
from types import SimpleNamespace
from awscli.clidriver import create_clidriver

driver = create_clidriver()
# What S3 has learnt since this CLI was made.
loader = driver.session.get_component("data_loader")
loader.search_paths.append(sys.argv[1])
loader.extras_types.append(sys.argv[2])
driver.session.register("before-call.*.*", lambda **_: (SimpleNamespace(status_code=200), {}))
for line in sys.stdin:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = driver.main(json.loads(line))
        except SystemExit as leave:
            code = leave.code
    print(json.dumps(said.getvalue() if code else ""), flush=True)
"""


@pytest.fixture(scope="module")
def cli() -> Iterator[Callable[[list[str]], str]]:
    """What the AWS CLI has to say against a command; it makes the call of nobody, and every answer is empty."""
    own = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull, "AWS_DEFAULT_REGION": "eu-west-1"}
    environment = {"PATH": os.environ["PATH"], **own, **CREDENTIALS}
    with (
        TemporaryDirectory() as directory,
        subprocess.Popen(
            [sys.executable, "-c", CHECKER, str(MODELS), ADDITIONS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=directory,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        asked, answers = process.stdin, process.stdout

        def ask(arguments: list[str]) -> str:
            for argument in arguments:
                if argument.startswith("file://"):
                    empty = "[]" if argument.endswith("selectors.json") else "{}"
                    (Path(directory) / argument.removeprefix("file://")).write_text(empty)
            print(json.dumps(arguments), file=asked, flush=True)
            said = str(json.loads(answers.readline()))
            # What is written back was answered empty: that a part of it is missing says nothing of the command.
            parts = "Missing required parameter in input" in said
            return said if parts or "Missing required parameter in" not in said else ""

        yield ask
        asked.close()


def typed(script: str, directory: Path) -> list[list[str]]:
    """The arguments of every AWS CLI command that a shell makes of the script, blanks filled in."""
    program, notes = directory / "bin" / "aws", directory / "calls"
    program.parent.mkdir(exist_ok=True)
    program.write_text(RECORDER.format(python=sys.executable, notes=str(notes)))
    program.chmod(0o755)
    notes.write_text("")
    blanks = dict.fromkeys(re.findall(r"\$\{([A-Z_]+):[?]", script), "value") | BLANKS
    environment = {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", **blanks}
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"s3warden() {{ :; }}\n{script}"], cwd=directory, env=environment, check=True
    )
    return [json.loads(line) for line in notes.read_text().splitlines()]


@each_rule
def test_commands_are_understood(rule: Rule, cli: Callable[[list[str]], str], tmp_path: Path) -> None:
    """Every command of the fix and of the check by hand names an operation and parameters that the AWS CLI knows."""
    for template in (rule.info.cli, rule.info.verify):
        for arguments in typed(filled(rule, template), tmp_path):
            assert cli(arguments) == ""


def test_cloudformation_is_valid(tmp_path: Path) -> None:
    """Every snippet is YAML of resources in which cfn-lint finds nothing, or comments that say why there is none."""
    templates = []
    for rule in RULES:
        snippet = filled(rule, rule.info.cloudformation)
        if all(line.startswith("#") for line in snippet.splitlines()):
            continue
        template = tmp_path / f"{rule.info.id}.yaml"
        template.write_text(f"Resources:\n{indent(snippet, '  ')}\n")
        templates.append(template)
    lint = [
        str(Path(sys.executable).parent / "cfn-lint"),
        "--format",
        "parseable",
        *IGNORED,
        "--",
        *map(str, templates),
    ]
    result = subprocess.run(lint, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
