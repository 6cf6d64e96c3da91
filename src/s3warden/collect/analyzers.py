"""Reads IAM Access Analyzer: which analyzers watch an account in a region, and what they found about a bucket.

Takes an account and regions, or a bucket, hands on readings. An analyzer of the organisation is listed in the account
that it was made in and in no other: the settings name that account, and what it answers counts for every guarded one.
Findings are asked for once for all buckets of an account and region that are looked at together.

Findings are read by ListFindings, which tells of each who has access and whether everybody has; ListFindingsV2 leaves
that to one more call for each finding. Source: the Access Analyzer API reference.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from itertools import chain
from typing import TypeAlias

from s3warden.collect.aspects import AspectRead
from s3warden.collect.batches import Batches
from s3warden.collect.regions import Listed, by_region, every_item
from s3warden.collect.services import ServiceReader
from s3warden.collect.shapes import Answer, flag, mapping, optional_text, sequence, text
from s3warden.collect.shared import Shared
from s3warden.model.bucket import ABSENT, AccountRef, BucketRef, Cause, Present, Reading, Regional, Unreadable
from s3warden.model.services import AccessFinding, AccessFindings, Analyzer, AnalyzerKind, Analyzers

_SERVICE = "accessanalyzer"
_BUCKET = "AWS::S3::Bucket"
# So many values may a filter have. Findings are asked for by their buckets, since an organisation may have any number.
_VALUES = 20
_Place: TypeAlias = tuple[AccountRef, str]
_Found: TypeAlias = Mapping[str, tuple[AccessFinding, ...]] | Unreadable | None


def _analyzer(item: Answer) -> Analyzer | None:
    kind = text(item.get("type"), "type")
    if kind not in set(AnalyzerKind):
        # Analyzers of unused or internal access see nobody from outside.
        return None
    arn, name, status = (text(item.get(part), part) for part in ("arn", "name", "status"))
    return Analyzer(arn, name, AnalyzerKind(kind), status)


def _finding(item: Answer) -> tuple[str, AccessFinding]:
    sources = (mapping(each, "source") for each in sequence(item.get("sources", ()), "sources"))
    principal = mapping(item.get("principal", {}), "principal")
    return text(item.get("resource"), "resource"), AccessFinding(
        id=text(item.get("id"), "id"),
        public=flag(item.get("isPublic", False), "isPublic"),
        principal=", ".join(f"{kind} {text(value, kind)}" for kind, value in sorted(principal.items())),
        actions=tuple(sorted(text(each, "action") for each in sequence(item.get("action", ()), "action"))),
        sources=tuple(sorted({text(each.get("type"), "type") for each in sources})),
        restricted=optional_text(item.get("resourceControlPolicyRestriction"), "restriction") or "",
    )


LIST = AspectRead("ListAnalyzers", "access-analyzer:ListAnalyzers", _analyzer)
FINDINGS = AspectRead("ListFindings", "access-analyzer:ListFindings", _finding)


def _is_shut(outcome: object) -> bool:
    """Whether nobody watches the region, or nobody answers there: then it is so for every bucket of it."""
    return outcome is None or (isinstance(outcome, Unreadable) and outcome.cause is not Cause.THROTTLED)


class AnalyzerReads:
    """Reads analyzers and findings through `reader`. `security` is the account with the organisation's analyzers."""

    def __init__(self, reader: ServiceReader, security: str | None = None) -> None:
        self._reader = reader
        self._security = security
        self._findings = Batches(self._found, lasts=_is_shut)
        self._analyzers: Shared[_Place, Analyzers] = Shared()
        self._shared = Batches(self._listed_there)

    async def of_account(self, ref: AccountRef, regions: Collection[str]) -> Present[Regional[Analyzers]]:
        """The analyzers that watch the account, region by region."""
        return await by_region(regions, partial(self._watching, ref))

    async def findings(self, ref: BucketRef) -> Reading[AccessFindings]:
        """The open findings about the bucket; Absent where no active analyzer watches it."""
        found = await self._findings.of((ref.owner, ref.region), ref.arn)
        if isinstance(found, Unreadable):
            return found
        return ABSENT if found is None else Present(AccessFindings(found.get(ref.arn, ())))

    async def _watching(self, ref: AccountRef, region: str) -> Reading[Analyzers]:
        own = await self._listed(ref, region)
        if isinstance(own, Unreadable) or self._security in (None, ref.account):
            return own if isinstance(own, Unreadable) else Present(Analyzers(own))
        theirs = await self._shared.of((AccountRef(ref.partition, str(self._security)), region))
        if isinstance(theirs, Unreadable):
            # An active analyzer of the account's own is enough; without one the other might have been.
            return Present(Analyzers(own)) if Analyzers(own).active else theirs
        shared = tuple(each for each in theirs if each.kind is AnalyzerKind.ORGANIZATION)
        return Present(Analyzers(own + shared))

    async def _listed(self, ref: AccountRef, region: str) -> Listed[Analyzer]:
        ask = partial(self._reader.service, ref, _SERVICE, LIST.operation, region=region)
        listed = await every_item(ask, LIST, _analyzer, items="analyzers")
        if isinstance(listed, Unreadable):
            return listed
        return tuple(sorted((each for each in listed if each is not None), key=lambda each: each.arn))

    async def _listed_there(self, place: _Place, _names: frozenset[str]) -> Listed[Analyzer]:
        return await self._listed(*place)

    async def _found(self, place: _Place, arns: frozenset[str]) -> _Found:
        """The findings by bucket; None where no active analyzer watches the region."""
        ref, region = place
        watching = await self._analyzers.reading(place, lambda: self._watching(ref, region))
        if not isinstance(watching, Present):
            return watching if isinstance(watching, Unreadable) else None
        active = watching.value.active
        ordered = sorted(arns)
        parts = [ordered[at : at + _VALUES] for at in range(0, len(ordered), _VALUES)]
        lists = await asyncio.gather(*(self._open(ref, region, each, part) for each in active for part in parts))
        failed = next((each for each in lists if isinstance(each, Unreadable)), None)
        if failed is not None or not active:
            return failed
        return _split(chain.from_iterable(each for each in lists if isinstance(each, tuple)))

    async def _open(
        self, ref: AccountRef, region: str, analyzer: Analyzer, arns: list[str]
    ) -> Listed[tuple[str, AccessFinding]]:
        asked: dict[str, object] = {
            "status": {"eq": ["ACTIVE"]},
            "resourceType": {"eq": [_BUCKET]},
            "resource": {"eq": arns},
        }
        owner = AccountRef(ref.partition, analyzer.arn.split(":")[4])
        if owner != ref or analyzer.kind is AnalyzerKind.ORGANIZATION:
            asked["resourceOwnerAccount"] = {"eq": [ref.account]}
        ask = partial(
            self._reader.service,
            owner,
            _SERVICE,
            FINDINGS.operation,
            region=region,
            analyzerArn=analyzer.arn,
            filter=asked,
        )
        return await every_item(ask, FINDINGS, _finding, items="findings")


def _split(found: Iterable[tuple[str, AccessFinding]]) -> Mapping[str, tuple[AccessFinding, ...]]:
    by_bucket: defaultdict[str, dict[str, AccessFinding]] = defaultdict(dict)
    for arn, finding in found:
        by_bucket[arn][finding.id] = finding
    return {arn: tuple(each for _, each in sorted(findings.items())) for arn, findings in by_bucket.items()}
