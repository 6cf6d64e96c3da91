"""Every mistake of other tools that bears on what is done here has a test, and the test is there."""

import ast
from functools import cache
from pathlib import Path

import pytest

from s3warden.detect.rules import find

TESTS = Path(__file__).parents[1]
_REPORTED = "unit/detect/rules/test_reported.py"
_REFERENCES = "unit/detect/rules/test_references.py"
_TRAILS = "unit/detect/rules/test_reported_trails.py"
_REMEDIES = "unit/correct/test_remedies.py"
_POLICY_TEXT = "unit/correct/test_policy_text.py"
_CONFORMANCE = "unit/detect/rules/test_conformance.py"

# What was reported, or found in the code, and where it is tested: a file, and a function in it.
MISTAKES: dict[str, tuple[str, str]] = {
    "prowler#12872": (_REPORTED, "test_prowler_12872_a_denied_read_is_no_pass"),
    "prowler#971": (_REPORTED, "test_prowler_971_a_denied_read_is_no_failure"),
    "prowler#2647, #2052, PR#2715, #635": (
        _REPORTED,
        "test_prowler_2647_2052_2715_635_blocks_count_wherever_they_are",
    ),
    "prowler#4257, #5386": (_REPORTED, "test_prowler_4257_5386_a_restricted_policy_is_not_public"),
    "prowler#3346, PR#3364": (_REPORTED, "test_prowler_3346_3364_reading_is_not_writing"),
    "prowler#1481": (_REPORTED, "test_prowler_1481_http_to_the_bucket_itself_counts"),
    "prowler#11190": (
        _REFERENCES,
        "test_prowler_11190_a_reference_is_one_finding_of_the_account_and_none_of_each_bucket",
    ),
    "prowler PR#5543": (_REFERENCES, "test_prowler_5543_origin_that_is_no_bucket_is_never_missing"),
    "steampipe#753": (_REFERENCES, "test_steampipe_753_existing_bucket_is_no_missing_origin"),
    "domain-protect#244": (
        _REFERENCES,
        "test_domain_protect_244_takeover_is_told_by_the_name_and_not_by_a_page",
    ),
    "prowler code: 403 means healthy": (
        _REFERENCES,
        "test_prowler_missing_origin_name_that_a_stranger_took_is_not_healthy",
    ),
    "cloudsploit: records of one kind": (
        _REFERENCES,
        "test_cloudsploit_dns_wildcard_record_leads_every_name_to_whoever_takes_it",
    ),
    "kics#4576": (_REPORTED, "test_kics_4576_mfa_delete_is_not_asked_beside_a_lifecycle"),
    "checkov#6293": (_REPORTED, "test_checkov_6293_rotation_is_asked_of_keys_that_can_rotate"),
    "cloud-custodian#5460": ("unit/correct/test_mend.py", "test_trouble_that_passes_is_waited_for"),
    "aws-cdk#26832, terragrunt PR#6876, cloudformation-coverage-roadmap#1606": (
        _REMEDIES,
        "test_logging_first_lets_the_delivery_in",
    ),
    "auto-remediate S3-001: grants of another bucket": (_REMEDIES, "test_every_public_grant_goes_and_no_other"),
    "auto-remediate S3-014: rewritten principals": (
        _REMEDIES,
        "test_public_statement_goes_and_the_others_stay_to_the_letter",
    ),
    "auto-remediate S3-016: a bucket without policy": (_POLICY_TEXT, "test_first_statement_of_a_bucket"),
    "auto-remediate: a success is fixed": (_REMEDIES, "test_fixed_is_not_needed"),
    "auto-remediate CT-003: ACL alone": (_REMEDIES, "test_grant_and_statement_close_together"),
    "prowler fixer: the whole policy goes": ("unit/correct/test_look.py", "test_fix_never_deletes_a_policy"),
    "prowler fixer: ACL set to private": (_REMEDIES, "test_acl_is_not_written_while_acls_are_disabled"),
    "ASR code: TLS appended each time": (_POLICY_TEXT, "test_same_sid_is_replaced_not_doubled"),
    "ASR code: a fresh lifecycle": (
        "unit/correct/test_planning_properties.py",
        "test_plan_mends_its_rule_alone_and_is_taken_back",
    ),
    "AWS Config: the account's block tells no bucket": (
        "unit/collect/test_parser_cloudtrail.py",
        "test_case_05_account_block_is_the_whole_account",
    ),
    "prowler#1795, PR#1814": (_TRAILS, "test_prowler_1795_1814_custodian_8969_advanced_selectors_count"),
    "cloud-custodian#8969": (_TRAILS, "test_prowler_1795_1814_custodian_8969_advanced_selectors_count"),
    "ScoutSuite#1674": (_TRAILS, "test_scoutsuite_1674_no_selector_overwrites_another"),
    "landing-zone-accelerator-on-aws PR#1162, terraform-aws-control_tower_account_factory#513": (
        _TRAILS,
        "test_landing_zone_accelerator_1162_a_trail_need_not_record_its_own_bucket",
    ),
    "prowler code: readOnly ignored": (_TRAILS, "test_prowler_code_reads_and_writes_are_told_apart"),
    "prowler code: resources.ARN ignored": (_TRAILS, "test_prowler_code_arns_of_other_buckets_do_not_count"),
    "prowler code: a trail that stands still": (_TRAILS, "test_prowler_code_a_stopped_trail_records_nothing"),
    "prowler code: trail buckets of AllUsers alone": (
        _TRAILS,
        "test_prowler_code_a_trail_bucket_is_public_by_more_than_all_users",
    ),
    "prowler#1076": ("integration/aws/test_estate.py", "test_buckets_of_all_regions_are_listed_with_their_regions"),
    "prowler#838": ("integration/aws/test_session.py", "test_every_account_is_called_in_its_own_name"),
    "steampipe-mod-aws-compliance#538, #523": (
        _REPORTED,
        "test_steampipe_538_523_cloudsploit_1725_38_public_by_policy",
    ),
    "steampipe#952, PR#954": (_REPORTED, "test_steampipe_952_954_an_organisation_is_not_everyone"),
    "steampipe#402": (_REPORTED, "test_steampipe_402_logging_is_read_where_logging_is_set"),
    "cloud-custodian#3234, #4776": (_REPORTED, "test_custodian_3234_4776_a_website_is_no_excuse"),
    "cloud-custodian#5567, #10316": (_REPORTED, "test_custodian_10316_an_access_point_without_a_policy"),
    "cloud-custodian#6881": (_REPORTED, "test_custodian_6881_a_named_account_is_not_everyone"),
    "cloudsploit#1725, #38": (_REPORTED, "test_steampipe_538_523_cloudsploit_1725_38_public_by_policy"),
    "cloudsploit PR#532": (_REPORTED, "test_cloudsploit_532_a_missing_policy_refuses_nothing"),
    "cloudsploit PR#757": (_REPORTED, "test_cloudsploit_757_resources_of_a_demand_add_up"),
    "checkov#5934": (_REPORTED, "test_checkov_5934_a_deny_is_not_always_a_lockout"),
    "checkov#6982, #7269, #6287": (_REPORTED, "test_checkov_6982_7269_6287_sound_settings_pass"),
    "checkov#6156": (_REPORTED, "test_checkov_6156_transport_is_checked"),
    "aws-guard-rules-registry#218, #243": (
        _REPORTED,
        "test_guard_rules_218_243_transport_is_neither_literal_nor_lax",
    ),
    "automated-security-response-on-aws#60": (_REPORTED, "test_asr_60_ids_are_those_of_their_edition"),
    "prowler code: flags per scope": (_REPORTED, "test_prowler_code_flags_of_two_scopes_add_up"),
    "prowler code: ignored ACLs called public": (_REPORTED, "test_prowler_code_ignored_acls_are_not_public"),
    "prowler code: two of four flags": (_REPORTED, "test_prowler_code_all_four_flags_are_asked_for"),
    "prowler code: S3.7 mapped to access": (_REPORTED, "test_prowler_code_controls_map_to_what_they_ask"),
    "prowler code: policies measured": (_CONFORMANCE, "test_who_gets_in"),
    "prowler code: transport measured": (_CONFORMANCE, "test_plain_http_is_refused"),
    "prowler code: lists of one page": (
        "integration/aws/test_access_points.py",
        "test_pages_are_followed_and_lists_are_shared",
    ),
    "steampipe code: blocked means neutralised": (
        _REPORTED,
        "test_steampipe_code_blocking_new_grants_closes_no_old_one",
    ),
    "steampipe code: TlsVersion taken for transport": (
        _REPORTED,
        "test_steampipe_code_an_old_version_refused_is_not_http_refused",
    ),
    "cloud-custodian code: one scope, denied means off": (
        _REPORTED,
        "test_custodian_code_the_account_counts_and_denied_is_unknown",
    ),
    "cloud-custodian code: Deny byte for byte": (
        _REPORTED,
        "test_custodian_code_a_demand_need_not_match_byte_for_byte",
    ),
    "cloud-custodian code: NotAction raises": (_REPORTED, "test_custodian_code_statements_without_action_are_judged"),
    "ASR code: principals without colons": (_REPORTED, "test_asr_code_principals_without_colons_are_judged"),
    "ScoutSuite code: any condition is safe": (_REPORTED, "test_scoutsuite_code_not_every_condition_is_a_guard"),
    "AWS Config: no answer where nothing is configured": (
        _REPORTED,
        "test_config_code_nothing_configured_is_the_bad_case",
    ),
    "AWS Config: conditions ignored for S3.6": (_REPORTED, "test_config_code_conditions_count_for_administration"),
}

# What is shown by an example of a rule, which is run like any test: the rule, and the title of the example.
SHOWN: dict[str, tuple[str, str]] = {
    "steampipe code: automated discovery does not count": ("bucket-macie-covered", "by automated discovery"),
    "Access Analyzer: one for all regions": ("account-access-analyzer", "none"),
    "lifecycle praised, whatever it deletes": ("bucket-lifecycle-mass-expiry", "tomorrow, no versions"),
    "prowler code: shadow resources that are ours": ("account-shadow-resource", "ours"),
    "auto-remediate S3-016: encryption by default ignored": (
        "bucket-upload-encryption-enforced",
        "nothing is asked for",
    ),
}


@cache
def functions(path: str) -> frozenset[str]:
    """The tests in a file."""
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )


@pytest.mark.parametrize(("path", "name"), MISTAKES.values(), ids=MISTAKES)
def test_mistake_has_its_test(path: str, name: str) -> None:
    """The file is there, and the function in it."""
    assert name in functions(path)


@pytest.mark.parametrize(("rule_id", "title"), SHOWN.values(), ids=SHOWN)
def test_mistake_has_its_example(rule_id: str, title: str) -> None:
    """The rule has an example of that title."""
    assert title in {example.title for example in find(rule_id).examples}
