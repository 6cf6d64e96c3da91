"""The switch that stops every write at once: a file, an environment variable, or an order given to the daemon.

Asked right before each call that writes. A switch that cannot be looked at counts as on.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

VARIABLE = "S3WARDEN_REMEDIATION_KILL"


@dataclass(slots=True)
class KillSwitch:
    """On while `file` exists, while the variable is set to anything but 0, false or nothing, or after `trip`."""

    file: Path | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    _tripped_by: str = ""

    def trip(self, by: str) -> None:
        """Turn it on until `release`."""
        self._tripped_by = by

    def release(self) -> None:
        """Take back the order; file and variable stay as they are."""
        self._tripped_by = ""

    def on(self) -> str | None:
        """What turned it on, in words; None while it is off."""
        if self._tripped_by:
            return f"turned on by {self._tripped_by}, and turned off by s3warden remediations start"
        if self.environment.get(VARIABLE, "").strip().lower() not in {"", "0", "false"}:
            return f"the variable {VARIABLE} is set"
        return None if self.file is None else _there(self.file)


def _there(file: Path) -> str | None:
    try:
        file.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return f"the file {file} cannot be looked for ({error.strerror})"
    return f"the file {file} exists"
