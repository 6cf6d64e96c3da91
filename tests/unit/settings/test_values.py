"""The kinds of values that settings hold."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from s3warden.model.secret import SecretPlace, SecretRef
from s3warden.settings import values
from s3warden.settings.values import Duration


@pytest.mark.parametrize(
    ("text", "seconds", "shown"),
    [
        ("30s", 30, "30s"),
        ("5m", 300, "5m"),
        ("6h", 21_600, "6h"),
        ("1d", 86_400, "1d"),
        ("500ms", 0.5, "500ms"),
        ("1h30m", 5_400, "1h30m"),
        ("1.5m", 90, "1m30s"),
        ("0s", 0, "0s"),
        (" 90s ", 90, "1m30s"),
    ],
)
def test_a_duration_is_seconds_and_shows_its_units(text: str, seconds: float, shown: str) -> None:
    """Constructors get a number, people get units."""
    duration = Duration.parse(text)
    assert duration == seconds
    assert str(duration) == repr(duration) == shown


@pytest.mark.parametrize("value", ["30", 30, 1.5, "", "s", "-5s", "5 m", "5x", "5m!", True, None, ["5s"], "\uff15s"])
def test_a_duration_needs_a_unit(value: object) -> None:
    """Nobody can tell whether `30` means seconds or minutes."""
    with pytest.raises(ValueError, match="duration with a unit"):
        Duration.parse(value)


@given(st.integers(min_value=0, max_value=10**10))
def test_what_a_duration_shows_can_be_read_again(milliseconds: int) -> None:
    """`config show` prints what a file takes."""
    duration = Duration(milliseconds / 1000)
    assert Duration.parse(str(duration)) == pytest.approx(duration)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (
            values.AccountId,
            ["000000000001"],
            ["1", "1234567890123", 111122223333, "11112222333a", "\uff11" * 12],
        ),
        (values.AccountOrUnit, ["111122223333", "ou-ab12-cdefgh34", "r-ab12"], ["ou-1", "root", "o-abcdefghij"]),
        (
            values.Region,
            ["eu-west-1", "us-gov-west-1", "eusc-de-east-1", "us-iso-east-1"],
            ["eu", "EU-WEST-1", "eu-west"],
        ),
        (values.Name, ["oncall", "a.b-c_d", "9"], ["", "-a", "a b", "a" * 64, "a\n"]),
        (values.TopicArn, ["arn:aws-cn:sns:cn-north-1:111122223333:t", "arn:x:sns:y:111122223333:t.fifo"], ["topic"]),
        (
            values.HttpUrl,
            ["https://a/b", "http://localhost:1"],
            ["ftp://a", "a", "https://", "http://a:0", "http://[::1"],
        ),
        (values.Port, [0, 65535], [-1, 65536, "x"]),
        (values.Pattern, ["a+", ""], ["("]),
    ],
)
def test_a_kind_takes_the_good_and_refuses_the_bad(kind: Any, good: list[object], bad: list[object]) -> None:
    """Each kind is checked as a whole text, digits are ASCII."""
    adapter: TypeAdapter[object] = TypeAdapter(kind)
    for value in good:
        assert adapter.validate_python(value) == value
    for value in bad:
        with pytest.raises(ValidationError):
            adapter.validate_python(value)


def test_a_list_may_be_one_text_with_commas() -> None:
    """An environment variable cannot hold a list otherwise."""
    adapter: TypeAdapter[tuple[str, ...]] = TypeAdapter(values.Accounts)
    assert adapter.validate_python("111122223333, 444455556666,") == ("111122223333", "444455556666")
    assert adapter.validate_python(["111122223333"]) == ("111122223333",)


@pytest.mark.parametrize(
    ("text", "place", "target", "key"),
    [
        ("env:NAME", SecretPlace.ENV, "NAME", ""),
        ("file:/run/x#y", SecretPlace.FILE, "/run/x#y", ""),
        ("secretsmanager:s3warden/slack#url", SecretPlace.SECRETS_MANAGER, "s3warden/slack", "url"),
        (
            "secretsmanager:arn:x:secretsmanager:r:1:secret:n",
            SecretPlace.SECRETS_MANAGER,
            "arn:x:secretsmanager:r:1:secret:n",
            "",
        ),
        ("ssm:/s3warden/slack", SecretPlace.PARAMETER_STORE, "/s3warden/slack", ""),
        ("https://hooks.example.com/T/B", SecretPlace.LITERAL, "https://hooks.example.com/T/B", ""),
        ("literal:x", SecretPlace.LITERAL, "literal:x", ""),
    ],
)
def test_a_reference_says_where_the_secret_is(text: str, place: SecretPlace, target: str, key: str) -> None:
    """References are shown as they are written; only a literal is hidden."""
    ref = SecretRef.parse(text)
    assert (ref.place, ref.target, ref.key) == (place, target, key)
    assert str(ref) == ("***" if place is SecretPlace.LITERAL else text)
    assert ref.secret is (place is SecretPlace.LITERAL)


@pytest.mark.parametrize("text", ["evn:NAME", "files:/x", "secretmanager:x", "ssmm:x"])
def test_a_misspelt_reference_is_not_taken_for_a_secret(text: str) -> None:
    """A typing error must not send a reference to the webhook as if it were its address."""
    with pytest.raises(ValidationError, match="did you mean"):
        TypeAdapter(values.SecretSetting).validate_python(text)


@pytest.mark.parametrize("value", ["", 5, None, "env:", "secretsmanager:#key"])
def test_a_reference_to_nothing_is_refused(value: object) -> None:
    """There must be something to look for."""
    with pytest.raises(ValidationError):
        TypeAdapter(values.SecretSetting).validate_python(value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///s3warden.db", "sqlite:///s3warden.db"),
        ("postgresql://u@h/db", "postgresql://u@h/db"),
        ("postgresql://u:p@h/db", "postgresql://u:***@h/db"),
        ("postgresql+asyncpg://u:p@ss/w:rd@h/db", "postgresql+asyncpg://u:***@h/db"),
        ("postgresql://h/db?user=u&password=p&x=1", "postgresql://h/db?user=u&password=***&x=1"),
        ("env:DATABASE_URL", "env:DATABASE_URL"),
    ],
)
def test_a_database_url_shows_all_but_its_password(url: str, shown: str) -> None:
    """Where the store is helps people; how to get in does not."""
    ref = TypeAdapter(values.StoreUrl).validate_python(url)
    assert str(ref) == shown
    assert shown in repr(ref)
    assert ref.secret is ("***" in shown)


def test_another_database_is_refused_without_being_quoted() -> None:
    """What is written in the wrong place may be a secret."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(values.StoreUrl).validate_python("mysql://u:hunter22@h/db")
    assert "hunter22" not in caught.value.errors(include_input=False)[0]["msg"]
