"""Findings and messages as JSON: every value of the model comes back as it went in."""

import json
from dataclasses import replace
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from s3warden.model.alert import Alert, Digest, DigestLine, Fix, Notice, Notification
from s3warden.model.bucket import AccountRef, BucketRef, Subject
from s3warden.model.event import Actor, Trigger
from s3warden.model.exemption import Exempt
from s3warden.model.finding import Evidence, Finding
from s3warden.store.codec import (
    UndecodableError,
    decode_finding,
    decode_notification,
    encode_finding,
    encode_notification,
    storable,
)
from support.alerts import NIGHT, finding, notification

TIMES = st.datetimes(timezones=st.just(UTC))
TEXTS = st.text(max_size=20)
ANY_TEXTS = st.text(st.characters() | st.sampled_from("\0\ud800\udfff"), max_size=20)
SUBJECTS: SearchStrategy[Subject] = st.one_of(st.builds(AccountRef), st.builds(BucketRef))
ACTORS = st.builds(Actor, kind=..., account=..., source_ip=..., user_agent=...)
TRIGGERS = st.none() | st.builds(Trigger, event_time=st.none() | TIMES, actor=st.none() | ACTORS, replay=...)
FINDINGS = st.builds(
    Finding,
    subject=SUBJECTS,
    evidence=st.builds(Evidence, details=st.dictionaries(TEXTS, TEXTS, max_size=4), live=...),
    first_seen=TIMES,
    changed_at=TIMES,
    cause=...,
    trigger=TRIGGERS,
    notified=...,
    resolved_at=st.none() | TIMES,
    unknown_since=st.none() | TIMES,
    sequence=st.integers(1, 2**62),
    base_severity=...,
    reasons=st.lists(TEXTS, max_size=2).map(tuple),
    exempt=st.none() | st.builds(Exempt, ticket=..., ends_at=st.none() | TIMES, until_resolved=...),
    lapsed=st.lists(TEXTS, max_size=2).map(tuple),
)
ALERTS = st.builds(
    Alert,
    subject=SUBJECTS,
    details=st.lists(st.tuples(TEXTS, TEXTS), max_size=3).map(tuple),
    fix=st.builds(Fix, cli=..., terraform=...),
    starts_at=TIMES,
    at=TIMES,
    live=...,
    trigger=TRIGGERS,
    reason=...,
    runbook_url=...,
    category=...,
)
DIGESTS = st.builds(
    Digest,
    at=TIMES,
    live=st.lists(ALERTS, max_size=2).map(tuple),
    lines=st.lists(st.builds(DigestLine, examples=...), max_size=2).map(tuple),
    unknown_by_cause=...,
    failures=...,
)
NOTIFICATIONS = st.builds(
    Notification,
    alerts=st.lists(ALERTS, max_size=2).map(tuple),
    digest=st.none() | DIGESTS,
    correlation=...,
)


@given(FINDINGS)
def test_a_finding_comes_back_as_it_went_in(original: Finding) -> None:
    """Encoding and decoding a finding changes nothing, the kind of its subject included."""
    again = decode_finding(encode_finding(original))
    assert again == original
    assert type(again.subject) is type(original.subject)


@given(NOTIFICATIONS)
def test_a_message_comes_back_as_it_went_in(original: Notification) -> None:
    """Encoding and decoding a message changes nothing."""
    assert decode_notification(encode_notification(original)) == original


@given(ANY_TEXTS)
def test_no_text_is_refused(text: str) -> None:
    """Whatever text AWS hands us, half a surrogate pair included, the JSON can be stored and read again."""
    original = finding(evidence=Evidence(text, {"grant": text}))
    encoded = encode_finding(original)
    encoded.encode()
    assert "\0" not in encoded
    assert decode_finding(encoded).evidence.details == {"grant": _spelt(text)}


@given(ANY_TEXTS)
def test_no_key_is_refused(key: str) -> None:
    """Keys of details are our own words; a foreign one would be stored all the same."""
    encoded = encode_finding(finding(evidence=Evidence("", {key: "x"})))
    encoded.encode()
    assert list(decode_finding(encoded).evidence.details.values()) == ["x"]


@given(ANY_TEXTS)
def test_a_text_for_a_column_is_storable(text: str) -> None:
    """A column gets neither NUL nor half a surrogate pair."""
    stored = storable(text)
    stored.encode()
    assert "\0" not in stored


def test_an_ordinary_text_stays_as_it_is() -> None:
    """Nothing but what no database takes is changed."""
    assert storable("Grüße, \U0001f600 \n\t\\u0000") == "Grüße, \U0001f600 \n\t\\u0000"


def test_a_text_from_an_older_version_still_reads() -> None:
    """A field that the text does not have gets its default, and one that we no longer have is ignored."""
    original = finding(notified=False)
    older = encode_finding(original).replace('"notified":false', '"formerly":1')
    assert decode_finding(older) == original


@pytest.mark.parametrize("text", ["", "{}", "null", "[1", '{"destination": 5}'])
def test_a_damaged_text_is_told(text: str) -> None:
    """What is no finding and no message is an error of its own kind."""
    with pytest.raises(UndecodableError):
        decode_finding(text)
    with pytest.raises(UndecodableError):
        decode_notification(text)


def test_a_message_with_a_lone_surrogate_keeps_the_rest() -> None:
    """Only the unusable half is spelt out; what stands around it is kept."""
    odd = replace(notification(), correlation=("before \ud800 after",))
    assert decode_notification(encode_notification(odd)).correlation == ("before \\ud800 after",)


def _spelt(text: str) -> str:
    return "".join(f"\\u{ord(each):04x}" if "\ud800" <= each <= "\udfff" else each for each in text)


def test_a_finding_from_before_there_were_exemptions_still_reads() -> None:
    """The new fields take their defaults."""
    body = json.loads(encode_finding(finding()))
    for name in ("base_severity", "reasons", "exempt", "lapsed"):
        del body[name]
    assert decode_finding(json.dumps(body)) == finding()


def test_a_notice_comes_back_as_it_went() -> None:
    """Kind, moment, title and lines."""
    told = replace(notification(1), alerts=(), notice=Notice("exemption-ends", NIGHT, "it ends", ("one", "two")))
    assert decode_notification(encode_notification(told)) == told
