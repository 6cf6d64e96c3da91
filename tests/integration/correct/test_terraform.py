"""The Terraform that people are given, by plans and on the pages of rules: a parser reads it, the provider takes it."""

import inspect
import re
from pathlib import Path

import pytest

from s3warden.correct import render_terraform, render_terraform_buckets, render_terraform_services
from s3warden.correct.remedies import REMEDIES
from s3warden.correct.remedy import Remedy
from s3warden.detect.rule import Kind
from s3warden.detect.rules import RULES, find
from s3warden.detect.samples import bucket
from support.patches import patches
from support.terraform import MISSING, Terraform, installed, module, parsed

# What versions of the provider before 2026 do not know; they name it where they complain.
NEWER = ("blocked_encryption_types", "S3_POLICY", "aws_s3vectors_", "aws_s3files_")


def page(rule_id: str) -> str:
    """The Terraform on the page of a rule."""
    rule = find(rule_id)
    state = bucket() if rule.kind is Kind.BUCKET else rule.examples[0].state
    return rule.info.fix(state.ref).terraform


@pytest.mark.parametrize("remedy", REMEDIES, ids=lambda remedy: remedy.id)
async def test_patches_are_code(remedy: Remedy) -> None:
    """Of every remedy, whatever is in names and values; what belongs into a resource belongs into one that we know."""
    found = await patches(remedy)
    assert found
    for texts in found:
        assert parsed(module(*texts)) or all(line.startswith("#") for text in texts for line in text.splitlines())


async def test_patches_are_comments_alone_where_there_is_nothing_else_to_say() -> None:
    """The provider has no resource for it, or what has one goes altogether."""
    alone = {
        remedy.id
        for remedy in REMEDIES
        for found in [await patches(remedy)]
        if not any(parsed(module(*texts)) for texts in found)
    }
    assert alone == {"remove-public-object-grants", "enable-macie-discovery", "switch-website-off"}


async def test_every_resource_of_patches_is_shown() -> None:
    """Whatever resource a patch may hold is in one of those above, so that the provider is asked about it, too."""
    modules = (render_terraform, render_terraform_buckets, render_terraform_services)
    source = "".join(map(inspect.getsource, modules))
    shown = "\n".join([text for remedy in REMEDIES for texts in await patches(remedy) for text in texts])
    assert set(re.findall(r"aws_\w+", source)) <= set(re.findall(r"aws_\w+", shown))


@pytest.mark.parametrize("rule_id", [rule.info.id for rule in RULES])
def test_pages_are_code(rule_id: str) -> None:
    """Each text is a comment, a resource, or lines that belong into one."""
    text = page(rule_id)
    assert parsed(module(text)) or all(line.startswith("#") for line in text.splitlines())


@pytest.fixture(scope="module")
def terraform() -> Terraform:
    """The binary with the provider, where both are there."""
    found = installed()
    if found is None:
        pytest.skip(MISSING)
    return found


async def test_provider_takes_patches_and_pages(terraform: Terraform, tmp_path: Path) -> None:
    """Every argument, block and value, as far as that can be told without an account; each text in a module."""
    modules = {f"rule-{rule.info.id}": module(page(rule.info.id)) for rule in RULES}
    for remedy in REMEDIES:
        modules |= {f"patch-{remedy.id}-{n}": module(*texts) for n, texts in enumerate(await patches(remedy))}
    found = terraform.complaints(modules, tmp_path)
    assert {name: said for name, said in found.items() if not any(word in str(said) for word in NEWER)} == {}


def test_pages_are_in_the_form_that_terraform_gives(terraform: Terraform, tmp_path: Path) -> None:
    """So that what is copied makes no difference of its own."""
    for rule in RULES:
        (tmp_path / f"{rule.info.id}.tf").write_text(f"{page(rule.info.id)}\n", encoding="utf-8")
    assert terraform.differences(tmp_path) == ""
