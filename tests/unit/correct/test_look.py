"""A look: the state and AWS's answers behind it are the same read."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from s3warden.aws.errors import AwsError
from s3warden.collect.aspects import ASPECTS
from s3warden.correct.look import Looks, plain_answer
from s3warden.correct.remedy import Edit
from s3warden.correct.steps import seen, step
from s3warden.correct.writes import WRITES
from s3warden.detect.samples import ACCOUNT
from s3warden.model.bucket import ABSENT, ACCOUNT_ASPECTS, AccountRef, Aspect, BucketRef, Cause, Present, Unreadable
from support.answers import ANSWERS
from support.scenes import ARN, BUCKET, acl, group, policy

NOW = datetime(2026, 11, 23, tzinfo=UTC)
REFUSED = AwsError("AccessDenied", status=403, cause=Cause.DENIED)


class Answers:
    """A reader that answers by operation, a later time by the last answer, and records what it was asked."""

    def __init__(self, answers: Mapping[str, Mapping[str, object] | AwsError]) -> None:
        self.answers = dict(answers)
        self.asked: list[tuple[str, str, dict[str, object]]] = []

    async def bucket(self, ref: BucketRef, operation: str, **parameters: object) -> Mapping[str, object]:
        """The answer about the bucket."""
        return self._answer("s3", operation, {"Bucket": ref.name, **parameters})

    async def account(
        self, ref: AccountRef, operation: str, *, region: str | None = None, **parameters: object
    ) -> Mapping[str, object]:
        """The answer about the account."""
        return self._answer("s3control", operation, {"AccountId": ref.account, "region": region, **parameters})

    async def service(
        self, ref: AccountRef, service: str, operation: str, *, region: str | None = None, **parameters: object
    ) -> Mapping[str, object]:
        """The answer of another service."""
        return self._answer(service, operation, {"as": ref.account, "region": region, **parameters})

    def _answer(self, service: str, operation: str, parameters: dict[str, object]) -> Mapping[str, object]:
        self.asked.append((service, operation, parameters))
        answer = self.answers.get(operation, REFUSED)
        if isinstance(answer, AwsError):
            raise answer
        return answer


async def test_document_is_the_answer_that_was_parsed() -> None:
    """Of every aspect that one call reads; each is read once."""
    own = {aspect: answer for aspect, (answer, _) in ANSWERS.items() if aspect not in ACCOUNT_ASPECTS}
    reader = Answers({ASPECTS[aspect].operation: answer for aspect, answer in own.items()})
    look = await Looks(reader, lambda: NOW).at(BUCKET, own)
    assert look.documents == {aspect: plain_answer(answer) for aspect, answer in own.items()}
    assert {aspect: look.state.reading(aspect) for aspect in own} == {
        aspect: Present(ANSWERS[aspect][1]) for aspect in own
    }
    assert len(reader.asked) == len(own)
    json.dumps(look.documents)


@pytest.mark.parametrize(
    ("aspect", "answer"),
    [
        (Aspect.ACL, {"Owner": {"ID": "o"}, "Grants": [{"Grantee": {}}]}),
        (Aspect.TAGGING, {"TagSet": "none"}),
        (Aspect.VERSIONING, {"Status": "Paused"}),
        (Aspect.PUBLIC_ACCESS_BLOCK, {}),
    ],
)
async def test_read_back_that_makes_no_sense_is_an_error(aspect: Aspect, answer: Mapping[str, object]) -> None:
    """It is neither what was written nor "not configured", and never a crash."""
    made = step(Edit(aspect, ANSWERS[aspect][0], ""), ANSWERS[aspect][0], BUCKET)
    looks = Looks(Answers({ASPECTS[aspect].operation: answer}), lambda: NOW)
    with pytest.raises(AwsError) as caught:
        await looks.now(ACCOUNT, made)
    assert caught.value.cause is Cause.MALFORMED


async def test_document_of_a_list_has_all_of_its_pages() -> None:
    """An inventory on the second page is one that a plan knows."""

    class Paged(Answers):
        async def bucket(self, ref: BucketRef, operation: str, **parameters: object) -> Mapping[str, object]:
            assert (ref, operation) == (BUCKET, "ListBucketInventoryConfigurations")
            first = "ContinuationToken" not in parameters
            name = "one" if first else "two"
            target = {"S3BucketDestination": {"Bucket": "arn:aws:s3:::lists", "Format": "CSV"}}
            item = {
                "Id": name,
                "IsEnabled": True,
                "IncludedObjectVersions": "All",
                "Schedule": {"Frequency": "Daily"},
                "Destination": target,
            }
            more = {"NextContinuationToken": "t"} if first else {}
            return {"InventoryConfigurationList": [item], "IsTruncated": first, **more}

    look = await Looks(Paged({}), lambda: NOW).at(BUCKET, [Aspect.INVENTORY])
    document: Any = look.documents[Aspect.INVENTORY]
    assert [each["Id"] for each in document["InventoryConfigurationList"]] == ["one", "two"]


async def test_absent_is_none_and_refused_is_missing() -> None:
    """What could not be read has no document that a fix could rest on."""
    reader = Answers({"GetBucketPolicy": AwsError("NoSuchBucketPolicy", status=404), "GetBucketLogging": {}})
    wanted = (Aspect.POLICY, Aspect.LOGGING, Aspect.ACL)
    look = await Looks(reader, lambda: NOW).at(BUCKET, wanted)
    assert look.documents == {Aspect.POLICY: None, Aspect.LOGGING: None}
    assert look.state.reading(Aspect.LOGGING) == ABSENT
    assert isinstance(look.state.reading(Aspect.ACL), Unreadable)


async def test_bucket_and_account_have_the_same_operation_and_are_told_apart() -> None:
    """Both blocks are read by GetPublicAccessBlock."""

    class Two(Answers):
        async def account(
            self, ref: AccountRef, operation: str, *, region: str | None = None, **parameters: object
        ) -> Mapping[str, object]:
            await super().account(ref, operation, region=region, **parameters)
            return {"PublicAccessBlockConfiguration": {"IgnorePublicAcls": True}}

    reader = Two({"GetPublicAccessBlock": {"PublicAccessBlockConfiguration": {}}})
    wanted = (Aspect.PUBLIC_ACCESS_BLOCK, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK)
    look = await Looks(reader, lambda: NOW).at(BUCKET, wanted)
    assert look.documents == {
        Aspect.PUBLIC_ACCESS_BLOCK: {"PublicAccessBlockConfiguration": {}},
        Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: {"PublicAccessBlockConfiguration": {"IgnorePublicAcls": True}},
    }
    account = await Looks(reader, lambda: NOW).at(ACCOUNT, wanted)
    assert account.documents.keys() == {Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK}


async def test_bucket_that_is_gone_has_no_documents() -> None:
    """Its state says so."""
    look = await Looks(Answers(dict.fromkeys(["GetBucketAcl", "GetBucketPolicy"], AwsError("NoSuchBucket")))).at(
        BUCKET, (Aspect.ACL, Aspect.POLICY)
    )
    assert look.documents == {}
    assert getattr(look.state, "exists") is False  # noqa: B009 - of either kind of state


async def test_now_is_what_a_step_compares() -> None:
    """As the account, in the bucket's region; equal settings are equal texts, whatever AWS's order and ornaments."""
    before, after = acl(group("AllUsers", "READ")), acl()
    made = step(Edit(Aspect.ACL, after, ""), before, BUCKET)
    told = {**before, "Owner": {**before["Owner"], "DisplayName": "me"}, "Grants": before["Grants"][::-1]}
    reader = Answers({"GetBucketAcl": told})
    assert await Looks(reader).now(ACCOUNT, made) == made.before
    assert reader.asked == [
        (
            "s3",
            "GetBucketAcl",
            {
                "as": ACCOUNT.account,
                "region": "eu-west-1",
                "Bucket": BUCKET.name,
                "ExpectedBucketOwner": ACCOUNT.account,
            },
        )
    ]


async def test_now_of_what_is_not_configured_is_none() -> None:
    """Told by an error or by an empty answer; another error is an error."""
    made = step(Edit(Aspect.POLICY, policy({"Sid": "A"}), ""), None, BUCKET)
    assert await Looks(Answers({"GetBucketPolicy": AwsError("NoSuchBucketPolicy")})).now(ACCOUNT, made) is None
    logged = step(Edit(Aspect.LOGGING, {"LoggingEnabled": {"TargetBucket": "l"}}, ""), None, BUCKET)
    assert await Looks(Answers({"GetBucketLogging": {}})).now(ACCOUNT, logged) is None
    with pytest.raises(AwsError, match="AccessDenied"):
        await Looks(Answers({})).now(ACCOUNT, made)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"Statement": {"Action": ["a", "b"]}}, {"Statement": {"Action": ["b", "a"]}}),
        ({"Statement": {"Action": ["a"]}}, {"Statement": {"Action": "a"}}),
    ],
)
def test_policy_is_compared_by_meaning(one: object, other: object) -> None:
    """AWS gives back other spaces, other orders in sets, and one item for a list of one."""
    texts = json.dumps(one, indent=2), json.dumps(other)
    assert seen("policy", {"Policy": texts[0]}) == seen("policy", {"Policy": texts[1]})


def test_policy_keeps_the_order_of_its_statements() -> None:
    """For people, and since nothing says that it never matters."""
    one, other = policy({"Sid": "A"}, {"Sid": "B"}), policy({"Sid": "B"}, {"Sid": "A"})
    assert seen("policy", one) != seen("policy", other)
    assert seen("policy", {"Policy": "no policy"}) is not None


@pytest.mark.parametrize("aspect", sorted(WRITES.keys() & ANSWERS.keys()))
def test_every_row_can_write_what_it_read_and_take_it_back(aspect: Aspect) -> None:
    """The inverse writes the answer that was; where nothing was configured it takes the setting away."""
    answer, row = plain_answer(ANSWERS[aspect][0]), WRITES[aspect]
    place = None if row.several is None else "weekly"
    if row.several is not None:
        answer = dict(row.several.one(answer, "weekly") or {})
    subject = ACCOUNT if aspect in ACCOUNT_ASPECTS else BUCKET
    made = step(Edit(aspect, answer, "", place), None if aspect is not Aspect.ACL else acl(), subject)
    again = step(Edit(aspect, answer, "", place), answer, subject)
    assert again.call == again.inverse == made.call
    assert again.before == again.after == again.undone == made.after
    if aspect is not Aspect.ACL:
        assert made.undone == seen(aspect, WRITES[aspect].cleared_as)
        assert (made.inverse != made.call) == (made.undone != made.after)
    expected = {"AccountId": ACCOUNT.account} if aspect in ACCOUNT_ASPECTS else {"ExpectedBucketOwner": BUCKET.account}
    for call in (made.read, made.call, made.inverse):
        assert call.arguments.items() >= expected.items()
        assert call.region == (None if aspect in ACCOUNT_ASPECTS else "eu-west-1")


def test_fix_never_deletes_a_policy() -> None:
    """Nor can a setting be taken away for which AWS has no such call."""
    with pytest.raises(ValueError, match="never deletes"):
        step(Edit(Aspect.POLICY, None, ""), policy({"Resource": ARN}), BUCKET)
    with pytest.raises(ValueError, match="no way"):
        step(Edit(Aspect.ACL, None, ""), acl(), BUCKET)


def test_another_bucket_is_named_by_the_attribute() -> None:
    """The step says which bucket it changes, and changes that one."""
    other = BucketRef(BUCKET.partition, BUCKET.account, "eu-west-1", "example-logs")
    made = step(Edit(Aspect.POLICY, policy({"Sid": "A"}), "", bucket=other), None, BUCKET)
    assert made.attribute == "policy:example-logs"
    assert {call.arguments["Bucket"] for call in (made.read, made.call, made.inverse)} == {"example-logs"}


def test_empty_values_that_aws_leaves_out_are_written() -> None:
    """AWS answers no value for an empty one, and takes no tag without."""
    made = step(Edit(Aspect.TAGGING, {"TagSet": [{"Key": "A", "Value": "1"}]}, ""), {"TagSet": [{"Key": "B"}]}, BUCKET)
    assert made.inverse.arguments["Tagging"] == {"TagSet": [{"Key": "B", "Value": ""}]}
    assert made.before == seen("tagging", {"TagSet": [{"Key": "B", "Value": ""}]})
    rule = {"ID": "a", "Status": "Enabled", "Filter": {"And": {"Tags": [{"Key": "k"}], "Prefix": ""}}}
    kept = step(Edit(Aspect.LIFECYCLE, {"Rules": [rule]}, ""), None, BUCKET)
    assert '"Tags":[{"Key":"k","Value":""}]' in kept.call.parameters
