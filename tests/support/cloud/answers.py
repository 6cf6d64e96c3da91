"""What the fake AWS answers to reads of S3, in S3's own words."""

from collections.abc import Callable, Mapping
from xml.sax.saxutils import escape

from support.cloud.world import MADE, Bucket, StoredObject, World

_NS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
_XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_FLAGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


class RefusalError(Exception):
    """An error as AWS answers it."""

    def __init__(self, code: str, message: str = "", status: int = 404) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.status = status


def read(world: World, bucket: Bucket, key: str) -> str:
    """The answer to a read of the sub-resource that the query calls `key`."""
    if key not in READS:
        raise RefusalError("NotImplemented", f"this fake knows no ?{key}", 501)
    if key in bucket.documents:
        return bucket.documents[key]
    return READS[key][1](world, bucket)


def operation_of(key: str) -> str:
    """The operation that reads the sub-resource which the query calls `key`."""
    return READS[key][0] if key in READS else "Unknown"


def listing(world: World, account: str, query: Mapping[str, str]) -> str:
    """A page of ListBuckets."""
    after, prefix, region = (query.get(key, "") for key in ("continuation-token", "prefix", "bucket-region"))
    found = [
        bucket
        for bucket in world.owned_by(account)
        if bucket.name > after and bucket.name.startswith(prefix) and region in ("", bucket.region)
    ]
    size = int(query.get("max-buckets", 10_000))
    page, more = found[:size], len(found) > size
    items = "".join(
        f"<Bucket><Name>{b.name}</Name><CreationDate>{MADE:%Y-%m-%dT%H:%M:%S.000Z}</CreationDate>"
        f"<BucketRegion>{b.region}</BucketRegion></Bucket>"
        for b in page
    )
    token = f"<ContinuationToken>{page[-1].name}</ContinuationToken>" if more else ""
    return (
        f"<ListAllMyBucketsResult {_NS}><Owner><ID>{account}</ID></Owner><Buckets>{items}</Buckets>{token}"
        "</ListAllMyBucketsResult>"
    )


def block(flags: tuple[bool, ...] | None) -> str:
    """The answer of GetPublicAccessBlock, for a bucket or an account."""
    if flags is None:
        raise RefusalError(
            "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"
        )
    inner = "".join(f"<{name}>{str(on).lower()}</{name}>" for name, on in zip(_FLAGS, flags, strict=True))
    return f"<PublicAccessBlockConfiguration {_NS}>{inner}</PublicAccessBlockConfiguration>"


def empty_list(operation: str) -> str:
    """The answer of a list of access points; there are none in this world."""
    items = {"ListAccessPoints": "AccessPointList", "ListMultiRegionAccessPoints": "AccessPoints"}[operation]
    return (
        f'<{operation}Result xmlns="http://awss3control.amazonaws.com/doc/2018-08-20/"><{items}/></{operation}Result>'
    )


def object_acl(world: World, bucket: Bucket, key: str) -> str:
    """The answer of GetObjectAcl."""
    if key not in bucket.objects:
        raise RefusalError("NoSuchKey", "The specified key does not exist.")
    return _acl(world, bucket, bucket.objects[key])


def _acl(world: World, bucket: Bucket, of: Bucket | StoredObject | None = None) -> str:
    of = of or bucket
    shown = [] if world.ignores_acls(bucket) else of.grants
    owner = f"<ID>{bucket.account}</ID>"
    user = f'<Grantee {_XSI} xsi:type="CanonicalUser">{owner}</Grantee>'
    grants = f"<Grant>{user}<Permission>FULL_CONTROL</Permission></Grant>"
    grants += "".join(
        f'<Grant><Grantee {_XSI} xsi:type="Group"><URI>http://acs.amazonaws.com/groups/global/{group}</URI></Grantee>'
        f"<Permission>{permission}</Permission></Grant>"
        for group, permission in shown
    )
    grants += "".join(
        f'<Grant><Grantee {_XSI} xsi:type="CanonicalUser"><ID>{user}</ID></Grantee>'
        f"<Permission>{permission}</Permission></Grant>"
        for user, permission in of.users
    )
    return (
        f"<AccessControlPolicy {_NS}><Owner>{owner}</Owner><AccessControlList>{grants}</AccessControlList>"
        "</AccessControlPolicy>"
    )


def _policy(_: World, bucket: Bucket) -> str:
    if bucket.policy is None:
        raise RefusalError("NoSuchBucketPolicy", "The bucket policy does not exist")
    return bucket.policy


def _policy_status(_: World, bucket: Bucket) -> str:
    _policy(_, bucket)
    return f"<PolicyStatus {_NS}><IsPublic>{str(bucket.has_public_policy).lower()}</IsPublic></PolicyStatus>"


def _ownership(_: World, bucket: Bucket) -> str:
    if bucket.ownership is None:
        raise RefusalError("OwnershipControlsNotFoundError", "The bucket ownership controls were not found")
    rule = f"<Rule><ObjectOwnership>{bucket.ownership}</ObjectOwnership></Rule>"
    return f"<OwnershipControls {_NS}>{rule}</OwnershipControls>"


def _encryption(_: World, bucket: Bucket) -> str:
    if bucket.algorithm is None:
        raise RefusalError("ServerSideEncryptionConfigurationNotFoundError", "No encryption configuration was found")
    default = f"<SSEAlgorithm>{bucket.algorithm}</SSEAlgorithm>"
    rule = f"<Rule><ApplyServerSideEncryptionByDefault>{default}</ApplyServerSideEncryptionByDefault></Rule>"
    return f"<ServerSideEncryptionConfiguration {_NS}>{rule}</ServerSideEncryptionConfiguration>"


def _versioning(_: World, bucket: Bucket) -> str:
    status = f"<Status>{bucket.versioning}</Status>" if bucket.versioning else ""
    return f"<VersioningConfiguration {_NS}>{status}</VersioningConfiguration>"


def _logging(_: World, bucket: Bucket) -> str:
    target = f"<TargetBucket>{bucket.logs_to}</TargetBucket><TargetPrefix>{bucket.logs_under}</TargetPrefix>"
    inner = f"<LoggingEnabled>{target}</LoggingEnabled>" if bucket.logs_to else ""
    return f"<BucketLoggingStatus {_NS}>{inner}</BucketLoggingStatus>"


def _tagging(_: World, bucket: Bucket) -> str:
    if not bucket.tags:
        raise RefusalError("NoSuchTagSet", "The TagSet does not exist")
    pairs = sorted(bucket.tags.items())
    tags = "".join(f"<Tag><Key>{escape(key)}</Key><Value>{escape(value)}</Value></Tag>" for key, value in pairs)
    return f"<Tagging {_NS}><TagSet>{tags}</TagSet></Tagging>"


def _absent(code: str) -> Callable[[World, Bucket], str]:
    def answer(_world: World, _bucket: Bucket) -> str:
        raise RefusalError(code, "It is not configured")

    return answer


def _plain(text: str) -> Callable[[World, Bucket], str]:
    return lambda _world, _bucket: text


def _list(name: str) -> str:
    return f"<{name} {_NS}><IsTruncated>false</IsTruncated></{name}>"


READS: Mapping[str, tuple[str, Callable[[World, Bucket], str]]] = {
    "abac": ("GetBucketAbac", _plain(f"<AbacStatus {_NS}><Status>Disabled</Status></AbacStatus>")),
    "accelerate": ("GetBucketAccelerateConfiguration", _plain(f"<AccelerateConfiguration {_NS}/>")),
    "acl": ("GetBucketAcl", _acl),
    "cors": ("GetBucketCors", _absent("NoSuchCORSConfiguration")),
    "encryption": ("GetBucketEncryption", _encryption),
    "intelligent-tiering": (
        "ListBucketIntelligentTieringConfigurations",
        _plain(_list("ListBucketIntelligentTieringConfigurationsOutput")),
    ),
    "analytics": ("ListBucketAnalyticsConfigurations", _plain(_list("ListBucketAnalyticsConfigurationResult"))),
    "inventory": ("ListBucketInventoryConfigurations", _plain(_list("ListInventoryConfigurationsResult"))),
    "lifecycle": ("GetBucketLifecycleConfiguration", _absent("NoSuchLifecycleConfiguration")),
    "location": (
        "GetBucketLocation",
        lambda _, bucket: f"<LocationConstraint {_NS}>{bucket.region}</LocationConstraint>",
    ),
    "logging": ("GetBucketLogging", _logging),
    "notification": ("GetBucketNotificationConfiguration", _plain(f"<NotificationConfiguration {_NS}/>")),
    "object-lock": ("GetObjectLockConfiguration", _absent("ObjectLockConfigurationNotFoundError")),
    "ownershipControls": ("GetBucketOwnershipControls", _ownership),
    "policy": ("GetBucketPolicy", _policy),
    "policyStatus": ("GetBucketPolicyStatus", _policy_status),
    "publicAccessBlock": ("GetPublicAccessBlock", lambda _, bucket: block(bucket.block)),
    "replication": ("GetBucketReplication", _absent("ReplicationConfigurationNotFoundError")),
    "requestPayment": (
        "GetBucketRequestPayment",
        _plain(f"<RequestPaymentConfiguration {_NS}><Payer>BucketOwner</Payer></RequestPaymentConfiguration>"),
    ),
    "tagging": ("GetBucketTagging", _tagging),
    "versioning": ("GetBucketVersioning", _versioning),
    "website": ("GetBucketWebsite", _absent("NoSuchWebsiteConfiguration")),
}
