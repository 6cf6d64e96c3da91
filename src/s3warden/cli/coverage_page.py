"""The page docs/rules/coverage.md: which rule answers to which control of other catalogues, or why none does."""

from collections.abc import Iterable, Iterator

from s3warden.detect.catalogues import CATALOGUES, Asked
from s3warden.detect.rule import Rule
from s3warden.model.framework import Control, Framework

_HEAD = """\
# Coverage of other catalogues

<!-- Made by `s3warden rules pages docs/rules`; a test holds the two equal. -->

A row says that the rule asks the same as the control, perhaps more exactly; never that passing it is compliance.
Where there is no rule, the remark says why. Standards of a wider scope (NIST, PCI DSS, HIPAA, ISO 27001, SOC 2 …)
stand on the pages of the rules that map to them."""


def as_markdown(rules: Iterable[Rule]) -> str:
    """A table for each catalogue, a row for each control."""
    answers = answering(rules)
    lines = [_HEAD]
    for framework, asked in CATALOGUES.items():
        lines += ["", f"## {framework.label}", "", "| control | asks | rule | remark |", "|---|---|---|---|"]
        whole = (*asked, *_unlisted(framework, answers))
        lines += [_row(each, answers.get(Control(framework, each.id), ())) for each in whole]
    return "\n".join(lines) + "\n"


def answering(rules: Iterable[Rule]) -> dict[Control, tuple[str, ...]]:
    """The ids of the rules that map to each control."""
    found: dict[Control, tuple[str, ...]] = {}
    for rule in rules:
        for control in rule.info.maps:
            found[control] = (*found.get(control, ()), rule.info.id)
    return found


def _unlisted(framework: Framework, answers: Iterable[Control]) -> Iterator[Asked]:
    """Controls that rules map to and the catalogue does not list."""
    known = {each.id for each in CATALOGUES[framework]}
    for control in sorted(answers):
        if control.framework is framework and control.id not in known:
            yield Asked(control.id, "")


def _row(asked: Asked, rules: Iterable[str]) -> str:
    links = ", ".join(f"[{rule}]({rule}.md)" for rule in rules)
    return f"| {asked.id} | {asked.what} | {links or 'none'} | {asked.remark} |"
