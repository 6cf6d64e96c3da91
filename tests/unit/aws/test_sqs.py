"""What a queue's URL tells."""

import pytest

from s3warden.aws.sqs import QueueAddress


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://sqs.eu-west-1.amazonaws.com/111111111111/events", "eu-west-1"),
        ("https://sqs.cn-north-1.amazonaws.com.cn/111111111111/events", "cn-north-1"),
        ("https://sqs.us-gov-west-1.amazonaws.com/111111111111/events", "us-gov-west-1"),
        ("https://sqs.eusc-de-east-1.amazonaws.eu/111111111111/events", "eusc-de-east-1"),
        ("https://sqs.eu-west-1.api.aws/111111111111/events", "eu-west-1"),
        ("https://sqs-fips.us-east-2.amazonaws.com/111111111111/events", "us-east-2"),
        ("https://us-west-2.queue.amazonaws.com/111111111111/events", "us-west-2"),
        ("https://vpce-0ab-cde.sqs.eu-central-1.vpce.amazonaws.com/111111111111/events", "eu-central-1"),
        ("https://queue.amazonaws.com/111111111111/events", None),
        ("http://localhost:4566/000000000000/events", None),
        ("http://sqs.localhost:4566/000000000000/events", None),
        ("not a url", None),
        ("", None),
    ],
)
def test_the_region_is_read_from_the_host(url: str, region: str | None) -> None:
    """Every form of host that names a region is understood; an emulator's is not guessed at."""
    assert QueueAddress.parse(url).region == region


def test_a_given_region_wins() -> None:
    """What the operator says is not overruled by the URL."""
    assert QueueAddress.parse("https://sqs.eu-west-1.example.com/1/q", region="eu-west-3").region == "eu-west-3"


def test_the_label_tells_queues_of_one_name_apart() -> None:
    """Two queues of one name in two regions or accounts have two labels."""
    address = QueueAddress.parse("https://sqs.eu-west-1.example.com/111111111111/events/")
    assert (address.name, address.label) == ("events", "eu-west-1:111111111111:events")
