"""Remembered verdicts: the same as fresh ones, shared by a fleet, and never shared where a name matters."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from s3warden.detect.exposure.engine import analyse
from s3warden.detect.exposure.inputs import ALL_BLOCKED, ExposureInputs, inputs_of
from s3warden.detect.exposure.memo import Memo

VECTORS: list[dict[str, Any]] = json.loads(Path("tests/data/exposure-dev.json").read_text(encoding="utf-8"))


def templated(bucket: str, resource: str, **more: Any) -> ExposureInputs:
    """A bucket whose policy is a template's."""
    text = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": resource.replace("NAME", bucket)}
    policy = {"Version": "2012-10-17", "Statement": [{**text, **more}]}
    return inputs_of({"bucket": bucket, "bucket_owner": "111111111111", "policy": json.dumps(policy)})


def test_vectors_come_out_the_same_twice() -> None:
    """Fresh, first and remembered verdicts are equal, proofs included."""
    memo = Memo()
    for _ in range(2):
        for vector in VECTORS:
            inputs = inputs_of(vector)
            assert memo.analyse(inputs) == analyse(inputs), vector["id"]
    assert memo.hits >= len(VECTORS)


def test_fleet_of_a_template_costs_one_analysis() -> None:
    """A thousand buckets of one template: one miss, and each proof names its own bucket."""
    memo = Memo()
    for number in range(1000):
        found = memo.analyse(templated(f"team-{number}-logs", "arn:aws:s3:::NAME/*"))
        assert found.witnesses[0].resource.startswith(f"arn:aws:s3:::team-{number}-logs/")
    assert (memo.misses, memo.hits) == (1, 999)


@pytest.mark.parametrize(
    "resource",
    ["arn:aws:s3:::team-1*/*", "arn:aws:s3:::*-logs/*", "arn:aws:s3:::team-?-logs/*", "*logs/*", "arn:aws:s3:*:*:t*"],
)
def test_wildcards_that_tell_names_apart_are_not_shared(resource: str) -> None:
    """Two buckets that a pattern tells apart keep their own verdicts."""
    memo = Memo()
    for bucket in ("team-1-logs", "other", "team-22-logs", "tea"):
        inputs = templated(bucket, resource)
        assert memo.analyse(inputs) == analyse(inputs)


def test_name_within_a_longer_name_is_left_alone() -> None:
    """A bucket `team` is not `team-logs`."""
    memo = Memo()
    for bucket in ("team", "team-logs"):
        inputs = templated(bucket, "arn:aws:s3:::team-logs/*")
        assert memo.analyse(inputs) == analyse(inputs)
        assert memo.analyse(inputs).public is (bucket == "team-logs")


def test_escaped_text_is_not_shared() -> None:
    """A name spelled with a JSON escape is still the name."""
    memo = Memo()
    text = '{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::\\u0061cme/*"}}'
    for bucket in ("acme", "other"):
        inputs = inputs_of({"bucket": bucket, "bucket_owner": "111111111111", "policy": text})
        assert memo.analyse(inputs).public is (bucket == "acme")


def test_blocks_do_not_cost_an_analysis() -> None:
    """A flipped flag is laid over what is known."""
    memo = Memo()
    inputs = templated("acme", "arn:aws:s3:::NAME/*")
    assert memo.analyse(inputs).public is True
    assert memo.analyse(replace(inputs, bucket_block=ALL_BLOCKED)).public is False
    assert memo.misses == 1


def test_time_counts_only_where_a_policy_asks_for_it() -> None:
    """The hour is part of the shape of a policy with a date, and of no other."""
    memo = Memo()
    plain = templated("acme", "arn:aws:s3:::NAME/*")
    until = templated(
        "acme", "arn:aws:s3:::NAME/*", Condition={"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}
    )
    for now in (1.5e9, 1.8e9):
        memo.analyse(replace(plain, now=now))
        assert memo.analyse(replace(until, now=now)).public is (now < 1.57e9)
    assert memo.misses == 3


def test_memory_is_bounded() -> None:
    """The least recently used goes first."""
    memo = Memo(size=3)
    for number in range(10):
        memo.analyse(templated(f"b{number}", f"arn:aws:s3:::NAME/{number}*"))
    assert len(memo) == 3
