"""Required tags: keys, values, and the hint for a near miss."""

from hypothesis import given
from hypothesis import strategies as st

from s3warden.detect.evaluate import evaluate
from s3warden.detect.rule import RuleOptions
from s3warden.detect.rules import tags
from s3warden.detect.samples import bucket
from s3warden.model.bucket import Aspect, Present
from s3warden.model.configuration import Tags
from s3warden.model.finding import RuleResult, Verdict


def judge(pairs: dict[str, str], options: RuleOptions | None = None) -> RuleResult:
    """The verdict on a bucket with these tags."""
    state = bucket({Aspect.TAGGING: Present(Tags(tuple(sorted(pairs.items()))))})
    [result] = evaluate(tags.RULES, state, options=options or RuleOptions())
    return result


def test_near_misses_are_told() -> None:
    """A key that differs in case or punctuation only is named beside the one that is wanted."""
    result = judge({"name": "x", "Cost_Centre": "1", "OWNER": "me"}, RuleOptions(("Name", "CostCentre", "Role")))
    assert result.evidence.details == {
        "missing": "Name, CostCentre, Role",
        "near_miss": "name for Name, Cost_Centre for CostCentre",
    }


def test_every_complaint_is_told_at_once() -> None:
    """Missing, empty and unexpected values come in one finding."""
    options = RuleOptions(("Name", "Owner"), {"Environment": "prod|dev"})
    result = judge({"Owner": "", "Environment": "production"}, options)
    assert result.evidence.details == {
        "missing": "Name",
        "empty": "Owner",
        "unexpected_value": "Environment=production",
    }
    assert result.evidence.summary == (
        "Required tags are not in order (missing: Name; empty: Owner; unexpected value: Environment=production)."
    )


def test_pattern_of_a_tag_that_is_not_required_applies_where_the_tag_is() -> None:
    """A pattern alone does not make a tag required."""
    options = RuleOptions((), {"Stage": "[a-z]+"})
    assert judge({}, options).verdict is Verdict.PASS
    assert judge({"Stage": "7"}, options).verdict is Verdict.FAIL


def test_pattern_must_match_the_whole_value() -> None:
    """`prod` does not stand for `production`."""
    options = RuleOptions(("Environment",), {"Environment": "prod"})
    assert judge({"Environment": "production"}, options).verdict is Verdict.FAIL


@given(st.dictionaries(st.sampled_from(["Name", "Role", "Environment", "Owner", "owner", "x"]), st.sampled_from(" ab")))
def test_passes_exactly_if_every_key_has_a_value(pairs: dict[str, str]) -> None:
    """The rule agrees with its definition over any set of tags."""
    complete = all(pairs.get(key, "").strip() for key in RuleOptions().required_tags)
    assert (judge(pairs).verdict is Verdict.PASS) is complete
