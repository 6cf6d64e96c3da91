"""What is shipped for deployment is well-formed and agrees with the code."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from s3warden.collect.fetch import READS

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "deploy/cloudformation/s3warden.yaml"
MANIFESTS = sorted((ROOT / "deploy/kubernetes/base").glob("*.yaml"))
BIN = Path(sys.executable).parent


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


def test_reading_role_allows_every_read_of_the_aspect_table() -> None:
    """Each IAM action that the aspect table names is in the role with which buckets are read."""
    template = yaml.load(TEMPLATE.read_text(), Loader=_Tolerant)  # noqa: S506 - a SafeLoader
    policy = template["Resources"]["ReaderRole"]["Properties"]["Policies"][0]["PolicyDocument"]
    allowed = set(policy["Statement"][0]["Action"])
    assert {read.iam_action for calls in READS.values() for read in calls} <= allowed


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
