"""Every reason code is documented, and nothing else is."""

import re
from pathlib import Path

from s3warden.collect.reasons import PoisonReason, RefreshReason, SkipReason

DOCUMENT = Path(__file__).parents[3] / "docs" / "events.md"


def test_document_lists_every_code_and_no_other() -> None:
    """The codes are a promise to whoever alerts on them."""
    text = DOCUMENT.read_text().partition("## Reasons")[2].partition("## Choices")[0]
    listed = re.findall(r"^\| `([a-z0-9_]+)` \|", text, re.MULTILINE)
    assert listed == [*RefreshReason, *SkipReason, *PoisonReason]
