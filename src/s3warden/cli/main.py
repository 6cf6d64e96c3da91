"""The command `s3warden`: which words there are. What they do is in the modules beside this one."""

import platform
from importlib.metadata import version
from typing import Annotated

import typer

from s3warden.cli import (
    audit,
    config,
    exemptions,
    explain_bucket,
    explain_event,
    explain_exposure,
    remediations,
    rules,
)
from s3warden.cli.healthcheck import healthcheck
from s3warden.cli.incident import incident
from s3warden.cli.notify import app as notify
from s3warden.cli.plan import plan
from s3warden.cli.policy import app as policy
from s3warden.cli.run import run
from s3warden.cli.scan import scan

app = typer.Typer(
    name="s3warden",
    help="Guard every S3 bucket of an AWS organisation: detect, tell, correct, prevent.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
explain = typer.Typer(help="Say why: who can reach a bucket, what an event sets off.", no_args_is_help=True)
explain.command("bucket")(explain_bucket.bucket)
explain.command("exposure")(explain_exposure.exposure)
explain.command("event")(explain_event.event)

app.command("run")(run)
app.command("scan")(scan)
app.command("plan")(plan)
app.add_typer(explain, name="explain")
app.add_typer(rules.app, name="rules")
app.add_typer(exemptions.app, name="exemptions")
app.add_typer(config.app, name="config")
app.add_typer(policy, name="policy")
app.add_typer(notify, name="notify")
app.add_typer(audit.app, name="audit")
app.command("incident")(incident)
app.add_typer(remediations.app, name="remediations")
app.command("undo")(remediations.undo)
app.command("healthcheck")(healthcheck)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"s3warden {version('s3warden')} (Python {platform.python_version()})")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass
