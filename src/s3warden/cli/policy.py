"""`s3warden policy`: what has to be set up in AWS for these settings, as JSON to paste. Talks to nobody."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from s3warden import permissions
from s3warden.cli.settings import USAGE, ConfigOption, loaded_or_exit
from s3warden.collect.event_pattern import event_pattern
from s3warden.detect.rules import UnknownRuleError
from s3warden.settings.load import load

app = typer.Typer(
    name="policy", help="Print the IAM policies and the event pattern for the settings.", no_args_is_help=True
)


class Role(StrEnum):
    """Whose policy it is."""

    READING = "reading"
    DAEMON = "daemon"


@app.command()
def iam(
    config: ConfigOption = None,
    role: Annotated[
        Role,
        typer.Option(help="`reading`: the role in each guarded account. `daemon`: what runs s3warden."),
    ] = Role.READING,
    remediation: Annotated[
        bool, typer.Option("--remediation", help="The role that makes changes, for the rules that `fixes` name.")
    ] = False,
    partition: Annotated[
        str | None, typer.Option(help="aws, aws-cn, aws-us-gov, aws-eusc. Default: by `aws.region`.")
    ] = None,
) -> None:
    """Print the least that s3warden has to be allowed, for the rules that are enabled.

    The daemon reads its own account as itself: where that is guarded, its role needs both policies.

    Example: s3warden policy iam --config config.toml --role daemon
    """
    loaded = loaded_or_exit(lambda: load(config))
    place = partition or permissions.partition_of(loaded.settings.aws.region)
    make = {Role.READING: permissions.reading, Role.DAEMON: permissions.daemon}[role]
    try:
        policy = (
            permissions.writing(loaded.settings, place)
            if remediation
            else make(loaded.settings, place, loaded.exemptions)
        )
    except UnknownRuleError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(USAGE) from None
    if not policy["Statement"]:
        # AWS takes no policy without a statement.
        typer.echo("error: the settings ask for nothing that has to be allowed", err=True)
        raise typer.Exit(USAGE)
    typer.echo(json.dumps(policy, indent=2))


@app.command("event-pattern")
def print_event_pattern(config: ConfigOption = None) -> None:
    """Print the pattern of the EventBridge rule that fills the queue, for the rules that are enabled.

    Example: aws events put-rule --name s3warden --event-pattern "$(s3warden policy event-pattern)"
    """
    loaded = loaded_or_exit(lambda: load(config))
    try:
        needed = permissions.needed(loaded.settings, loaded.exemptions)
        typer.echo(json.dumps(event_pattern(needed), indent=2))
    except UnknownRuleError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(USAGE) from None
