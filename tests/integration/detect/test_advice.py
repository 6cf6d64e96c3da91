"""What the rules advise is understood by the tools that it is for: the AWS CLI and CloudFormation."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import indent
from types import SimpleNamespace

import pytest
import yaml
from awscli.clidriver import CLIDriver, create_clidriver

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
# What the advice leaves to the reader to fill in.
BLANKS = {
    "ACCESS_POINT": "data",
    "BUCKET_KEY": "true",
    "DEFAULT": '{"SSEAlgorithm":"AES256"}',
    "ENVIRONMENT": "test",
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
    "WEBSITE": '{"IndexDocument":{"Suffix":"index.html"}}',
}
each_rule = pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.info.id) for rule in RULES])


def filled(rule: Rule, template: str) -> str:
    """The advice with the names of a bucket, or of its account."""
    subject = BUCKET if rule.kind is Kind.BUCKET else AccountRef("aws", "111122223333")
    return replace(rule.info, cli=template).fix(subject).cli


@pytest.fixture(scope="module")
def cli() -> Iterator[CLIDriver]:
    """The AWS CLI itself, which checks a call and makes it of nobody: every answer is empty."""
    own = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull, "AWS_DEFAULT_REGION": "eu-west-1"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**own, **CREDENTIALS}.items():
            patch.setenv(name, value)
        driver = create_clidriver()
        # What S3 has learnt since this CLI was made.
        loader = driver.session.get_component("data_loader")
        loader.search_paths.append(str(MODELS))
        loader.extras_types.append(ADDITIONS)
        driver.session.register("before-call.*.*", lambda **_: (SimpleNamespace(status_code=200), {}))
        yield driver


def typed(script: str, directory: Path) -> list[list[str]]:
    """The arguments of every AWS CLI command that a shell makes of the script, blanks filled in."""
    program, notes = directory / "bin" / "aws", directory / "calls"
    program.parent.mkdir(exist_ok=True)
    program.write_text(RECORDER.format(python=sys.executable, notes=str(notes)))
    program.chmod(0o755)
    notes.write_text("")
    environment = {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", **BLANKS}
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"s3warden() {{ :; }}\n{script}"], cwd=directory, env=environment, check=True
    )
    return [json.loads(line) for line in notes.read_text().splitlines()]


@each_rule
def test_commands_are_understood(
    rule: Rule, cli: CLIDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every command of the fix and of the check by hand names an operation and parameters that the AWS CLI knows."""
    monkeypatch.chdir(tmp_path)
    for template in (rule.info.cli, rule.info.verify):
        for arguments in typed(filled(rule, template), tmp_path):
            assert cli.main(arguments) == 0, capsys.readouterr().err


def test_cloudformation_is_valid(tmp_path: Path) -> None:
    """Every snippet is YAML of resources in which cfn-lint finds nothing, or comments that say why there is none."""
    templates = []
    for rule in RULES:
        snippet = filled(rule, rule.info.cloudformation)
        if yaml.safe_load(snippet) is None:
            assert all(line.startswith("#") for line in snippet.splitlines()), rule.info.id
            continue
        template = tmp_path / f"{rule.info.id}.yaml"
        template.write_text(f"Resources:\n{indent(snippet, '  ')}\n")
        templates.append(template)
    lint = [str(Path(sys.executable).parent / "cfn-lint"), "--format", "parseable", "--", *map(str, templates)]
    result = subprocess.run(lint, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
