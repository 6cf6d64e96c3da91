"""The vectors: cases with the verdict worked out by hand from the published rules."""

import json
from pathlib import Path
from typing import Any

import pytest

from s3warden.detect.exposure.engine import analyse
from s3warden.detect.exposure.inputs import inputs_of

VECTORS: list[dict[str, Any]] = json.loads(Path("tests/data/exposure-dev.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_verdict_is_the_expected_one_in_every_key(vector: dict[str, Any]) -> None:
    """Each key of `expect` is right; a null policy status is not asserted."""
    verdict = analyse(inputs_of(vector)).as_dict(vector["id"])
    expected = {
        key: value for key, value in vector["expect"].items() if key != "policy_status_is_public" or value is not None
    }
    assert {key: verdict[key] for key in expected} == expected


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_each_yes_has_a_witness_and_each_no_a_reason(vector: dict[str, Any]) -> None:
    """A yes is shown by a request, a grant in vain is explained, an unknown has a cause."""
    found = analyse(inputs_of(vector))
    if found.public:
        assert {w.via.split()[0] for w in found.witnesses} >= {via.split("_")[0] for via in found.via}
    assert {w.account for w in found.witnesses} >= set(found.cross_account)
    assert bool(found.blocked_by) <= bool(found.reasons)
    assert bool(found.unknown_because) == (found.public is None)
