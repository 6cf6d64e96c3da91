"""Snippets of Terraform made whole, so that the parser and the provider can say what they think of them.

A snippet is resources, or lines that belong into one: those are put where they belong, and what a snippet refers to is
declared. `Terraform.complaints` has the real binary validate many modules at once, since reading the provider's schemas
takes longest; which binary and which provider is said by PATH and by the variable MIRROR.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hcl2

MIRROR = "TERRAFORM_MIRROR"
MISSING = f"needs terraform in PATH, and in {MIRROR} a directory that mirrors the AWS provider"

_DISTRIBUTION = """\
resource "aws_cloudfront_distribution" "home" {
  enabled = true
  %s
  default_cache_behavior {
    allowed_methods        = ["GET", "HEAD"]
    cached_methods         = ["GET", "HEAD"]
    target_origin_id       = "content"
    viewer_protocol_policy = "https-only"
    %s
  }
  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }
  viewer_certificate {
    cloudfront_default_certificate = true
  }
}
"""
_ORIGIN = 'origin {\norigin_id = "content"\n%s\n}'
_ELSEWHERE = _ORIGIN % 'domain_name = "example.com"'
_STATEMENT = """\
statement {
  actions = ["s3:GetObject"]
  resources = ["*"]
  %s
}
"""
_REPLICATION = """\
resource "aws_s3_bucket_replication_configuration" "home" {
  bucket = "home"
  role   = "arn:aws:iam::111122223333:role/home"
  rule {
    status = "Enabled"
    %s
  }
}
"""
_INVENTORY = """\
resource "aws_s3_bucket_inventory" "home" {
  bucket                   = "home"
  name                     = "home"
  included_object_versions = "All"
  schedule {
    frequency = "Daily"
  }
  %s
}
"""
_LIFECYCLE = """\
resource "aws_s3_bucket_lifecycle_configuration" "home" {
  bucket = "home"
  rule {
    id     = "home"
    status = "Enabled"
    filter {}
    %s
  }
}
"""
_DOCUMENT = 'data "aws_iam_policy_document" "home" {\n%s\n}\n'
_CORS = 'resource "aws_s3_bucket_cors_configuration" "home" {\nbucket = "home"\n%s\n}\n'
_TRAIL = 'resource "aws_cloudtrail" "home" {\nname = "home"\n%s\n}\n'
_KEY = 'resource "aws_kms_key" "home" {\n%s\n}\n'
# Where lines belong that are no resource, by the first name in them.
_HOMES: Mapping[str, str] = {
    "statement": _DOCUMENT,
    "condition": _DOCUMENT % _STATEMENT,
    "cors_rule": _CORS,
    "expiration": _LIFECYCLE,
    "origin": _DISTRIBUTION % ("%s", ""),
    "domain_name": _DISTRIBUTION % (_ORIGIN, ""),
    "trusted_key_groups": _DISTRIBUTION % (_ELSEWHERE, "%s"),
    "encryption_configuration": 'resource "aws_s3tables_table_bucket" "home" {\nname = "home"\n%s\n}\n',
    "tags": 'resource "aws_s3_bucket" "home" {\n%s\n}\n',
    "is_enabled": _KEY,
    "policy": _KEY,
    "enable_key_rotation": _KEY,
    "event_selector": _TRAIL % 's3_bucket_name = "home"\n%s',
    "advanced_event_selector": _TRAIL % 's3_bucket_name = "home"\n%s',
    "s3_bucket_name": _TRAIL,
}
# The least that the provider wants of what snippets refer to.
_BODIES: Mapping[str, str] = {
    "aws_cloudfront_origin_access_control": """\
name                              = "x"
origin_access_control_origin_type = "s3"
signing_behavior                  = "always"
signing_protocol                  = "sigv4"
""",
    "aws_cloudfront_key_group": 'items = ["x"]\nname = "x"',
    "aws_s3_directory_bucket": 'bucket = "x--euw1-az1--x-s3"\nlocation {\nname = "euw1-az1"\n}',
    "aws_vpc": 'cidr_block = "10.0.0.0/16"',
}
_REFERENCE = re.compile(r"(?<![\w.\"])(data\.)?(aws_\w+)\.(\w+)\.\w+")


def parsed(code: str) -> Mapping[str, Any]:
    """What the code declares. Raises what the parser raises."""
    found: dict[str, Any] = hcl2.loads(f"{code}\n")
    return {name: value for name, value in found.items() if not name.startswith("__")}


def module(*snippets: str) -> str:
    """The snippets, each where it belongs, and declarations of what they refer to."""
    code = "\n".join(_at_home(snippet) for snippet in snippets)
    plain = re.sub(r"#.*", "", code)
    variables = sorted(set(re.findall(r"\bvar\.(\w+)", plain)))
    providers = sorted(set(re.findall(r"provider\s*=\s*aws\.(\w+)", plain)))
    declared = [f'variable "{name}" {{}}' for name in variables]
    declared += [f'provider "aws" {{\nalias = "{name}"\nregion = "eu-west-1"\n}}' for name in providers]
    return "\n".join([code, *declared, *_referred(plain)])


def _at_home(snippet: str) -> str:
    names = parsed(snippet)
    first = next(iter(names), "resource")
    if first in {"resource", "data"}:
        return snippet
    if first == "destination":
        [target] = names[first]
        return (_INVENTORY if isinstance(target["bucket"], list) else _REPLICATION) % snippet
    return _HOMES[first] % snippet


def _referred(code: str) -> Iterable[str]:
    for data, kind, name in sorted(set(_REFERENCE.findall(code))):
        word = "data" if data else "resource"
        if re.search(rf'{word} "{kind}" "{name}"', code):
            continue
        if kind == "aws_cloudfront_distribution":
            yield (_DISTRIBUTION % (_ELSEWHERE, "")).replace('"home"', f'"{name}"')
        else:
            yield f'{word} "{kind}" "{name}" {{\n{_BODIES.get(kind, "")}\n}}'


@dataclass(frozen=True)
class Terraform:
    """The binary, with providers from the directory `mirror` alone."""

    binary: str
    mirror: str

    def complaints(self, modules: Mapping[str, str], folder: Path) -> dict[str, list[str]]:
        """What `terraform validate` says of each module that it says something of; `folder` is empty."""
        required = 'terraform {\nrequired_providers {\naws = {\nsource = "hashicorp/aws"\n}\n}\n}\n'
        calls = []
        for name, code in modules.items():
            (folder / name).mkdir()
            (folder / name / "main.tf").write_text(f"{code}\n", encoding="utf-8")
            given = "".join(f'{variable} = "x"\n' for variable in re.findall(r'variable "(\w+)"', code))
            calls.append(f'module "{name}" {{\nsource = "./{name}"\n{given}}}\n')
        (folder / "main.tf").write_text(required + "".join(calls), encoding="utf-8")
        self._run(folder, "init", "-backend=false", "-input=false", "-no-color")
        said = json.loads(self._run(folder, "validate", "-json", fails=True))
        found: dict[str, list[str]] = {}
        for each in said["diagnostics"]:
            place = each.get("range", {})
            name = Path(place.get("filename", "")).parts[0] if place else ""
            line = modules.get(name, "").splitlines()[place["start"]["line"] - 1 :][:1] if name in modules else [""]
            text = f"{each['severity']}: {each['summary']}: {each.get('detail', '')} at {line}"
            found.setdefault(name, []).append(text)
        return found

    def differences(self, folder: Path) -> str:
        """What `terraform fmt` would change in the files of the folder, or what is no code in them."""
        return self._run(folder, "fmt", "-check", "-diff", "-no-color", fails=True)

    def _run(self, folder: Path, *words: str, fails: bool = False) -> str:
        settings = folder / "terraform.rc"
        mirror = f"filesystem_mirror {{\npath = {json.dumps(self.mirror)}\n}}"
        settings.write_text(f"provider_installation {{\n{mirror}\n}}\n", encoding="utf-8")
        done = subprocess.run(
            [self.binary, *words],
            cwd=folder,
            env=os.environ | {"TF_CLI_CONFIG_FILE": str(settings.absolute()), "CHECKPOINT_DISABLE": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert fails or not done.returncode, done.stdout + done.stderr
        return done.stdout or done.stderr


def installed() -> Terraform | None:
    """The binary with the provider, where both are there."""
    binary, mirror = shutil.which("terraform"), os.environ.get(MIRROR)
    return Terraform(binary, mirror) if binary and mirror else None
