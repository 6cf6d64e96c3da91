"""How fast the exposure engine is, in multiples of `json.loads` of the same policy text.

`python -m benchmarks.exposure` from the project's root. Three parts: unseen policies (every vector under fresh names),
remembered ones (a fleet of one template), and policies of 20 KB made to hurt. Time is processor time of one core.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from s3warden.detect.exposure.engine import analyse
from s3warden.detect.exposure.inputs import ExposureInputs, inputs_of
from s3warden.detect.exposure.memo import Memo

VECTORS = Path("tests/data/exposure-dev.json")
ROUNDS = 12
BUCKET = "arn:aws:s3:::b"


def timed(run: Callable[[], object]) -> float:
    """Processor milliseconds of one run."""
    start = time.process_time_ns()
    run()
    return (time.process_time_ns() - start) / 1e6


def unseen() -> list[tuple[str, ExposureInputs]]:
    """Every vector that has a policy, under names that nothing has seen."""
    found = []
    for number in range(ROUNDS):
        for vector in json.loads(VECTORS.read_text(encoding="utf-8")):
            renamed = json.loads(json.dumps(vector).replace("acme-data", f"bucket-{number}"))
            found.append((vector["id"], inputs_of(renamed)))
    return found


def grant(resource: Any, effect: str = "Allow", **more: Any) -> dict[str, Any]:
    """A statement about reading."""
    return {"Effect": effect, "Principal": "*", "Action": "s3:GetObject", "Resource": resource, **more}


def hurtful() -> dict[str, list[dict[str, Any]]]:
    """Policies that ask a lot of any analysis."""
    arn = "arn:aws:iam::{0:012d}:role/*a*b*{0}"
    others = {
        "ArnNotLike": {"aws:PrincipalArn": [arn.format(number) for number in range(2 * 10**11, 2 * 10**11 + 300)]}
    }
    stars = [f"{BUCKET}/*{a}*{b}*" for a in "abcdefghijklm" for b in "abcdefghij"]
    keys = ("aws:Referer", "aws:UserAgent", "s3:prefix", "s3:delimiter", "s3:x-amz-acl")
    ranges = [f"203.{number // 250}.{number % 250}.0/24" for number in range(800)]
    accounts = [f"{number:012d}" for number in range(2 * 10**11, 2 * 10**11 + 1100)]
    return {
        "many stars": [grant(f"{BUCKET}/*"), *(grant(star, "Deny") for star in stars)],
        "more stars": [grant(f"{BUCKET}/" + "*a" * 60)]
        + [grant(f"{BUCKET}/" + "*a" * size + "*b" * size, "Deny") for size in range(1, 40)],
        "many statements": [grant(f"{BUCKET}/p{number}*") for number in range(120)]
        + [grant(f"{BUCKET}/p{number}?*", "Deny") for number in range(60)]
        + [grant(f"{BUCKET}/*", "Deny")],
        "question marks": [grant(f"{BUCKET}/" + "?" * 200 + "*"), grant(f"{BUCKET}/" + "*?" * 200, "Deny")],
        "many ways out": [grant(f"{BUCKET}/*")]
        + [
            grant(f"{BUCKET}/*", "Deny", Condition={"StringNotLike": dict.fromkeys(keys, f"*{char}*")})
            for char in "abcdefghijklmnopqrstuvwxyzABCDEFGH"
        ],
        "many accounts": [grant(f"{BUCKET}/*", Principal={"AWS": accounts})],
        "many exempt roles": [grant(f"{BUCKET}/*"), grant([BUCKET, f"{BUCKET}/*"], "Deny", Condition=others)],
        "many ranges": [grant(f"{BUCKET}/*", Condition={"IpAddress": {"aws:SourceIp": ranges}})],
    }  # fmt: skip


def _loads(text: str) -> None:
    for _ in range(50):
        json.loads(text)


def row(name: str, took: float, text: str, size: str = "") -> None:
    """One line of the table."""
    base = min(timed(partial(_loads, text)) / 50 for _ in range(5))
    sys.stdout.write(f"{name:28} {took:9.3f} ms {took / max(base, 1e-6):9.0f} x json.loads {size}".rstrip() + "\n")


def main() -> None:
    """Print the table."""
    cases = unseen()
    for _, inputs in cases[:90]:
        analyse(inputs)
    times = sorted(timed(partial(analyse, inputs)) for _, inputs in cases[90:])
    text = next(str(inputs.policy) for _, inputs in cases if inputs.policy)
    row("unseen policy, median", median(times), text)
    row("unseen policy, p99", times[int(len(times) * 0.99)], text)
    memo = Memo()
    fleet = [replace(cases[-5][1], bucket=f"f{number}") for number in range(1000)]
    memo.analyse(fleet[0])
    row("remembered policy", median(timed(partial(memo.analyse, one)) for one in fleet[1:]), text)
    for name, statements in hurtful().items():
        text = json.dumps({"Version": "2012-10-17", "Statement": statements})
        inputs = inputs_of({"bucket": "b", "bucket_owner": "1" * 12, "policy": text})
        found = analyse(inputs)
        row(name, timed(partial(analyse, inputs)), text, f"{len(text)} bytes, public={found.public}")


if __name__ == "__main__":
    main()
