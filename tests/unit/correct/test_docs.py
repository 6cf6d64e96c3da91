"""docs/remediation.md says what the code does."""

import re
from pathlib import Path

from s3warden.correct.guard import Stop
from s3warden.correct.remedies import REMEDIES
from s3warden.correct.render_remedies import BEGIN, END, as_markdown

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "remediation.md").read_text()


def test_table_is_made_from_the_remedies() -> None:
    """Held equal, so that nobody forgets a row."""
    assert PAGE[PAGE.index(BEGIN) : PAGE.index(END) + len(END)] == as_markdown(REMEDIES)


def test_every_stop_is_explained() -> None:
    """In the order in which the guard asks, and no others."""
    section = PAGE[PAGE.index("## Why a plan is held") : PAGE.index("## Why there is no plan")]
    told = [name for line in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for name in re.findall(r"\w+", line)]
    assert told == list(Stop)


def test_every_reason_is_explained() -> None:
    """Those that planning, the remedies and their helpers give, and no others."""
    sources = (ROOT / "src" / "s3warden" / "correct").rglob("*.py")
    given = {
        reason
        for source in sources
        if "mend" not in source.name
        for reason in re.findall(r'Declined\(\s*"([a-z_]+)"', source.read_text())
    }
    section = PAGE[PAGE.index("## Why there is no plan") : PAGE.index("## The fixes")]
    told = set(re.findall(r"`([a-z_]+)`", section))
    assert told == given
