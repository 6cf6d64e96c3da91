"""Default encryption: there is one, by which key, with a bucket key, and without keys that only the uploader has."""

import json
from collections.abc import Callable
from itertools import chain

from s3warden.correct.other_bucket_writes import ENCRYPTION, TABLE_ENCRYPTION
from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.correct.service_row import region_of
from s3warden.detect.rule import configured
from s3warden.model.action import Declined, Risk, canonical
from s3warden.model.bucket import Aspect, BucketState, Present, Regional
from s3warden.model.other_buckets import OtherBuckets

_NAME = "ServerSideEncryptionConfiguration"
_DEFAULT = "ApplyServerSideEncryptionByDefault"
_OWN_KEYS = {_DEFAULT: {"SSEAlgorithm": "AES256"}}
_ACTIONS = ("s3:PutEncryptionConfiguration",)
_READS = frozenset({Aspect.ENCRYPTION})


def _changed(scene: Scene, change: Callable[[dict[str, object]], None], summary: str, *doubts: str) -> tuple[Edit, ...]:
    """Every rule of the encryption changed, and whatever else it says kept; S3's own keys where there is none."""
    known = scene.documents.get(Aspect.ENCRYPTION)
    document = json.loads(canonical(known if known is not None else {_NAME: {"Rules": [_OWN_KEYS]}}))
    for rule in document[_NAME]["Rules"]:
        change(rule)
    return (Edit(Aspect.ENCRYPTION, document, summary, doubts=doubts),)


def _own_keys(scene: Scene) -> tuple[Edit, ...] | Declined:
    return _changed(scene, lambda _rule: None, "Encrypt new objects with S3's own keys by default")


def _kms(scene: Scene) -> tuple[Edit, ...] | Declined:
    state, key = scene.state, scene.wanted.kms_key
    if key is None or not isinstance(state, BucketState):
        return Declined("no_key", "Which key to encrypt with is not set: remediation.kms_key.")
    named = key.replace("{account}", state.ref.account).replace("{region}", state.ref.region)

    def with_key(rule: dict[str, object]) -> None:
        rule[_DEFAULT] = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": named}
        rule["BucketKeyEnabled"] = True

    doubt = "whether the key is there, and all who read the bucket or write into it may use it"
    return _changed(scene, with_key, f"Encrypt new objects with the key {named} by default", doubt)


def _bucket_key(scene: Scene) -> tuple[Edit, ...] | Declined:
    def with_bucket_key(rule: dict[str, object]) -> None:
        rule["BucketKeyEnabled"] = True

    return _changed(scene, with_bucket_key, "Turn on the bucket key")


def _no_foreign_keys(scene: Scene) -> tuple[Edit, ...] | Declined:
    def without(rule: dict[str, object]) -> None:
        blocked = rule.get("BlockedEncryptionTypes")
        kinds = blocked.get("EncryptionType", []) if isinstance(blocked, dict) else []
        rule["BlockedEncryptionTypes"] = {"EncryptionType": sorted({*kinds, "SSE-C"} - {"NONE"})}

    return _changed(scene, without, "Refuse uploads with keys of the uploader's own (SSE-C)")


def _tables(scene: Scene) -> tuple[Edit, ...] | Declined:
    """The key that the settings name, for each table bucket without one: by its ARN, in the region of the bucket."""
    regions = configured(scene.state, Aspect.TABLE_BUCKETS, Regional)
    edits: list[Edit] = []
    for each in chain.from_iterable(() if regions is None else regions.known(OtherBuckets)):
        if isinstance(each.encryption, Present) and each.encryption.value.startswith("aws:kms"):
            continue
        region, account = region_of(each.arn), scene.state.ref.account
        key = (scene.wanted.kms_key or "").replace("{account}", account).replace("{region}", region)
        if not (key.startswith("arn:") and ":key/" in key and region_of(key) == region):
            return Declined("no_key", f"A table bucket takes the ARN of a key in {region}: set remediation.kms_key so.")
        after = {"encryptionConfiguration": {"kmsKeyArn": key, "sseAlgorithm": "aws:kms"}}
        summary = f"Encrypt new tables of table bucket {each.name} with the key {key}"
        doubt = "whether the key is there and lets in the maintenance of S3 Tables and all who use new tables"
        place = f"{each.arn}{ENCRYPTION}"
        edits.append(Edit(Aspect.TABLE_BUCKETS, after, summary, place=place, doubts=(doubt,)))
    return tuple(edits)


OWN_KEYS = Remedy(
    id="default-encryption",
    title="Encrypt new objects by default with S3's own keys",
    rules=frozenset({"bucket-default-encryption"}),
    reads=_READS,
    risk=Risk.LOW,
    risk_text="Nothing is known to break: S3 encrypts and decrypts by itself.",
    iam_actions=_ACTIONS,
    plan=_own_keys,
    undo_text="Since 2023 AWS encrypts new objects with S3's own keys whatever is configured.",
)
KMS = Remedy(
    id="default-encryption-kms",
    title="Encrypt new objects by default with your KMS key",
    rules=frozenset({"bucket-encryption-kms", "bucket-encryption-cmk", "bucket-encryption-approved-key"}),
    reads=_READS,
    risk=Risk.HIGH,
    risk_text="Whoever may not use the key can no longer read new objects; S3 access logs are not delivered any more.",
    iam_actions=_ACTIONS,
    plan=_kms,
    undo_text="Objects stored meanwhile stay encrypted with the key.",
)
BUCKET_KEY = Remedy(
    id="bucket-key",
    title="Turn on the bucket key",
    rules=frozenset({"bucket-key-enabled"}),
    reads=_READS,
    risk=Risk.LOW,
    risk_text="Key policies that name the ARN of an object as encryption context refuse: they have to name the bucket.",
    iam_actions=_ACTIONS,
    plan=_bucket_key,
    undo_text="Objects stored meanwhile keep their bucket key.",
)
NO_FOREIGN_KEYS = Remedy(
    id="block-sse-c",
    title="Refuse uploads with keys of the uploader's own (SSE-C)",
    rules=frozenset({"bucket-ssec-blocked"}),
    reads=_READS,
    risk=Risk.LOW,
    risk_text="A writer that brings its own keys is refused; objects that are there stay readable with theirs.",
    iam_actions=_ACTIONS,
    plan=_no_foreign_keys,
)

TABLE_KEY = Remedy(
    id="table-bucket-encryption-kms",
    title="Encrypt new tables of table buckets with your KMS key",
    rules=frozenset({"account-table-bucket-encryption"}),
    reads=frozenset({Aspect.TABLE_BUCKETS}),
    risk=Risk.HIGH,
    risk_text="Whoever may not use the key, the maintenance of S3 Tables included, cannot use tables made afterwards.",
    iam_actions=TABLE_ENCRYPTION.iam_actions,
    plan=_tables,
    undo_text="Tables made meanwhile stay encrypted with the key.",
)

REMEDIES = (OWN_KEYS, KMS, BUCKET_KEY, NO_FOREIGN_KEYS, TABLE_KEY)
