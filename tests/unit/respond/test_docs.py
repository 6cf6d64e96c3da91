"""docs/notifications.md keeps up with the code."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from s3warden.respond.document import SCHEMA, document
from s3warden.respond.notifiers.webhook import sign
from support.alerts import alert, digest_notification, notification

TEXT = (Path(__file__).parents[3] / "docs" / "notifications.md").read_text()


def test_every_field_of_the_document_is_described() -> None:
    """Whatever a receiver can find in the JSON is named in the documentation."""
    whole, told = document(notification(1, alert())), document(digest_notification())
    (one,) = whole["alerts"]
    parts: list[dict[str, Any]] = [whole, one, one["subject"], one["fix"], one["trigger"], one["trigger"]["actor"]]
    parts += [told["digest"], told["digest"]["coverage"], told["digest"]["rules"][0]]
    missing = {key for part in parts for key in part if not re.search(rf"[`.]{key}[`.]", TEXT)}
    assert missing == set()
    assert SCHEMA in TEXT


def test_recipe_for_the_signature_works() -> None:
    """The documented function accepts what is sent, and nothing else."""
    (recipe,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, Any] = {}
    exec(recipe, names)  # noqa: S102 - our own documentation
    names["time"] = SimpleNamespace(time=lambda: 1614265400.0)
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,b3RoZXI= " + sign(secret.removeprefix("whsec_"), "msg_1", 1614265330, body),
    }
    assert names["is_genuine"](headers, body, secret)
    assert not names["is_genuine"](headers, body + b" ", secret)
    assert not names["is_genuine"](headers | {"webhook-timestamp": "1614265000"}, body, secret)
