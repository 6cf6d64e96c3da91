"""The services that watch buckets for us: Macie, GuardDuty, Access Analyzer, Storage Lens, the organisation's policies.

Whether they are on is judged of the account, in every region where it has buckets; what they say, of the bucket.
"""

import re

from s3warden.detect.mappings import MACIE
from s3warden.detect.regional import every_region
from s3warden.detect.rule import (
    Example,
    Judgement,
    Kind,
    Rule,
    RuleOptions,
    configured,
    fails,
    not_applicable,
    passes,
)
from s3warden.detect.samples import DENIED, account_with, bucket
from s3warden.detect.service_samples import SOUND, findings, here
from s3warden.model.bucket import ABSENT, Aspect, Present, Regional, State
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo
from s3warden.model.services import (
    AccessFinding,
    AccessFindings,
    Analyzer,
    AnalyzerKind,
    Analyzers,
    Detector,
    Macie,
    MacieCoverage,
    MacieDiscovery,
    MacieFindings,
    OrganizationBlock,
    StorageLens,
    StorageLenses,
)

_NONE_HERE: Present[object] = Present(Regional(()))
_ACCOUNT = re.compile(r"\b\d{12}\b")
_SHOWN = 5


def _macie(state: State, _options: RuleOptions) -> Judgement:
    return every_region(
        state,
        Aspect.MACIE,
        Macie,
        lambda found: None if found and found.status == "ENABLED" else (found.status.lower() if found else "off"),
        good="Macie is on in every region with buckets.",
        bad="Macie is not on in {}.",
    )


def _discovery(state: State, _options: RuleOptions) -> Judgement:
    return every_region(
        state,
        Aspect.MACIE_DISCOVERY,
        MacieDiscovery,
        lambda found: None if found and found.status == "ENABLED" else "off",
        good="Macie searches by itself for sensitive data in every region with buckets.",
        bad="Macie does not search by itself for sensitive data in {}.",
    )


def _covered(state: State, _options: RuleOptions) -> Judgement:
    found = configured(state, Aspect.MACIE_COVERAGE, MacieCoverage)
    if found is None:
        return fails("Macie does not know the bucket.", {"macie": "off in this region, or not aware of the bucket"})
    if found.error:
        return fails(f"Macie cannot look into the bucket ({found.error}).", {"error": found.error})
    if not (found.monitored or found.in_job):
        return fails("Neither automated discovery nor a job of Macie looks at the bucket.", {"monitored": "no"})
    return passes("Macie looks for sensitive data in the bucket.")


def _macie_findings(state: State, _options: RuleOptions) -> Judgement:
    found = configured(state, Aspect.MACIE_FINDINGS, MacieFindings)
    if found is None:
        return not_applicable("Macie is off in the bucket's region.")
    if found.total == 0:
        return passes("Macie has no open finding about the bucket.")
    details = {"high_severity": str(found.high), "open": str(found.total)}
    severity = None if found.high else Severity.MEDIUM
    return fails("Macie has open findings about the bucket.", details, severity=severity)


def _guardduty(state: State, _options: RuleOptions) -> Judgement:
    def wrong(found: Detector | None) -> str | None:
        if found is None or not found.enabled:
            return "GuardDuty is off"
        return None if found.s3_events else "S3 protection is off"

    return every_region(
        state,
        Aspect.GUARDDUTY,
        Detector,
        wrong,
        good="GuardDuty looks at S3's data events in every region with buckets.",
        bad="GuardDuty does not look at S3's data events in {}.",
    )


def _analyzer(state: State, _options: RuleOptions) -> Judgement:
    def wrong(found: Analyzers | None) -> str | None:
        if found is not None and found.active:
            return None
        others = ", ".join(f"{each.name} is {each.status.lower()}" for each in found.analyzers) if found else ""
        return others or "none"

    return every_region(
        state,
        Aspect.ANALYZERS,
        Analyzers,
        wrong,
        good="An analyzer of external access works in every region with buckets.",
        bad="No analyzer of external access works in {}.",
    )


def _access_findings(state: State, options: RuleOptions) -> Judgement:
    found = configured(state, Aspect.ACCESS_FINDINGS, AccessFindings)
    if found is None:
        return not_applicable("No active analyzer watches the bucket's region.")
    outside = [each for each in found.findings if each.public or not _trusted(each, options)]
    if not outside:
        return passes("Access Analyzer has no open finding about the bucket.")
    public = [each for each in outside if each.public]
    first = (public or outside)[0]
    details = {
        "findings": str(len(outside)),
        "principal": "everyone" if first.public else first.principal,
        "actions": ", ".join(first.actions[:_SHOWN]),
        "sources": ", ".join(first.sources),
        "finding_id": first.id,
    }
    if first.restricted == "APPLICABLE":
        details["resource_control_policy"] = "there is one, and Access Analyzer did not take it into account"
    who = "everyone" if public else "somebody outside"
    summary = f"Access Analyzer says that {who} has access to the bucket."
    return fails(summary, details, severity=None if public else Severity.MEDIUM)


def _trusted(finding: AccessFinding, options: RuleOptions) -> bool:
    accounts = _ACCOUNT.findall(finding.principal)
    return bool(accounts) and all(account in options.trusted_accounts for account in accounts)


def _lens(state: State, _options: RuleOptions) -> Judgement:
    regions = configured(state, Aspect.STORAGE_LENSES, Regional)
    if regions is None or not regions.regions:
        return not_applicable("The account has no bucket that is guarded.")
    lenses = [lens for value in regions.known(StorageLenses) for lens in value.dashboards]
    if any(lens.enabled for lens in lenses):
        return passes("A Storage Lens dashboard is on.", proven=True)
    if any(not isinstance(reading, Present) for _, reading in regions):
        return passes("A Storage Lens dashboard may be on.")
    return fails("No Storage Lens dashboard is on.", {"dashboards": ", ".join(lens.id for lens in lenses) or "none"})


def _organization_block(state: State, _options: RuleOptions) -> Judgement:
    found = configured(state, Aspect.ORGANIZATION_BLOCK, OrganizationBlock)
    if found is None:
        return not_applicable("The account is in no organisation.")
    if found.mode == "all":
        return passes("A policy of the organisation blocks public access in the account.")
    said = "leaves it to the account" if found.mode else "says nothing of it"
    return fails("No policy of the organisation blocks public access in the account.", {"organization": said})


MACIE_ENABLED = Rule(
    RuleInfo(
        id="account-macie-enabled",
        title="Macie is off where there are buckets",
        severity=Severity.MEDIUM,
        category=Category.GOVERNANCE,
        needs=frozenset({Aspect.MACIE}),
        why=(
            "Without Macie nobody knows which buckets hold personal data, keys or secrets. "
            "It also tells of buckets that are made public, shared outside or lose their encryption."
        ),
        cli="""\
# In account {account}, once for each region that is named:
aws macie2 enable-macie --region "${REGION:?}" --status ENABLED
# If it is paused: aws macie2 update-macie-session --region "${REGION:?}" --status ENABLED""",
        terraform="""\
resource "aws_macie2_account" "this" {
  status = "ENABLED"
}""",
        console="""\
Open Amazon Macie in account {account} and in each region that is named.
Choose Get started and Enable Macie; if it is suspended, Settings and Re-enable Macie.""",
        cloudformation="""\
MacieSession:
  Type: AWS::Macie::Session
  Properties:
    Status: ENABLED""",
        verify="""\
aws macie2 get-macie-session --region "${REGION:?}" --query status
# Expect: "ENABLED".""",
        maps=maps(
            {
                **MACIE,
                Framework.SECURITY_HUB: "Macie.1",
                Framework.PROWLER: "macie_is_enabled",
                Framework.CUSTODIAN: "check-macie",
            }
        ),
        default=True,
        references=("https://docs.aws.amazon.com/macie/latest/user/getting-started.html",),
    ),
    Kind.ACCOUNT,
    _macie,
    (
        Example("on", account_with(SOUND), Verdict.PASS),
        Example("off", account_with({Aspect.MACIE: here(ABSENT)}), Verdict.FAIL),
        Example("paused", account_with({Aspect.MACIE: here(Macie("PAUSED"))}), Verdict.FAIL),
        Example(
            "off in one region, another one unreadable",
            account_with({Aspect.MACIE: Present(Regional((("eu-west-1", ABSENT), ("us-east-1", DENIED))))}),
            Verdict.FAIL,
        ),
        Example(
            "on in one region, another one unreadable",
            account_with(
                {Aspect.MACIE: Present(Regional((("eu-west-1", Present(Macie("ENABLED"))), ("us-east-1", DENIED))))}
            ),
            Verdict.UNKNOWN,
        ),
        Example("no buckets", account_with({Aspect.MACIE: _NONE_HERE}), Verdict.NOT_APPLICABLE),
    ),
)
MACIE_DISCOVERY = Rule(
    RuleInfo(
        id="account-macie-auto-discovery",
        title="Macie does not search for sensitive data by itself",
        severity=Severity.MEDIUM,
        category=Category.GOVERNANCE,
        needs=frozenset({Aspect.MACIE_DISCOVERY}),
        why=(
            "Macie finds sensitive data only where a job or automated discovery looks for it. "
            "Jobs cover the buckets somebody thought of; automated discovery takes samples of all."
        ),
        cli="""\
# In account {account}, or in Macie's administrator account where there is one, for each region that is named:
aws macie2 update-automated-discovery-configuration --region "${REGION:?}" --status ENABLED""",
        terraform="""\
# Not in the AWS provider: run the call of the CLI, or set it in the console.""",
        console="""\
Open Amazon Macie in account {account}, or in the administrator's account, in each region that is named.
Choose Settings, Automated sensitive data discovery, Enable.""",
        cloudformation="# Not in CloudFormation: run the call of the CLI, or set it in the console.",
        verify="""\
aws macie2 get-automated-discovery-configuration --region "${REGION:?}" --query status
# Expect: "ENABLED".""",
        maps=maps({Framework.PROWLER: "macie_automated_sensitive_data_discovery_enabled"}),
        default=False,
        references=("https://docs.aws.amazon.com/macie/latest/user/discovery-asdd.html",),
    ),
    Kind.ACCOUNT,
    _discovery,
    (
        Example("on", account_with(SOUND), Verdict.PASS),
        Example("off", account_with({Aspect.MACIE_DISCOVERY: here(MacieDiscovery("DISABLED"))}), Verdict.FAIL),
        Example("no Macie", account_with({Aspect.MACIE_DISCOVERY: here(ABSENT)}), Verdict.FAIL),
        Example("no buckets", account_with({Aspect.MACIE_DISCOVERY: _NONE_HERE}), Verdict.NOT_APPLICABLE),
        Example("unreadable", account_with({Aspect.MACIE_DISCOVERY: here(DENIED)}), Verdict.UNKNOWN),
    ),
)
_COVERED = MacieCoverage("", monitored=True, in_job=False)
MACIE_COVERED = Rule(
    RuleInfo(
        id="bucket-macie-covered",
        title="Macie does not look into the bucket",
        severity=Severity.LOW,
        category=Category.GOVERNANCE,
        needs=frozenset({Aspect.MACIE_COVERAGE}),
        why=(
            "What lies in this bucket is not searched for sensitive data. "
            "A policy or a key that keeps Macie out has the same effect as Macie being off."
        ),
        cli="""\
# If Macie is kept out, admit the role AWSServiceRoleForAmazonMacie in the bucket's policy and its key's policy.
# Else let automated discovery watch the account, which takes the bucket in:
aws macie2 update-automated-discovery-configuration --region {region} --status ENABLED
# And take {bucket} out of the excluded buckets of the classification scope, if it is there.""",
        terraform="""\
resource "aws_macie2_classification_job" "this" {
  job_type = "SCHEDULED"
  name     = "{bucket}"
  schedule_frequency {
    daily_schedule = true
  }
  s3_job_definition {
    bucket_definitions {
      account_id = "{account}"
      buckets    = ["{bucket}"]
    }
  }
}""",
        console="""\
Open Amazon Macie in {region}, S3 buckets, {bucket}.
Read there why Macie cannot look into the bucket, if it cannot.
Else choose Settings, Automated sensitive data discovery: take the bucket out of the excluded ones.""",
        cloudformation="# Not in CloudFormation: run the call of the CLI, or set it in the console.",
        verify="""\
aws macie2 describe-buckets --region {region} --criteria '{"bucketName":{"eq":["{bucket}"]}}' \\
  --query "buckets[].[errorCode,automatedDiscoveryMonitoringStatus,jobDetails.isMonitoredByJob]"
# Expect: no error, and MONITORED or TRUE.""",
        maps=maps({}),
        default=False,
        references=("https://docs.aws.amazon.com/macie/latest/user/monitoring-restrict-s3.html",),
    ),
    Kind.BUCKET,
    _covered,
    (
        Example("by automated discovery", bucket({Aspect.MACIE_COVERAGE: Present(_COVERED)}), Verdict.PASS),
        Example(
            "by a job",
            bucket({Aspect.MACIE_COVERAGE: Present(MacieCoverage("", monitored=False, in_job=True))}),
            Verdict.PASS,
        ),
        Example(
            "kept out",
            bucket({Aspect.MACIE_COVERAGE: Present(MacieCoverage("ACCESS_DENIED", monitored=True, in_job=False))}),
            Verdict.FAIL,
        ),
        Example(
            "by nothing",
            bucket({Aspect.MACIE_COVERAGE: Present(MacieCoverage("", monitored=False, in_job=False))}),
            Verdict.FAIL,
        ),
        Example("no Macie", bucket({Aspect.MACIE_COVERAGE: ABSENT}), Verdict.FAIL),
        Example("unreadable", bucket({Aspect.MACIE_COVERAGE: DENIED}), Verdict.UNKNOWN),
    ),
)
MACIE_FINDINGS = Rule(
    RuleInfo(
        id="bucket-macie-findings",
        title="Macie has open findings about the bucket",
        severity=Severity.HIGH,
        category=Category.GOVERNANCE,
        needs=frozenset({Aspect.MACIE_FINDINGS}),
        why=(
            "Macie has seen sensitive data in the bucket, or a change that opens it. "
            "A finding that nobody has put aside is work that nobody has done."
        ),
        cli="""\
# Read them, move or protect what they name, then archive each:
aws macie2 list-findings --region {region} \\
  --finding-criteria '{"criterion":{"resourcesAffected.s3Bucket.name":{"eq":["{bucket}"]},"archived":{"eq":["false"]}}}'
aws macie2 get-findings --region {region} --finding-ids "${FINDING:?}\"""",
        terraform="# Findings are no resources: work them off, then archive them in Macie.",
        console="""\
Open Amazon Macie in {region}, Findings, By bucket, {bucket}.
Work each finding off, then choose Actions, Archive.""",
        cloudformation="# Findings are no resources: work them off, then archive them in Macie.",
        verify="""\
aws macie2 list-findings --region {region} \\
  --finding-criteria '{"criterion":{"resourcesAffected.s3Bucket.name":{"eq":["{bucket}"]},"archived":{"eq":["false"]}}}'
# Expect: no findingIds.""",
        maps=maps({Framework.CONFORMITY: "S3-029"}),
        default=True,
        references=("https://docs.aws.amazon.com/macie/latest/user/findings.html",),
    ),
    Kind.BUCKET,
    _macie_findings,
    (
        Example("none", bucket(), Verdict.PASS),
        Example("high", bucket({Aspect.MACIE_FINDINGS: Present(MacieFindings(1, 4))}), Verdict.FAIL),
        Example(
            "only lower ones",
            bucket({Aspect.MACIE_FINDINGS: Present(MacieFindings(0, 2))}),
            Verdict.FAIL,
            severity=Severity.MEDIUM,
        ),
        Example("no Macie", bucket({Aspect.MACIE_FINDINGS: ABSENT}), Verdict.NOT_APPLICABLE),
        Example("unreadable", bucket({Aspect.MACIE_FINDINGS: DENIED}), Verdict.UNKNOWN),
    ),
)
GUARDDUTY = Rule(
    RuleInfo(
        id="account-guardduty-s3",
        title="GuardDuty does not watch S3 where there are buckets",
        severity=Severity.HIGH,
        category=Category.GOVERNANCE,
        needs=frozenset({Aspect.GUARDDUTY}),
        why=(
            "Stolen keys that copy or delete objects show in S3's data events, and nobody looks at them. "
            "GuardDuty does so where its S3 protection is on, also without a trail for data events."
        ),
        cli="""\
# In account {account}, or in GuardDuty's administrator account where there is one, for each region that is named:
DETECTOR=$(aws guardduty list-detectors --region "${REGION:?}" --query "DetectorIds[0]" --output text)
# If there is none: aws guardduty create-detector --region "${REGION:?}" --enable
aws guardduty update-detector --region "${REGION:?}" --detector-id "$DETECTOR" --enable \\
  --features Name=S3_DATA_EVENTS,Status=ENABLED""",
        terraform="""\
resource "aws_guardduty_detector" "this" {
  enable = true
}

resource "aws_guardduty_detector_feature" "s3" {
  detector_id = aws_guardduty_detector.this.id
  name        = "S3_DATA_EVENTS"
  status      = "ENABLED"
}""",
        console="""\
Open Amazon GuardDuty in account {account}, or in the administrator's account, in each region that is named.
Choose S3 Protection, Enable.""",
        cloudformation="""\
Detector:
  Type: AWS::GuardDuty::Detector
  Properties:
    Enable: true
    Features:
      - Name: S3_DATA_EVENTS
        Status: ENABLED""",
        verify="""\
aws guardduty get-detector --region "${REGION:?}" --detector-id "${DETECTOR:?}" \\
  --query "Features[?Name=='S3_DATA_EVENTS'].Status"
# Expect: ENABLED.""",
        maps=maps(
            {
                Framework.SECURITY_HUB: "GuardDuty.10",
                Framework.PROWLER: "guardduty_s3_protection_enabled",
                Framework.CLOUDSPLOIT: "s3ProtectionEnabled",
            }
        ),
        default=True,
        references=("https://docs.aws.amazon.com/guardduty/latest/ug/s3-protection.html",),
    ),
    Kind.ACCOUNT,
    _guardduty,
    (
        Example("on", account_with(SOUND), Verdict.PASS),
        Example("never set up", account_with({Aspect.GUARDDUTY: here(ABSENT)}), Verdict.FAIL),
        Example(
            "suspended",
            account_with({Aspect.GUARDDUTY: here(Detector(enabled=False, s3_events=True))}),
            Verdict.FAIL,
        ),
        Example(
            "without S3",
            account_with({Aspect.GUARDDUTY: here(Detector(enabled=True, s3_events=False))}),
            Verdict.FAIL,
        ),
        Example("no buckets", account_with({Aspect.GUARDDUTY: _NONE_HERE}), Verdict.NOT_APPLICABLE),
        Example("unreadable", account_with({Aspect.GUARDDUTY: here(DENIED)}), Verdict.UNKNOWN),
    ),
)
ACCESS_ANALYZER = Rule(
    RuleInfo(
        id="account-access-analyzer",
        title="No access analyzer works where there are buckets",
        severity=Severity.MEDIUM,
        category=Category.GOVERNANCE,
        needs=frozenset({Aspect.ANALYZERS}),
        why=(
            "IAM Access Analyzer proves from the policies who outside has access, and costs nothing for that. "
            "It works region by region, so one analyzer does not cover the buckets of another region."
        ),
        cli="""\
# In account {account}, once for each region that is named:
aws accessanalyzer create-analyzer --region "${REGION:?}" --analyzer-name external --type ACCOUNT
# Or once for the organisation, in its delegated administrator's account: --type ORGANIZATION""",
        terraform="""\
resource "aws_accessanalyzer_analyzer" "external" {
  analyzer_name = "external"
  type          = "ACCOUNT"
}""",
        console="""\
Open IAM, Access analyzer, Analyzer settings in account {account} and in each region that is named.
Choose Create analyzer, External access analysis, with the account or the organisation as the zone of trust.""",
        cloudformation="""\
Analyzer:
  Type: AWS::AccessAnalyzer::Analyzer
  Properties:
    AnalyzerName: external
    Type: ACCOUNT""",
        verify="""\
aws accessanalyzer list-analyzers --region "${REGION:?}" --query "analyzers[].[type,status]"
# Expect: ACCOUNT or ORGANIZATION, ACTIVE.""",
        maps=maps(
            {
                Framework.CONFORMITY: "IAM-065",
                Framework.CONFIG: "iam-external-access-analyzer-enabled",
                Framework.PROWLER: "accessanalyzer_enabled",
                Framework.CUSTODIAN: "access-analyzer",
            }
        ),
        default=True,
        references=("https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-getting-started.html",),
    ),
    Kind.ACCOUNT,
    _analyzer,
    (
        Example("of the account", account_with(SOUND), Verdict.PASS),
        Example(
            "of the organisation",
            account_with(
                {Aspect.ANALYZERS: here(Analyzers((Analyzer("arn", "all", AnalyzerKind.ORGANIZATION, "ACTIVE"),)))}
            ),
            Verdict.PASS,
        ),
        Example("none", account_with({Aspect.ANALYZERS: here(Analyzers(()))}), Verdict.FAIL),
        Example(
            "not active",
            account_with(
                {Aspect.ANALYZERS: here(Analyzers((Analyzer("arn", "one", AnalyzerKind.ACCOUNT, "FAILED"),)))}
            ),
            Verdict.FAIL,
        ),
        Example("no buckets", account_with({Aspect.ANALYZERS: _NONE_HERE}), Verdict.NOT_APPLICABLE),
        Example("unreadable", account_with({Aspect.ANALYZERS: here(DENIED)}), Verdict.UNKNOWN),
    ),
)
_PUBLIC = AccessFinding("id-1", public=True, principal="AWS *", actions=("s3:GetObject",), sources=("POLICY",))
_PARTNER = AccessFinding(
    "id-2", public=False, principal="AWS 444455556666", actions=("s3:GetObject",), sources=("POLICY",)
)
ACCESS_FINDING = Rule(
    RuleInfo(
        id="bucket-access-analyzer-finding",
        title="Access Analyzer has an open finding about the bucket",
        severity=Severity.HIGH,
        category=Category.EXPOSURE,
        needs=frozenset({Aspect.ACCESS_FINDINGS}),
        why=(
            "AWS itself has proved that somebody outside has access, and nobody has said that this is meant. "
            "Its proof stands on the policies of today, as far as the finding is up to date."
        ),
        cli="""\
aws accessanalyzer list-findings --region {region} --analyzer-arn "${ANALYZER:?}" \\
  --filter '{"resource":{"eq":["arn:{partition}:s3:::{bucket}"]},"status":{"eq":["ACTIVE"]}}'
# Take the access away, see: s3warden explain exposure {bucket}
# Or, if it is meant, put the finding aside:
aws accessanalyzer update-findings --region {region} --analyzer-arn "${ANALYZER:?}" \\
  --ids "${FINDING:?}" --status ARCHIVED""",
        terraform="""\
# In the policy of aws_s3_bucket_policy for {bucket}: take the statement out, or name who is meant.
# What is meant can be put aside by an archive rule:
resource "aws_accessanalyzer_archive_rule" "meant" {
  analyzer_name = "external"
  rule_name     = "meant"
  filter {
    criteria = "resource"
    eq       = ["arn:{partition}:s3:::{bucket}"]
  }
}""",
        console="""\
Open IAM, Access analyzer, External access in {region}, and the finding about {bucket}.
Take the access away where it is granted, or choose Archive if it is meant.""",
        cloudformation="""\
# In the AWS::S3::BucketPolicy: take the statement out, or name who is meant.
# What is meant can be put aside:
Analyzer:
  Type: AWS::AccessAnalyzer::Analyzer
  Properties:
    Type: ACCOUNT
    ArchiveRules:
      - RuleName: meant
        Filter:
          - Property: resource
            Eq: ["arn:{partition}:s3:::{bucket}"]""",
        verify="""\
aws accessanalyzer list-findings --region {region} --analyzer-arn "${ANALYZER:?}" \\
  --filter '{"resource":{"eq":["arn:{partition}:s3:::{bucket}"]},"status":{"eq":["ACTIVE"]}}' --query findings
# Expect: [], some minutes after the change.""",
        maps=maps(
            {
                Framework.PROWLER: "accessanalyzer_enabled_without_findings",
                Framework.CLOUDSPLOIT: "accessAnalyzerActiveFindings",
            }
        ),
        default=True,
        references=("https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-findings.html",),
    ),
    Kind.BUCKET,
    _access_findings,
    (
        Example("none", bucket(), Verdict.PASS),
        Example(
            "a trusted account",
            bucket({Aspect.ACCESS_FINDINGS: findings(_PARTNER)}),
            Verdict.PASS,
            options=RuleOptions(trusted_accounts=("444455556666",)),
        ),
        Example("everyone", bucket({Aspect.ACCESS_FINDINGS: findings(_PARTNER, _PUBLIC)}), Verdict.FAIL),
        Example(
            "another account",
            bucket({Aspect.ACCESS_FINDINGS: findings(_PARTNER)}),
            Verdict.FAIL,
            severity=Severity.MEDIUM,
        ),
        Example("no analyzer", bucket({Aspect.ACCESS_FINDINGS: ABSENT}), Verdict.NOT_APPLICABLE),
        Example("unreadable", bucket({Aspect.ACCESS_FINDINGS: DENIED}), Verdict.UNKNOWN),
    ),
)
STORAGE_LENS = Rule(
    RuleInfo(
        id="account-storage-lens",
        title="No S3 Storage Lens dashboard is on",
        severity=Severity.INFO,
        category=Category.GOVERNANCE,
        needs=frozenset({Aspect.STORAGE_LENSES}),
        why=(
            "Storage Lens shows which buckets grow, which lie idle and which lack protection. "
            "The dashboard that every account has from the start costs nothing."
        ),
        cli="""\
aws s3control put-storage-lens-configuration --account-id {account} --config-id overview --region us-east-1 \\
  --storage-lens-configuration \\
  '{"Id":"overview","IsEnabled":true,"AccountLevel":{"BucketLevel":{}}}'""",
        terraform="""\
resource "aws_s3control_storage_lens_configuration" "overview" {
  config_id = "overview"
  storage_lens_configuration {
    enabled = true
    account_level {
      bucket_level {}
    }
  }
}""",
        console="""\
Open Amazon S3, Storage Lens, Dashboards in account {account}.
Choose default-account-dashboard, Edit, Enable.""",
        cloudformation="""\
StorageLens:
  Type: AWS::S3::StorageLens
  Properties:
    StorageLensConfiguration:
      Id: overview
      IsEnabled: true
      AccountLevel:
        BucketLevel: {}""",
        verify="""\
aws s3control list-storage-lens-configurations --account-id {account} --region us-east-1
# Expect: a configuration with IsEnabled true.""",
        maps=maps({Framework.CUSTODIAN: "s3-storage-lens"}),
        default=False,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage_lens.html",),
    ),
    Kind.ACCOUNT,
    _lens,
    (
        Example("on", account_with(SOUND), Verdict.PASS),
        Example(
            "on in one region, another one unreadable",
            account_with(
                {
                    Aspect.STORAGE_LENSES: Present(
                        Regional(
                            (
                                ("eu-west-1", DENIED),
                                ("us-east-1", Present(StorageLenses((StorageLens("overview", enabled=True),)))),
                            )
                        )
                    )
                }
            ),
            Verdict.PASS,
        ),
        Example(
            "off",
            account_with({Aspect.STORAGE_LENSES: here(StorageLenses((StorageLens("overview", enabled=False),)))}),
            Verdict.FAIL,
        ),
        Example("no buckets", account_with({Aspect.STORAGE_LENSES: _NONE_HERE}), Verdict.NOT_APPLICABLE),
        Example("unreadable", account_with({Aspect.STORAGE_LENSES: here(DENIED)}), Verdict.UNKNOWN),
    ),
)
ORGANIZATION_BLOCK = Rule(
    RuleInfo(
        id="account-org-public-access-block",
        title="No policy of the organisation blocks public access",
        severity=Severity.MEDIUM,
        category=Category.ACCESS,
        needs=frozenset({Aspect.ORGANIZATION_BLOCK}),
        why=(
            "A block that the account sets itself can be taken off by anyone with enough rights in the account. "
            "One that comes from an S3 policy of the organisation cannot, and holds for accounts made tomorrow."
        ),
        cli="""\
# In the management account; TARGET is account {account}, its unit or the root:
aws organizations enable-policy-type --root-id "${ROOT:?}" --policy-type S3_POLICY
aws organizations create-policy --type S3_POLICY --name block-public-access --description "" \\
  --content '{"s3_attributes":{"public_access_block_configuration":{"@@assign":"all"}}}'
aws organizations attach-policy --policy-id "${POLICY:?}" --target-id "${TARGET:?}\"""",
        terraform="""\
# It takes an AWS provider of 2026 or later.
resource "aws_organizations_policy" "block_public_access" {
  name = "block-public-access"
  type = "S3_POLICY"
  content = jsonencode({
    s3_attributes = { public_access_block_configuration = { "@@assign" = "all" } }
  })
}

resource "aws_organizations_policy_attachment" "this" {
  policy_id = aws_organizations_policy.block_public_access.id
  target_id = var.account_unit_or_root
}""",
        console="""\
Open AWS Organizations, Policies, S3 policies in the management account, and enable them.
Choose Create policy, block all public access, and attach it to account {account}, its unit or the root.""",
        cloudformation="""\
Policy:
  Type: AWS::Organizations::Policy
  Properties:
    Name: block-public-access
    Type: S3_POLICY
    Content:
      s3_attributes: {public_access_block_configuration: {"@@assign": all}}
    TargetIds: [r-ab12]""",
        verify="""\
aws organizations describe-effective-policy --policy-type S3_POLICY --target-id {account} \\
  --query EffectivePolicy.PolicyContent
# Expect: public_access_block_configuration with "all".
aws s3control get-public-access-block --account-id {account}
# Expect: all four true.""",
        maps=maps({}),
        default=False,
        references=("https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_s3.html",),
    ),
    Kind.ACCOUNT,
    _organization_block,
    (
        Example("blocks all", account_with(SOUND), Verdict.PASS),
        Example(
            "blocks none", account_with({Aspect.ORGANIZATION_BLOCK: Present(OrganizationBlock("none"))}), Verdict.FAIL
        ),
        Example("no policy", account_with({Aspect.ORGANIZATION_BLOCK: Present(OrganizationBlock(""))}), Verdict.FAIL),
        Example("no organisation", account_with({Aspect.ORGANIZATION_BLOCK: ABSENT}), Verdict.NOT_APPLICABLE),
        Example("unreadable", account_with({Aspect.ORGANIZATION_BLOCK: DENIED}), Verdict.UNKNOWN),
    ),
)

RULES = (
    ACCESS_FINDING,
    MACIE_ENABLED,
    MACIE_DISCOVERY,
    MACIE_COVERED,
    MACIE_FINDINGS,
    GUARDDUTY,
    ACCESS_ANALYZER,
    ORGANIZATION_BLOCK,
    STORAGE_LENS,
)
