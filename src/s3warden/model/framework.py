"""The catalogues of others, and their ids: what a rule maps to. A mapping is a pointer, never a claim of compliance."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Framework(StrEnum):
    """A standard, a benchmark or another tool's catalogue. The value is how settings and commands name it."""

    CONFORMITY = "conformity"
    SECURITY_HUB = "security-hub"
    CONFIG = "aws-config"
    PROWLER = "prowler"
    CUSTODIAN = "cloud-custodian"
    CLOUDSPLOIT = "cloudsploit"
    CIS_1_4 = "cis-1.4"
    CIS_2_0 = "cis-2.0"
    CIS_3_0 = "cis-3.0"
    CIS_4_0 = "cis-4.0"
    CIS_5_0 = "cis-5.0"
    CIS_6_0 = "cis-6.0"
    CIS_7_0 = "cis-7.0"
    NIST_800_53 = "nist-800-53-r5"
    FEDRAMP = "fedramp-moderate-r4"
    PCI_3_2_1 = "pci-dss-3.2.1"
    PCI_4_0 = "pci-dss-4.0"
    HIPAA = "hipaa"
    ISO_27001 = "iso-27001-2022"
    SOC_2 = "soc-2"
    GDPR = "gdpr"
    NIS2 = "nis2"
    ATTACK = "mitre-attack"

    @property
    def label(self) -> str:
        """The name that people use."""
        return _TITLES[self]


_TITLES = {
    Framework.CONFORMITY: "Cloud Conformity",
    Framework.SECURITY_HUB: "AWS Security Hub CSPM",
    Framework.CONFIG: "AWS Config managed rules",
    Framework.PROWLER: "Prowler",
    Framework.CUSTODIAN: "Cloud Custodian",
    Framework.CLOUDSPLOIT: "CloudSploit",
    Framework.CIS_1_4: "CIS AWS Foundations 1.4",
    Framework.CIS_2_0: "CIS AWS Foundations 2.0",
    Framework.CIS_3_0: "CIS AWS Foundations 3.0",
    Framework.CIS_4_0: "CIS AWS Foundations 4.0",
    Framework.CIS_5_0: "CIS AWS Foundations 5.0",
    Framework.CIS_6_0: "CIS AWS Foundations 6.0",
    Framework.CIS_7_0: "CIS AWS Foundations 7.0",
    Framework.NIST_800_53: "NIST SP 800-53 Rev. 5",
    Framework.FEDRAMP: "FedRAMP Moderate Rev. 4",
    Framework.PCI_3_2_1: "PCI DSS 3.2.1",
    Framework.PCI_4_0: "PCI DSS 4.0",
    Framework.HIPAA: "HIPAA",
    Framework.ISO_27001: "ISO/IEC 27001:2022",
    Framework.SOC_2: "SOC 2",
    Framework.GDPR: "GDPR",
    Framework.NIS2: "NIS2",
    Framework.ATTACK: "MITRE ATT&CK",
}


@dataclass(frozen=True, slots=True, order=True)
class Control:
    """One id of a framework, in the framework's own spelling: `S3.8`, `2.1.4`, `s3-bucket-logging-enabled`."""

    framework: Framework
    id: str


def maps(controls: Mapping[Framework, str]) -> tuple[Control, ...]:
    """Controls from a table of framework to ids; several ids have commas between them."""
    return tuple(
        Control(framework, id_) for framework, ids in controls.items() for id_ in map(str.strip, ids.split(",")) if id_
    )
