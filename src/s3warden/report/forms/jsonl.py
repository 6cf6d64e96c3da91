"""JSON lines: one finding a line, and nothing else."""

import json
from typing import TextIO

from s3warden.report.fields import fields
from s3warden.report.scanned import Scanned


def write(scanned: Scanned, stream: TextIO, passed: bool) -> None:
    """Put the lines on `stream`."""
    stream.writelines(json.dumps(fields(check, scanned)) + "\n" for check in scanned.each(passed=passed))
