"""What can be mended, in print: a table of all remedies with what each may break, and how far an undo goes."""

from collections.abc import Iterable, Iterator

from s3warden.correct.remedy import Remedy

BEGIN = "<!-- Made from the remedies; a test holds the two equal. -->"
END = "<!-- End of what is made from the remedies. -->"


def as_markdown(remedies: Iterable[Remedy]) -> str:
    """The table for docs/remediation.md, a row a remedy, in the order in which people see rules."""
    head = ["| fix | for | risk | what it may break | undo |", "|---|---|---|---|---|"]
    return "\n".join([BEGIN, "", *head, *map(_row, remedies), "", END])


def _row(remedy: Remedy) -> str:
    undo = remedy.undo_text or "Puts back exactly what was there."
    cells = (f"`{remedy.id}`: {remedy.title}", ", ".join(_rules(remedy)), remedy.risk.value, remedy.risk_text, undo)
    return f"| {' | '.join(cells)} |"


def _rules(remedy: Remedy) -> Iterator[str]:
    for rule_id in sorted(remedy.rules):
        yield f"[{rule_id}](rules/{rule_id}.md)"
