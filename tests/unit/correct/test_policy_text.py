"""Single statements of a policy's text are taken out and put in, and nothing else of the text changes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3warden.correct.policy_text import MAX_BYTES, TooLargeError, replaced, statements_of, with_statement, without

OURS = {"Sid": "Ours", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
TEXTS = st.text(max_size=12)
STATEMENTS = st.lists(
    st.dictionaries(st.sampled_from(["Effect", "Action", "Resource", "é"]), TEXTS | st.lists(TEXTS, max_size=3)),
    min_size=1,
    max_size=5,
)
INDENTS = st.sampled_from([None, 1, 2, "\t"])


def written(statements: object, indent: Any, *, ascii_only: bool = True) -> str:
    """A policy with an Id before and a Version after its statements."""
    document = {"Id": 'a ] } " Statement', "Statement": statements, "Version": "2012-10-17"}
    return json.dumps(document, indent=indent, ensure_ascii=ascii_only)


@given(STATEMENTS, INDENTS, st.booleans(), st.data())
def test_statement_taken_out_leaves_the_others_to_the_letter(
    statements: list[Any], indent: Any, ascii_only: bool, data: st.DataObject
) -> None:
    """However it is written; the rest is what a dump without them gives."""
    gone = data.draw(st.sets(st.integers(0, len(statements) - 1), max_size=len(statements) - 1))
    kept = [statement for at, statement in enumerate(statements) if at not in gone]
    text = written(statements, indent, ascii_only=ascii_only)
    assert without(text, gone) == written(kept, indent, ascii_only=ascii_only)


@given(STATEMENTS, INDENTS)
def test_statement_put_in_is_the_last_and_the_text_before_it_stays(statements: list[Any], indent: Any) -> None:
    """To take it out again gives the text that was."""
    text = written(statements, indent)
    after = with_statement(text, OURS)
    assert json.loads(after) == {**json.loads(text), "Statement": [*statements, OURS]}
    assert without(after, [len(statements)]) == text


@given(STATEMENTS, INDENTS)
def test_same_sid_is_replaced_not_doubled(statements: list[Any], indent: Any) -> None:
    """To put it in twice changes nothing more."""
    once = with_statement(written(statements, indent), {**OURS, "Action": "s3:GetObject"})
    twice = with_statement(once, OURS)
    assert statements_of(twice) == [*statements, OURS]
    assert with_statement(twice, OURS) == twice


def test_single_statement_need_not_be_a_list() -> None:
    """S3 takes an object, too; with a second one it becomes a list."""
    text = '{"Statement": {"Sid": "A"}}'
    assert with_statement(text, {"Sid": "B"}) == '{"Statement": [{"Sid": "A"},{"Sid": "B"}]}'
    assert replaced(text, 0, {"Sid": "C"}) == '{"Statement": {"Sid": "C"}}'


def test_first_statement_of_a_bucket() -> None:
    """Where there was no policy there is one of one statement."""
    assert json.loads(with_statement(None, OURS)) == {"Version": "2012-10-17", "Statement": [OURS]}


def test_last_statement_is_not_taken_out() -> None:
    """S3 takes no policy without a statement, and a fix never deletes a policy."""
    with pytest.raises(ValueError, match="without statements"):
        without(written([{"Sid": "A"}], None), [0])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"Statement": 1}', '{"Statement": [1]}', "[" * 100_000])
def test_no_policy_is_an_error(text: str) -> None:
    """Whatever AWS may answer, nothing is guessed."""
    with pytest.raises(ValueError, match=r".+"):
        without(text, [0])


def test_spaces_go_before_the_limit_is_broken() -> None:
    """A policy near the limit loses its indentation; one beyond it is not written."""
    long = written([{"Sid": str(at), "Action": ["s3:GetObject"] * 20} for at in range(40)], 8)
    assert len(long.encode()) > MAX_BYTES
    assert len(with_statement(long, OURS).encode()) <= MAX_BYTES
    with pytest.raises(TooLargeError, match="AWS takes 20480"):
        with_statement(written([{"Sid": "x" * MAX_BYTES}], None), OURS)
