"""What the bucket policy is to demand of every request: Deny statements of ours, known again by their Sid."""

import json
from collections.abc import Mapping

from s3warden.correct.policy_text import statements_of, with_statement
from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.detect.form import has_form
from s3warden.model.action import Declined, Risk
from s3warden.model.bucket import Aspect, BucketState
from s3warden.model.rule import filled

TLS_ONLY = "S3WardenTlsOnly"
MODERN_TLS = "S3WardenModernTls"
ENCRYPTED_UPLOADS = "S3WardenEncryptedUploads"
_SSE = "s3:x-amz-server-side-encryption"
_ACTIONS = ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy")
_UNDO = "Where there was no policy the undo deletes ours, unless anybody added to it."


def _demanding(scene: Scene, sid: str, summary: str, condition: Mapping[str, object]) -> tuple[Edit, ...] | Declined:
    """The policy with our Deny in it, of everything unless `condition` is about uploads."""
    state = scene.state
    if not isinstance(state, BucketState):
        return Declined("no_bucket", "Only a bucket has a policy.")
    arn = state.ref.arn
    uploads = sid == ENCRYPTED_UPLOADS
    statement = {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject" if uploads else "s3:*",
        "Resource": f"{arn}/*" if uploads else [arn, f"{arn}/*"],
        "Condition": condition,
    }
    known = scene.documents.get(Aspect.POLICY)
    try:
        text = with_statement(None if known is None else str(known["Policy"]), statement)
    except ValueError as error:
        return Declined("policy_not_written", f"The statement cannot be put into the policy: {error}.")
    return (Edit(Aspect.POLICY, {"Policy": text}, summary),)


def _tls(scene: Scene) -> tuple[Edit, ...] | Declined:
    return _demanding(scene, TLS_ONLY, "Refuse plain http", {"Bool": {"aws:SecureTransport": "false"}})


def _version(scene: Scene) -> tuple[Edit, ...] | Declined:
    version = scene.options.minimum_tls
    condition = {"NumericLessThan": {"s3:TlsVersion": version}}
    return _demanding(scene, MODERN_TLS, f"Refuse TLS below {version}", condition)


def _uploads(scene: Scene) -> tuple[Edit, ...] | Declined:
    wanted = list(scene.options.upload_encryption)
    condition = {"StringNotEquals": {_SSE: wanted[0] if len(wanted) == 1 else wanted}}
    return _demanding(
        scene, ENCRYPTED_UPLOADS, f"Refuse uploads that ask for other than {', '.join(wanted)}", condition
    )


def _required(scene: Scene) -> tuple[Edit, ...] | Declined:
    """The statements that the settings require and the policy lacks, where they are whole."""
    known, ref = scene.documents.get(Aspect.POLICY), scene.state.ref
    text = None if known is None else str(known["Policy"])
    names: list[str] = []
    try:
        for form in scene.options.required_statements:
            wanted = json.loads(filled(form, ref))
            if text is not None and any(has_form(each, wanted) for each in statements_of(text)):
                continue
            if not wanted.keys() >= _WHOLE or "*" in wanted["Sid"]:
                return Declined("no_statement", "A required statement is only outlined: it needs a Sid, and all else.")
            text = with_statement(text, wanted)
            names.append(str(wanted["Sid"]))
    except ValueError as error:
        return Declined("policy_not_written", f"The statement cannot be put into the policy: {error}.")
    if text is None or not names:
        return ()
    return (Edit(Aspect.POLICY, {"Policy": text}, f"Add the required statements {', '.join(names)}"),)


_WHOLE = {"Sid", "Effect", "Principal", "Action", "Resource"}
TLS = Remedy(
    id="require-tls",
    title="Refuse plain http by a statement of the bucket policy",
    rules=frozenset({"bucket-tls-required"}),
    reads=frozenset({Aspect.POLICY}),
    risk=Risk.LOW,
    risk_text="Clients that speak plain http are refused, and so is a website endpoint, which speaks nothing else.",
    iam_actions=_ACTIONS,
    plan=_tls,
    undo_text=_UNDO,
)
VERSION = Remedy(
    id="require-modern-tls",
    title="Refuse old versions of TLS by a statement of the bucket policy",
    rules=frozenset({"bucket-tls-min-version"}),
    reads=frozenset({Aspect.POLICY}),
    risk=Risk.MEDIUM,
    risk_text="Clients with an old TLS library are refused.",
    iam_actions=_ACTIONS,
    plan=_version,
    undo_text=_UNDO,
)
UPLOADS = Remedy(
    id="require-upload-encryption",
    title="Refuse uploads that do not ask for the encryption that is wanted",
    rules=frozenset({"bucket-upload-encryption-enforced"}),
    reads=frozenset({Aspect.POLICY}),
    risk=Risk.HIGH,
    risk_text="Every upload without the header is refused, those that rely on the default encryption included.",
    iam_actions=_ACTIONS,
    plan=_uploads,
    undo_text=_UNDO,
)

REQUIRED = Remedy(
    id="add-required-statements",
    title="Add the statements that the settings require",
    rules=frozenset({"bucket-policy-required-statements"}),
    reads=frozenset({Aspect.POLICY}),
    risk=Risk.HIGH,
    risk_text="Whatever the statements refuse is refused from then on.",
    iam_actions=_ACTIONS,
    plan=_required,
    undo_text=_UNDO,
)

REMEDIES = (TLS, VERSION, UPLOADS, REQUIRED)
