"""Built-in exemptions for buckets that a platform makes and keeps: what nobody in the house can change.

They relax rules of posture by name, never a rule about who gets in; a test holds that. Each is listed by
`s3warden exemptions list` and can be switched off by its id. The names of the buckets are those that the platforms
give them: Control Tower, the CDK, CloudTrail's and Config's consoles, Account Factory for Terraform, Landing Zone
Accelerator.
"""

from s3warden.model.exemption import Exemption, Scope

_ACCOUNT = "?" * 12
_LABELS = ("bucket-name", "bucket-required-tags")
_LOGS = (*_LABELS, "bucket-access-logging")


def _preset(name: str, reason: str, rules: tuple[str, ...], *buckets: str) -> Exemption:
    return Exemption(f"preset-{name}", "preset", Scope(buckets=buckets), rules, "s3warden", reason)


PRESETS: tuple[Exemption, ...] = (
    _preset(
        "control-tower",
        "Control Tower makes this bucket, and its guardrails forbid to change it.",
        _LOGS,
        f"aws-controltower-logs-{_ACCOUNT}-*",
        f"aws-controltower-s3-access-logs-{_ACCOUNT}-*",
    ),
    _preset(
        "cdk-bootstrap",
        "The CDK's bootstrap stack makes this bucket for deployment files that can be built again.",
        _LOGS,
        f"cdk-*-assets-{_ACCOUNT}-*",
    ),
    _preset(
        "load-balancer-logs",
        "Load balancers write their access logs here; the log of a log bucket would log itself.",
        ("bucket-access-logging", "bucket-versioning"),
        "*-elb-logs",
        "*-elb-logs-*",
        "*-elb-access-logs",
        "*-elb-access-logs-*",
        "*-alb-logs",
        "*-alb-logs-*",
        "*-nlb-logs",
        "*-nlb-logs-*",
    ),
    _preset(
        "cloudtrail",
        "CloudTrail's console makes this bucket for its trail.",
        _LOGS,
        f"aws-cloudtrail-logs-{_ACCOUNT}-????????",
    ),
    _preset("config", "AWS Config's console makes this bucket for its history.", _LOGS, f"config-bucket-{_ACCOUNT}"),
    _preset(
        "account-factory-terraform",
        "Account Factory for Terraform makes this bucket, and takes changes back with its next run.",
        _LOGS,
        f"aws-aft-logs-{_ACCOUNT}-*",
        f"aws-aft-s3-access-logs-{_ACCOUNT}-*",
        f"aft-backend-{_ACCOUNT}-*",
        f"aft-customizations-pipeline-{_ACCOUNT}",
    ),
    _preset(
        "landing-zone-accelerator",
        "Landing Zone Accelerator makes this bucket, and takes changes back with its next run.",
        _LOGS,
        f"aws-accelerator-*-{_ACCOUNT}-*",
    ),
)
