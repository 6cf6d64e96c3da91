"""`python -m s3warden` and the `s3warden` command."""

from s3warden.cli.main import app


def main() -> None:
    """Run the command line."""
    app(prog_name="s3warden")


if __name__ == "__main__":
    main()
