"""The page of a rule, made from its metadata: one list of sections, as Markdown for docs/rules and for a terminal.

Names in braces stand for the names of what is judged; nothing here fills them in.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from s3warden.collect.fetch import READS
from s3warden.correct.by_hand import left_to_people
from s3warden.correct.remedies import remedies_for
from s3warden.correct.remedy import Remedy
from s3warden.detect.own.rule import OwnCheck
from s3warden.detect.rule import Rule
from s3warden.model.bucket import Aspect
from s3warden.model.finding import Verdict
from s3warden.model.framework import Framework
from s3warden.model.rule import RuleInfo

_VERDICTS = {
    Verdict.PASS: "Examples that pass",
    Verdict.FAIL: "Examples that fail",
    Verdict.UNKNOWN: "Examples that are unknown",
    Verdict.NOT_APPLICABLE: "Examples that it does not apply to",
}


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it: a paragraph, code of a `language`, or the items of a list.

    `ordered` items are steps, one after the other.
    """

    heading: str
    text: str = ""
    items: tuple[str, ...] = ()
    language: str = ""
    ordered: bool = False

    @property
    def marked(self) -> tuple[str, ...]:
        """The items, each with its number or its dash."""
        return tuple(f"{f'{number}.' if self.ordered else '-'} {item}" for number, item in enumerate(self.items, 1))


def sections(rule: Rule) -> tuple[Section, ...]:
    """The page of a rule from its risk to its references."""
    info = rule.info
    every = (
        Section("Risk", info.why),
        *_expressions(rule),
        Section("What is read", items=tuple(_reads(info))),
        *_examples(rule),
        Section("Fix in the console", items=tuple(info.console.splitlines()), ordered=True),
        Section("Fix with the AWS CLI", info.cli, language="sh"),
        Section("Fix with Terraform", info.terraform, language="terraform"),
        Section("Fix with CloudFormation", info.cloudformation, language="yaml"),
        _remedies(rule),
        Section("Verify by hand", info.verify, language="sh"),
        Section("Maps to", items=tuple(_controls(info)) or ("No control of another catalogue asks this.",)),
        Section("References", items=info.references),
    )
    # An own rule need not say all this.
    return tuple(section for section in every if section.text or section.items)


def _expressions(rule: Rule) -> Iterator[Section]:
    """What an own rule says in CEL."""
    if isinstance(rule.check, OwnCheck):
        if rule.check.applies_when is not None:
            yield Section("Applies where", rule.check.applies_when.source, language="cel")
        yield Section("Passes where", rule.check.pass_when.source, language="cel")


def facts(rule: Rule) -> str:
    """What the rule is, in one line."""
    profile = "in the default profile" if rule.info.default else "opt-in"
    return f"Severity {rule.info.severity}, category {rule.info.category}, judges one {rule.kind}, {profile}."


def as_markdown(rule: Rule) -> str:
    """The page as docs/rules has it."""
    parts = [f"# {rule.info.id}", f"{rule.info.title}.", facts(rule)]
    for section in sections(rule):
        parts.append(f"## {section.heading}")
        parts += _markdown(section)
    return "\n\n".join(parts) + "\n"


def as_text(rule: Rule) -> str:
    """The page for a terminal."""
    parts = [f"{rule.info.id}\n{rule.info.title}", facts(rule)]
    for section in sections(rule):
        lines = (*section.text.splitlines(), *section.marked)
        parts.append("\n".join((section.heading, *(f"  {line}".rstrip() for line in lines))))
    return "\n\n".join(parts)


def _markdown(section: Section) -> Iterator[str]:
    if section.language:
        yield f"```{section.language}\n{section.text}\n```"
    elif section.text:
        yield section.text
    if section.items:
        yield "\n".join(section.marked)


def _reads(info: RuleInfo) -> Iterator[str]:
    if not info.needs | info.hints:
        yield "Nothing but the name."
    for aspects, when in ((info.needs, ""), (info.hints, ", if it can be had")):
        for aspect in sorted(aspects):
            yield f"{words(aspect)}{when}: {_calls(aspect)}"


def _calls(aspect: Aspect) -> str:
    calls = [f"{read.operation} ({read.iam_action})" for read in READS[aspect]]
    return ", ".join(calls) or "no call of its own"


def words(aspect: Aspect) -> str:
    """An aspect as people say it."""
    return aspect.replace("_", " ")


def _examples(rule: Rule) -> Iterator[Section]:
    for verdict, word in _VERDICTS.items():
        titles = tuple(example.title for example in rule.examples if example.verdict is verdict)
        if titles:
            yield Section(word, items=titles)


def _remedies(rule: Rule) -> Section:
    found = tuple(map(_remedy, remedies_for(rule.info.id)))
    return Section("Fix by s3warden", left_to_people(rule.info.id, mended=bool(found)), found)


def _remedy(remedy: Remedy) -> str:
    undo = f" Undo: {remedy.undo_text}" if remedy.undo_text else ""
    actions = ", ".join(remedy.iam_actions)
    return f"{remedy.title} ({remedy.id}). Risk {remedy.risk}: {remedy.risk_text}{undo} Takes {actions}."


def _controls(info: RuleInfo) -> Iterator[str]:
    for framework in Framework:
        ids = [control.id for control in info.maps if control.framework is framework]
        if ids:
            yield f"{framework.label}: {', '.join(ids)}"
