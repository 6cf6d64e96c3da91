"""Properties over random policies: monotone, proved, never raising, never private by damage."""

import json
from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s3warden.detect.exposure.engine import analyse
from s3warden.detect.exposure.inputs import ExposureInputs, inputs_of
from s3warden.detect.exposure.memo import Memo
from s3warden.detect.exposure.parse import parse
from s3warden.detect.exposure.requirements import tls_required
from s3warden.detect.exposure.verdict import Exposure
from s3warden.detect.exposure.what_if import what_if
from s3warden.model.configuration import ALL_USERS, AUTHENTICATED_USERS, NO_BLOCK
from support.exposure_checks import compare
from support.policies import document, named, policy, statement

SEEDS = st.integers(min_value=0, max_value=2**32)
FAST = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FLAGS = ("block_public_acls", "ignore_public_acls", "block_public_policy", "restrict_public_buckets")
LEVEL = {False: 0, None: 1, True: 2}

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["*", "Allow", "s3:*"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


def random_inputs(seed: int) -> ExposureInputs:
    """A bucket with a random policy and, now and then, public grants and blocks."""
    rng = Random(seed)
    grants = []
    if rng.random() < 0.3:
        uri, permission = rng.choice((ALL_USERS, AUTHENTICATED_USERS)), rng.choice(("READ", "WRITE", "FULL_CONTROL"))
        grants = [{"grantee_type": "Group", "uri": uri, "permission": permission}]
    made = inputs_of(document(policy(rng), acl_grants=grants))
    block = replace(NO_BLOCK, **{flag: rng.random() < 0.15 for flag in FLAGS})
    return replace(made, bucket_block=block, ownership=rng.choice((None, "ObjectWriter", "BucketOwnerEnforced")))


def with_statement(inputs: ExposureInputs, one: dict[str, Any]) -> ExposureInputs:
    """The inputs with one more statement in the policy."""
    whole = json.loads(str(inputs.policy))
    return replace(inputs, policy=json.dumps({**whole, "Statement": [*whole["Statement"], one]}))


def no_less(before: Exposure, after: Exposure, accounts_of: ExposureInputs) -> bool:
    """Whether what was certainly open before is still called open, or not known, after.

    Only accounts that `accounts_of` names count: a statement that names one more account makes the list look for it.
    """
    known = named(json.loads(str(accounts_of.policy)))
    actions = set(before.public_actions) <= set(after.public_actions) or bool(after.unknown_because)
    accounts = set(before.cross_account) & known <= set(after.cross_account) or bool(after.unknown_because)
    return LEVEL[after.public] >= min(LEVEL[before.public], 1) and actions and accounts


@FAST
@given(SEEDS)
def test_one_more_allow_never_takes_access_away(seed: int) -> None:
    """What was open stays open, unless the new Allow makes the document public and a block then cuts it."""
    before = replace(random_inputs(seed), bucket_block=None)
    after = with_statement(before, statement(Random(seed + 1), "Allow"))
    assert no_less(analyse(before), analyse(after), before)


@FAST
@given(SEEDS)
def test_one_more_deny_never_gives_access(seed: int) -> None:
    """What was closed stays closed."""
    after = replace(random_inputs(seed), bucket_block=None)
    before = with_statement(after, statement(Random(seed + 1), "Deny"))
    assert no_less(analyse(before), analyse(after), after)


@FAST
@given(SEEDS, st.sampled_from(FLAGS), st.sampled_from(["account_block", "bucket_block"]))
def test_one_more_flag_never_gives_access(seed: int, flag: str, scope: str) -> None:
    """A flag of public access block that goes on never opens anything."""
    off = random_inputs(seed)
    block = replace(getattr(off, scope) or NO_BLOCK, **{flag: True})
    on = replace(off, account_block=block) if scope == "account_block" else replace(off, bucket_block=block)
    assert no_less(analyse(on), analyse(off), off)


@FAST
@given(SEEDS)
def test_two_evaluators_agree(seed: int) -> None:
    """No request that the concrete evaluator allows is called impossible by the symbolic one."""
    _, wrong = compare(Random(seed), 12)
    assert wrong == []


@FAST
@given(SEEDS)
def test_each_yes_is_proved(seed: int) -> None:
    """Public, each action class and each account have a witness; an unknown has a cause."""
    found = analyse(random_inputs(seed))
    assert set(found.public_actions) <= {witness.action_class for witness in found.witnesses}
    assert set(found.cross_account) <= {witness.account for witness in found.witnesses}
    assert not found.public or found.witnesses
    assert found.public is not None or found.unknown_because


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.data())
def test_cut_off_text_is_never_private(seed: int, data: st.DataObject) -> None:
    """A policy text cut anywhere is unknown, whatever the whole said."""
    text = json.dumps(policy(Random(seed)))
    cut = data.draw(st.integers(min_value=0, max_value=len(text) - 1))
    assert analyse(inputs_of(document(text[:cut]))).public is None


@FAST
@given(json_values)
def test_no_document_raises(value: Any) -> None:
    """Whatever JSON comes in, a verdict comes out."""
    assert analyse(inputs_of(value)).public in (True, False, None)
    assert analyse(inputs_of(document(value))).public in (True, False, None)


FIELDS = (
    "bucket", "bucket_owner", "partition", "org_id", "org_bpa", "account_bpa", "bucket_bpa", "ownership", "acl_grants",
    "policy", "access_points", "multi_region_access_points", "requester_pays", "website", "policy_status",
)  # fmt: skip
odd_texts = st.sampled_from(["(", "[", "\\", "*", "", "\x00", "a" * 70, "111111111111", "BucketOwnerEnforced", "all"])
points = st.lists(
    st.fixed_dictionaries(
        {"name": odd_texts}, optional={"policy": json_values, "bpa": json_values, "network_origin": json_values}
    ),
    max_size=2,
)


@FAST
@given(st.dictionaries(st.sampled_from(FIELDS), odd_texts | points | json_values, max_size=8), SEEDS)
def test_no_field_raises(fields: dict[str, Any], seed: int) -> None:
    """Whatever stands in any field of the document, both ways to a verdict give one."""
    given_inputs = inputs_of({**document(policy(Random(seed))), **fields})
    assert analyse(given_inputs) == Memo().analyse(given_inputs)
    assert all(change.steps for change in what_if(given_inputs))
    assert tls_required(given_inputs).holds in (True, False, None)


@FAST
@given(SEEDS, st.data())
def test_a_damaged_statement_is_never_private(seed: int, data: st.DataObject) -> None:
    """One element of a public grant replaced by anything, or dropped: never private unless that is what it says."""
    grant: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::acme-data/*",
    }
    element = data.draw(st.sampled_from(sorted(grant)))
    damaged = dict(grant)
    del damaged[element]
    if data.draw(st.booleans()):
        damaged[element] = data.draw(json_values.filter(lambda value: not _means_something(element, value)))
    rng = Random(seed)
    extra = [statement(rng, "Allow") for _ in range(rng.randint(0, 1))]
    found = analyse(inputs_of(document({"Version": "2012-10-17", "Statement": [damaged, *extra]})))
    assert found.public is not False


def _means_something(element: str, value: Any) -> bool:
    """Whether a value is well formed for its element, so that a verdict may follow from it."""
    texts = value if isinstance(value, list) else [value]
    if element == "Principal" and isinstance(value, dict):
        return bool(value) and set(value) <= {"AWS", "Service", "Federated", "CanonicalUser"}
    if element == "Effect":
        return value in ("Allow", "Deny")
    return bool(texts) and all(isinstance(text, str) for text in texts)


@FAST
@given(st.text(max_size=200) | st.binary(max_size=100).map(lambda raw: raw.decode("latin-1")))
def test_no_text_raises(text: str) -> None:
    """Any text parses to a document."""
    assert parse(text).statements == () or json.loads(text)


@FAST
@given(SEEDS, json_values, st.sampled_from(["Effect", "Principal", "Action", "Resource", "Condition", "Sid", "Else"]))
def test_no_element_raises(seed: int, value: Any, element: str) -> None:
    """Any value in any element of a statement is survived by both evaluators."""
    made = statement(Random(seed))
    made[element] = value
    compare_only = document({"Version": "2012-10-17", "Statement": [made]})
    assert analyse(inputs_of(compare_only)).public in (True, False, None)
