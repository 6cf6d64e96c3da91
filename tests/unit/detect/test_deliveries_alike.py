"""Whether a log bucket's policy treats all sources alike: only then may one verdict serve a fleet."""

import json
from typing import Any

import pytest

from s3warden.detect.deliveries import takes_all_alike
from s3warden.model.bucket import ABSENT, NOT_READ, Present
from s3warden.model.configuration import Policy

LOGS = "arn:aws:s3:::logs"


def statement(resource: str = f"{LOGS}/*", **more: Any) -> str:
    """A policy of one statement that lets log delivery in."""
    service = {"Service": "logging.s3.amazonaws.com"}
    written = {"Effect": "Allow", "Principal": service, "Action": "s3:PutObject", "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [written]})


@pytest.mark.parametrize(
    ("text", "alike"),
    [
        pytest.param(statement(), True, id="the whole bucket"),
        pytest.param(statement("*"), True, id="everything"),
        pytest.param(statement(Condition={"StringEquals": {"aws:SourceAccount": "111122223333"}}), True, id="account"),
        pytest.param(statement(f"{LOGS}/team-*"), False, id="keys that begin so"),
        pytest.param(statement(f"{LOGS}/team-data/"), False, id="one key"),
        pytest.param(statement("arn:aws:s3:::log?/*"), False, id="a wildcard in the bucket"),
        pytest.param(statement("arn:aws:s3*:team-*"), False, id="a wildcard before the bucket"),
        pytest.param(statement("*team-*"), False, id="a wildcard for all and a key"),
        pytest.param(statement("arn:aws:s3:::${aws:PrincipalTag/x}/*"), False, id="a variable"),
        pytest.param(statement(Condition={"ArnLike": {"AWS:sourceArn": "arn:aws:s3:::a"}}), False, id="the source"),
        pytest.param(
            statement(Condition={"DateLessThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}), False, id="the time"
        ),
        pytest.param(statement().replace("logs/*", "logs/\\u0074*"), False, id="an escape"),
    ],
)
def test_a_policy_that_looks_at_source_key_or_time_is_told(text: str, alike: bool) -> None:
    """Doubt means that each bucket is asked for itself."""
    assert takes_all_alike(Present(Policy(text)), "logs") is alike


def test_what_is_no_policy_and_what_was_not_read() -> None:
    """Without a policy the ACL decides, which knows no source."""
    assert takes_all_alike(ABSENT, "logs")
    assert not takes_all_alike(NOT_READ, "logs")
