"""The settings of own rules: what an operator writes, checked and tried on its own examples as it is read."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from s3warden.detect.own.example import WrittenExample, complaint
from s3warden.detect.own.rule import PREFIX, Written, check_of, rule_of
from s3warden.detect.rule import Kind
from s3warden.detect.selection import select
from s3warden.model.finding import Severity, Verdict
from s3warden.model.rule import Category
from s3warden.settings.section import Section
from s3warden.settings.values import Text, Texts, matching

_ID = matching(rf"{PREFIX}[a-z0-9]+(-[a-z0-9]+)*", f"`{PREFIX}` and words in lower case with hyphens between them")


class OwnExample(Section):
    """One example of an own rule: what is configured, in the form of the view, and the verdict to expect."""

    title: Text = Field(description="What the example shows.")
    verdict: Verdict = Field(description="pass, fail, unknown or not_applicable.")
    bucket: dict[str, Any] = Field(default={}, description="Fields of the bucket; what is left out is not configured.")
    account: dict[str, Any] = Field(default={}, description="Fields of the account.")


class OwnRule(Section):
    """A rule of one's own: CEL expressions over the view that docs/own-rules.md describes."""

    id: Annotated[str, Field(max_length=80), _ID] = Field(
        description="Id of the rule. Begins with `own-`. Unique.", examples=["own-backup-lock"]
    )
    title: Annotated[Text, Field(max_length=200)] = Field(
        description="What is wrong where the rule fails, in a few words.",
        examples=["A backup bucket has no Object Lock"],
    )
    severity: Severity = Field(description="info, low, medium, high or critical.", examples=["high"])
    category: Category = Field(
        description="exposure, access, encryption, logging, resilience or governance.", examples=["resilience"]
    )
    subject: Literal["bucket", "account"] = Field(default="bucket", description="What the rule judges, one by one.")
    pass_when: Text = Field(
        description="CEL expression that has to be true.", examples=["bucket.object_lock.configured"]
    )
    applies_when: Text | None = Field(
        default=None,
        description="CEL expression: where it is false, the rule does not apply.",
        examples=['bucket.name.startsWith("backup-")'],
    )
    message: Annotated[Text, Field(max_length=1000)] | None = Field(
        default=None,
        description="What is told where the rule fails; expressions stand between `{{` and `}}`. Default: the title.",
        examples=["{{ bucket.name }} keeps backups without Object Lock."],
    )
    why: Annotated[Text, Field(max_length=1000)] | None = Field(
        default=None, description="The risk, in two sentences.", examples=["Whoever deletes the backups first wins."]
    )
    fix_cli: Annotated[Text, Field(max_length=4000)] | None = Field(
        default=None,
        description="How to fix it with the AWS CLI; `{bucket}`, `{account}`, `{region}`, `{partition}` are filled in.",
        examples=["make lock BUCKET={bucket} REGION={region}"],
    )
    fix_terraform: Annotated[Text, Field(max_length=4000)] | None = Field(
        default=None,
        description="The same for Terraform.",
        examples=["# In module.backups: object_lock_enabled = true"],
    )
    references: Texts = Field(
        default=(), description="Links to read on.", examples=[["https://wiki.example.com/backups"]]
    )
    examples: Annotated[
        tuple[OwnExample, ...], Field(max_length=50), BeforeValidator(lambda v: [v] if isinstance(v, dict) else v)
    ] = Field(
        default=(),
        description="Examples that must come true before the settings are taken: `title`, `verdict`, and fields of "
        "`bucket` and `account` in the form of the view.",
        examples=[
            [
                {"title": "locked", "verdict": "pass", "bucket": {"name": "backup-a", "object_lock": {"days": 30}}},
                {"title": "not locked", "verdict": "fail", "bucket": {"name": "backup-b"}},
                {"title": "no backup", "verdict": "not_applicable", "bucket": {"name": "web"}},
            ]
        ],
    )

    @property
    def written(self) -> Written:
        """The rule as the detection knows it."""
        return Written(
            id=self.id,
            title=self.title,
            severity=self.severity,
            category=self.category,
            kind=Kind(self.subject),
            pass_when=self.pass_when,
            applies_when=self.applies_when or "",
            message=self.message or "",
            why=self.why or "",
            cli=self.fix_cli or "",
            terraform=self.fix_terraform or "",
            references=self.references,
        )

    @model_validator(mode="after")
    def _comes_true(self) -> "OwnRule":
        check = check_of(self.written)
        for each in self.examples:
            wrong = complaint(check, WrittenExample(each.title, each.verdict, each.bucket, each.account))
            if wrong is not None:
                raise ValueError(f"example {each.title!r}: {wrong}")
        return self


def names_own_rules(patterns: Iterable[str], own: Sequence[OwnRule]) -> None:
    """Raises UnknownRuleError for patterns that can only mean own rules, and mean none."""
    rules = [rule_of(each.written) for each in own]
    select(rules, [pattern for pattern in patterns if pattern.startswith(PREFIX)])
