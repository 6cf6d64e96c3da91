"""`python -m s3warden` and the `s3warden` command."""

import sys


def main() -> None:
    """Run the command line."""
    # A probe that runs every few seconds must not pay for importing the whole daemon.
    if sys.argv[1:2] == ["healthcheck"]:
        from s3warden.cli import healthcheck  # noqa: PLC0415

        healthcheck.main()
    else:
        from s3warden.cli.main import app  # noqa: PLC0415

        app(prog_name="s3warden")


if __name__ == "__main__":
    main()
