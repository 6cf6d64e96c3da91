"""The stable codes that say why a message led to a refresh, to nothing, or nowhere: closed sets, fit for metric labels.

docs/events.md tells what each of them means.
"""

from enum import StrEnum


class RefreshReason(StrEnum):
    """Why a bucket or an account is looked at again."""

    CHANGE = "change"
    UNKNOWN_CALL = "unknown_call"
    OUTCOME_UNKNOWN = "outcome_unknown"
    FINDING = "finding"


class SkipReason(StrEnum):
    """Why a message that was understood asks for nothing."""

    READ_ONLY = "read_only"
    CALL_FAILED = "call_failed"
    OBJECT_LEVEL = "object_level"
    NO_BUCKET = "no_bucket"
    BAD_BUCKET_NAME = "bad_bucket_name"
    NOT_GENERAL_PURPOSE = "not_general_purpose"
    NO_ACCOUNT = "no_account"
    NO_EFFECT = "no_effect"
    OTHER_SERVICE = "other_service"
    OTHER_EVENT = "other_event"
    OTHER_RESOURCE = "other_resource"
    FOREIGN_SOURCE = "foreign_source"
    FINDING_ARCHIVED = "finding_archived"
    FINDING_PASSED = "finding_passed"
    SUBSCRIPTION = "subscription"
    S3_NOTIFICATION = "s3_notification"
    TEST_EVENT = "test_event"
    LOG_FILE_NOTICE = "log_file_notice"
    NO_RECORDS = "no_records"


class PoisonReason(StrEnum):
    """Why a message cannot be understood."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    NOT_AN_EVENT = "not_an_event"
    NO_DETAIL = "no_detail"
    NO_EVENT_NAME = "no_event_name"
