"""What people read about a rule: its metadata, without its check."""

from dataclasses import dataclass
from enum import StrEnum

from s3warden.model.alert import Fix
from s3warden.model.bucket import Aspect, BucketRef, Subject
from s3warden.model.finding import Severity
from s3warden.model.framework import Control


class Category(StrEnum):
    """The topic of a rule. Closed: it is a metric label."""

    EXPOSURE = "exposure"
    ACCESS = "access"
    ENCRYPTION = "encryption"
    LOGGING = "logging"
    RESILIENCE = "resilience"
    GOVERNANCE = "governance"


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """A rule's metadata.

    `needs` are the aspects without which the rule cannot pass; `hints` those that make its verdict more exact where
    they can be read. `title` has up to 80 characters and no full stop, `why` is the risk in two sentences of up to 250.
    In `cli`, `terraform`, `cloudformation`, `console` and `verify` the words `{bucket}`, `{account}`, `{region}`,
    `{partition}` stand for the subject's own names, and a line has up to 140 characters.

    `console` are the steps in AWS's console, one a line, each a sentence. `verify` are AWS CLI lines that show whether
    the fix holds, with what to expect as a comment that begins with `# Expect: `. `maps` are the controls of other
    catalogues that ask the same. `default`: whether the rule is part of the default profile; the others are opt-in.
    """

    id: str
    title: str
    severity: Severity
    category: Category
    needs: frozenset[Aspect]
    why: str
    cli: str
    terraform: str
    console: str
    cloudformation: str
    verify: str
    maps: tuple[Control, ...]
    default: bool
    references: tuple[str, ...]
    hints: frozenset[Aspect] = frozenset()

    def fix(self, subject: Subject) -> Fix:
        """The fix with the subject's own names filled in."""
        return Fix(cli=filled(self.cli, subject), terraform=filled(self.terraform, subject))


def filled(template: str, subject: Subject) -> str:
    """A text with the subject's own names in place of `{bucket}`, `{account}`, `{region}` and `{partition}`."""
    names = {"partition": subject.partition, "account": subject.account, "bucket": "", "region": ""}
    if isinstance(subject, BucketRef):
        names |= {"bucket": subject.name, "region": subject.region}
    # Not str.format: the snippets are full of braces that mean themselves.
    for name, value in names.items():
        template = template.replace("{" + name + "}", value)
    return template
