"""What is shipped for deployment is well-formed and agrees with the code."""

import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from s3warden.collect.event_pattern import event_pattern
from s3warden.collect.fetch import READS
from s3warden.model.bucket import Aspect
from s3warden.permissions import LISTING, daemon, reading
from s3warden.settings.destinations import Sns
from s3warden.settings.sections import Guarded, Queue, Rules, Settings

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "deploy/cloudformation/s3warden.yaml"
MANIFESTS = sorted((ROOT / "deploy/kubernetes/base").glob("*.yaml"))
BIN = Path(sys.executable).parent
EVERYTHING = Settings(
    queues=(Queue(url="https://sqs.eu-west-1.example.com/111122223333/events"),),
    destinations=(Sns(type="sns", name="x", topic_arn="arn:aws:sns:eu-west-1:111122223333:alerts"),),
    accounts=Guarded(organization=True, exclude=("ou-ab12-cdefgh34",)),
    rules=Rules(enable=("all",)),
)


class _Tolerant(yaml.SafeLoader):
    """YAML with CloudFormation's short functions, which are kept as their argument."""


def _argument(loader: yaml.SafeLoader, _tag: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node, deep=True)


_Tolerant.add_multi_constructor("!", _argument)


def _run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)


def test_template_passes_cfn_lint() -> None:
    """cfn-lint finds nothing in the CloudFormation template."""
    result = _run(BIN / "cfn-lint", TEMPLATE)
    assert result.returncode == 0, result.stdout


def _resources() -> dict[str, Any]:
    resources: dict[str, Any] = yaml.load(TEMPLATE.read_text(), Loader=_Tolerant)["Resources"]  # noqa: S506 - safe
    return resources


def _actions(statements: Iterable[Mapping[str, Any]]) -> set[str]:
    listed = (each["Action"] for each in statements)
    return {action for actions in listed for action in ([actions] if isinstance(actions, str) else actions)}


def test_reading_role_allows_what_every_rule_reads_and_no_more() -> None:
    """Both the role in the accounts and the daemon's own, which reads its own account as itself."""
    policy = _resources()["ReadBucketConfiguration"]["Properties"]
    every = {read.iam_action for calls in READS.values() for read in calls} | set(LISTING.values())
    assert _actions(policy["PolicyDocument"]["Statement"]) == every
    assert _actions(reading(EVERYTHING, "aws")["Statement"]) <= every
    assert policy["Roles"] == ["ReaderRole", "DaemonRole"]


def test_daemons_role_allows_what_the_daemon_does_as_itself() -> None:
    """Queue, organisation, topic, and the role that it assumes, which is called as the settings call it."""
    resources = _resources()
    policies = [
        each if isinstance(each, dict) else each[1] for each in resources["DaemonRole"]["Properties"]["Policies"]
    ]
    statements = [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]
    assert _actions(daemon(EVERYTHING, "aws")["Statement"]) <= _actions(statements)
    assert resources["ReaderRole"]["Properties"]["RoleName"] == EVERYTHING.aws.role_name


def test_event_rule_has_the_pattern_that_the_command_prints() -> None:
    """With every rule enabled."""
    assert _resources()["EventRule"]["Properties"]["EventPattern"] == event_pattern(frozenset(Aspect))


def test_queue_has_a_redrive_policy_and_a_longer_kept_dead_letter_queue() -> None:
    """Poison is left to the queue, so the queue must know where to put it, and for longer than it keeps its own."""
    resources = yaml.load(TEMPLATE.read_text(), Loader=_Tolerant)["Resources"]  # noqa: S506 - a SafeLoader
    queue = resources["EventQueue"]["Properties"]
    dead = resources["DeadLetterQueue"]["Properties"]
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == "DeadLetterQueue.Arn"
    assert dead["MessageRetentionPeriod"] > queue["MessageRetentionPeriod"]


@pytest.mark.parametrize("manifest", [m for m in MANIFESTS if m.name != "kustomization.yaml"], ids=lambda m: m.name)
def test_manifests_match_the_schemas_of_kubernetes(manifest: Path) -> None:
    """Every manifest passes the strict schema of Kubernetes."""
    result = _run(BIN / "kubernetes-validate", "--strict", manifest)
    assert result.returncode == 0, result.stdout + result.stderr


def test_kustomization_names_every_manifest() -> None:
    """No manifest lies about unused, and none is named that is not there."""
    kustomization = yaml.safe_load((ROOT / "deploy/kubernetes/base/kustomization.yaml").read_text())
    assert set(kustomization["resources"]) == {m.name for m in MANIFESTS} - {"kustomization.yaml"}


def test_pod_meets_the_restricted_pod_security_standard() -> None:
    """Non-root, no privilege escalation, read-only root, no capabilities, the runtime's seccomp profile."""
    spec = yaml.safe_load((ROOT / "deploy/kubernetes/base/statefulset.yaml").read_text())["spec"]["template"]["spec"]
    container = spec["containers"][0]["securityContext"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["readOnlyRootFilesystem"] is True
    assert container["allowPrivilegeEscalation"] is False
    assert container["capabilities"] == {"drop": ["ALL"]}


def test_dockerfile_passes_hadolint() -> None:
    """Hadolint finds nothing in the Dockerfile."""
    result = _run(BIN / "hadolint", ROOT / "Dockerfile")
    assert result.returncode == 0, result.stdout + result.stderr


def test_image_runs_as_a_numeric_user_in_exec_form_with_a_health_check() -> None:
    """An orchestrator can check that the user is not root, and signals reach the daemon itself."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert "USER 10001:10001" in lines
    assert 'ENTRYPOINT ["s3warden"]' in lines
    assert any(line.startswith("HEALTHCHECK") and '["s3warden", "healthcheck"]' in line for line in lines)
