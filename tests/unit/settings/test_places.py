"""The lines of settings in a TOML file."""

import pytest

from s3warden.settings.places import Path, key_text, line_of

TEXT = """\
queues = ["a"]
# comment = 1
aws.region = "x"

[log]  # the log
"level" = "info"

[[destinations]]
name = "a"

[[destinations]]
name = "b"
[rules.tag_patterns]
Owner = ".+"
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("queues",), 1),
        (("queues", 0, "url"), 1),
        (("aws", "region"), 3),
        (("log", "level"), 6),
        (("log", "format"), 5),
        (("destinations", 0, "name"), 9),
        (("destinations", 1, "name"), 12),
        (("destinations", 1, "url"), 11),
        (("rules", "tag_patterns", "Owner"), 14),
        (("comment",), None),
        (("store", "url"), None),
    ],
)
def test_the_line_that_sets_a_path(path: Path, line: int | None) -> None:
    """The setting itself, else the table around it."""
    assert line_of(TEXT, path) == line


def test_a_path_reads_like_people_write_it() -> None:
    """Numbers of list members in brackets."""
    assert key_text(("destinations", 0, "webhook_url")) == "destinations[0].webhook_url"
