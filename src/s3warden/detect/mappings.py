"""Controls of standards that several rules map to, in the spelling of each standard.

The pairs of question and control are those that Prowler 5.46 ships in its compliance files. Its keys for NIST CSF are
of version 1.1 under the name of 2.0, and are left out.
"""

from s3warden.model.framework import Framework

_ACCESS = "AC-2, AC-3, AC-4, AC-6, AC-17, CM-6, CM-9, MP-2, SC-7"
_ACCESS_FEDRAMP = "AC-3, AC-4, AC-6, AC-17(1), AC-21, CM-2, SC-4, SC-7(3), SC-7"
_EDGE_PCI = "1.2.8, 1.3.1, 1.3.2, 1.4.2, 1.5.1, 10.3.2, 3.5.1.3, A1.1.2, A1.1.3"

PUBLIC = {
    Framework.NIST_800_53: _ACCESS,
    Framework.FEDRAMP: _ACCESS_FEDRAMP,
    Framework.PCI_4_0: f"{_EDGE_PCI}, 10.3.3, 10.3.4",
    Framework.HIPAA: "164.308(a)(1)(ii)(B), 164.308(a)(3)(i), 164.312(a)(1), 164.312(a)(2)(i)",
    Framework.ISO_27001: "A.8.1",
    Framework.SOC_2: "CC6.1",
    Framework.ATTACK: "T1530",
}
PUBLIC_WRITE = {
    Framework.CIS_7_0: "2.21",
    Framework.NIST_800_53: _ACCESS,
    Framework.FEDRAMP: _ACCESS_FEDRAMP,
    Framework.PCI_3_2_1: "1.2, 1.2.1, 1.3, 1.3.1, 1.3.2, 1.3.4",
    Framework.PCI_4_0: _EDGE_PCI,
    Framework.HIPAA: "164.308(a)(1)(ii)(B), 164.308(a)(3)(i), 164.312(a)(1)",
    Framework.ISO_27001: "A.8.1",
    Framework.ATTACK: "T1485, T1486",
}
BUCKET_BLOCK = {
    Framework.CIS_1_4: "2.1.5",
    Framework.CIS_2_0: "2.1.4",
    Framework.CIS_3_0: "2.1.4",
    Framework.CIS_4_0: "2.1.4",
    Framework.CIS_5_0: "2.1.4",
    Framework.CIS_6_0: "3.1.4",
    Framework.CIS_7_0: "3.1.4",
    Framework.ATTACK: "T1530",
}
ACCOUNT_BLOCK = {
    **BUCKET_BLOCK,
    Framework.NIST_800_53: _ACCESS,
    Framework.FEDRAMP: "AC-3, AC-6, AC-17(1), AC-21, CM-2, SC-4, SC-7(3), SC-7",
    Framework.PCI_3_2_1: "1.3, 2.2, 2.2.2, 7.2, 7.2.1",
    Framework.PCI_4_0: f"{_EDGE_PCI}, 1.4.4",
    Framework.HIPAA: "164.308(a)(1)(ii)(B), 164.308(a)(3)(i)",
    Framework.ISO_27001: "A.8.1",
}
POINT_BLOCK = {Framework.PCI_4_0: _EDGE_PCI}
CROSS_ACCOUNT = {Framework.PCI_4_0: "10.6.3, 7.2.1, 7.2.2, 7.2.5, 7.2.6, 7.3.1, 7.3.2, 7.3.3, 8.2.7"}
ACLS = {Framework.PCI_4_0: "7.2.1, 7.2.2, 7.2.5, 7.3.1, 7.3.2, 7.3.3, 8.2.7, 8.2.8, 8.3.4"}
TRANSPORT = {
    Framework.CIS_1_4: "2.1.2",
    Framework.CIS_2_0: "2.1.1",
    Framework.CIS_3_0: "2.1.1",
    Framework.CIS_4_0: "2.1.1",
    Framework.CIS_5_0: "2.1.1",
    Framework.CIS_6_0: "3.1.1",
    Framework.CIS_7_0: "3.1.1",
    Framework.NIST_800_53: "AC-4, AC-17, AC-24, AU-9, CA-9, CM-6, CM-9, IA-5, PM-11",
    Framework.FEDRAMP: "AC-17(2), SC-7, SC-8(1), SC-8, SC-23",
    Framework.PCI_3_2_1: "4.1, 8.2, 8.2.1",
    Framework.PCI_4_0: "1.2.5, 2.2.5, 2.2.7, 4.2.1.1, 4.2.1, 8.3.2",
    Framework.HIPAA: (
        "164.308(a)(1)(ii)(B), 164.312(a)(2)(iv), 164.312(c)(1), 164.312(c)(2), 164.312(e)(1), "
        "164.312(e)(2)(i), 164.312(e)(2)(ii)"
    ),
    Framework.GDPR: "Article 32",
    Framework.ATTACK: "T1040",
}
ENCRYPTION = {
    Framework.CIS_1_4: "2.1.1",
    Framework.NIST_800_53: "AU-9, CM-6, CM-9, CP-9, PM-11, SC-8, SC-13, SC-16, SC-28",
    Framework.FEDRAMP: "SC-13, SC-28",
    Framework.PCI_3_2_1: "3.4, 3.4.1, 8.2, 8.2.1",
    Framework.PCI_4_0: "3.5.1, 8.3.2",
    Framework.HIPAA: (
        "164.308(a)(1)(ii)(B), 164.308(a)(4)(ii)(A), 164.312(a)(2)(iv), 164.312(c)(1), 164.312(c)(2), 164.312(e)(2)(ii)"
    ),
    Framework.ISO_27001: "A.8.11, A.8.24",
    Framework.SOC_2: "PI1.4",
    Framework.GDPR: "Article 32",
    Framework.ATTACK: "T1119, T1530",
}
LOGGING = {
    Framework.NIST_800_53: "AC-2, AC-3, AC-4, AC-6, AU-2, AU-3, AU-6, AU-8, AU-10",
    Framework.FEDRAMP: "AC-2(4), AC-2, AU-2, AU-3, AU-6(1), AU-6(3), AU-12",
    Framework.PCI_3_2_1: "10.1, 10.2, 10.2.1, 10.2.2, 10.2.3, 10.2.4, 10.2.6, 10.2.7, 10.3",
    Framework.PCI_4_0: ("10.2.1, 10.2.1.1, 10.2.1.2, 10.2.1.3, 10.2.1.4, 10.2.1.5, 10.2.1.6, 10.2.1.7, 10.2.2"),
    Framework.HIPAA: ("164.308(a)(1)(ii)(D), 164.308(a)(3)(ii)(A), 164.308(a)(6)(ii), 164.312(b), 164.312(e)(2)(i)"),
    Framework.ISO_27001: "A.8.15",
    Framework.SOC_2: "CC7.2, CC7.3, A1.1",
    Framework.NIS2: "1.1.1.h, 3.2.3.c, 11.2.2.f",
}
VERSIONING = {
    Framework.NIST_800_53: "AU-9, CP-1, CP-2, CP-6, CP-9, CP-10, PM-11, PM-17, SC-5",
    Framework.FEDRAMP: "AU-9(2), CP-9, CP-10, SC-5, SI-12",
    Framework.PCI_3_2_1: "3.1, 10.5, 10.5.2, 10.5.3, 10.5.5",
    Framework.PCI_4_0: "10.3.4",
    Framework.HIPAA: (
        "164.308(a)(1)(ii)(B), 164.308(a)(7)(i), 164.308(a)(7)(ii)(A), 164.308(a)(7)(ii)(B), 164.308(a)(7)(ii)(C), "
        "164.312(a)(2)(ii), 164.312(c)(1), 164.312(c)(2)"
    ),
    Framework.ISO_27001: "A.8.3, A.8.10",
    Framework.SOC_2: "CC7.4, A1.1, C1.2, PI1.5",
    Framework.ATTACK: "T1485, T1486",
}

_OBJECT_EVENTS = {
    Framework.NIST_800_53: "AC-2, AC-3, AC-4, AC-6, AU-2, AU-3, AU-6, AU-8, AU-10",
    Framework.HIPAA: LOGGING[Framework.HIPAA],
    Framework.ISO_27001: "A.8.15, A.8.16",
    Framework.GDPR: "Article 30",
    Framework.CLOUDSPLOIT: "cloudtrailDataEvents",
}
OBJECT_WRITES = {
    **_OBJECT_EVENTS,
    Framework.CIS_1_4: "3.10",
    Framework.CIS_2_0: "3.10",
    Framework.CIS_3_0: "3.8",
    Framework.CIS_4_0: "3.8",
    Framework.CIS_5_0: "3.8",
    Framework.CIS_6_0: "4.8",
    Framework.CIS_7_0: "4.8",
    Framework.PCI_4_0: LOGGING[Framework.PCI_4_0],
    Framework.SOC_2: "CC2.1, CC7.2, PI1.2",
    Framework.NIS2: "3.2.3.c, 3.2.3.g",
    Framework.CONFORMITY: "CT-012",
    Framework.SECURITY_HUB: "S3.22",
    Framework.CONFIG: "cloudtrail-s3-dataevents-enabled",
    Framework.PROWLER: "cloudtrail_s3_dataevents_write_enabled",
    Framework.CUSTODIAN: "data-events",
    Framework.CLOUDSPLOIT: "objectLevelWriteEventLogging, cloudtrailDataEvents",
}
OBJECT_READS = {
    **_OBJECT_EVENTS,
    Framework.CIS_1_4: "3.11",
    Framework.CIS_2_0: "3.11",
    Framework.CIS_3_0: "3.9",
    Framework.CIS_4_0: "3.9",
    Framework.CIS_5_0: "3.9",
    Framework.CIS_6_0: "4.9",
    Framework.CIS_7_0: "4.9",
    Framework.PCI_3_2_1: LOGGING[Framework.PCI_3_2_1],
    Framework.SOC_2: "CC2.1, CC7.2",
    Framework.NIS2: "3.2.3.c, 3.2.3.g, 3.4.2.c",
    Framework.SECURITY_HUB: "S3.23",
    Framework.PROWLER: "cloudtrail_s3_dataevents_read_enabled",
    Framework.CLOUDSPLOIT: "objectLevelReadEventLogging",
}
MACIE = {
    Framework.CIS_1_4: "2.1.4",
    Framework.CIS_2_0: "2.1.3",
    Framework.CIS_3_0: "2.1.3",
    Framework.CIS_4_0: "2.1.3",
    Framework.CIS_5_0: "2.1.3",
    Framework.CIS_6_0: "3.1.3",
    Framework.CIS_7_0: "3.1.3",
    Framework.PCI_4_0: "A3.2.5.1",
    Framework.ATTACK: "T1552, T1537, T1530",
}
TRAIL_PUBLIC = {
    Framework.CIS_1_4: "3.3",
    Framework.CIS_2_0: "3.3",
    Framework.ISO_27001: "A.8.1, A.8.15, A.8.16",
    Framework.GDPR: "Article 25",
    Framework.NIS2: "3.2.3.c",
}
TRAIL_LOGGING = {
    Framework.CIS_1_4: "3.6",
    Framework.CIS_2_0: "3.6",
    Framework.CIS_3_0: "3.4",
    Framework.CIS_4_0: "3.4",
    Framework.CIS_5_0: "3.4",
    Framework.CIS_6_0: "4.4",
    Framework.CIS_7_0: "4.4",
    Framework.ISO_27001: "A.8.15, A.8.16",
    Framework.SOC_2: "A1.1",
    Framework.GDPR: "Article 25",
    Framework.NIS2: "3.2.3.c, 11.1.1, 11.2.2.f",
}
CHANGE_ALARM = {
    Framework.CIS_1_4: "4.8",
    Framework.CIS_2_0: "4.8",
    Framework.CIS_3_0: "4.8",
    Framework.CIS_4_0: "4.8",
    Framework.CIS_5_0: "4.8",
    Framework.CIS_6_0: "5.8",
    Framework.CIS_7_0: "5.8",
    Framework.ISO_27001: "A.8.15, A.8.16",
    Framework.SOC_2: "CC5.2",
    Framework.GDPR: "Article 25",
    Framework.NIS2: "2.2.3, 3.2.3.b, 3.2.3.c, 3.2.3.f, 3.2.3.g, 3.5.4, 7.2.b",
    Framework.ATTACK: "T1496",
}
